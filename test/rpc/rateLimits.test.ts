import { expect } from 'chai'
import { type SinonFakeTimers, useFakeTimers } from 'sinon'
import { createRateLimits, type RateLimitOptions } from '../../rpc/rateLimits.js'
import { createStage, createWorld } from './fakes.js'

describe('the rate limits', () => {
  let clock: SinonFakeTimers
  beforeEach(() => {
    clock = useFakeTimers({ toFake: ['performance'] })
    // lru-cache takes the instant 0 for "no time".
    clock.tick(1)
  })
  afterEach(() => clock.restore())

  const rateLimits = (limits: Partial<RateLimitOptions> = {}) =>
    createRateLimits({ requests: 10, window: 1_000, ...limits })
  const ann = { user: 'ann', address: '192.0.2.1' }

  it('return the exact wait: the same request passes then, and not before', () => {
    for (const cost of [1, 3, 10, 25]) {
      const { take } = rateLimits()
      expect([take(ann, 10), take(ann, 0)], `cost ${cost}`).to.deep.equal([0, 0])
      const wait = take(ann, cost)
      expect(wait).to.be.within(100, 1_001)
      clock.tick(wait - 2)
      expect(take(ann, cost)).to.be.within(1, 3)
      clock.tick(2)
      expect(take(ann, cost)).to.equal(0)
    }
  })

  it('take other limits at once, and keep the failed logins', () => {
    const { take, failed, pause, configure } = rateLimits({ failures: 1 })
    expect([take(ann, 10), take(ann, 1) > 0]).to.deep.equal([0, true])
    for (let more = 0; more < 2; more++) failed(ann.address)
    configure({ requests: 20, window: 1_000, failures: 5, pauseMax: 500 })
    expect([take(ann, 20), take(ann, 1) > 0]).to.deep.equal([0, true])
    expect(pause(ann.address)).to.be.above(0)
    clock.tick(5_000)
    // The third failure: without the pause of the earlier limits.
    failed(ann.address)
    expect(pause(ann.address)).to.equal(0)
    for (let more = 0; more < 9; more++) failed(ann.address)
    expect(pause(ann.address)).to.be.within(1, 501)
  })

  it('keep the buckets if only the limits of logins change', () => {
    const { take, configure } = rateLimits()
    take(ann, 10)
    configure({ requests: 10, window: 1_000, failures: 1 })
    expect(take(ann, 1)).to.be.above(0)
  })

  it('let no more pass around the edge of a window than within one', () => {
    const { take } = rateLimits()
    let passed = 0
    for (let time = 0; time < 2_000; time += 10) {
      if (take(ann, 1) === 0) passed += 1
      clock.tick(10)
    }
    expect(passed).to.be.within(28, 30)
  })

  it('count by user over all addresses, and by address over all users', () => {
    const { take } = rateLimits({ addressRequests: 15 })
    expect(take(ann, 10)).to.equal(0)
    expect(take({ ...ann, address: '192.0.2.2' }, 1)).to.be.above(0)
    expect(take({ user: 'bob', address: '192.0.2.1' }, 5)).to.equal(0)
    expect(take({ user: 'cid', address: '192.0.2.1' }, 1)).to.be.above(0)
    expect(take({ address: '192.0.2.1' }, 1)).to.be.above(0)
    expect(take({ user: 'cid', address: '192.0.2.2' }, 10)).to.equal(0)
  })

  it('take nothing for a refused request', () => {
    const { take } = rateLimits({ addressRequests: 12 })
    expect(take({ address: '192.0.2.1' }, 10)).to.equal(0)
    for (let again = 0; again < 100; again++) expect(take({ user: 'bob', address: '192.0.2.1' }, 5)).to.be.above(0)
    expect(take({ user: 'bob', address: '192.0.2.9' }, 10)).to.equal(0)
  })

  it('never allow an address less than one of its users', () => {
    const { take } = rateLimits({ addressRequests: 1 })
    for (let call = 0; call < 10; call++) expect(take(ann, 1)).to.equal(0)
  })

  it('treat a /64 as one client', () => {
    const { take } = rateLimits({ addressRequests: 10 })
    expect(take({ address: '[2001:db8::1]' }, 10)).to.equal(0)
    expect(take({ address: '[2001:db8::2]' }, 1)).to.be.above(0)
    expect(take({ address: '[2001:db8:0:1::1]' }, 1)).to.equal(0)
  })

  it('forget idle clients, and remember a bounded number of them', () => {
    const { take, failed, size } = rateLimits()
    for (let stranger = 0; stranger < 50_000; stranger++) {
      take({ address: `10.${stranger >> 16}.${(stranger >> 8) & 255}.${stranger & 255}` }, 1)
      failed(`10.${stranger >> 16}.${(stranger >> 8) & 255}.${stranger & 255}`)
    }
    expect(size()).to.equal(40_000)
    clock.tick(3_700_000)
    take({ address: '192.0.2.1' }, 1)
    failed('192.0.2.1')
    expect(size()).to.equal(2)
  })

  it('double the pause of an address with each failure, of no other, and forget it with time', () => {
    const { pause, failed } = rateLimits({ pauseMax: 6_000 })
    const waits: number[] = []
    for (let failure = 0; failure < 10; failure++) {
      failed('192.0.2.1')
      waits.push(pause('192.0.2.1'))
    }
    expect(waits).to.deep.equal([0, 0, 0, 0, 0, 1_001, 2_001, 4_001, 6_001, 6_001])
    expect(pause('192.0.2.2')).to.equal(0)
    clock.tick(6_001)
    expect(pause('192.0.2.1')).to.equal(0)
    clock.tick(3_600_000 + 1)
    failed('192.0.2.1')
    expect(pause('192.0.2.1')).to.equal(0)
  })

  it('keep the longest pause after thousands of failures', () => {
    const { pause, failed } = rateLimits()
    for (let failure = 0; failure < 5_000; failure++) failed('192.0.2.1')
    expect(pause('192.0.2.1')).to.equal(300_001)
  })
})

