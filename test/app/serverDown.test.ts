import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { createMediaFiles } from '../../adapters/files/mediaFiles.js'
import type { Ports } from '../../adapters/open.js'
import { type App, startApp } from '../../app.js'
import { loadConfiguration } from '../../config/load.js'
import { Failure } from '../../machines/domain/reason.js'
import { connect } from '../support/client.js'
import { createFakePorts } from '../support/fakePorts.js'
import { createGate } from '../support/gate.js'
import { freePorts } from '../support/ports.js'
import { until } from '../support/until.js'

type Params = Record<string, unknown>

const recording = 'camera0_2026-01-01_00-00-00-000000.mp4'
const snapshot = 'camera0_2026-01-01_00-00-00-000.jpg'

/** What must work without a media server, by class, and the reason for what cannot. */
const calls: Record<string, [method: string, params?: Params, refusal?: string][]> = {
  session: [['ping'], ['get_server_info'], ['get_system_status']],
  cameras: [
    ['get_camera_list'],
    ['get_camera_status', { device: 'camera0' }],
    ['get_camera_capabilities', { device: 'camera0' }],
  ],
  'states of streams': [
    ['get_stream_url', { device: 'camera0' }],
    ['get_stream_status', { device: 'camera0' }],
  ],
  files: [
    ['list_recordings'],
    ['list_snapshots'],
    ['get_recording_info', { filename: recording }],
    ['get_snapshot_info', { filename: snapshot }],
  ],
  history: [['get_audit_log'], ['subscribe_events', { topics: ['camera.connected'] }], ['get_subscription_stats']],
  upkeep: [
    ['get_status'],
    ['get_metrics'],
    ['get_storage_info'],
    ['cleanup_old_files', { dry_run: true }],
    ['set_retention_policy', { policy_type: 'manual', enabled: false }],
    ['list_api_keys'],
    ['list_sessions'],
  ],
  'changes of files': [
    ['delete_snapshot', { filename: snapshot }],
    ['delete_recording', { filename: recording }],
  ],
  'snapshots from the device': [['take_snapshot', { device: 'camera0' }]],
  'what needs the server': [
    ['start_recording', { device: 'camera0' }, 'server_unreachable'],
    ['start_streaming', { device: 'camera0' }, 'server_unreachable'],
    ['get_streams', {}, 'dependency_failed'],
  ],
}

/** A media server that refuses connections, and one that accepts them and is silent. */
const deaths = {
  'is gone': () => Promise.reject(new Failure('server_unreachable')),
  hangs: (signal?: AbortSignal) =>
    new Promise<never>((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason))),
}

for (const [title, dead] of Object.entries(deaths))
  describe(`while the media server ${title}`, function () {
    this.timeout(60_000)
    let app: App
    let dir: string
    let client: Awaited<ReturnType<typeof connect>>
    let health: number

    before(async () => {
      dir = await mkdtemp(join(tmpdir(), 'server-down-'))
      const [rpc = 0, healthPort = 0] = await freePorts(2)
      health = healthPort
      const { config } = loadConfiguration({
        env: {
          CAMERA_SERVICE_SERVER_PORT: String(rpc),
          CAMERA_SERVICE_HTTP_HEALTH_PORT: String(health),
          CAMERA_SERVICE_SERVER_SHUTDOWN_TIMEOUT: '2s',
          CAMERA_SERVICE_MEDIAMTX_RUN_ON_DEMAND_START_TIMEOUT: '1s',
          CAMERA_SERVICE_MEDIAMTX_HEALTH_CHECK_TIMEOUT: '1s',
        },
      })
      const { ports: standing } = createFakePorts()
      const gate = createGate()
      gate.callers.set('admin', { role: 'admin', user: 'ann', expiresAt: Date.now() + 3_600_000 })
      const mediaServer: Ports['mediaServer'] = {
        ...standing.mediaServer,
        info: dead,
        trial: dead,
        sync: dead,
        publish: () => () => {},
        setRecording: (_name, _on, signal) => dead(signal),
        streams: dead,
        stream: (_name, signal) => dead(signal),
        drift: dead,
      }
      const picture = join(dir, 'picture.jpg')
      await writeFile(picture, 'jpeg')
      const files = createMediaFiles({ recordingsDir: join(dir, 'r'), snapshotsDir: join(dir, 's') })
      const { open, log } = createFakePorts({
        credentials: { ...standing.credentials, ...gate.credentials },
        links: gate.links as Ports['links'],
        mediaServer,
        streams: { ...standing.streams, sample: () => undefined, streams: dead, stream: (_, signal) => dead(signal) },
        reader: { ...standing.reader, hold: (_n, _l, signal) => dead(signal), keyframe: (_n, signal) => dead(signal) },
        files,
        audit: { ...standing.audit, read: async () => ({ records: [], total: 0 }) },
        pictures: {
          ...standing.pictures,
          grabDirect: async () => ({ file: picture, capturedAt: Date.now() }),
          save: async () => ({ filename: 'a.jpg', file: picture, bytes: 4, width: 640, height: 480 }),
        },
      } as Partial<Ports>)
      for (const folder of ['r/camera0', 's/camera0']) await mkdir(join(dir, folder), { recursive: true })
      await writeFile(join(dir, 'r/camera0', recording), 'not much')
      await writeFile(join(dir, 's/camera0', snapshot), 'a picture')
      app = await startApp({ config, log, env: {}, open })
      await until('the server is down and the camera connected', () => {
        const [camera] = app.directory.cameras()
        return camera?.status === 'CONNECTED' && camera.obstacles.server?.code === 'server_unreachable'
      })
      client = await connect(`ws://127.0.0.1:${rpc}/ws`)
      await client.call('authenticate', { auth_token: 'admin' })
    })
    after(async () => {
      client?.close()
      await app?.stop('the test is over')
      await rm(dir, { recursive: true, force: true })
    })

    it('downloads work', async () => {
      const url = `http://127.0.0.1:${app.ports.rpc}/files/snapshots/${snapshot}`
      const page = await fetch(url, { headers: { Authorization: 'Bearer admin' } })
      expect([page.status, await page.text()]).to.deep.equal([200, 'a picture'])
    })

    it('the health pages tell it, and the process counts as alive', async () => {
      const status = async (path: string) => (await fetch(`http://127.0.0.1:${health}${path}`)).status
      expect([await status('/health/live'), await status('/health/ready')]).to.deep.equal([200, 503])
    })

    for (const [name, list] of Object.entries(calls))
      it(`${name}: ${list.map(([method]) => method).join(', ')}`, async () => {
        for (const [method, params, refusal] of list) {
          const answer = await client.call(method, params).then(
            () => undefined,
            (error: { data?: { reason: string } }) => error.data?.reason ?? error,
          )
          expect(answer, method).to.equal(refusal)
        }
      })
  })
