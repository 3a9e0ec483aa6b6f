import { expect } from 'chai'
import fc from 'fast-check'
import { parse } from 'yaml'
import { cameraChanges, changesOf } from '../../config/changes.js'
import { parseConfiguration } from '../../config/load.js'
import { migrate } from '../../config/migrations.js'
import { configurationRules } from '../../config/rules.js'
import { ConfigRefusal } from '../../machines/domain/configuration.js'

const load = (file: string, env: Record<string, string> = {}) => parseConfiguration({ file, env })
const rulesOf = (text: string, env: Record<string, string> = {}) => configurationRules({ env }, load(text, env))
const faultsOf = (run: () => unknown) => {
  try {
    run()
  } catch (error) {
    if (error instanceof ConfigRefusal) return error.faults.map(({ key, value, rule }) => [key, value, rule])
    throw error
  }
  return []
}

const isGroup = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** RFC 7396, section 2; `undefined` for a group without keys. */
function merged(target: unknown, change: unknown): unknown {
  if (!isGroup(change)) return change
  const result = new Map(isGroup(target) ? Object.entries(target) : [])
  for (const [key, value] of Object.entries(change)) {
    const next = value === null ? undefined : merged(result.get(key), value)
    if (next === undefined) result.delete(key)
    else result.set(key, next)
  }
  return result.size === 0 ? undefined : Object.fromEntries(result)
}

describe('changes of the configuration', () => {
  it('name each key that differs, as it is written, and how it applies', () => {
    const before = load('logging: {level: info}\nserver: {port: 8002, ping_interval: 30s}')
    const after = load('logging: {level: debug}\nserver: {port: 9000, ping_interval: 30000ms}')
    expect(changesOf(before, after)).to.deep.equal([
      { key: 'server.port', from: 8002, to: 9000, applies: 'restart' },
      { key: 'logging.level', from: 'info', to: 'debug', applies: 'live' },
    ])
  })

  it('contain no secret', () => {
    const yard = (password: string) => `
security: {jwt_secret_key: ${'x'.repeat(32)}${password}}
cameras: [{name: yard, source: 'rtsp://ann:${password}@10.0.0.9/live?token=${password}'}]`
    const changes = changesOf(load(yard('unspeakable')), load(yard('unthinkable')))
    expect(changes.map(({ key }) => key)).to.deep.equal(['cameras', 'security.jwt_secret_key'])
    expect(JSON.stringify(changes)).not.to.match(/unspeakable|unthinkable|xxx/)
    const inEnvironment = load('', { CAMERA_SERVICE_CAMERAS: '[{name: a, source: rtsp://ann:unspeakable@h/}]' })
    expect(JSON.stringify(changesOf(load(''), inEnvironment))).not.to.contain('unspeakable')
  })

  it('tell which cameras are added, removed, reconnected or only renamed', () => {
    const cameras = (text: string) => load(`cameras: [${text}]`).config.cameras
    const before = cameras(
      '{name: a, source: virtual}, {name: b, source: virtual}, {name: c, source: rtsp://h/1}, ' +
        '{name: d, source: usb:SN1}, {name: e, source: usb:SN2, enabled: false}, {name: f, source: virtual}, ' +
        '{name: h, source: virtual}',
    )
    const after = cameras(
      '{name: a, source: virtual}, {name: b, source: virtual, fps: 5}, {name: c, source: rtsp://h/2}, ' +
        '{name: door, source: usb:SN1}, {name: g, source: virtual}, {name: f, source: virtual, enabled: false}, ' +
        '{name: h, source: virtual, priority: 9, retention: {max_age_days: 3}}',
    )
    expect(cameraChanges(before, after)).to.deep.equal([
      { name: 'e', change: 'added' },
      { name: 'b', change: 'reconnected' },
      { name: 'c', change: 'reconnected' },
      { name: 'door', change: 'updated' },
      { name: 'g', change: 'added' },
      { name: 'f', change: 'removed' },
      { name: 'h', change: 'updated' },
    ])
  })
})

