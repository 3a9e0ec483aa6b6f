import { expect } from 'chai'
import { methods } from '../../rpc/methods/index.js'
import type { OpenRpcDocument } from '../../rpc/openrpc.js'
import { topicNames } from '../../rpc/topics/index.js'
import { apiVersion } from '../../rpc/version.js'
import { contract, faults } from './contract.js'
import { type Client, createStage, createWorld } from './fakes.js'

type Json = Record<string, unknown>

const named = { type: 'object', required: ['name'] }
const descriptor = {
  type: 'object',
  required: ['name', 'schema'],
  properties: { name: { type: 'string' }, required: { type: 'boolean' }, schema: { type: 'object' } },
}
const reference = {
  type: 'object',
  required: ['$ref'],
  properties: { $ref: { type: 'string', pattern: '^#/components/(errors|schemas)/\\w+$' } },
}

/** The rules of OpenRPC 1.3 for the parts that the document uses. */
const openRpc = {
  type: 'object',
  required: ['openrpc', 'info', 'methods'],
  properties: {
    openrpc: { type: 'string', pattern: '^1\\.3\\.\\d+$' },
    info: {
      type: 'object',
      required: ['title', 'version'],
      properties: { title: { type: 'string' }, version: { type: 'string' }, description: { type: 'string' } },
    },
    methods: {
      type: 'array',
      items: {
        ...named,
        required: ['name', 'params', 'result'],
        additionalProperties: false,
        patternProperties: { '^x-': {} },
        properties: {
          name: { type: 'string', not: { pattern: '^rpc\\.(?!discover$)' } },
          summary: { type: 'string' },
          paramStructure: { enum: ['by-name', 'by-position', 'either'] },
          params: { type: 'array', items: descriptor },
          result: descriptor,
          errors: { type: 'array', items: reference },
          deprecated: { type: 'boolean' },
        },
      },
    },
    components: {
      type: 'object',
      properties: {
        schemas: { type: 'object', additionalProperties: { type: 'object' } },
        errors: {
          type: 'object',
          additionalProperties: {
            type: 'object',
            required: ['code', 'message'],
            properties: { code: { type: 'integer' }, message: { type: 'string' } },
          },
        },
      },
    },
  },
}

/** The value with all references resolved. Throws for a reference without a target. */
const resolve = (document: Json, value: unknown): unknown => {
  if (Array.isArray(value)) return value.map((each) => resolve(document, each))
  if (typeof value !== 'object' || value === null) return value
  const { $ref } = value as { $ref?: string }
  if ($ref === undefined)
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, resolve(document, each)]))
  const target = $ref
    .slice(2)
    .split('/')
    .reduce<unknown>((within, key) => (within as Json)[key], document)
  if (target === undefined) throw new Error(`${$ref} has no target`)
  return resolve(document, target)
}

