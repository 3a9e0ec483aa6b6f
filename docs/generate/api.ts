import { schema } from '../../config/schema.js'
import { type ErrorKey, ServiceError } from '../../machines/domain/errors.js'
import { errorBody } from '../../rpc/frame.js'
import type { Method } from '../../rpc/method.js'
import { methods } from '../../rpc/methods/index.js'
import { Camera, cameraProperties, Status } from '../../rpc/schemas.js'
import { dottedTopics, legacyTopics, severities, type Topic } from '../../rpc/topics.js'
import { apiVersion } from '../../rpc/version.js'
import type { Example } from './examples.js'
import { prettyJson } from './prettyJson.js'
import { limitsOf, type Member, membersOf, type Shape, shapeOf, typeOf } from './shapes.js'
import { code, table } from './table.js'

/** What `data` of an error holds beside what all have. */
const errorFields: Record<ErrorKey, string[]> = {
  invalidRequest: [],
  methodNotFound: [],
  invalidParams: ['param', 'rule'],
  internal: ['request_id'],
  authRequired: [],
  authFailed: [],
  permissionDenied: ['required_role', 'have_role'],
  notFound: ['resource', 'id'],
  invalidState: ['state', 'allowed_states', 'allowed_methods'],
  unsupported: ['feature'],
  rateLimited: ['retry_after_ms'],
  dependencyFailed: ['dependency', 'detail'],
}

const topicWords: Record<Topic, string> = {
  'camera.connected': 'A camera can be used',
  'camera.disconnected': 'A camera was unplugged or cannot be reached any more',
  'camera.status_change': '`status` of a camera changed, or the camera left the list for good (`retired`)',
  'camera.capability_detected': 'The formats of a camera are known',
  'camera.capability_error': 'A camera could not be asked for its formats',
  'recording.start': 'A recording began: its file grows',
  'recording.stop': 'A recording ended in good order; its files are final',
  'recording.progress': 'A recording was interrupted or goes on (`status`, `resumed`)',
  'recording.error': 'A recording never began, ended for a fault, or is interrupted',
  'recording.deleted': 'The retention deleted a recording',
  'snapshot.taken': 'A snapshot is there',
  'snapshot.error': 'No way to a snapshot worked',
  'snapshot.deleted': 'The retention deleted a snapshot',
  'storage.cleanup': 'The retention looked for files that may go; what it deleted in all',
  'discovery.started': 'A scan for external streams began',
  'discovery.progress': 'How many addresses the scan has asked',
  'discovery.found': 'The scan found a stream that was not known',
  'discovery.completed': 'The scan is over',
  'system.health': 'The health changed; the result of get_status',
  'system.error': 'A part of the service has a fault (`component`, `severity`)',
  'system.startup': 'The service has started',
  'system.shutdown': 'The service stops',
  'mediamtx.stream': 'A stream began, stalls or ended (`ready`)',
  'mediamtx.path': 'The path of a camera came or went',
  'mediamtx.error': 'The media server or one of its streams has a fault',
  'mediamtx.recording_started': 'As recording.start',
  'mediamtx.recording_stopped': 'As recording.stop',
  'mediamtx.recording_failed': 'As recording.error, without interruptions',
  'mediamtx.stream_started': 'A stream gives frames',
  'mediamtx.stream_stopped': 'A stream ended',
  camera_status_update: 'Anything of a camera changed; the whole [camera](#camera)',
  recording_status_update: 'A recording began, is interrupted, goes on or ended',
  system_health_update: 'As system.health',
}

const status = shapeOf(Status)
/** Shapes that stand in several results, told once. */
const known: ReadonlyMap<Shape, string> = new Map([[shapeOf(Camera), '[camera](#camera)']])

/** That no count is negative goes without saying. */
const rangeOf = (shape: Shape) => (shape.minimum === 0 && shape.maximum === undefined ? '' : limitsOf(shape))

const memberTable = (members: Member[]) =>
  table(
    ['Field', 'Type', 'Meaning'],
    members.map(({ name, shape }) => [
      code(name),
      typeOf(shape, known),
      [rangeOf(shape), shape.description].filter(Boolean).join('; '),
    ]),
  )

