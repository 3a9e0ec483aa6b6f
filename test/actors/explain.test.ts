import { expect } from 'chai'
import { machines } from '../../docs/generate/statecharts.js'
import { needOf, stateWords, timerWords } from '../../machines/domain/explanationWords.js'
import { type SimulatedWorld, simulated } from '../faults/simulated/world.js'

describe('explanations', () => {
  let world: SimulatedWorld
  beforeEach(async () => {
    world = await simulated.open('captured', 2)
  })
  afterEach(() => world.end())
  const camera = () => world.actors.explain.camera('camera0')

  it('say since when and why a camera is unplugged, until when, and what each method needs', async () => {
    await world.faults.unplugged?.begin(['camera0'])
    await world.pass(2_000)
    const { text, state, since, reason, causes, timers, allowed, refused } = camera()
    expect([text, state, reason?.code]).to.deep.equal([
      'camera0 (Test Cam) is not connected: the camera was unplugged',
      'unplugged',
      'unplugged',
    ])
    expect(causes[0]).to.deep.include({ at: since, cause: { event: 'devices.hint', actor: 'watchDevices' } })
    expect(timers.map(({ name, until }) => [name, until - since])).to.deep.equal([['retirement', 86_400_000]])
    expect(allowed).to.deep.equal([])
    expect(refused.find(({ method }) => method === 'take_snapshot')).to.deep.include({
      reason: 'unplugged',
      needs: 'the camera is plugged in again',
    })
  })

  it('follow a recording that waits for space to the measurement of the disk', async () => {
    await world.record('camera0')
    await world.pass(2_000)
    await world.faults.diskFull?.begin([])
    await world.pass(8_000)
    const { state, reason, causes } = world.actors.explain.recording('camera0')
    expect([state, reason?.code]).to.deep.equal(['interrupted', 'storage_full'])
    expect(causes.slice(0, 2).map(({ actor }) => actor)).to.deep.equal(['camera:camera0/recording', 'storage'])
    expect(causes[1]).to.deep.include({ state: 'critical', event: 'measureDisk done' })
    expect(causes[1]?.evidence).to.deep.include({ available: 0, percent: 100 })
  })

  it('date a fault of the disk by itself, not by the one before it, with its own evidence and causes', async () => {
    await world.faults.diskFull?.begin([])
    await world.pass(5_000)
    const full = world.actors.explain.component('storage')
    await world.pass(5_000)
    await world.faults.readOnly?.begin([])
    await world.pass(2_000)
    const { state, since, reason, evidence, causes } = world.actors.explain.component('storage')
    expect([state, reason?.code]).to.deep.equal(['critical', 'storage_read_only'])
    expect(since - full.since).to.be.within(5_000, 11_000)
    expect(evidence?.percent).to.be.below(100)
    expect(causes[0]).to.deep.include({ at: since, state: 'critical', event: 'measureDisk done' })
    expect(causes[0]?.seq).to.be.above(full.causes[0]?.seq ?? 0)
    const { percent } = causes[0]?.evidence ?? {}
    expect(percent).to.equal(evidence?.percent)
  })

  it('name the causes of what a recording waits for now, not of what it waited for before', async () => {
    await world.record('camera0')
    await world.pass(2_000)
    await world.faults.diskFull?.begin([])
    await world.pass(8_000)
    await world.faults.unplugged?.begin(['camera0'])
    await world.pass(2_000)
    const { state, reason, causes } = world.actors.explain.recording('camera0')
    expect([state, reason?.code]).to.deep.equal(['interrupted', 'unplugged'])
    expect(causes[0]).to.deep.include({ actor: 'camera:camera0/recording', event: 'camera.lost' })
    expect(causes.map(({ actor }) => actor)).not.to.include('storage')
  })

  it('follow the loss of the media server to the end of its process', async () => {
    await world.faults.serverGone?.begin([])
    await world.pass(3_000)
    const found = world.actors.explain.component('mediamtx')
    // It was killed, and cannot start since: reason, causes and refusals name the same.
    const details = 'its port is in use'
    expect([found.state, found.reason?.details]).to.deep.equal(['down', details])
    expect(found.causes.at(-1)).to.deep.include({
      actor: 'serverProcess',
      event: 'server.exited',
      evidence: { details },
    })
    expect(camera().refused.map((each) => each.details)).to.include(details)
  })

  it('do not go back over the good state before: a hang has nothing to do with an earlier kill', async () => {
    await world.faults.serverKilled?.begin([])
    await world.pass(10_000)
    expect(world.actors.explain.component('mediamtx').state).to.equal('up')
    await world.faults.serverHangs?.begin([])
    await world.pass(6_000)
    const { state, causes, timers } = world.actors.explain.component('mediamtx')
    expect(state).to.equal('down')
    expect(causes.map(({ actor }) => actor)).not.to.include('serverProcess')
    expect(
      timers.map(({ name }) => name),
      'when it will be killed',
    ).to.include('silenceLimit')
  })

  it('name the interruption of a recording that continues, with its cause', async () => {
    await world.record('camera0')
    await world.pass(2_000)
    await world.faults.ffmpegKilled?.begin(['camera0'])
    await world.pass(5_000)
    const { state, text, causes, before = [] } = world.actors.explain.recording('camera0')
    expect(state).to.equal('recording')
    expect(text).to.match(
      /: its file grows; it was interrupted once for \d+ ms until 2026-.*Z: the pipeline was killed$/,
    )
    expect(causes.map(({ event }) => event)).to.deep.equal(['segment.added'])
    expect(before[0]).to.deep.include({ state: 'interrupted', event: 'feed.failed' })
    expect(before.map(({ actor }) => actor)).to.include('camera:camera0/pipeline')
    expect(before.at(-1)).to.include({ state: 'interrupted', event: 'stream.lost' })
  })

  it('say of a camera that its recording is interrupted', async () => {
    await world.record('camera0')
    await world.pass(2_000)
    await world.faults.cameraHangs?.begin(['camera0'])
    await world.pass(4_000)
    expect(camera().text).to.include('can be used; its recording is interrupted: no data is written')
  })

  it('doubt the media server before it counts as down, if a file does not grow', async () => {
    await world.record('camera0')
    await world.pass(2_000)
    await world.faults.serverHangs?.begin([])
    const seen = new Set<string>()
    for (let passed = 0; passed < 8_000; passed += 100) {
      await world.pass(100)
      const { state, text } = world.actors.explain.recording('camera0')
      const isDoubted = world.actors.explain.component('mediamtx').state === 'degraded'
      if (state === 'interrupted' && isDoubted) seen.add(text.replace(/^.*; /, ''))
    }
    expect([...seen]).to.deep.equal(['perhaps because of the media server: no answer within 2 s'])
  })

  it('name the restart of the service before a recording that continues', async () => {
    await world.record('camera0')
    await world.pass(2_000)
    await world.faults.serviceKilled?.begin([])
    await world.faults.serviceKilled?.finish?.([])
    await world.pass(5_000)
    const { state, before = [] } = world.actors.explain.recording('camera0')
    expect(state).to.equal('recording')
    expect(before.at(-1)).to.deep.include({ actor: 'service', event: 'started' })
    expect(before.at(-1)?.evidence).to.include({ previous_run: 'ended without a stop' })
  })

  it('name how a state began that lasts for another reason', async () => {
    await world.faults.serverGone?.begin([])
    await world.pass(3_000)
    const { causes, before = [] } = world.actors.explain.component('mediamtx')
    expect(causes[0]?.evidence?.details).to.equal('its port is in use')
    expect(before[0]).to.deep.include({
      state: 'down',
      evidence: { reason: 'server_ended', details: 'killed by SIGKILL' },
    })
  })

  it('have nothing before a state that is the first', async () => {
    expect(camera()).not.to.have.property('before')
    expect(world.actors.explain.component('storage')).not.to.have.property('before')
    await world.record('camera0')
    await world.pass(2_000)
    expect(world.actors.explain.recording('camera0')).not.to.have.property('before')
  })

  it('end with the start of the service, without its steps', () => {
    expect(camera().causes.map(({ actor, event }) => `${actor} ${event}`)).to.deep.equal([
      'camera:camera0 probeDevice done',
      'camera:camera0 start',
      'service started',
    ])
  })

  it('say what ended the stream of a camera that can be used', async () => {
    await world.faults.deviceBusy?.begin(['camera0'])
    await world.pass(1_000)
    await world.hold('camera0').catch(() => {})
    const { state, causes } = camera()
    expect(state).to.equal('available')
    const ended = causes.find(({ actor }) => actor === 'camera:camera0/pipeline')
    expect(ended?.evidence).to.include({ reason: 'device_busy' })
  })

  it('name the second camera only in its own explanation', async () => {
    await world.faults.unplugged?.begin(['camera1'])
    await world.pass(2_000)
    expect(camera().state).to.equal('available')
    expect(world.actors.explain.camera('camera1').state).to.equal('unplugged')
  })

  it('keep the end of the last recording', async () => {
    await world.record('camera0')
    await world.pass(2_000)
    await world.stop('camera0')
    const { state, text, causes } = world.actors.explain.recording('camera0')
    expect([state, text]).to.deep.equal(['not recording', 'the recording of camera0 (Test Cam) is not running'])
    expect(causes[0]?.state).to.equal('stopped')
  })

  it('say that a service without cameras that change writes nothing for ten minutes', async () => {
    await world.pass(2_000)
    const before = world.journal.recent().length
    await world.pass(600_000)
    expect(world.journal.recent().length).to.equal(before)
  })

  it('tell the rhythm of a camera that flaps', async () => {
    for (let round = 0; round < 4; round += 1) {
      await world.faults.unplugged?.begin(['camera0'])
      await world.pass(5_000)
      await world.faults.unplugged?.finish?.(['camera0'])
      await world.pass(80_000)
    }
    expect(camera().text).to.match(/; it flaps: 4 disconnects in 10 min, about every 85 s$/)
    expect(camera().flapping?.disconnects).to.equal(4)
    const unflapped = world.actors.explain.camera('camera1')
    expect(unflapped.flapping).to.equal(undefined)
  })
})

