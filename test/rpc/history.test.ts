import { expect } from 'chai'
import { ServiceError } from '../../machines/domain/errors.js'
import { because } from '../../machines/domain/reason.js'
import { createStage, createWorld, noon, type World } from './fakes.js'

describe('methods for the journal', () => {
  const stage = createStage()
  let world: World
  let port: number
  beforeEach(async () => {
    world = createWorld()
    ;({ port } = await stage.serve(world.options()))
  })
  afterEach(() => stage.end())

  it('list changes of state with their causes, page by page', async () => {
    const admin = await stage.connect(port, { role: 'admin' })
    const first = (await admin.call('get_history', { limit: 1 })).result
    expect(first.entries.map(({ seq, actor }: { seq: number; actor: string }) => [seq, actor])).to.deep.equal([
      [2, 'storage'],
    ])
    const { entries, next_cursor } = (await admin.call('get_history', { limit: 1, cursor: first.next_cursor })).result
    expect(next_cursor).to.equal(undefined)
    expect(entries[0]).to.deep.equal({
      seq: 1,
      at: '2025-06-01T11:59:55.000Z',
      actor: 'camera:camera1',
      machine: 'camera@1f3a9c',
      from: 'alive.connection.online.life.available.serving',
      to: 'alive.connection.away.unplugged',
      state: 'unplugged',
      event: 'device.removed',
      text:
        'the device is gone (ann, request r1): the camera was unplugged; ' +
        'before it, the system reported a change of its devices',
      cause: { event: 'devices.hint', actor: 'watchDevices', by: { user: 'ann', request: 'r1' } },
      evidence: { reason: 'unplugged', details: 'the camera was unplugged', udev_action: 'remove' },
    })
  })

  it('filter by camera, actor, time and number', async () => {
    const viewer = await stage.connect(port, { role: 'viewer' })
    const seqs = async (params: object) =>
      (await viewer.call('get_history', params)).result.entries.map(({ seq }: { seq: number }) => seq)
    expect(await seqs({ device: 'camera1' })).to.deep.equal([1])
    expect(await seqs({ device: 'camera0' })).to.deep.equal([])
    expect(await seqs({ actor: 'storage' })).to.deep.equal([2])
    expect(await seqs({ after: 1 })).to.deep.equal([2])
    expect(await seqs({ since: '2025-06-01T12:00:00Z' })).to.deep.equal([])
    expect(await seqs({ until: '2025-06-01T12:00:00Z' })).to.deep.equal([2, 1])
    const both = await viewer.call('get_history', { device: 'camera1', actor: 'storage' })
    expect(both.error?.data).to.deep.include({ param: 'actor' })
    for (const since of ['2025-99-99', '2025-02-30', '2025-02-29T10:00:00Z', '2025-06-31'])
      expect((await viewer.call('get_history', { since })).error?.data, since).to.deep.include({ param: 'since' })
    expect(await seqs({ since: '2024-02-29' })).to.deep.equal([2, 1])
    const turned = await viewer.call('get_history', { since: '2025-06-02T00:00:00Z', until: '2025-06-01T00:00:00Z' })
    expect(turned.error?.data).to.deep.include({ param: 'until', details: 'until must not be before since' })
  })

  it('refuse a camera or an actor that never was, but not one without entries', async () => {
    const viewer = await stage.connect(port, { role: 'viewer' })
    for (const params of [{ device: 'camera9' }, { actor: 'camera:camera9' }, { actor: 'disk' }, { actor: 'camera' }]) {
      const { error } = await viewer.call('get_history', params)
      expect(error?.code, JSON.stringify(params)).to.equal(-32010)
      expect(error?.data.resource).to.equal('actor' in params && params.actor !== 'camera:camera9' ? 'actor' : 'camera')
    }
    for (const params of [{ device: 'camera0' }, { actor: 'fleet' }, { device: 'camera1', until: '2020-01-01' }])
      expect((await viewer.call('get_history', params)).result, JSON.stringify(params)).to.deep.equal({ entries: [] })
    const limited = await stage.connect(port, { role: `viewer/bob/${noon + 3_600_000}/camera1` })
    const { error } = await limited.call('get_history', { actor: 'camera:camera0' })
    expect(error?.code, 'it runs, but not for this caller').to.equal(-32010)
  })

  it('hide the requests of others, except from administrators', async () => {
    const causeFor = async (client: Awaited<ReturnType<typeof stage.connect>>) =>
      (await client.call('get_history', { device: 'camera1' })).result.entries[0].cause.by
    expect(await causeFor(await stage.connect(port, { role: 'viewer/bob' }))).to.equal(undefined)
    expect(await causeFor(await stage.connect(port, { role: 'viewer/ann' }))).to.deep.equal({
      user: 'ann',
      request: 'r1',
    })
    expect(await causeFor(await stage.connect(port, { role: 'admin' }))).to.not.equal(undefined)
  })

  it('hide other cameras from a limited caller', async () => {
    const limited = await stage.connect(port, { role: `viewer/bob/${noon + 3_600_000}/camera0` })
    const { entries } = (await limited.call('get_history')).result
    expect(entries.map(({ actor }: { actor: string }) => actor)).to.deep.equal(['storage'])
    const calls: [string, object][] = [
      ['get_history', { device: 'camera1' }],
      ['explain', { device: 'camera1' }],
      ['explain', { recording: 'camera1' }],
    ]
    for (const [method, params] of calls)
      expect((await limited.call(method, params)).error?.code, method).to.equal(-32010)
    const { error } = await limited.call('get_history', { actor: 'camera:camera1' })
    expect(error?.code, 'as if it did not exist').to.equal(-32010)
  })

  it('explain a camera, a recording or a component, and exactly one of them', async () => {
    const viewer = await stage.connect(port, { role: 'viewer/bob' })
    const { result } = await viewer.call('explain', { device: 'camera1' })
    expect(result).to.deep.include({ subject: 'camera1', state: 'unplugged', reason: 'unplugged' })
    expect(result.causes.map(({ seq }: { seq: number }) => seq)).to.deep.equal([1])
    expect((await viewer.call('explain', { component: 'storage' })).result.state).to.equal('ok')
    for (const params of [{}, { device: 'camera0', component: 'storage' }])
      expect((await viewer.call('explain', params)).error?.code).to.equal(-32602)
  })

  it('fail with a sentence if the journal cannot be read', async () => {
    const broken = { read: async () => Promise.reject(new Error('the journal cannot be read (EIO)')) }
    const other = await stage.serve(world.options({}, { journal: broken }))
    const viewer = await stage.connect(other.port, { role: 'viewer' })
    const { error } = await viewer.call('get_history')
    expect(error?.code).to.equal(-32050)
    expect(error?.data).to.deep.include({ dependency: 'journal', detail: 'the journal cannot be read (EIO)' })
  })

  it('repeat the facts of a state in the errors about it', async () => {
    const operator = await stage.connect(port, { role: 'operator/bob' })
    world.ask.startRecording = async () => {
      throw new ServiceError('invalidState', { state: 'unplugged', allowed_states: ['available'] })
    }
    const refused = await operator.call('start_recording', { device: 'camera1' })
    expect(refused.error?.data).to.deep.include({
      state: 'unplugged',
      since: '2025-06-01T11:59:55.000Z',
      evidence: { reason: 'unplugged', details: 'the camera was unplugged', udev_action: 'remove' },
      causes: ['the device is gone: the camera was unplugged; before it, the system reported a change of its devices'],
    })
    world.storage = { ...world.storage, cause: { state: 'critical', since: noon, reason: because('storage_full') } }
    world.ask.startRecording = async () => {
      throw new ServiceError('dependencyFailed', { dependency: 'storage', reason: 'storage_full' })
    }
    const full = await operator.call('start_recording', { device: 'camera0' })
    expect(full.error?.data).to.deep.include({
      since: '2025-06-01T12:00:00.000Z',
      causes: ['the disk was measured: it has room'],
    })
  })

  it('tell the rhythm of a camera that flaps in its status', async () => {
    world.flapping = { disconnects: 7, window: 600_000, every: 85_040 }
    const viewer = await stage.connect(port, { role: 'viewer' })
    const { result } = await viewer.call('get_camera_status', { device: 'camera1' })
    expect(result.flapping).to.deep.equal({ disconnects: 7, window_s: 600, every_s: 85 })
    expect(result.details).to.match(/; 7 disconnects in 10 min, about every 85 s$/)
  })
})