describe('rules of the running configuration', () => {
  it('list the keys that need a restart, also those of earlier changes', () => {
    const { compare } = rulesOf('server: {port: 1}')
    const second = 'server: {port: 2}\nlogging: {level: debug}'
    expect(compare('server: {port: 2}', second)).to.deep.include({ needsRestart: ['server.port'] })
    expect(compare('server: {port: 2}', second).changes.map(({ key }) => key)).to.deep.equal(['logging.level'])
    expect(compare(second, 'server: {port: 1}').needsRestart).to.deep.equal([])
  })

  it('refuse a text with all its faults', () => {
    const { compare } = rulesOf('')
    expect(faultsOf(() => compare('', 'server: {port: x}\nlogging: {levl: info}'))).to.deep.equal([
      ['server.port', '"x"', 'must be a whole number from 0 to 65535'],
      ['logging.levl', '"info"', 'is not a known key; the nearest is logging.level'],
    ])
    expect(faultsOf(() => compare('', 'version: 2'))[0]?.[2]).to.match(/is newer than this service knows/)
  })

  it('say which keys are overridden by the environment', () => {
    const { compare } = rulesOf('', { CAMERA_SERVICE_LOGGING_LEVEL: 'warn' })
    const { changes, warnings } = compare('', 'logging: {level: debug}')
    expect(changes).to.deep.equal([])
    expect(warnings).to.deep.equal([
      'logging.level is set by environment CAMERA_SERVICE_LOGGING_LEVEL: the value in the file is not used',
    ])
  })

  it('show each key with its value as written and its origin, without secrets', () => {
    const text = `security: {jwt_secret_key: ${'s'.repeat(32)}}\nserver: {ping_interval: 20s}`
    const { values } = rulesOf(text, { CAMERA_SERVICE_SERVER_PORT: '81' }).describe(text)
    const of = (key: string) => values.find((value) => value.key === key)
    expect(of('server.ping_interval')).to.deep.equal({
      key: 'server.ping_interval',
      value: '20s',
      origin: 'file',
      applies: 'restart',
    })
    expect(of('server.port')).to.deep.include({ value: '81', origin: 'environment' })
    expect(of('logging.level')).to.deep.include({ value: 'info', origin: 'default', applies: 'live' })
    expect(of('security.jwt_secret_key')).to.deep.include({ value: '***', origin: 'file' })
    expect(of('api_key_management.default_expiry')).to.deep.include({ value: '90d' })
  })
})