describe('rpc.discover', () => {
  const stage = createStage()
  let document: OpenRpcDocument
  let resolved: OpenRpcDocument
  let admin: Client

  before(async () => {
    const { port } = await stage.serve(createWorld().options())
    const stranger = await stage.connect(port)
    document = (await stranger.call('rpc.discover')).result
    resolved = resolve(document as unknown as Json, document) as OpenRpcDocument
    admin = await stage.connect(port, { role: 'admin' })
  })
  after(() => stage.end())

  const methodOf = (name: string) => {
    const found = resolved.methods.find((method) => method.name === name)
    if (found === undefined) throw new Error(`${name} is not in the document`)
    return found
  }
  const codesOf = (name: string) => (methodOf(name).errors as unknown as { code: number }[]).map(({ code }) => code)

  it('has a high cost, because it needs no credential', async () => {
    const { port } = await stage.serve(
      createWorld().options({ rate: { requests: 150, window: 3_600_000, addressRequests: 150 } }),
    )
    const stranger = await stage.connect(port, { localAddress: '127.0.0.3' })
    expect((await stranger.call('rpc.discover')).error).to.equal(undefined)
    expect((await stranger.call('rpc.discover')).error?.code).to.equal(-32040)
  })

  it('returns a valid document with the version of the API, without a token', () => {
    expect(faults(openRpc, document)).to.deep.equal([])
    expect(document.info.version).to.equal(apiVersion)
    expect(document['x-notifications'].map(({ name }) => name)).to.deep.equal([
      ...new Set([...document['x-notifications'].map(({ name }) => name)]),
    ])
    expect(document['x-notifications'].map(({ name }) => name)).to.include.members([...topicNames, 'session.expired'])
    expect(JSON.stringify(document)).not.to.match(/\/dev\/|secret/i)
  })

  it('contains every method of the server, and no other', async () => {
    expect(document.methods.map(({ name }) => name)).to.deep.equal(methods.map(({ name }) => name))
    for (const { name } of document.methods)
      expect((await admin.call(name, { device: 0 })).error?.code, name).not.to.equal(-32601)
    for (const name of ['camera_status_update', 'rpc.describe', 'get_cameras'])
      expect((await admin.call(name)).error?.code).to.equal(-32601)
  })

  for (const { method: name, role, params, result, errors } of contract) {
    it(`describes ${name} compatibly with the contract`, () => {
      const ours = methodOf(name)
      expect(ours['x-role']).to.equal(role)
      const { properties = {}, required = [] } = params as { properties?: Record<string, Json>; required?: string[] }
      const byName = new Map(ours.params.map((param) => [param.name, param]))
      // Requests of a documented client are valid: all its params are known, and no others are required.
      expect([...byName.keys()]).to.include.members(Object.keys(properties))
      expect(ours.params.filter((param) => param.required).map((param) => param.name)).to.have.members(required)
      for (const [param, schema] of Object.entries(properties))
        expect(narrower(byName.get(param)?.schema, schema), `${name}.${param}`).to.deep.equal([])
      // Every member that a documented client reads is required.
      expect(missing(ours.result.schema as Json, result), name).to.deep.equal([])
      // Only methods that wait for the start return its -32050.
      expect(codesOf(name)).to.include.members(errors.filter((code) => code !== -32050 && code !== -32601))
    })
  }
})

const alternatives = (schema: unknown): Json[] => {
  const { anyOf } = schema as { anyOf?: unknown[] }
  return anyOf === undefined ? [schema as Json] : anyOf.flatMap(alternatives)
}

/** The ways in which our param accepts less than the documented one. */
function narrower(ours: unknown, documented: Json): string[] {
  const all = alternatives(ours)
  const wrong: string[] = []
  const values = documented.enum as unknown[] | undefined
  if (
    values !== undefined &&
    !all.some((one) =>
      values.every((value) => (one.enum as unknown[] | undefined)?.includes(value) ?? one.type === documented.type),
    )
  )
    wrong.push(`enum ${values}`)
  for (const [key, sign] of [
    ['minimum', 1],
    ['maximum', -1],
    ['minLength', 1],
    ['maxLength', -1],
  ] as const) {
    const [limit, own] = [documented[key], all[0]?.[key]]
    if (typeof limit === 'number' && typeof own === 'number' && (own - limit) * sign > 0)
      wrong.push(`${key} ${own}, documented ${limit}`)
  }
  return wrong
}

/** Members that the documented result requires and ours does not. */
function missing(ours: Json, documented: Json, at = ''): string[] {
  if (documented.type === 'array')
    return missing((ours.items ?? {}) as Json, (documented.items ?? {}) as Json, `${at}[]`)
  if (documented.type !== 'object' || alternatives(ours).length > 1) return []
  const required = (documented.required ?? []) as string[]
  const own = (ours.properties ?? {}) as Record<string, Json>
  const lacking = required
    .filter((key) => !((ours.required ?? []) as string[]).includes(key))
    .map((key) => `${at}.${key}`)
  const inner = Object.entries((documented.properties ?? {}) as Record<string, Json>)
  return [
    ...lacking,
    ...inner.flatMap(([key, schema]) => (own[key] === undefined ? [] : missing(own[key], schema, `${at}.${key}`))),
  ]
}
