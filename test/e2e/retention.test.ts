import { copyFile, mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { growing } from '../adapters/files/media.js'
import { type Service, startService } from './service.js'

const day = 86_400_000

describe('retention', () => {
  let service: Service
  afterEach(() => service?.end())

  it('deletes nothing after a start with a clock a year ahead, until a client cleans up', async () => {
    const env = {
      CAMERA_SERVICE_RETENTION_POLICY_ENABLED: 'true',
      CAMERA_SERVICE_RETENTION_POLICY_CHECK_INTERVAL: '1s',
    }
    service = await startService({ kind: 'embedded', env })
    const { dataDir } = service
    const clockFile = join(dataDir, 'state', 'clock.json')
    const seen = await service.until('the time is saved', () => readFile(clockFile, 'utf8').catch(() => undefined))
    const { wall } = JSON.parse(seen)
    expect(Date.now() - wall).to.be.within(0, 60_000)
    await service.stop()

    // To the service, a clock a year ahead and a last time seen a year ago are the same.
    await writeFile(clockFile, JSON.stringify({ version: 1, wall: wall - 365 * day, expected: wall - 365 * day }))
    const folder = join(dataDir, 'recordings', 'camera0')
    await mkdir(folder, { recursive: true })
    const media = join(dataDir, 'media.mp4')
    await growing(media, 1)
    for (const age of [366, 1, 2, 3, 4]) {
      const at = new Date(wall - age * day)
      const file = join(folder, `camera0_${at.toISOString().slice(0, 23).replace('T', '_').replace(/[:.]/g, '-')}.mp4`)
      await copyFile(media, file)
      await utimes(file, at, at)
    }
    service = await startService({ kind: 'embedded', env, dataDir })
    const retention = async () =>
      (await service.call<{ retention: { suspended?: { reason: string } } }>('get_storage_info')).retention
    await service.until('it is suspended', async () => (await retention()).suspended?.reason === 'clock_suspect')
    const warnings = () => service.log.filter((line) => line.includes('retention.suspended'))
    await service.until('the warning is logged', () => warnings().length > 0)
    await service.until(
      'three intervals have passed',
      async () => (await service.call<{ uptime: number }>('get_status')).uptime >= 4,
    )
    expect(await readdir(folder)).to.have.length(5)

    expect(await service.call('cleanup_old_files')).to.include({ files_deleted: 1 })
    expect(await retention()).to.deep.equal({ policy_type: 'age', enabled: true })
    expect(await readdir(folder)).to.have.length(4)
    expect(warnings()).to.have.length(1)
  })
})
