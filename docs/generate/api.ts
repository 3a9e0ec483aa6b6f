import { schema } from '../../config/schema.js'
import { type ErrorKey, errorKinds } from '../../machines/domain/errors.js'
import { severities } from '../../rpc/filters.js'
import { mostInBatch } from '../../rpc/frame.js'
import type { Method } from '../../rpc/method.js'
import { methods } from '../../rpc/methods/index.js'
import { Camera, cameraProperties, Status } from '../../rpc/schemas.js'
import { isLegacy, topics } from '../../rpc/topics/index.js'
import { apiVersion } from '../../rpc/version.js'
import type { Example } from './examples.js'
import { prettyJson } from './prettyJson.js'
import { limitsOf, type Member, membersOf, type Shape, shapeOf, typeOf } from './shapes.js'
import { code, table } from './table.js'

const status = shapeOf(Status)
/** Shapes that several results share: the page describes them once. */
const known: ReadonlyMap<Shape, string> = new Map([[shapeOf(Camera), '[camera](#camera)']])

/** Every count is 0 or more, so the page does not repeat it. */
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
  if (shape === status && name !== 'get_status') return 'Result: the same as of [get_status](#get_status).'
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
  const { name, summary, role, since, cost, audit, gated, camera, deprecated, errors = [] } = method
  const facts = [
    role === 'none' ? 'Role: none needed' : `Role: ${role}`,
    `since ${since}`,
    ...(cost > 1 ? [`costs ${cost} look-ups`] : []),
    ...(audit ? ['written to the audit log'] : []),
    ...(errors.length > 0 || camera !== undefined || gated ? [`further errors ${moreCodes(method)}`] : []),
    ...(gated ? ['not available until the service has started'] : []),
    ...(deprecated ? [deprecationOf(deprecated)] : []),
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

const deprecationOf = ({ since, removed_in: removed, use }: NonNullable<Method['deprecated']>) =>
  `deprecated since ${since}, removed in ${removed}: use ${use}`

/** The codes beyond those that any method can return. */
const moreCodes = ({ camera, gated, errors = [] }: Method) =>
  [
    ...new Set(
      [...(camera ? (['notFound'] as const) : []), ...(gated ? (['dependencyFailed'] as const) : []), ...errors].map(
        (key) => errorKinds[key].code,
      ),
    ),
  ]
    .sort((one, other) => other - one)
    .join(', ')

const anchor = (name: string) => `[${name}](#${name.replaceAll('.', '')})`

const overview = table(
  ['Method', 'Role', 'Cost', 'Since', 'Audited', 'Deprecated'],
  methods.map(({ name, role, cost, since, audit, deprecated }) => [
    anchor(name),
    role,
    String(cost),
    since,
    audit ? 'yes' : '',
    deprecated ? deprecationOf(deprecated) : '',
  ]),
)

const errorRows = (Object.keys(errorKinds) as ErrorKey[]).map((key) => {
  const { code: number, status, message, reason, fields, suggestion } = errorKinds[key]
  return [
    code(String(number)),
    String(status),
    message,
    code(reason),
    fields.map(code).join(', '),
    typeof suggestion === 'string' ? suggestion : suggestion.rpc,
  ]
})

const topicTable = (legacy: boolean) =>
  table(
    ['Topic', 'Sent when'],
    topics.filter(({ name }) => isLegacy(name) === legacy).map(({ name, summary }) => [code(name), summary]),
  )

/** The text of docs/api.md; `examples`: one call of each method with its result. */
export function apiPage(examples: ReadonlyMap<string, Example>): string {
  const { server, http_health: health } = schema
  return `<!-- Generated from rpc/methods by docs/generate/api.ts: change the methods, not this page. -->

# API

JSON-RPC 2.0 over WebSocket, one request in each text message:
\`ws://<host>:${server.port.written}${server.websocket_path.written}\` (\`server.port\`,
\`server.websocket_path\`).

## Messages

A request, its reply, and the reply to a request that failed:

\`\`\`json
{ "jsonrpc": "2.0", "id": 1, "method": "get_camera_status", "params": { "device": "camera0" } }
{
  "jsonrpc": "2.0",
  "id": 1,
  "result": {},
  "metadata": {
    "processing_time_ms": 3,
    "server_timestamp": "2026-01-01T00:00:00.000Z",
    "request_id": "0a1b2c3d-1"
  }
}
{
  "jsonrpc": "2.0",
  "id": 1,
  "error": {
    "code": -32010,
    "message": "Camera not found",
    "data": { "reason": "not_found", "details": "there is no such camera", "suggestion": "Check the id; …" }
  },
  "metadata": {}
}
\`\`\`

- Params are given by name. Unknown ones have no effect, and the reply names them in \`metadata.ignored_params\`. One
  that differs from a param of the method by a letter or a sign only (\`duraton\`, \`dryrun\`) is refused.
  \`"params": []\` means no params.
- An \`id\` is a string or a number: an object or an array is refused with -32600, and the \`id\` of the reply is null.
  The reply repeats it as it was written: also a number with more digits than a double has, \`1e3\` or \`-0\`.
- A request without \`id\` is carried out and gets no reply.
- A batch, an array of up to ${mostInBatch} requests, gets one message with the replies in the order of the requests,
  when all are known. The rate limits count each request of it. A longer one is refused as a whole with -32600.
- A byte order mark before a message is ignored.
- Replies may arrive in another order than their requests: match them by \`id\`.
- \`request_id\` is the name of the request in the log of the service.
- Times are ISO 8601 in UTC. Durations are in seconds and sizes in bytes, unless a name says otherwise
  (\`_ms\`).
- Any result may get new fields. \`metadata.deprecated\` announces that a method will be removed, and names its
  replacement.
- This is version ${apiVersion} of the API.

## Authentication

Every method except those with role none needs a credential, a token (JWT) or an API key: call
[authenticate](#authenticate) first. The caller stays authenticated until the credential expires or is revoked,
or until another one replaces it. Roles are viewer, operator and admin; each includes the rights of the ones
before it. A credential may be limited to specific cameras: other cameras do not exist for it. \`camera-service
token --role viewer\` prints a token.

A page in a browser may connect if \`security.cors_origins\` contains its origin, or \`*\`, or if it is the
console of the service. Otherwise the connection is closed with 4403 and a reason that names the origin.

## Errors

\`data\` of every error holds \`reason\` (a code), \`details\` (what is wrong), \`suggestion\` (what to do
next), and the fields of the table. \`hint\` repeats \`details\` for older clients. HTTP replies carry the same
object as \`{"error": …}\` with the status of the table. The table shows the usual \`reason\` and
\`suggestion\`; an error may have more exact ones (\`token_expired\`).

Errors about a state also explain it, as far as it is known:

- \`since\`: the time since which the state exists.
- \`causes\`: how it came about, the newest cause first; sentences for people.
- \`evidence\`: what was observed.
- \`until\`: the time at which the service itself looks or tries again; the state may last longer. For a full disk
  it is the next measurement, for a faulty camera the next probe, for a recording with a duration its end. Without
  \`until\` no such time is set: the service waits for an event, such as a camera that is plugged in.

${table(['Code', 'HTTP', 'Message', 'reason', 'More in data', 'suggestion'], errorRows)}

## Methods

${overview}

Cost: the number of look-ups that a call counts as in the rate limits. Audited: the audit log records each call
and its caller. Every method can return -32600, -32603 and -32040; every method that needs a role -32001 and
-32002; every method with params -32602. Each section lists further errors.

Fields with a question mark may be absent. The examples were run against the service with test devices; their
signatures and ids are shortened or replaced. [rpc.discover](#rpcdiscover) returns all of this as an OpenRPC
document.

${methods.map((method) => section(method, examples.get(method.name))).join('\n')}
## Camera

One camera in get_camera_list, get_camera_status and camera_status_update.

${memberTable(membersOf(shapeOf(Camera), known))}

## Notifications

After [subscribe_events](#subscribe_events) facts arrive as messages without \`id\`: \`method\` is the topic and
\`params\` hold what happened, with \`device\` if it concerns a camera, and always \`severity\`
(${severities.join(', ')}), \`seq\`, \`at\` and \`timestamp\`. \`seq\` is the number of the fact; facts without
a subscription leave gaps. Callers limited to specific cameras only get notifications about those.

**Filters** apply to the topics of their request: \`device\` (an id or a list of them) excludes other cameras,
\`severity\` excludes lower severities. Facts that concern no camera pass every \`device\`.

**Present state.** The reply holds \`state\`: notifications that describe the present state up to \`seq\`. Later
notifications have higher numbers, so that a client misses nothing and gets nothing twice.

**Resuming.** Keep the last \`seq\` and the \`epoch\` of the reply, and subscribe again with \`since\` and
\`epoch\`: the facts after that number follow right after the reply, in order and before newer ones (\`resumed\`
is true). Of the notifications that describe a state (camera_status_update, system.health, system_health_update,
mediamtx.path) only the newest is sent, with the present state. The service keeps the last
${server.event_buffer.written} facts (\`server.event_buffer\`). If these are not enough, \`resumed\` is false,
\`reason\` is \`buffer_exceeded\`, \`other_epoch\` (the service was restarted) or \`in_the_future\`, and
\`state\` holds the present state. One fact may be sent under several topics, and a dropped connection may have
delivered only some of them: resume from the number before the last, and skip what is known.

**Slow clients.** A client that leaves ${server.max_send_buffer.written} (\`server.max_send_buffer\`) unread is
closed with 1013; it can resume.

**The end of a credential.** When it expires or is revoked, \`session.expired\` is sent without a subscription:
\`reason\` (\`token_expired\`, \`revoked\`, \`ended\`), \`session_id\`, \`closes_at\`, \`at\`. From then on
calls fail with -32001 and no notifications are sent; the connection is closed with 4401 at \`closes_at\`,
unless it authenticates again. The subscriptions stay meanwhile: subscribe again with \`since\`.

${topicTable(false)}

Topics of an existing web client:

${topicTable(true)}

## Client

\`rpc/client\` is a typed client for Node and browsers, imported as \`mediamtx-camera-service/client\`: it
connects, authenticates, reconnects after a drop and resumes its subscriptions.

\`\`\`ts
const client = await connectCameraService({ url: 'ws://127.0.0.1:8002/ws', credential: () => fetchToken() })
const { cameras } = await client.call('get_camera_list')
await client.on('recording.stop', { device: 'camera0' }, (event) => {
  if (event.type === 'fact') console.log(event.params.filename, event.params.file_size)
})
\`\`\`

If \`credential\` is a string, nothing can renew it: when it expires or is revoked, the client closes at once with
\`SessionEnded\` and its \`reason\`. A function is called again instead.

## HTTP

Downloads and pictures are served on the port of the WebSocket (${server.port.written}), for role viewer, with a
credential as \`Authorization: Bearer …\` or \`X-API-Key: …\`, or with the \`sig\` of a signed URL:
\`download_url\` and \`snapshot_url\` are signed URLs, each for one thing and a limited time. File names may
lack their extension. \`Range\`, \`If-None-Match\`, \`If-Modified-Since\` and HEAD are supported; a file that
still grows is served up to its present end.

Health and metrics are served on a port of their own (\`http_health.port\`, ${health.port.written}), without a
credential: by default only to this host and private networks (\`http_health.internal_only\`,
\`http_health.allowed_ips\`).

${table(
  ['Address', 'Reply'],
  [
    [code('/files/recordings/<name>'), 'A recording'],
    [code('/files/snapshots/<name>'), 'A snapshot'],
    [
      code('/cameras/<id>/snapshot.jpg'),
      'A picture of this moment, which is not stored; `max_age` (s), `w`, `h`, `fit`, `q`: with ' +
        '`w` and `h` it keeps its proportions, unless `fit` is `fill`. ' +
        'Headers `X-Snapshot-Tier`, `X-Snapshot-Age` (ms), `X-Snapshot-Captured-At`',
    ],
    [
      code('/inspect/ws'),
      'A WebSocket for receivers of `@statelyai/inspect`: the running actors, live. Only with `inspect.enabled`, for ' +
        'administrators of all cameras; `token` in the query also serves as credential',
    ],
    [
      `${code('/thumbnails/recordings/<name>')}, ${code('/thumbnails/snapshots/<name>')}`,
      'A JPEG, 320 pixels wide, of the first picture of a file; `thumbnail_url` is its signed URL',
    ],
    [code('/'), 'The console, for browsers (`Accept: text/html`), unless `console.enabled` is false'],
    [code('/health'), '`status` (`healthy`, `degraded`, `unhealthy`), `version`, `uptime`; 503 if unhealthy'],
    [`${code('/health/live')}, ${code('/health/alive')}`, '200 while the service runs'],
    [`${code('/health/ready')}, ${code('/healthz')}`, '200 if cameras can be used, else 503 with the reason'],
    [code('/health/mediamtx'), 'The link to the media server; 503 if it is down'],
    [code('/health/cameras'), 'Always 200: the number of cameras, in all and by state'],
    [code('/health/detailed'), 'Always 200: each part with its state and reason, the number of cameras'],
    [code('/metrics'), 'Metrics in the format of Prometheus'],
  ],
)}
`
}
