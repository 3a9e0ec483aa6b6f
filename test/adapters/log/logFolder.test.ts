import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { gunzipSync } from 'node:zlib'
import { expect } from 'chai'
import { createLog } from '../../../adapters/log/log.js'
import { type LogFolderOptions, openLogFolder } from '../../../adapters/log/logFolder.js'
import { until } from '../../support/until.js'

describe('log files', () => {
  let parent: string
  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), 'log-'))
  })
  afterEach(() => rm(parent, { recursive: true }))

  const open = (options: Partial<LogFolderOptions> = {}) => {
    const faults: string[] = []
    const time = { now: 0 }
    const folder = openLogFolder({
      dir: join(parent, 'logs'),
      maxSize: 100_000,
      maxDays: 1,
      kept: 2,
      clock: { monotonic: () => time.now },
      onFault: (cause) => void faults.push(cause),
      ...options,
    })
    return { folder, faults, time, path: (name: string) => join(parent, 'logs', name) }
  }
  const names = () => readdir(join(parent, 'logs')).then((all) => all.sort())
  const unpacked = async (path: string) => String(gunzipSync(await readFile(path)))

  it('are made in a new folder, for the service and its group, and continued after a restart', async () => {
    for (const line of ['one', 'two']) {
      const { folder } = open()
      folder.write(line)
      await folder.close()
    }
    const path = join(parent, 'logs', 'camera-service.log')
    expect(await readFile(path, 'utf8')).to.equal('one\ntwo\n')
    expect((await stat(path)).mode & 0o137).to.equal(0)
  })

  it('are closed at their size, compressed, and the oldest are removed', async () => {
    const { folder, path } = open({ maxSize: 30 })
    for (let line = 0; line < 12; line += 1) folder.write(`line ${line}`.padEnd(9))
    await folder.close()
    expect(await names()).to.deep.equal(['camera-service.log', 'camera-service.log.1.gz', 'camera-service.log.2.gz'])
    expect(await unpacked(path('camera-service.log.1.gz'))).to.equal('line 9   \nline 10  \nline 11  \n')
    expect(await unpacked(path('camera-service.log.2.gz'))).to.equal('line 6   \nline 7   \nline 8   \n')
  })

  it('with a fault cause one warning, and are tried again a minute later', async () => {
    await writeFile(join(parent, 'logs'), 'this is a file')
    const { folder, faults, time, path } = open()
    folder.write('lost')
    await until('there is a warning', () => faults.length > 0)
    folder.write('lost')
    time.now = 60_000
    folder.write('lost')
    await until('the second try has failed', () => {
      time.now += 60_000
      folder.write('lost')
      return time.now > 600_000
    })
    expect(faults).to.deep.equal(['ENOTDIR'])
    await rm(join(parent, 'logs'))
    await until('lines are written again', async () => {
      time.now += 60_000
      folder.write('kept')
      return (await readFile(path('camera-service.log'), 'utf8').catch(() => '')).includes('kept\n')
    })
    await folder.close()
    folder.write('after the end')
    expect(await readFile(path('camera-service.log'), 'utf8')).to.match(/^(kept\n)+$/)
  })

  it('are not touched while the disk has less room than one of them', async () => {
    const full = open({ maxSize: 30 })
    for (let line = 0; line < 8; line += 1) full.folder.write(`line ${line}`.padEnd(9))
    await full.folder.close()
    const before = await Promise.all((await names()).map((name) => readFile(full.path(name))))
    const { folder, faults, time } = open({ maxSize: 30, freeBytes: async () => 29 })
    for (let tries = 0; tries < 5; tries += 1) {
      folder.write('lost')
      await until('a try has failed', () => {
        time.now += 60_000
        folder.write('lost')
        return faults.length > 0
      })
    }
    await folder.close()
    expect(faults).to.deep.equal(['ENOSPC'])
    expect(await Promise.all((await names()).map((name) => readFile(full.path(name))))).to.deep.equal(before)
  })

  it('are given up for a while if the disk does not answer', async () => {
    const { folder, faults } = open({ freeBytes: () => new Promise(() => {}) })
    folder.write('lost')
    await folder.close()
    expect(faults).to.deep.equal(['ETIMEDOUT'])
  })

  it('have each line of the log as JSON, hushed or not, even when nobody reads the output any more', async () => {
    const { folder, path } = open()
    const stream = new PassThrough()
    const log = createLog({ level: 'info', format: 'text', stream, folder, clock: { now: () => 0 }, env: {} })
    const speak = log.hush()
    log.info('hushed', { port: 1 })
    speak()
    stream.destroy()
    log.warn('unread')
    log.debug('too low')
    await Promise.all([log.close(), folder.close()])
    const time = '"time":"1970-01-01T00:00:00.000Z"'
    expect(await readFile(path('camera-service.log'), 'utf8')).to.equal(
      `{${time},"level":"info","message":"hushed","port":1}\n{${time},"level":"warn","message":"unread"}\n`,
    )
  })
})