describe('explanations: words', () => {
  it('exist for each public state', () => {
    const tagsOf = (id: string, hidden: readonly string[] = []) =>
      tagsIn(machines.find((machine) => machine.id === id)?.root).filter((tag) => !hidden.includes(tag))
    const known = (subject: keyof typeof stateWords) => Object.keys(stateWords[subject])
    expect(known('camera')).to.include.members(tagsOf('camera', ['connected', 'unreachable']))
    expect(known('mediamtx')).to.include.members(tagsOf('mediamtxLink', ['open', 'halfOpen']))
    expect(known('storage')).to.include.members(tagsOf('storage'))
    expect(known('discovery')).to.include.members(tagsOf('discovery'))
    const statuses = ['starting', 'recording', 'interrupted', 'stopping', 'stopped', 'failed']
    expect(known('recording')).to.include.members(statuses)
  })

  it('exist for delays that exist', () => {
    const delays = machines.flatMap(({ id, implementations }) =>
      Object.keys(implementations.delays).map((name) => `${id}.${name}`),
    )
    expect(Object.keys(timerWords).filter((name) => !delays.includes(name))).to.deep.equal([])
  })

  it('say what a refused method needs', () => {
    const start = { state: 'recording', method: 'start_recording' }
    const stop = { state: 'not recording', method: 'stop_recording' }
    expect(needOf({ ...stop, allowed: ['start_recording'] })).to.equal('a recording runs: call start_recording first')
    expect(needOf(stop)).to.equal('a recording runs')
    expect(needOf({ ...start, allowed: ['stop_recording'] })).to.include('call stop_recording first')
    expect(needOf(start)).to.equal('the present recording ends')
    expect(needOf({ code: 'storage_full', state: 'available', method: 'start_recording' })).to.equal(
      'space is freed on the disk',
    )
    const take = { method: 'take_snapshot' }
    expect(needOf({ ...take, state: 'probing' })).to.equal('the probe of the camera ends')
    expect(needOf({ ...take, state: 'not recording' })).to.equal('the camera is available')
    expect(needOf({ ...take, code: 'crashed', state: 'stopped' })).to.equal('the camera is available')
    const refused = { ...take, code: 'unreachable', errno: 'ECONNREFUSED', state: 'faulty' }
    expect(needOf(refused)).to.match(/^a program listens at the port of its URL/)
  })
})

interface Node {
  tags: readonly string[]
  states: Record<string, Node>
}
const tagsIn = (node: Node | undefined): string[] =>
  node === undefined ? [] : [...new Set([...node.tags, ...Object.values(node.states).flatMap(tagsIn)])]
