import { expect } from 'chai'
import { because } from '../../machines/domain/reason.js'
import type { Cleanup, RetentionAsk } from '../../machines/domain/retention.js'
import type { RecordingView } from '../../machines/domain/views.js'
import { methods } from '../../rpc/methods/index.js'
import { contract, faults } from './contract.js'
import { type Client, cameraView, createStage, createWorld, noon, type World } from './fakes.js'

const policies: [params: object, message: RegExp][] = [
  [{ policy_type: 'age', max_age_days: 7, enabled: true }, /deletes files older than 7 days$/],
  [{ policy_type: 'size', max_size_gb: 0.5, enabled: true }, /as long as all take more than 0.5 GB$/],
  [
    { policy_type: 'age', max_age_days: 7, enabled: false },
    /not enabled: cleanup_old_files deletes files older than 7 days$/,
  ],
  [{ policy_type: 'manual', enabled: true }, /nothing is deleted by itself$/],
]

describe('methods for metrics, retention and the audit log', () => {
  const stage = createStage()
  let world: World
  let admin: Client
  let port: number

  beforeEach(async () => {
    world = createWorld()
    ;({ port } = await stage.serve(world.options()))
    admin = await stage.connect(port, { role: 'admin' })
  })
  afterEach(() => stage.end())

  /** The result, valid by the documented schema and by ours. */
  const call = async (name: string, params?: object, client = admin) => {
    const { result, error } = await client.call(name, params)
    expect(error).to.equal(undefined)
    const documented = contract.find(({ method }) => method === name)
    expect(faults(documented?.result ?? {}, result)).to.deep.equal([])
    expect(faults(methods.find((method) => method.name === name)?.result ?? {}, result)).to.deep.equal([])
    return result
  }
  const refusal = async (name: string, params?: object, client = admin) => (await client.call(name, params)).error

  for (const name of ['get_metrics', 'set_retention_policy', 'cleanup_old_files', 'get_audit_log']) {
    it(`${name} needs the role admin`, async () => {
      const operator = await stage.connect(port, { role: 'operator' })
      expect(await refusal(name, { policy_type: 'manual', enabled: false }, operator)).to.deep.include({ code: -32002 })
    })
  }

  describe('get_metrics', () => {
    it('returns the metrics of host, cameras, recordings and streams, without device nodes', async () => {
      const recording = {
        camera: 'camera0',
        status: 'RECORDING',
        growing: true,
        gaps: [],
        format: 'fmp4',
        by: 'ann',
        files: ['a.mp4'],
        startedAt: noon - 5_000,
      } satisfies RecordingView
      world.cameras[0] = cameraView({
        recording,
        stream: { status: 'ACTIVE', since: noon, holders: {}, frames: 30, fps: 29.9, bitrate: 2e6 },
      })
      const result = await call('get_metrics')
      expect(result).to.deep.include({
        timestamp: '2025-06-01T12:00:00.000Z',
        cpu_usage: 12.5,
        memory_usage: 40,
        disk_usage: { total: 1000, used: 400, available: 500, percentage: 44.4 },
        network_stats: { connections: 1, bytes_sent: 1_000, bytes_received: 2_000 },
        stream_metrics: { active_streams: 1, total_streams: 1, total_viewers: 2 },
        recording_metrics: {
          camera0: { recording: true, status: 'RECORDING', files: 1, since: '2025-06-01T11:59:55.000Z' },
          camera1: { recording: false, files: 0 },
        },
      })
      expect(result.camera_metrics.connected_cameras).to.equal(1)
      expect(result.camera_metrics.cameras.camera0).to.deep.include({
        status: 'CONNECTED',
        formats: ['MJPG', 'YUYV'],
        readers: 2,
        bytes_sent: 20,
        fps: 29.9,
      })
      expect(JSON.stringify(result)).not.to.match(/\/dev\/|SECRET01|somebody/)
    })

    it('does not wait for the media server', async () => {
      for (const streams of [() => new Promise<never>(() => {}), () => Promise.reject(new Error('down'))]) {
        const { port: other } = await stage.serve(
          world.options({}, { mediaServer: { streams, stream: async () => undefined } }),
        )
        const client = await stage.connect(other, { role: 'admin' })
        expect((await call('get_metrics', {}, client)).stream_metrics.total_streams).to.equal(0)
      }
    })

    it('returns only the cameras of the caller', async () => {
      const limited = await stage.connect(port, { role: `admin/ann/${noon + 60_000}/camera1` })
      const { camera_metrics, recording_metrics, stream_metrics } = await call('get_metrics', {}, limited)
      expect(Object.keys(camera_metrics.cameras)).to.deep.equal(['camera1'])
      expect(Object.keys(recording_metrics)).to.deep.equal(['camera1'])
      expect(stream_metrics).to.deep.equal({ active_streams: 0, total_streams: 0, total_viewers: 0 })
    })

    it('keeps percentages within 0 and 100', async () => {
      const host = () => ({
        at: noon,
        cpuPercent: 100.0001,
        memoryPercent: -0.1,
        residentBytes: 0,
        bytesSent: 0,
        bytesReceived: 0,
      })
      world.storage = { ...world.storage, total: 0, used: 0, available: 0, percent: 0 }
      const { port: other } = await stage.serve(world.options({}, { hostSample: host }))
      expect(await call('get_metrics', {}, await stage.connect(other, { role: 'admin' }))).to.deep.include({
        cpu_usage: 100,
        memory_usage: 0,
      })
    })
  })

  describe('set_retention_policy', () => {
    for (const [params, message] of policies) {
      it(`accepts ${JSON.stringify(params)}`, async () => {
        const result = await call('set_retention_policy', params)
        expect(result).to.deep.include({ success: true, ...params })
        expect(result.message).to.match(message)
      })
    }

    const wrong: [params: object, param: string][] = [
      [{ policy_type: 'age', enabled: true }, 'max_age_days'],
      [{ policy_type: 'age', max_size_gb: 5, enabled: true }, 'max_age_days'],
      [{ policy_type: 'size', enabled: false }, 'max_size_gb'],
      [{ policy_type: 'age', max_age_days: 0, enabled: true }, 'max_age_days'],
      [{ policy_type: 'age', max_age_days: 366, enabled: true }, 'max_age_days'],
      [{ policy_type: 'age', max_age_days: 1.5, enabled: true }, 'max_age_days'],
      [{ policy_type: 'size', max_size_gb: 0, enabled: true }, 'max_size_gb'],
      [{ policy_type: 'size', max_size_gb: 1001, enabled: true }, 'max_size_gb'],
      [{ policy_type: 'never', enabled: true }, 'policy_type'],
      [{ policy_type: 'manual' }, 'enabled'],
      [{ enabled: true }, 'policy_type'],
    ]
    for (const [params, param] of wrong) {
      it(`refuses ${JSON.stringify(params)} and names ${param}`, async () => {
        const error = await refusal('set_retention_policy', params)
        expect([error?.code, error?.data.param]).to.deep.equal([-32602, param])
        expect(world.policy).to.deep.equal({ type: 'age', maxAgeDays: 30, enabled: false })
      })
    }

    it('refuses an admin limited to specific cameras, because it applies to all files', async () => {
      const limited = await stage.connect(port, { role: `admin/ann/${noon + 60_000}/camera1` })
      const error = await refusal('set_retention_policy', { policy_type: 'manual', enabled: true }, limited)
      expect(error).to.deep.include({ code: -32002 })
      expect(error?.data.reason).to.equal('limited_to_cameras')
      expect(error?.data, 'the role is high enough').not.to.have.property('required_role')
      expect(error?.data.suggestion).to.equal('Use a token or key whose rights are for every camera')
    })
  })

  describe('cleanup_old_files', () => {
    const cleaned = async (cleanup: Partial<Cleanup>, params: object = {}, cameras = '/camera1*') => {
      const asked: Parameters<RetentionAsk['cleanUp']>[0][] = []
      const retention: RetentionAsk = {
        view: () => ({ policy: world.policy }),
        setPolicy: async (policy) => policy,
        cleanUp: async (request) => {
          asked.push(request)
          return { dryRun: request.dryRun, files: [], freed: 0, kept: [], ...cleanup }
        },
      }
      const { port: other } = await stage.serve(world.options({}, { retention }))
      const client = await stage.connect(other, { role: `admin/ann/${noon + 60_000}${cameras}` })
      return { result: await call('cleanup_old_files', params, client), asked }
    }
    const files: Cleanup['files'] = [
      { kind: 'recordings', name: 'a.mp4', bytes: 10 },
      { kind: 'snapshots', name: 'b.jpg', bytes: 1 },
    ]

    it('returns the deleted files, and those that could not be deleted', async () => {
      const { result, asked } = await cleaned({
        files,
        freed: 11,
        kept: [{ name: 'c.mp4', reason: 'the file cannot be deleted (EACCES)' }],
      })
      expect(result).to.deep.equal({
        cleanup_executed: true,
        files_deleted: 2,
        space_freed: 11,
        message: '2 files deleted, 11 B freed; 1 file could not be deleted, c.mp4: the file cannot be deleted (EACCES)',
        recordings_removed: 1,
        snapshots_removed: 1,
        dry_run: false,
        files: ['a.mp4', 'b.jpg'],
        files_kept: [{ filename: 'c.mp4', reason: 'the file cannot be deleted (EACCES)' }],
      })
      expect(asked.map(({ dryRun, cameras, by }) => [dryRun, cameras, by.user])).to.deep.equal([
        [false, ['camera1*'], 'ann'],
      ])
    })

    it('returns the files that it would delete', async () => {
      const { result, asked } = await cleaned({ files, freed: 11 }, { dry_run: true })
      expect(result).to.deep.include({
        cleanup_executed: false,
        dry_run: true,
        message: '2 files would be deleted, 11 B would be freed',
      })
      expect(asked[0]?.dryRun).to.equal(true)
    })

    it('says that a manual policy deletes nothing', async () => {
      world.policy = { type: 'manual', enabled: true }
      const { result } = await cleaned({})
      expect(result).to.deep.include({
        cleanup_executed: true,
        files_deleted: 0,
        message: 'The retention policy is manual: it names no files to delete',
      })
    })

    it('returns a thousand file names and counts all files', async () => {
      const many = Array.from({ length: 1_500 }, (_, index) => ({
        kind: 'snapshots' as const,
        name: `${index}.jpg`,
        bytes: 1,
      }))
      const { result } = await cleaned({ files: many, freed: 1_500 })
      expect([result.files.length, result.files_deleted]).to.deep.equal([1_000, 1_500])
    })

    it('passes on that a client accepts the loss of protections, but only of one with rights for all cameras', async () => {
      const params = { accept_lost_protections: true }
      const all = await cleaned({}, params, '')
      expect(all.asked.map(({ acceptsLoss, cameras }) => [acceptsLoss, cameras])).to.deep.equal([[true, undefined]])
      expect((await cleaned({}, {}, '')).asked[0]).not.to.have.property('acceptsLoss')
      const limited = await stage.connect(port, { role: `admin/ann/${noon + 60_000}/camera1` })
      const error = await refusal('cleanup_old_files', params, limited)
      expect([error?.code, error?.data.reason]).to.deep.equal([-32002, 'limited_to_cameras'])
    })

    it('refuses a dry run that is neither true nor false', async () => {
      expect((await refusal('cleanup_old_files', { dry_run: 'yes' }))?.data.param).to.equal('dry_run')
    })
  })

  describe('a suspended deletion by age', () => {
    const suspended = { reason: 'clock_suspect', details: 'the clock shows 2027 …' }

    it('is in the results of get_storage_info, set_retention_policy and cleanup_old_files', async () => {
      const none = { policy_type: 'age', enabled: false }
      expect((await call('get_storage_info')).retention).to.deep.equal(none)
      world.suspension = because('clock_suspect', suspended.details)
      world.undated = 3
      expect((await call('get_storage_info')).retention).to.deep.equal({ ...none, suspended, files_undated: 3 })
      const policy = { policy_type: 'age', max_age_days: 7, enabled: true }
      expect((await call('set_retention_policy', policy)).suspended).to.deep.equal(suspended)
      expect((await call('cleanup_old_files', { dry_run: true })).suspended).to.deep.equal(suspended)
    })
  })

  describe('a deletion that is suspended because the list of protected recordings is lost', () => {
    const reason = because('protections_lost')
    const suspended = { reason: reason.code, details: reason.details }
    beforeEach(() => {
      world.suspension = reason
    })

    it('is in the results of get_storage_info and get_status', async () => {
      expect((await call('get_storage_info')).retention.suspended).to.deep.equal(suspended)
      const { status, reasons } = await call('get_status')
      expect(status).to.equal('DEGRADED')
      expect(reasons.retention).to.deep.equal({ state: 'suspended', ...suspended })
      world.suspension = because('clock_suspect')
      const other = await call('get_status')
      expect([other.status, other.reasons.retention]).to.deep.equal(['HEALTHY', undefined])
    })

    it('does not keep a client from deleting a single recording', async () => {
      const [{ filename }] = (await call('list_recordings')).files
      expect(await call('delete_recording', { filename })).to.deep.include({ filename, deleted: true })
    })
  })

  describe('get_audit_log', () => {
    const entry = { event: 'change', result: 'ok', user: 'ann', address: '192.0.2.7' } as const
    beforeEach(() => {
      world.audited.length = 0
    })

    it('returns entries, newest first', async () => {
      world.audited.push(
        { ...entry, action: 'start_recording', subject: 'camera0', role: 'operator' },
        { ...entry, action: 'stop_recording', count: 3 },
      )
      const { entries, total, next_before } = await call('get_audit_log', { limit: '1' })
      expect(entries).to.deep.equal([
        { ...entry, action: 'stop_recording', count: 3, seq: 2, at: '2025-06-01T12:00:00.000Z' },
      ])
      expect([total, next_before]).to.deep.equal([2, undefined])
    })

    it('passes the filters on, and returns where the next page begins', async () => {
      const asked: object[] = []
      const audit = {
        ...world.options().audit,
        read: async (page: object) => {
          asked.push(page)
          return { records: [], total: 9, next: 4 }
        },
      }
      const { port: other } = await stage.serve(world.options({}, { audit }))
      const client = await stage.connect(other, { role: 'admin' })
      expect(await call('get_audit_log', { before: 7, user: 'bob' }, client)).to.deep.equal({
        entries: [],
        total: 9,
        next_before: 4,
      })
      expect(asked).to.deep.equal([{ limit: 100, before: 7, user: 'bob' }])
    })

    it('refuses a caller limited to specific cameras, because it covers all of them', async () => {
      const limited = await stage.connect(port, { role: `admin/ann/${noon + 60_000}/camera1` })
      const { error } = await limited.call('get_audit_log')
      expect(error).to.deep.include({ code: -32002 })
      expect(error?.data).to.include({ reason: 'limited_to_cameras' })
    })

    it('refuses invalid pages', async () => {
      for (const params of [{ limit: 0 }, { limit: 1001 }, { before: 0 }, { user: '' }]) {
        expect((await refusal('get_audit_log', params))?.code).to.equal(-32602)
      }
    })
  })
})
