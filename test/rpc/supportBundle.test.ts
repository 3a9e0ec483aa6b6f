import { gunzipSync } from 'node:zlib'
import { expect } from 'chai'
import { type BundleSection, readBundle } from '../../machines/domain/bundle.js'
import { type Client, createStage, createWorld, noon, type World } from './fakes.js'

describe('get_support_bundle', () => {
  const stage = createStage()
  let world: World
  beforeEach(() => {
    world = createWorld()
  })
  afterEach(() => stage.end())

  const serve = async (changes: object = {}): Promise<Client> => {
    const options = world.options()
    const { port } = await stage.serve({ ...options, support: { ...options.support, ...changes } })
    return stage.connect(port, { role: 'admin' })
  }
  const textOf = async (admin: Client) => {
    const { result, error } = await admin.call('get_support_bundle')
    expect(error).to.equal(undefined)
    return gunzipSync(Buffer.from(result.content, 'base64')).toString()
  }
  const data = (sections: BundleSection[], name: string) => {
    const found = sections.find(({ section }) => section === name)
    return found && 'data' in found ? found.data : undefined
  }

  it('returns header, configuration, health, views, log, metrics and journal, and the trace last', async () => {
    world.trace = ['{"input":{}}', '{"seq":1,"at":0,"actor":"fleet","event":{"type":"xstate.init"},"steps":2}']
    const admin = await serve({
      log: () => ['{"message":"the service listens"}'],
      metrics: async () => 'up 1',
      journal: async () => [{ seq: 1 }],
    })
    const { header, sections, trace } = readBundle(await textOf(admin))
    expect(header).to.deep.include({
      format: 1,
      charts: 'charts',
      node: process.version,
      at: '2025-06-01T12:00:00.000Z',
    })
    expect(sections.map(({ section }) => section)).to.deep.equal([
      'configuration',
      'health',
      'system',
      'log',
      'metrics',
      'journal',
    ])
    expect(data(sections, 'log')).to.deep.equal(['{"message":"the service listens"}'])
    expect(data(sections, 'health')).to.have.property('status')
    expect(trace).to.deep.equal(world.trace.map((line) => JSON.parse(line)))
  })

  it('contains no secret, and the same placeholder for the same one', async () => {
    const url = 'rtsp://gate:tulip-field@10.0.0.7/yard'
    world.trace = [
      JSON.stringify({ input: { entries: [{ url }], configuration: { text: 'jwt: signing-secret-1' } } }),
      JSON.stringify({ seq: 1, event: { type: 'x', url, details: 'signing-secret-1' } }),
    ]
    const admin = await serve({
      secrets: () => ['signing-secret-1'],
      log: () => [`wrong password tulip-field for ${url}; Authorization: Bearer 0123456789abcdef`],
      metrics: async () => 'camera{source="rtsp://gate:tulip-field@h"} 1',
    })
    const text = await textOf(admin)
    for (const secret of ['tulip-field', 'signing-secret-1', '0123456789abcdef']) expect(text).not.to.contain(secret)
    const [first, second] = readBundle(text).trace as {
      input: { entries: { url: string }[] }
      event: { url: string }
    }[]
    expect(second?.event.url).to.equal(first?.input.entries[0]?.url)
    expect(second?.event.url).to.match(/^rtsp:\/\/user\d+:secret\d+@10\.0\.0\.7\/yard$/)
  })

  it('needs the role admin for all cameras, and is audited', async () => {
    const { port } = await stage.serve(world.options())
    const operator = await stage.connect(port, { role: 'operator' })
    expect((await operator.call('get_support_bundle')).error).to.deep.include({ code: -32002 })
    const limited = await stage.connect(port, { role: `admin/ann/${noon + 60_000}/camera1` })
    expect((await limited.call('get_support_bundle')).error?.data).to.include({ reason: 'limited_to_cameras' })
    const admin = await stage.connect(port, { role: 'admin' })
    await admin.call('get_support_bundle')
    expect(
      world.audited.filter(({ action, result }) => action === 'get_support_bundle' && result === 'ok'),
    ).to.have.length(1)
  })
})

describe('a support bundle that cannot be read', () => {
  it('is named with its fault', () => {
    const { sections, trace } = readBundle('{"format":1}\n{"section":"trace"}\n{"seq":1}\n')
    expect([sections, trace], 'of a trace alone').to.deep.equal([[], [{ seq: 1 }]])
    expect(() => readBundle('hello')).to.throw('this is not a support bundle: line 1 is not JSON')
    expect(() => readBundle('{"a":1}')).to.throw('it has no header')
    expect(() => readBundle('{"format":99}')).to.throw('the bundle has format 99; this version reads up to 1')
  })
})
