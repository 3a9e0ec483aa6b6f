import { mkdir, readdir, readFile, rm, statfs, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { expect } from 'chai'
import { closed } from '../adapters/files/media.js'
import { type SmallDisk, smallDisk } from '../support/smallDisk.js'
import { describeService, type Service, startService, virtual } from './service.js'

interface Status {
  recording?: { status: string; waits_for?: string; reason?: string }
}

describeService('a disk of 40 MB', (kind) => {
  let service: Service | undefined
  let disk: SmallDisk | undefined
  after(async () => {
    await service?.end()
    disk?.remove()
  })

  it('is never full: recordings stop by priority before, and continue when there is room', async function () {
    const made = smallDisk('40m')
    if (typeof made === 'string') {
      console.log(`      skipped: ${made}`)
      return this.skip()
    }
    disk = made
    const running = await startService({
      kind,
      dataDir: join(disk.dir, 'data'),
      cameras: [virtual('yard'), { ...virtual('gate'), priority: 90 }],
    })
    service = running
    const free = async () => {
      const { bavail, bsize } = await statfs(made.dir)
      return bavail * bsize
    }
    const recording = async (device: string) =>
      (await running.call<Status>('get_camera_status', { device })).recording ?? { status: 'none' }
    for (const device of ['camera0', 'camera1']) await running.call('start_recording', { device })

    // 30 Mbit/s, until both recordings wait.
    const fillers: string[] = []
    let least = Number.POSITIVE_INFINITY
    const states: string[] = []
    for (let number = 0; states.at(-1) !== 'storage storage' && number < 100; number += 1) {
      const filler = join(made.dir, `filler${number}`)
      fillers.push(filler)
      await writeFile(filler, Buffer.alloc(937_500))
      least = Math.min(least, await free())
      const both = await Promise.all(['camera0', 'camera1'].map(recording))
      states.push(both.map(({ status, waits_for }) => waits_for ?? status).join(' '))
      await pause(250)
    }
    expect(states.at(-1)).to.equal('storage storage')
    expect(least, 'bytes that were free at any time').to.be.greaterThan(0)
    const { params } = await running.told('recording.interrupted', { reason: 'storage_priority' })
    expect(params.device).to.equal('camera0')
    expect(running.log.filter((line) => line.includes('ENOSPC'))).to.deep.equal([])

    for (const filler of fillers) await rm(filler)
    await running.until('both record again', async () => {
      const both = await Promise.all(['camera0', 'camera1'].map(recording))
      return both.every(({ status }) => status === 'RECORDING')
    })
  })
})

describe('retention on a disk of 40 MB', () => {
  let service: Service | undefined
  let disk: SmallDisk | undefined
  after(async () => {
    await service?.end()
    disk?.remove()
  })

  it('deletes the oldest files for the free space that is to be kept, at most 20 %, and no protected one', async function () {
    this.timeout(60_000)
    const made = smallDisk('40m')
    if (typeof made === 'string') {
      console.log(`      skipped: ${made}`)
      return this.skip()
    }
    disk = made
    const dataDir = join(disk.dir, 'data')
    const folder = join(dataDir, 'recordings', 'camera0')
    await mkdir(folder, { recursive: true })
    await mkdir(join(dataDir, 'state'), { recursive: true })
    const now = Date.now()
    const content = await recordingOf(2_000_000, join(dataDir, 'sample.mp4'))
    const names: string[] = []
    for (let days = 10; days > 0; days -= 1) {
      const at = new Date(now - days * 86_400_000)
      const name = `camera0_${at.toISOString().slice(0, 23).replace('T', '_').replace(/[:.]/g, '-')}.mp4`
      names.push(name)
      await writeFile(join(folder, name), content)
      await utimes(join(folder, name), at, at)
    }
    const [oldest = '', second, third, ...others] = names
    const state = { version: 1, recordings: [oldest.replace('.mp4', '')] }
    await writeFile(join(dataDir, 'state', 'protected.json'), JSON.stringify(state))

    service = await startService({
      kind: 'embedded',
      dataDir,
      env: {
        CAMERA_SERVICE_STORAGE_FREE_TARGET: '28M',
        CAMERA_SERVICE_RETENTION_POLICY_ENABLED: 'true',
        CAMERA_SERVICE_RETENTION_POLICY_CHECK_INTERVAL: '1s',
      },
    })
    const running = service
    await running.until('two files are deleted', async () => (await readdir(folder)).length === 8)
    expect((await readdir(folder)).sort()).to.deep.equal([oldest, ...others].sort())
    const { entries } = await running.call<{ entries: { action: string; subject: string; reason: string }[] }>(
      'get_audit_log',
    )
    const deleted = entries.filter(({ action }) => action === 'retention')
    expect(deleted.map(({ subject, reason }) => [subject, reason])).to.deep.equal([
      [`recordings/${third}`, 'the disk lacked free space'],
      [`recordings/${second}`, 'the disk lacked free space'],
    ])
    expect(await running.call('get_storage_info')).to.deep.include({ protected_files: 1, protected_size: 2_000_000 })
    await running.call('delete_recording', { filename: oldest }).then(
      () => expect.fail('a protected recording was deleted'),
      (error: unknown) => expect(String(error)).to.match(/Invalid state/),
    )
  })
})

/** A recording of this size that can be played: the service moves others to the quarantine. `path`: for a moment. */
async function recordingOf(size: number, path: string): Promise<Buffer> {
  await closed(path, 1)
  const media = await readFile(path)
  await rm(path)
  const filling = Buffer.alloc(size - media.length)
  filling.writeUInt32BE(filling.length)
  filling.write('free', 4)
  return Buffer.concat([media, filling])
}
