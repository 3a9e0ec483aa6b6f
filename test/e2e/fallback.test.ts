import { mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { watch } from './media.js'
import { describeService, type Service, startService, virtual } from './service.js'

interface Status {
  recording?: { status: string; growing: boolean; files: string[]; reason?: string; waits_for?: string }
}

interface Listed {
  files: { filename: string; download_url: string; file_size: number }[]
  files_unreadable?: { reason: string }
}

describeService('a fallback folder', (kind) => {
  const device = 'camera0'
  let service: Service
  let fallback = ''
  before(async () => {
    fallback = await mkdtemp(join(tmpdir(), 'fallback-'))
    service = await startService({
      kind,
      cameras: [virtual('yard')],
      env: { CAMERA_SERVICE_STORAGE_FALLBACK_PATH: join(fallback, 'recordings') },
    })
  })
  after(async () => {
    await service?.end()
    await rm(fallback, { recursive: true, force: true })
  })

  const statusOf = async () => (await service.call<Status>('get_camera_status', { device })).recording
  const listed = () => service.call<Listed>('list_recordings', { limit: 1000 })
  const folderOf = async () =>
    (await service.call<{ folder?: { in_use: string; reason?: string } }>('get_storage_info')).folder
  const namesIn = (folder: string) => readdir(folder).catch(() => [] as string[])
  const bytes = async (folder: string, name = '') => (await stat(join(folder, name)).catch(() => undefined))?.size ?? 0

  it('takes the recordings while the main folder is gone; both are listed and served', async function () {
    this.timeout(120_000)
    const main = join(service.dataDir, 'recordings')
    const [mainFolder, fallbackFolder] = [join(main, device), join(fallback, 'recordings', device)]
    const viewer = await watch(service.stream(device))
    await service.call('start_recording', { device })
    const [first = ''] = await namesIn(mainFolder)
    expect(await bytes(mainFolder, first)).to.be.greaterThan(0)
    await service.until('some media is recorded', async () => (await bytes(mainFolder, first)) > 20_000)
    expect(await folderOf()).to.include({ in_use: 'main' })

    // A file in its place, so that nothing can create it again.
    await rename(main, `${main}.away`)
    await writeFile(main, '')
    const { params, index } = await service.told('recording.error', { device, reason: 'storage_missing' })
    expect(params).to.include({ status: 'INTERRUPTED', will_resume: true })
    await service.told('storage.switched', { to: 'fallback', reason: 'storage_missing' })
    await service.told('recording.resumed', { device }, { from: index })
    const [second = ''] = await namesIn(fallbackFolder)
    const before = await bytes(fallbackFolder, second)
    await service.until('the file in the fallback grows', async () => (await bytes(fallbackFolder, second)) > before)
    expect((await statusOf())?.files).to.deep.equal([first, second])
    expect(await folderOf()).to.include({ in_use: 'fallback', reason: 'storage_missing' })
    const away = await listed()
    expect(away.files.map(({ filename }) => filename)).to.deep.equal([second])
    expect(away.files_unreadable).to.include({ reason: 'storage_missing' })

    await rm(main)
    await rename(`${main}.away`, main)
    await service.told('storage.switched', { to: 'main', reason: 'storage_recovered' }, { limit: 60_000 })
    expect(await statusOf()).to.deep.include({ status: 'RECORDING', files: [first, second] })
    await service.call('stop_recording', { device })
    const { filename: third } = await service.call<{ filename: string }>('start_recording', { device })
    await service.call('stop_recording', { device })
    expect(await namesIn(mainFolder)).to.deep.equal([first, third])
    expect(await namesIn(fallbackFolder)).to.deep.equal([second])

    const both = await listed()
    expect(both.files.map(({ filename }) => filename)).to.deep.equal([third, second, first])
    expect(both).not.to.have.property('files_unreadable')
    for (const { download_url, file_size } of both.files) {
      const response = await fetch(`http://127.0.0.1:${service.ports.rpc}${download_url}`)
      expect(response.status).to.equal(200)
      expect((await response.arrayBuffer()).byteLength).to.equal(file_size)
    }
    expect(viewer.isRunning(), 'the viewer was not disturbed').to.equal(true)
    await viewer.end()
  })
})