describe('merge patches of the configuration', () => {
  const { patch } = rulesOf('')
  const file = `# Our cameras.
server:
  port: 8002 # the usual one
  host: 0.0.0.0

cameras:
  # At the gate.
  - name: gate
    source: virtual
    fps: 15 # enough
  - name: yard
    source: rtsp://ann:unspeakable@10.0.0.9/live
`

  it('keep the comments and the order of the file', () => {
    const next = patch(file, { server: { port: 9000 }, logging: { level: 'debug' } })
    expect(next).to.equal(`${file.replace('8002', '9000')}logging:\n  level: debug\n`)
  })

  it('keep the style of the other lines', () => {
    const deep = 'server:\n    port: 1\n    allowed_ips: [10.0.0.1, 10.0.0.2]\n'
    expect(patch(deep, { server: { port: 2 } })).to.equal(deep.replace('port: 1', 'port: 2'))
    const flat = 'server: { port: 1 }\ncameras:\n- name: a\n  source: virtual\n'
    expect(patch(flat, { server: { port: 2 } })).to.equal(flat.replace('port: 1', 'port: 2'))
  })

  it('leave a text alone in which no value changes, and keep the ends of its lines', () => {
    const text = 'logging:   {level: info}\r\n\r\n\r\n# end\r\n'
    expect(patch(text, { logging: { level: 'info' }, server: { port: null } })).to.equal(text)
    expect(patch('a: 1\r\nb: 2 # x\r\n', { a: 3 })).to.equal('a: 3\r\nb: 2 # x\r\n')
    expect(patch('# only a comment\n', { a: 3 })).to.equal('# only a comment\n\na: 3\n')
    expect(load(patch('# head\n\nlogging: {level: info}\n', { logging: null })).inFile.size).to.equal(0)
    expect(patch('# head\n\nlogging: {level: info}\n', { logging: null })).to.contain('# head')
  })

  it('remove a key by null, and a group without keys', () => {
    expect(patch('server: {port: 1}\nlogging: {level: debug}', { server: { port: null } })).to.equal(
      'logging: {level: debug}\n',
    )
    expect(patch('logging: {level: debug}', { logging: null, storage: { warn_percent: null } })).to.equal('')
  })

  it('replace a list, and keep the comments of its items', () => {
    const gate = { name: 'gate', source: 'virtual', fps: 10 }
    const next = patch(file, { cameras: [gate, { name: 'new', source: 'virtual' }] })
    expect(next).to.contain('# At the gate.').and.to.contain('fps: 10 # enough')
    expect(load(next).config.cameras.map(({ name }) => name)).to.deep.equal(['gate', 'new'])
  })

  it('keep a secret that is given masked, and refuse any other masked value', () => {
    const { values } = rulesOf(file).describe(file)
    const shown = values.find(({ key }) => key === 'cameras')?.value as { name: string; source: string }[]
    expect(shown[1]).to.deep.equal({ name: 'yard', source: 'rtsp://***@10.0.0.9/live' })
    const next = patch(file, { cameras: shown.map((camera) => ({ ...camera, fps: 5 })) })
    expect(next).to.contain('rtsp://ann:unspeakable@10.0.0.9/live')
    const elsewhere = { name: 'yard', source: 'rtsp://***@10.0.0.66/live' }
    expect(faultsOf(() => patch(file, { cameras: [elsewhere] }))[0]?.[0]).to.equal('cameras[0].source')
    const secret = `security: {jwt_secret_key: ${'s'.repeat(32)}}`
    expect(load(patch(secret, { security: { jwt_secret_key: '***' } })).config.security.jwt_secret_key).to.equal(
      's'.repeat(32),
    )
    expect(faultsOf(() => patch('', { security: { jwt_secret_key: '***' } }))[0]?.[0]).to.equal(
      'security.jwt_secret_key',
    )
  })

  it('merge as RFC 7396 says, apart from groups without keys, and never throw anything but a refusal', () => {
    const key = fc.constantFrom('a', 'b', 'c d', '1', '#', '__proto__', 'constructor')
    const scalar = fc.oneof(
      fc.string(),
      fc.integer(),
      fc.boolean(),
      fc.constantFrom('yes', '1.0', 'a: b', ' # c', '- x', '\n'),
    )
    const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
      tree: fc.dictionary(
        key,
        fc.oneof({ maxDepth: 3 }, fc.constant(null), scalar, fc.array(scalar, { maxLength: 3 }), tie('tree')),
        { maxKeys: 4 },
      ),
    }))
    const isFree = (value: unknown) => !JSON.stringify(value).includes('***')
    fc.assert(
      fc.property(tree, tree, (before, change) => {
        fc.pre(isFree(before) && isFree(change))
        const text = patch('', before as object)
        const expected = merged(merged({}, before), change) ?? {}
        expect(parse(patch(text, change as object)) ?? {}).to.deep.equal(expected)
      }),
      { numRuns: 300 },
    )
  })

  it('refuse dotted keys, keys without a name and what is nested too deeply', () => {
    expect(faultsOf(() => patch('', { server: { '': 1 } }))).to.deep.equal([
      ['server', '', 'contains a key without a name'],
    ])
    expect(faultsOf(() => patch('', { 'server.port': 1 }))).to.deep.equal([
      ['server.port', '', 'must be nested: {"server": {"port": …}}'],
    ])
    let deep: object = {}
    for (let level = 0; level < 100; level++) deep = { a: deep }
    expect(faultsOf(() => patch('', deep))[0]?.[2]).to.equal('is nested too deeply')
  })

  it('change only the place of an alias that they name', () => {
    const next = patch('server: &a {port: 1}\nhttp_health: *a', { http_health: { port: 2 } })
    const { server, http_health } = load(next).config
    expect([server.port, http_health.port]).to.deep.equal([1, 2])
    expect(faultsOf(() => patch('server: &a {port: 1}\nhttp_health: *a', { server: null }))[0]?.[2]).to.contain(
      'anchors',
    )
  })
})

describe('migrations of the configuration', () => {
  it('rewrite an older file step by step, and leave a file of the newest format alone', () => {
    const steps = { 1: (document: { set(key: string, value: unknown): void }) => document.set('added', 1) }
    expect(migrate('# mine\nserver: {port: 1}\n', steps, 2)).to.equal(
      '# mine\nserver: { port: 1 }\nadded: 1\nversion: 2\n',
    )
    expect(migrate('server: {port: 1}', steps, 1)).to.equal('server: {port: 1}')
  })
})