const descriptionOf = ({ description, anyOf = [] }: Shape): string | undefined =>
  description ?? anyOf.find((each) => each.description)?.description

function paramsOf({ params, numeric = [] }: Method): string {
  const { properties = {}, required = [] } = shapeOf(params)
  const rows = Object.entries(properties).map(([name, shape]) => {
    const meaning = [descriptionOf(shape), numeric.includes(name) ? 'also as a string of digits' : undefined]
      .filter(Boolean)
      .join('; ')
    return [code(name), typeOf(shape, known), limitsOf(shape), required.includes(name) ? 'yes' : 'no', meaning]
  })
  return rows.length === 0 ? 'Params: none.' : table(['Param', 'Type', 'Limits', 'Required', 'Meaning'], rows)
}

function resultOf({ name, result }: Method): string {
  const shape = shapeOf(result)
  if (shape === status && name !== 'get_status') return 'Result: as of [get_status](#get_status).'
  const object = shape.type === 'array' && shape.items ? shape.items : shape
  if (object.properties === undefined) return `Result: ${typeOf(shape, known)}.`
  const introduction = object === shape ? 'Result:' : 'Result: a list of objects:'
  const isCamera = Object.keys(cameraProperties).every((key) => object.properties?.[key] !== undefined)
  if (!isCamera) return `${introduction}\n\n${memberTable(membersOf(object, known))}`
  const more = membersOf(object, known).filter(
    ({ name }) => !Object.hasOwn(cameraProperties, name.split(/[.?[]/, 1)[0] ?? ''),
  )
  return `Result: a [camera](#camera), and:\n\n${memberTable(more)}`
}

function exampleOf(name: string, { params, result }: Example): string {
  const request = { jsonrpc: '2.0', id: 2, method: name, ...(params && { params }) }
  return `\`\`\`json\n${prettyJson(request)}\n${prettyJson({ jsonrpc: '2.0', id: 2, result })}\n\`\`\``
}

function section(method: Method, example: Example | undefined): string {
  const { name, summary, role, since, cost, audited, gated, camera, deprecated, errors = [] } = method
  const facts = [
    role === 'none' ? 'Role: none needed' : `Role: ${role}`,
    `since ${since}`,
    ...(cost > 1 ? [`counts as ${cost} look-ups`] : []),
    ...(audited ? ['logged with its caller'] : []),
    ...(errors.length > 0 || camera !== undefined || gated ? [`also answers ${moreCodes(method)}`] : []),
    ...(gated ? ['refused until the service has started'] : []),
    ...(deprecated
      ? [`deprecated since ${deprecated.since}, gone in ${deprecated.removed_in}: use ${deprecated.use}`]
      : []),
  ]
  const parts = [
    `### ${name}`,
    summary,
    facts.join(' · '),
    paramsOf(method),
    resultOf(method),
    ...(example ? [exampleOf(name, example)] : []),
  ]
  return `${parts.join('\n\n')}\n`
}

/** Codes beyond those that any method may answer. */
const moreCodes = ({ camera, gated, errors = [] }: Method) =>
  [
    ...new Set(
      [...(camera ? (['notFound'] as const) : []), ...(gated ? (['dependencyFailed'] as const) : []), ...errors].map(
        (key) => new ServiceError(key).code,
      ),
    ),
  ]
    .sort((one, other) => other - one)
    .join(', ')

const anchor = (name: string) => `[${name}](#${name.replaceAll('.', '')})`

const overview = table(
  ['Method', 'Role', 'Weight', 'Since', 'Logged', 'Deprecated'],
  methods.map(({ name, role, cost, since, audited, deprecated }) => [
    anchor(name),
    role,
    String(cost),
    since,
    audited ? 'yes' : '',
    deprecated ? `since ${deprecated.since}, gone in ${deprecated.removed_in}: use ${deprecated.use}` : '',
  ]),
)

const errorRows = (Object.keys(errorFields) as ErrorKey[]).map((key) => {
  const error = new ServiceError(key)
  const { reason, suggestion } = errorBody(error).data as { reason: string; suggestion: string }
  return [
    code(String(error.code)),
    String(error.status),
    error.message,
    code(reason),
    errorFields[key].map(code).join(', '),
    suggestion,
  ]
})

const topicTable = (topics: readonly Topic[]) =>
  table(
    ['Topic', 'Told when'],
    topics.map((topic) => [code(topic), topicWords[topic]]),
  )

/** The text of docs/api.md; `examples`: one call of each method and what it was answered. */
export function apiPage(examples: ReadonlyMap<string, Example>): string {
  const { server, http_health: health } = schema
  return `<!-- Written from rpc/methods by docs/generate/api.ts; change the methods, not this page. -->

# API

JSON-RPC 2.0 over WebSocket, one request in one text message: \`ws://<host>:${server.port.written}${server.websocket_path.written}\` (\`server.port\`, \`server.websocket_path\`).

## Messages

A request, its answer, and the answer of one that failed:

\`\`\`json
{ "jsonrpc": "2.0", "id": 1, "method": "get_camera_status", "params": { "device": "camera0" } }
{ "jsonrpc": "2.0", "id": 1, "result": {}, "metadata": { "processing_time_ms": 3, "server_timestamp": "2026-01-01T00:00:00.000Z", "request_id": "0a1b2c3d-1" } }
{ "jsonrpc": "2.0", "id": 1, "error": { "code": -32010, "message": "Camera not found", "data": { "reason": "not_found", "details": "", "suggestion": "" } }, "metadata": {} }
\`\`\`

- Params are given by name. Unknown ones are ignored.
- A request without \`id\` is carried out and not answered. Batches are refused.
- Answers may come in another order than their requests: go by \`id\`.
- \`request_id\` is what the service's log calls the request.
- Times are ISO 8601 in UTC. Durations are in seconds, sizes in bytes, unless a name says otherwise (\`_ms\`).
- New fields may be added to any result. \`metadata.deprecated\` tells of a method that will go, and what to use instead.
- This is version ${apiVersion} of the API.

## Authentication

Every method but those of role none wants a credential, a token (JWT) or an API key: call [authenticate](#authenticate) first. It speaks for the
connection until it expires, is revoked, or another one takes its place. Roles are viewer, operator and admin; each may do what the ones before it may.
A credential may be limited to some cameras: others do not exist for it. \`camera-service token --role viewer\` prints a token.

A browser's page may connect when \`security.cors_origins\` holds its origin, or \`*\`.

## Errors

\`data\` of each error holds \`reason\`, \`details\` and \`suggestion\`, and what the table names. HTTP answers carry the same object
as \`{"error": …}\` with the status of the table. \`reason\` is the usual one; it may be finer (\`token_expired\`).

${table(['Code', 'HTTP', 'Message', 'reason', 'More in data', 'What to do'], errorRows)}

## Methods

${overview}

Weight: how many look-ups a call counts as. Logged: the audit log tells who called it. Every method may be answered with -32600,
-32603 and -32040; every one that needs a role with -32001 and -32002; every one that takes params with -32602. Further errors
are named with each method.

Fields with a question mark may be absent. The examples have been carried out against the service, with test devices behind it; their
signatures and ids are shortened or replaced. [rpc.discover](#rpcdiscover) answers all of this for machines, as an OpenRPC document.

${methods.map((method) => section(method, examples.get(method.name))).join('\n')}
## Camera

One camera in get_camera_list, get_camera_status and camera_status_update.

${memberTable(membersOf(shapeOf(Camera), known))}

## Notifications

After [subscribe_events](#subscribe_events) facts come as messages without \`id\`: \`method\` is the topic, \`params\` hold what happened, with
\`device\` where it concerns a camera, and always \`severity\` (${severities.join(', ')}), \`seq\`, \`at\` and \`timestamp\`. \`seq\` is the number of
the fact; facts that nobody has subscribed to leave gaps. Whoever may use some cameras only is told of those only.

**Filters** hold for the topics of their request: \`device\` (an id or a list of them) leaves out other cameras, \`severity\` leaves out what is less
severe. Facts that concern no camera pass every \`device\`.

**Present state.** The reply holds \`state\`: notifications as they would tell how things are now, true up to \`seq\`. What follows has a higher
number, so that nothing is missed or told twice.

**After a drop.** Keep the last \`seq\` and the \`epoch\` of the reply, and subscribe again with \`since\` and \`epoch\`: the facts after that number are
told again right behind the reply, in order, before newer ones (\`resumed\` is true). Notifications that tell how things are
(camera_status_update, system.health, system_health_update, mediamtx.path) are told again once, as things are now. The last
${server.event_buffer.written} facts are kept (\`server.event_buffer\`). When that is not enough, \`resumed\` is false, \`reason\` says why (\`buffer_exceeded\`; \`other_epoch\`: the
service was started anew; \`in_the_future\`) and \`state\` tells how things are. \`seq\` alone may cut a fact that several topics tell
of in two: go back to the number before the last, and pass over what is known.

**Slow clients.** A client that leaves ${server.max_send_buffer.written} (\`server.max_send_buffer\`) unread is closed with 1013; it can go on from where it was.

**The end of a credential.** At its expiry or revocation comes \`session.expired\`, without subscription: \`reason\` (\`token_expired\`, \`revoked\`,
\`ended\`), \`session_id\`, \`closes_at\`, \`at\`. From then on calls are answered with -32001 and nothing else is told; the
connection is closed with 4401 at \`closes_at\`, unless it authenticates anew. Topics are kept meanwhile: subscribe again with \`since\`.

${topicTable(dottedTopics)}

Names that an existing web client asks for:

${topicTable(legacyTopics)}

## Client

\`rpc/client\` is a typed client for Node and browsers, \`mediamtx-camera-service/client\` as an import: it connects, authenticates, comes back after
a drop and goes on where it was.

\`\`\`ts
const client = await connectCameraService({ url: 'ws://127.0.0.1:8002/ws', credential: () => fetchToken() })
const { cameras } = await client.call('get_camera_list')
await client.on('recording.stop', { device: 'camera0' }, (event) => {
  if (event.type === 'fact') console.log(event.params.filename, event.params.file_size)
})
\`\`\`

## HTTP

Downloads and pictures are on the port of the WebSocket (${server.port.written}), for role viewer, with a credential as \`Authorization: Bearer …\`,
\`X-API-Key: …\`, or the \`sig\` of a signed address: \`download_url\` and \`snapshot_url\` are such, good for one thing and for a time. Names may lack their
extension. \`Range\`, \`If-None-Match\`, \`If-Modified-Since\` and HEAD are understood; a file that still grows is served to its present end.

Health and metrics are on a port of their own (\`http_health.port\`, ${health.port.written}), without a credential: by default only this machine and private networks
are answered (\`http_health.internal_only\`, \`http_health.allowed_ips\`).

${table(
  ['Address', 'Answer'],
  [
    [code('/files/recordings/<name>'), 'A recording'],
    [code('/files/snapshots/<name>'), 'A snapshot'],
    [
      code('/cameras/<id>/snapshot.jpg'),
      'A picture of this moment, which is not kept; `max_age` (s), `w`, `h`, `q`. Headers `X-Snapshot-Tier`, `X-Snapshot-Age` (ms), `X-Snapshot-Captured-At`',
    ],
    [code('/health'), '`status` (`healthy`, `degraded`, `unhealthy`), `version`, `uptime`; 503 when unhealthy'],
    [`${code('/health/live')}, ${code('/health/alive')}`, '200 as long as the service runs'],
    [`${code('/health/ready')}, ${code('/healthz')}`, '200 when cameras can be used, else 503 and why'],
    [code('/health/mediamtx'), 'The link to the media server; 503 when it is down'],
    [code('/health/cameras'), 'Always 200: counts of cameras, in all and by state'],
    [code('/health/detailed'), 'Always 200: each part with its state and reason, counts of cameras'],
    [code('/metrics'), 'Metrics as Prometheus reads them'],
  ],
)}
`
}
