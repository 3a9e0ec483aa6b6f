import { type ErrorKey, errorKinds } from '../machines/domain/errors.js'
import type { Method } from './method.js'
import { Camera, Deleted, FileList, Status } from './schemas.js'
import { SessionExpired } from './session.js'
import { topics } from './topics/index.js'
import { apiVersion } from './version.js'

/** A JSON Schema, or a part of one. */
type Json = { [key: string]: unknown }

/** Shapes that several results share. */
const shared = new Map<unknown, string>([
  [Camera, 'Camera'],
  [Status, 'Status'],
  [FileList, 'FileList'],
  [Deleted, 'Deleted'],
])

const plain = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, referred(inner)]))
}

/** The schema, or a reference to it if it has a name. */
const referred = (schema: unknown): unknown => {
  const name = shared.get(schema)
  return name === undefined ? plain(schema) : { $ref: `#/components/schemas/${name}` }
}

const always: ErrorKey[] = ['invalidRequest', 'internal', 'rateLimited']

/** The errors that a call can return according to the table. */
const errorKeysOf = (method: Method): ErrorKey[] => {
  const { role, camera, gated, malformed, params, errors = [] } = method
  const hasParams = Object.keys((params as Json).properties ?? {}).length > 0
  const keys: ErrorKey[] = [
    ...always,
    ...(role === 'none' ? [] : (['authRequired', 'authFailed', 'permissionDenied'] as const)),
    ...(hasParams ? [malformed ?? ('invalidParams' as const)] : []),
    ...(camera === undefined ? [] : (['notFound'] as const)),
    ...(gated ? (['dependencyFailed'] as const) : []),
    ...errors,
  ]
  return [...new Set(keys)]
}

/** A method object of OpenRPC 1.3, with our own members (`x-…`). */
const methodOf = (method: Method) => {
  const { name, summary, role, cost, since, audit, camera, deprecated, params, result } = method
  const { properties = {}, required = [] } = params as { properties?: Record<string, Json>; required?: string[] }
  return {
    name,
    summary,
    paramStructure: 'by-name',
    params: Object.entries(properties).map(([param, schema]) => ({
      name: param,
      ...(typeof schema.description === 'string' && { description: schema.description }),
      required: required.includes(param),
      schema: referred(schema),
    })),
    result: { name: `${name}_result`, schema: referred(result) },
    errors: errorKeysOf(method).map((key) => ({ $ref: `#/components/errors/${key}` })),
    ...(deprecated && { deprecated: true, 'x-deprecated': deprecated }),
    'x-role': role,
    'x-cost': cost,
    'x-since': since,
    'x-audited': audit !== undefined,
    ...(camera !== undefined && { 'x-camera': camera }),
  }
}

const errorOf = (key: ErrorKey) => {
  const { code, message, reason, suggestion } = errorKinds[key]
  return {
    code,
    message,
    data: { reason, suggestion: typeof suggestion === 'string' ? suggestion : suggestion.rpc },
  }
}

/** The API as an OpenRPC document, made from the tables of methods, topics and errors. */
export const openRpcOf = (methods: readonly Method[]) => {
  const made = methods.map(methodOf)
  const keys = new Set(methods.flatMap(errorKeysOf))
  return {
    openrpc: '1.3.2',
    info: {
      title: 'MediaMTX Camera Service',
      version: apiVersion,
      description:
        'JSON-RPC 2.0 over WebSocket, one message in each frame, params by name. Any result may get new members.',
    },
    methods: made,
    components: {
      schemas: Object.fromEntries([...shared].map(([schema, name]) => [name, plain(schema)])),
      errors: Object.fromEntries([...keys].map((key) => [key, errorOf(key)])),
    },
    'x-notifications': [...topics, { name: 'session.expired', params: SessionExpired }].map(({ name, params }) => ({
      name,
      params: referred(params),
    })),
  }
}
export type OpenRpcDocument = ReturnType<typeof openRpcOf>