describe('the rate limits of the server', () => {
  const stage = createStage()
  let clock: SinonFakeTimers
  beforeEach(() => {
    clock = useFakeTimers({ toFake: ['performance'] })
    clock.tick(1)
  })
  afterEach(async () => {
    clock.restore()
    await stage.end()
  })

  it('weigh a method by its cost', async () => {
    const world = createWorld()
    const { port } = await stage.serve(
      world.options({ rate: { requests: 12, window: 3_600_000, addressRequests: 1_000 } }),
    )
    const operator = await stage.connect(port, { role: 'operator' })
    expect((await operator.call('take_snapshot', { device: 'camera0' })).error).to.equal(undefined)
    const answers = await Promise.all(Array.from({ length: 12 }, () => operator.call('ping')))
    expect(answers.filter(({ error }) => error === undefined)).to.have.length.below(12)
    for (const { error } of answers) if (error) expect(error.data).to.deep.include({ reason: 'rate_limited' })
  })

  it('let the same call pass after retry_after_ms', async () => {
    const { port } = await stage.serve(
      createWorld().options({ rate: { requests: 5, window: 500, addressRequests: 1_000 } }),
    )
    const viewer = await stage.connect(port, { role: 'viewer' })
    for (let call = 0; call < 5; call++) await viewer.call('ping')
    for (let round = 0; round < 3; round++) {
      const { error } = await viewer.call('ping')
      const wait = Number(error?.data.retry_after_ms)
      expect(wait).to.be.within(1, 101)
      clock.tick(wait)
      expect((await viewer.call('ping')).error).to.equal(undefined)
    }
  })

  it('count invalid frames, and outlive a reconnect', async () => {
    const { port } = await stage.serve(
      createWorld().options({ rate: { requests: 10, window: 3_600_000, addressRequests: 10 } }),
    )
    const client = await stage.connect(port)
    for (let bad = 0; bad < 9; bad++) client.socket.send('nonsense')
    expect((await client.call('ping')).error?.code).to.equal(-32040)
    const refused = await fetch(`http://127.0.0.1:${port}/ws`)
    expect([refused.status, Number(refused.headers.get('retry-after'))]).to.satisfy(
      ([status, wait]: [number, number]) => status === 429 && wait > 0,
    )
    const again = await stage.connect(port).catch((error: Error) => error)
    expect(again).to.have.property('message', 'Unexpected server response: 429')
    expect(await stage.connect(port, { localAddress: '127.0.0.2' })).to.have.property('socket')
  })

  it('throttle an address with wrong credentials, but no valid credential', async () => {
    const world = createWorld()
    const { port } = await stage.serve(world.options({ rate: { requests: 10_000, window: 1_000, failures: 3 } }))
    const inside = await stage.connect(port, { role: 'viewer' })
    const guesser = await stage.connect(port)
    const guesses = await Promise.all(
      Array.from({ length: 20 }, () => guesser.call('authenticate', { auth_token: 'forged' })),
    )
    expect(guesses.slice(0, 5).map(({ error }) => error?.code)).to.deep.equal([-32001, -32001, -32001, -32001, -32040])
    expect(guesses.filter(({ error }) => error?.code === -32001)).to.have.length(4)
    expect(world.audited.filter(({ result }) => result === 'refused')).to.have.length(4)
    expect(guesses.at(-1)?.error?.data).to.deep.include({
      reason: 'too_many_failed_authentications',
      details: 'too many wrong credentials came from this address lately',
    })
    expect(guesses.at(-1)?.error?.data.retry_after_ms).to.be.within(500, 1_001)
    // Other clients of the address can log in, and their logins do not help the guesser.
    await stage.connect(port, { role: 'admin' })
    expect((await guesser.call('authenticate', { auth_token: 'forged' })).error?.code).to.equal(-32040)
    expect((await inside.call('get_camera_list')).error).to.equal(undefined)
    await stage.connect(port, { role: 'viewer', localAddress: '127.0.0.2' })
    clock.tick(Number(guesses.at(-1)?.error?.data.retry_after_ms))
    expect((await guesser.call('authenticate', { auth_token: 'forged' })).error?.code).to.equal(-32001)
    const { error } = await guesser.call('authenticate', { auth_token: 'forged' })
    expect(error?.data.retry_after_ms, 'twice as long as before').to.be.within(1_500, 2_001)
    expect((await guesser.call('authenticate', { auth_token: 'viewer' })).error).to.equal(undefined)
  })

  it('do not count an expired token as a guess', async () => {
    const { port } = await stage.serve(
      createWorld().options({ rate: { requests: 10_000, window: 1_000, failures: 1 } }),
    )
    const client = await stage.connect(port)
    for (let time = 0; time < 5; time++) {
      const { error } = await client.call('authenticate', { auth_token: 'viewer/ann/1000' })
      expect(error?.data).to.deep.include({ reason: 'token_expired' })
    }
  })
})
