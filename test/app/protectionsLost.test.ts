import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { createProtection } from '../../adapters/data/protection.js'
import { createMediaFiles } from '../../adapters/files/mediaFiles.js'
import type { Ports } from '../../adapters/open.js'
import { type App, startApp } from '../../app.js'
import { loadConfiguration } from '../../config/load.js'
import { connect, type Notification } from '../support/client.js'
import { createFakePorts } from '../support/fakePorts.js'
import { createGate } from '../support/gate.js'
import { freePorts } from '../support/ports.js'
import { until } from '../support/until.js'

const names = ['00', '01', '02'].map((hour) => `camera0_2024-01-01_${hour}-00-00-000000.mp4`)
const [first = '', second = '', third = ''] = names

describe('a full disk while the list of protected recordings is damaged', () => {
  let dir: string
  let app: App
  let client: Awaited<ReturnType<typeof connect>>
  const heard: Notification[] = []

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'protections-lost-'))
    for (const folder of ['r/camera0', 's', 'state']) await mkdir(join(dir, folder), { recursive: true })
    for (const name of names) {
      await writeFile(join(dir, 'r/camera0', name), 'a recording')
      await utimes(join(dir, 'r/camera0', name), 1_704_067_200, 1_704_067_200)
    }
    for (const name of ['protected.json', 'protected.previous.json'])
      await writeFile(join(dir, 'state', name), '{"version":1,"recordings":["camera0_2026')
    const [rpc = 0, health = 0] = await freePorts(2)
    const { config } = loadConfiguration({
      env: {
        CAMERA_SERVICE_SERVER_PORT: String(rpc),
        CAMERA_SERVICE_HTTP_HEALTH_PORT: String(health),
        CAMERA_SERVICE_SERVER_SHUTDOWN_TIMEOUT: '2s',
        CAMERA_SERVICE_RETENTION_POLICY_ENABLED: 'true',
      },
    })
    const { ports: standing, log, clock } = createFakePorts()
    const gate = createGate()
    gate.callers.set('admin', { role: 'admin', user: 'ann', expiresAt: Date.now() + 3_600_000 })
    const files = createMediaFiles({ recordingsDir: join(dir, 'r'), snapshotsDir: join(dir, 's') })
    const { open } = createFakePorts({
      credentials: { ...standing.credentials, ...gate.credentials },
      links: gate.links as Ports['links'],
      files,
      protection: await createProtection({ dir: join(dir, 'state'), clock, log, files }),
      storage: { ...standing.storage, usage: async () => ({ total: 100, used: 99, available: 1, percent: 99 }) },
    })
    app = await startApp({ config, log, env: {}, open })
    await until('the disk is full', () => app.directory.storage().state === 'critical')
    client = await connect(`ws://127.0.0.1:${rpc}/ws`, (notification) => heard.push(notification))
    await client.call('authenticate', { auth_token: 'admin' })
    await client.call('subscribe_events', { topics: ['system.health'] })
  })
  after(async () => {
    client?.close()
    await app?.stop('the test is over')
    await rm(dir, { recursive: true, force: true })
  })

  const present = async () => {
    const { files } = await client.call<{ files: { filename: string }[] }>('list_recordings')
    return files.map(({ filename }) => filename).sort()
  }
  const refusal = (method: string, params = {}) =>
    client.call(method, params).then(
      () => undefined,
      (error: { data?: { reason: string } }) => error.data?.reason,
    )

  it('blocks recordings with the reason, and deletes nothing', async () => {
    await until('the camera is connected', () => app.directory.cameras()[0]?.status === 'CONNECTED')
    expect(await refusal('start_recording', { device: 'camera0' })).to.equal('storage_full')
    expect(await refusal('cleanup_old_files')).to.equal('protections_lost')
    const { state, retention } = await client.call<{ state: string; retention: { suspended: { reason: string } } }>(
      'get_storage_info',
    )
    expect([state, retention.suspended.reason]).to.deep.equal(['critical', 'protections_lost'])
    expect(await present()).to.deep.equal(names)
  })

  it('lets clients delete single recordings, and protect others again', async () => {
    await client.call('delete_recording', { filename: first })
    await client.call('protect_recording', { filename: second, protected: true })
    expect(await refusal('cleanup_old_files')).to.equal('protections_lost')
    expect(await present()).to.deep.equal([second, third])
  })

  it('ends when a client accepts the loss: what is not protected again is deleted', async () => {
    heard.splice(0)
    const { files } = await client.call<{ files: string[] }>('cleanup_old_files', { accept_lost_protections: true })
    expect(files).to.deep.equal([third])
    expect(await present()).to.deep.equal([second])
    const healths = () => heard.filter(({ method }) => method === 'system.health')
    await until('the new health was sent', () => healths().length > 0)
    expect(healths().map(({ params }) => params.reasons as object)).to.satisfy((all: object[]) =>
      all.every((reasons) => !('retention' in reasons)),
    )
  })
})
