import { spawnSync } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { expect } from 'chai'
import { realVersion } from '../contract/mediaServer/servers.js'
import { refusal, type Service, startService, virtual } from './service.js'

const broken = 'camera0_2026-01-01_00-00-00-000000.mp4'

/** The real media server, unless a file forbids its start. */
async function holdableServer() {
  const dir = await mkdtemp(join(tmpdir(), 'holdable-'))
  const [held, program] = [join(dir, 'held'), join(dir, 'mediamtx')]
  const real = spawnSync('sh', ['-c', 'command -v mediamtx'], { encoding: 'utf8' }).stdout.trim()
  await writeFile(program, `#!/bin/sh\n[ -e '${held}' ] && [ "$1" != --version ] && exit 1\nexec '${real}' "$@"\n`)
  await chmod(program, 0o755)
  return {
    path: `${dir}${delimiter}${process.env.PATH}`,
    hold: () => writeFile(held, ''),
    release: () => rm(held),
    remove: () => rm(dir, { recursive: true, force: true }),
  }
}

describe('while the media server is killed and held down', function () {
  this.timeout(120_000)
  let service: Service
  let server: Awaited<ReturnType<typeof holdableServer>>
  let dataDir: string

  before(async function () {
    if (realVersion === undefined) return this.skip()
    server = await holdableServer()
    dataDir = await mkdtemp(join(tmpdir(), 'camera-service-'))
    await mkdir(join(dataDir, 'recordings/camera0'), { recursive: true })
    // A crash of an earlier run left it.
    await writeFile(join(dataDir, 'recordings/camera0', broken), Buffer.alloc(20_000))
    const cameras = ['front', 'yard'].map(virtual)
    service = await startService({ kind: 'managed', cameras, dataDir, env: { PATH: server.path } })
  })
  after(async () => {
    await service?.end()
    await server?.remove()
  })

  const isDown = async () => {
    const { reasons } = await service.call<{ reasons: { mediamtx: { state: string } } }>('get_status')
    return reasons.mediamtx.state === 'down'
  }

  it('a broken recording of an earlier run is quarantined', async () => {
    const list = () =>
      service.call<{ files: { filename: string; reason: string }[] }>('list_recordings', { quarantined: true })
    const [file] = await service.until('the quarantine', async () => {
      const { files } = await list()
      return files.length > 0 && files
    })
    expect(file).to.include({ filename: broken, reason: 'file_without_media' })
    expect(await service.call('list_recordings')).to.include({ total: 0 })
  })

  it('files, lists and snapshots from the device work, and a recording continues afterwards', async () => {
    await service.call('start_recording', { device: 'camera1' })
    await service.call('start_streaming', { device: 'camera0' })
    await server.hold()
    process.kill((await service.mediaServer()).pid, 'SIGKILL')
    // In flight, or sent before the service knows: it waits, or is taken from the device.
    const during = await service.call<{ tier: number }>('take_snapshot', { device: 'camera0', max_age: 0 })
    expect(during.tier).to.be.at.most(1)
    await service.until('the server counts as down', isDown, 40_000)
    expect(await service.call('take_snapshot', { device: 'camera0' })).to.include({ tier: 1 })
    for (const [method, params] of [
      ['get_camera_list'],
      ['get_camera_status', { device: 'camera1' }],
      ['get_stream_url', { device: 'camera0' }],
      ['get_stream_status', { device: 'camera0' }],
      ['list_recordings'],
      ['list_snapshots'],
      ['get_metrics'],
      ['get_storage_info'],
      ['get_audit_log'],
    ] as const)
      await service.call(method, params)
    expect((await refusal(service.call('start_recording', { device: 'camera0' }))).code).to.equal(-32050)

    await server.release()
    await service.until(
      'the recording continues',
      async () => {
        const camera = await service.call<{ recording?: { status: string; files: string[] } }>('get_camera_status', {
          device: 'camera1',
        })
        return camera.recording?.status === 'RECORDING' && camera.recording.files.length > 1
      },
      60_000,
    )
    const { files, gaps } = await service.call<{ files: string[]; gaps: unknown[] }>('stop_recording', {
      device: 'camera1',
    })
    expect(gaps).to.have.length(1)
    const info = await service.call('get_recording_info', { filename: files[0] ?? '' })
    expect(info.gaps).to.deep.equal(gaps)
  })
})
