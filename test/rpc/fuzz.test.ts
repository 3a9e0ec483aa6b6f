import { expect } from 'chai'
import fc from 'fast-check'
import { methods } from '../../rpc/methods/index.js'
import { type Client, createStage, createWorld, type World } from './fakes.js'

const names = [...methods.map(({ name }) => name), 'no_such_method', '__proto__', '']
const params = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.record(
    {
      device: fc.oneof(fc.constantFrom('camera0', 'camera1', 'camera9', '../x'), fc.jsonValue()),
      filename: fc.oneof(fc.constant('camera0_2025-06-01_11-00-00-000000'), fc.string(), fc.jsonValue()),
      topics: fc.oneof(fc.constant(['camera.connected']), fc.array(fc.string()), fc.jsonValue()),
      filters: fc.jsonValue(),
      duration: fc.oneof(fc.integer(), fc.jsonValue()),
      limit: fc.oneof(fc.integer(), fc.string()),
      offset: fc.oneof(fc.integer(), fc.string()),
      quality: fc.jsonValue(),
      format: fc.jsonValue(),
      auth_token: fc.oneof(fc.constantFrom('viewer', 'operator', 'admin', 'nonsense'), fc.jsonValue()),
      action: fc.jsonValue(),
    },
    { requiredKeys: [] },
  ),
)
/** Requests whose id is put in later, so that no two are alike. */
const requests = fc.record(
  { jsonrpc: fc.constantFrom('2.0', '2.0', '2.0', '1.0', 2), method: fc.oneof(fc.constantFrom(...names), fc.jsonValue()), params },
  { requiredKeys: ['jsonrpc'] },
)
const garbage = fc.oneof(
  fc.string(),
  fc.json(),
  fc.tuple(requests, fc.nat(), fc.string({ maxLength: 3 })).map(([request, at, noise]) => {
    const text = JSON.stringify(request)
    const cut = at % (text.length + 1)
    return text.slice(0, cut) + noise + text.slice(cut + 1)
  }),
)

describe('any frames at all', () => {
  const stage = createStage()
  let world: World
  let client: Client

  before(async () => {
    world = createWorld()
    const { port } = await stage.serve(world.options({ rate: { requests: 1_000_000, window: 60_000 }, maxInFlight: 1_000 }))
    client = await stage.connect(port, { role: 'admin' })
  })
  after(() => stage.end())

  it('leave the service well, and each request with an id is answered once', async function () {
    this.timeout(60_000)
    let lastId = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof({ weight: 3, arbitrary: requests }, { weight: 1, arbitrary: garbage }), { minLength: 20, maxLength: 40 }),
        async (frames) => {
          const before = client.replies.length
          const sent: string[] = []
          for (const frame of frames) {
            if (typeof frame === 'string') client.socket.send(frame)
            else {
              lastId += 1
              const id = `fuzz-${lastId}`
              sent.push(id)
              client.socket.send(JSON.stringify({ ...frame, id }))
            }
          }
          await client.until(() => sent.every((id) => client.replies.slice(before).some((reply) => reply.id === id)))
          await client.call('ping')
          const answered = client.replies.slice(before).filter(({ id }) => String(id).startsWith('fuzz-'))
          expect(answered.map(({ id }) => id).sort()).to.deep.equal(sent.sort())
          for (const reply of answered) expect(reply).to.satisfy(() => 'result' in reply !== 'error' in reply)
          client.replies.length = 0
        },
      ),
      { numRuns: 150 },
    )
    expect(world.logged.filter(({ level }) => level === 'error')).to.deep.equal([])
  })
})
