import { expect } from 'chai'
import { createActor, fromCallback, SimulatedClock } from 'xstate'
import type { FoundStream } from '../../machines/domain/external.js'
import type { DiscoveryFact } from '../../machines/domain/facts.js'
import {
  type ExternalDiscoveryInput,
  externalDiscoveryMachine,
  type ScanEvent,
  type ScanWish,
  scanFor,
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

describe('external discovery', () => {
  it('does nothing at all while it is disabled', () => {
    const { actor, clock, scans } = discovery({ enabled: false, atStart: true, interval: 1_000 })
    expect(actor.getSnapshot().can({ type: 'discovery.start', wish: generic })).to.equal(false)
    clock.increment(100_000)
    expect([scans.length, actor.getSnapshot().value]).to.deep.equal([0, 'disabled'])
  })

  it('scans on demand only when its interval is 0, else again and again, and at the start when it is told to', () => {
    const onDemand = discovery()
    onDemand.clock.increment(10_000_000)
    expect(onDemand.scans).to.have.length(0)

    const periodic = discovery({ interval: 30_000 })
    periodic.clock.increment(29_999)
    expect(periodic.scans).to.have.length(0)
    periodic.clock.increment(1)
    periodic.clock.increment(100_000)
    expect(periodic.scans, 'a scan does not overlap itself').to.have.length(1)
    periodic.tell({ type: 'scan.ended', at: 1, took: 1, errors: [] })
    periodic.clock.increment(30_000)
    expect(periodic.scans.map(({ wish }) => wish)).to.deep.equal([
      { skydio: false, generic: true, force: true },
      { skydio: false, generic: true, force: true },
    ])

    expect(discovery({ atStart: true }).scans).to.have.length(1)
  })

  it('takes a new interval at once, also during a scan', () => {
    const { actor, clock, scans, tell } = discovery({ interval: 3_600_000 })
    actor.send({ type: 'interval.set', interval: 5_000 })
    clock.increment(5_000)
    expect(scans).to.have.length(1)
    actor.send({ type: 'interval.set', interval: 0 })
    tell({ type: 'scan.ended', at: 1, took: 1, errors: [] })
    clock.increment(3_600_000)
    expect(scans).to.have.length(1)
    actor.send({ type: 'interval.set', interval: 2_000 })
    clock.increment(2_000)
    expect(scans).to.have.length(2)
  })

  it('keeps what it finds, as ERROR when it is gone, and tells only news', () => {
    const { actor, facts, tell, start } = discovery()
    start(everything)
    tell({ type: 'scan.progress', done: 1, total: 2 })
    tell({ type: 'scan.found', stream: yard, at: 10 })
    tell({ type: 'scan.ended', at: 11, took: 5, errors: [] })
    start(everything)
    tell({ type: 'scan.found', stream: yard, at: 20 })
    tell({ type: 'scan.ended', at: 21, took: 5, errors: [] })
    start(everything)
    tell({ type: 'scan.lost', url: yard.url, reason: 'unreachable' })
    tell({ type: 'scan.ended', at: 31, took: 5, errors: ['x'] })
    const { found, last } = actor.getSnapshot().context
    expect(found).to.deep.equal([{ ...yard, status: 'ERROR', discoveredAt: 10, lastSeen: 20, reason: 'unreachable' }])
    expect(last).to.deep.equal({ scan: 3, at: 31, took: 5, errors: ['x'] })
    start(everything)
    tell({ type: 'scan.found', stream: yard, at: 40 })
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
    expect(facts[3]).to.deep.equal({ type: 'discovery.ended', found: 1, took: 5, errors: [] })
  })

  it('counts of what it found only what it looked for', () => {
    const { facts, tell, start } = discovery()
    start(everything)
    for (const stream of [yard, drone]) tell({ type: 'scan.found', stream, at: 1 })
    tell({ type: 'scan.ended', at: 2, took: 1, errors: [] })
    start(generic)
    tell({ type: 'scan.ended', at: 3, took: 1, errors: [] })
    expect(
      facts.filter(({ type }) => type === 'discovery.ended').map((fact) => 'found' in fact && fact.found),
    ).to.deep.equal([2, 1])
  })

  it('gives who asks during a scan its outcome, unless it looks for less or is not new enough', () => {
    const { actor, scans, tell, start } = discovery()
    const nextScan = (wish: ScanWish) => {
      const snapshot = actor.getSnapshot()
      return scanFor(snapshot.context, snapshot.hasTag('scanning'), wish)
    }
    expect(nextScan(generic)).to.equal(1)
    start(generic)
    expect([nextScan(generic), nextScan(everything), nextScan({ ...generic, force: true })]).to.deep.equal([1, 2, 2])
    start(generic)
    start({ ...everything, generic: false })
    start({ ...generic, force: true })
    tell({ type: 'scan.ended', at: 1, took: 1, errors: [] })
    expect(scans.map(({ wish }) => wish)).to.deep.equal([generic, { skydio: true, generic: true, force: true }])
    expect(actor.getSnapshot().context).to.include({ scan: 2 })
    tell({ type: 'scan.ended', at: 2, took: 1, errors: [] })
    expect(actor.getSnapshot().value).to.deep.equal({ idle: 'onDemand' })
  })

  it('can be cancelled, with what was to follow; the effect ends', () => {
    const { actor, facts, scans, start } = discovery()
    start(generic)
    start({ ...generic, force: true })
    actor.send({ type: 'discovery.cancel', at: 7 })
    expect(actor.getSnapshot().context).to.deep.include({
      scan: 2,
      last: { scan: 2, at: 7, took: 0, errors: ['the scan was cancelled'] },
    })
    expect(scans[0]?.ended).to.equal(true)
    expect(facts.at(-1)).to.deep.include({ type: 'discovery.ended', errors: ['the scan was cancelled'] })
    start(generic)
    expect(scans).to.have.length(2)
  })

  it('keeps no more than a machine that answers on every address could fill', () => {
    const { actor, facts, tell, start } = discovery()
    start(generic)
    const stream = (n: number) => ({ ...yard, url: `rtsp://10.0.${n >> 8}.${n & 255}:554/live` })
    for (let n = 0; n < 1_000; n += 1) tell({ type: 'scan.found', stream: stream(n), at: n })
    expect(actor.getSnapshot().context.found).to.have.length(256)
    expect(facts.filter(({ type }) => type === 'discovery.found')).to.have.length(256)
    tell({ type: 'scan.lost', url: stream(7).url, reason: 'gone' })
    tell({ type: 'scan.found', stream: stream(999), at: 2 })
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
    let tell = (_: ScanEvent) => {}
    const actor = createActor(
      externalDiscoveryMachine.provide({
        actors: {
          scanStreams: fromCallback(({ input, sendBack }) => {
            const scan = { wish: (input as { wish: ScanWish }).wish, ended: false }
            scans.push(scan)
            tell = sendBack
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
      tell: (event: ScanEvent) => tell(event),
      start: (wish: ScanWish) => actor.send({ type: 'discovery.start', wish }),
    }
  }
})
