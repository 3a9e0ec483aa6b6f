import { expect } from 'chai'
import { createActor, fromCallback, SimulatedClock } from 'xstate'
import type { By } from '../../machines/domain/by.js'
import type { FoundStream } from '../../machines/domain/external.js'
import type { DiscoveryFact } from '../../machines/domain/facts.js'
import { because } from '../../machines/domain/reason.js'
import {
  type ExternalDiscoveryInput,
  externalDiscoveryMachine,
  type ScanEvent,
  type ScanWish,
} from '../../machines/externalDiscovery.js'

const yard: FoundStream = { url: 'rtsp://10.0.0.9:554/live', name: 'yard', type: 'generic_rtsp', codec: 'H264' }
const drone: FoundStream = {
  url: 'rtsp://192.168.42.10:5554/subject',
  name: 'drone',
  type: 'skydio_stanag4609',
  sensor: 'eo',
  codec: 'H264',
}
const everything: ScanWish = { skydio: true, generic: true, force: false }
const generic: ScanWish = { skydio: false, generic: true, force: false }
const forced: ScanWish = { ...generic, force: true }
const cancelled = ['the scan was cancelled']
const client = (session: string): By => ({ user: 'ann', request: '1', session })

describe('external discovery', () => {
  it('never scans while it is disabled', () => {
    const { actor, clock, scans } = discovery({ enabled: false, atStart: true, interval: 1_000 })
    expect(actor.getSnapshot().can({ type: 'discovery.start', wish: generic, by: client('s1') })).to.equal(false)
    clock.increment(100_000)
    expect([scans.length, actor.getSnapshot().value]).to.deep.equal([0, 'disabled'])
  })

  it('scans on demand only with an interval of 0, else once per interval, and at the start if configured', () => {
    const onDemand = discovery()
    onDemand.clock.increment(10_000_000)
    expect(onDemand.scans).to.have.length(0)

    const periodic = discovery({ interval: 30_000 })
    periodic.clock.increment(29_999)
    expect(periodic.scans).to.have.length(0)
    periodic.clock.increment(1)
    periodic.clock.increment(100_000)
    expect(periodic.scans, 'scans do not overlap').to.have.length(1)
    periodic.report({ type: 'scan.ended', took: 1, errors: [] })
    periodic.clock.increment(30_000)
    expect(periodic.scans.map(({ wish }) => wish)).to.deep.equal([
      { skydio: false, generic: true, force: true },
      { skydio: false, generic: true, force: true },
    ])

    expect(discovery({ atStart: true }).scans).to.have.length(1)
  })

  it('looks for other kinds of streams in its next scheduled scan', () => {
    const { actor, clock, scans } = discovery({ interval: 5_000 })
    actor.send({ type: 'kinds.set', skydio: true, generic: false })
    clock.increment(5_000)
    expect(scans.map(({ wish }) => wish)).to.deep.equal([{ skydio: true, generic: false, force: true }])
  })

  it('applies a new interval at once, also during a scan', () => {
    const { actor, clock, scans, report } = discovery({ interval: 3_600_000 })
    actor.send({ type: 'interval.set', interval: 5_000 })
    clock.increment(5_000)
    expect(scans).to.have.length(1)
    actor.send({ type: 'interval.set', interval: 0 })
    report({ type: 'scan.ended', took: 1, errors: [] })
    clock.increment(3_600_000)
    expect(scans).to.have.length(1)
    actor.send({ type: 'interval.set', interval: 2_000 })
    clock.increment(2_000)
    expect(scans).to.have.length(2)
  })

  it('keeps found streams, with status ERROR while they do not answer, and reports only new ones', () => {
    const { actor, facts, report, start } = discovery()
    const unreachable = because('unreachable')
    start(everything)
    report({ type: 'scan.progress', done: 1, total: 2 })
    report({ type: 'scan.found', stream: yard, at: 10 })
    report({ type: 'scan.ended', took: 5, errors: [] })
    start(everything)
    report({ type: 'scan.found', stream: yard, at: 20 })
    report({ type: 'scan.ended', took: 5, errors: [] })
    start(everything)
    report({ type: 'scan.lost', url: yard.url, reason: unreachable })
    report({ type: 'scan.ended', took: 5, errors: ['x'] })
    expect(actor.getSnapshot().context.found).to.deep.equal([
      { ...yard, status: 'ERROR', discoveredAt: 10, lastSeen: 20, reason: unreachable },
    ])
    expect(facts.at(-1)).to.deep.equal({
      type: 'discovery.ended',
      found: 0,
      took: 5,
      errors: ['x'],
      askers: [client('s1')],
    })
    start(everything)
    report({ type: 'scan.found', stream: yard, at: 40 })
    expect(actor.getSnapshot().context.found).to.deep.equal([
      { ...yard, status: 'DISCOVERED', discoveredAt: 10, lastSeen: 40 },
    ])
    expect(facts.map(({ type }) => type.replace('discovery.', ''))).to.deep.equal([
      'started',
      'progress',
      'found',
      'ended',
      'started',
      'ended',
      'started',
      'ended',
      'started',
      'found',
    ])
    expect(facts[3]).to.deep.equal({
      type: 'discovery.ended',
      found: 1,
      took: 5,
      errors: [],
      askers: [client('s1')],
    })
  })

  it('counts only streams of the requested kinds', () => {
    const { facts, report, start } = discovery()
    start(everything)
    for (const stream of [yard, { ...yard, url: 'rtsp://10.0.0.8:554/live' }, drone])
      report({ type: 'scan.found', stream, at: 1 })
    report({ type: 'scan.ended', took: 1, errors: [] })
    start(generic)
    report({ type: 'scan.ended', took: 1, errors: [] })
    expect(
      facts.filter(({ type }) => type === 'discovery.ended').map((fact) => 'found' in fact && fact.found),
    ).to.deep.equal([3, 2])
  })

  it('adds a request to a running scan that covers it, and starts one scan for all other requests', () => {
    const { actor, scans, report, start, outcomes } = discovery()
    const [first, joined, wider, newer] = ['s1', 's2', 's3', 's4'].map(client) as [By, By, By, By]
    start(generic, first)
    start(generic, joined)
    start({ ...everything, generic: false }, wider)
    start(forced, newer)
    report({ type: 'scan.ended', took: 1, errors: [] })
    expect(scans.map(({ wish }) => wish)).to.deep.equal([generic, { skydio: true, generic: true, force: true }])
    report({ type: 'scan.ended', took: 2, errors: [] })
    expect(actor.getSnapshot().value).to.deep.equal({ idle: 'onDemand' })
    expect(outcomes()).to.deep.equal([
      [first, joined],
      [wider, newer],
    ])
    // Callers identify their fact by reference.
    expect(outcomes().flat().includes(newer)).to.equal(true)
  })

  describe('when a client disconnects', () => {
    it('continues while another client waits, then cancels the scan', () => {
      const { facts, scans, start, leave } = discovery()
      const [first, second, again] = [client('s1'), client('s2'), client('s2')]
      start(generic, first)
      start(generic, second)
      start(generic, again)
      leave('s1')
      expect([scans[0]?.ended, facts.length]).to.deep.equal([false, 1])
      leave('s2')
      expect(scans[0]?.ended).to.equal(true)
      const outcome = { type: 'discovery.ended', found: 0, took: 0, errors: cancelled }
      expect(facts.slice(1)).to.deep.equal([{ ...outcome, askers: [first, second, again] }])
      leave('s2')
      expect(facts).to.have.length(2)
      start(generic)
      expect(scans).to.have.length(2)
    })

    it('cancels the next scan together with the present one if no other client waits', () => {
      const { actor, scans, start, leave, outcomes } = discovery()
      const [present, following] = [client('s1'), client('s1')]
      start(generic, present)
      start(forced, following)
      leave('s1')
      expect([scans.length, scans[0]?.ended, actor.getSnapshot().value]).to.deep.equal([1, true, { idle: 'onDemand' }])
      expect(outcomes()).to.deep.equal([[present, following]])
    })

    it('cancels a next scan without clients, and continues the present one', () => {
      const { scans, start, leave, report, outcomes } = discovery()
      const [present, following] = [client('s1'), client('s2')]
      start(generic, present)
      start(forced, following)
      leave('s2')
      expect(scans[0]?.ended).to.equal(false)
      report({ type: 'scan.ended', took: 1, errors: [] })
      expect(scans).to.have.length(1)
      expect(outcomes()).to.deep.equal([[present, following]])
    })

    it('starts the next scan of another client at once', () => {
      const { facts, scans, start, leave } = discovery()
      start(generic, client('s1'))
      start(forced, client('s2'))
      leave('s1')
      expect(scans.map(({ wish, ended }) => [wish, ended])).to.deep.equal([
        [generic, true],
        [forced, false],
      ])
      expect(facts.map(({ type }) => type)).to.deep.equal(['discovery.started', 'discovery.ended', 'discovery.started'])
    })

    it('does not cancel a scheduled scan', () => {
      const { actor, scans, start, leave, report, outcomes } = discovery({ atStart: true })
      const joined = client('s1')
      start({ ...generic, force: false }, joined)
      leave('s1')
      expect([scans[0]?.ended, actor.getSnapshot().hasTag('scanning')]).to.deep.equal([false, true])
      report({ type: 'scan.ended', took: 1, errors: [] })
      expect(outcomes()).to.deep.equal([[joined]])
    })
  })

  it('keeps at most 256 streams, and replaces one that does not answer', () => {
    const { actor, facts, report, start } = discovery()
    start(generic)
    const stream = (n: number) => ({ ...yard, url: `rtsp://10.0.${n >> 8}.${n & 255}:554/live` })
    for (let n = 0; n < 1_000; n += 1) report({ type: 'scan.found', stream: stream(n), at: n })
    expect(actor.getSnapshot().context.found).to.have.length(256)
    expect(facts.filter(({ type }) => type === 'discovery.found')).to.have.length(256)
    report({ type: 'scan.lost', url: stream(7).url, reason: because('unreachable') })
    report({ type: 'scan.found', stream: stream(999), at: 2 })
    const { found } = actor.getSnapshot().context
    expect(found).to.have.length(256)
    expect([
      found.some(({ url }) => url === stream(7).url),
      found.some(({ url }) => url === stream(999).url),
    ]).to.deep.equal([false, true])
  })

  function discovery(changes: Partial<ExternalDiscoveryInput> = {}) {
    const clock = new SimulatedClock()
    const facts: DiscoveryFact[] = []
    const scans: { wish: ScanWish; ended: boolean }[] = []
    let report = (_: ScanEvent) => {}
    const actor = createActor(
      externalDiscoveryMachine.provide({
        actors: {
          scanStreams: fromCallback(({ input, sendBack }) => {
            const scan = { wish: (input as { wish: ScanWish }).wish, ended: false }
            scans.push(scan)
            report = sendBack
            return () => {
              scan.ended = true
            }
          }) as never,
        },
      }),
      { clock, input: { enabled: true, interval: 0, atStart: false, skydio: false, generic: true, ...changes } },
    )
    for (const type of ['discovery.started', 'discovery.progress', 'discovery.found', 'discovery.ended'] as const)
      actor.on(type, (fact) => facts.push(fact))
    actor.start()
    return {
      actor,
      clock,
      facts,
      scans,
      report: (event: ScanEvent) => report(event),
      start: (wish: ScanWish, by = client('s1')) => actor.send({ type: 'discovery.start', wish, by }),
      leave: (session: string) => actor.send({ type: 'client.left', session }),
      /** Returns the clients of each scan that ended. */
      outcomes: () => facts.flatMap((fact) => (fact.type === 'discovery.ended' ? [fact.askers ?? []] : [])),
    }
  }
})
