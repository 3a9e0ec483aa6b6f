import { appendFile, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { openPorts, type Ports } from '../../adapters/open.js'
import { systemClock } from '../../adapters/systemClock.js'
import { portOptions } from '../../config/derive/ports.js'
import { loadConfiguration } from '../../config/load.js'
import { because } from '../../machines/domain/reason.js'
import { type SmallDisk, smallDisk } from '../support/smallDisk.js'

const options = portOptions(loadConfiguration({ env: {} }).config)
/** The ends of log lines that are expected on a disk that cannot be written. */
const secretsInMemory = ['jwt', 'link', 'audit', 'media'].map((name) => `secrets/${name}_secret: it cannot be written`)

describe('the ports of the service', () => {
  let disk: SmallDisk
  let lines: string[] = []

  beforeEach(async function () {
    const found = smallDisk('128k')
    if (typeof found === 'string') {
      console.log(`      skipped: ${found}`)
      return this.skip()
    }
    disk = found
    await run()
  })
  afterEach(() => disk?.remove())

  /** A run of the service up to its media server. */
  const run = async (use: (ports: Ports) => Promise<void> = async () => {}) => {
    lines = []
    const note = (message: string) => void lines.push(message)
    const { ports, closers } = await openPorts(
      { ...options, dataDir: disk.dir, version: '1.0.0' },
      {
        log: { error: note, warn: note, info() {}, debug() {} },
        env: { PATH: process.env.PATH },
        clock: systemClock,
        metrics: {} as never,
      },
    )
    const state = { registry: await ports.registry.load(), keys: await ports.keys.list() }
    await use(ports)
    await closers.close()
    return state
  }
  const nothing = { registry: { keyVersion: 2, next: 0, cameras: [], sharedSerials: [] }, keys: [] }
  const path = (...names: string[]) => join(disk.dir, ...names)
  const auditFiles = async () => (await readdir(path('audit'))).map((name) => path('audit', name))
  const startsOf = (all: string[]) => secretsInMemory.filter((start) => all.some((line) => line.startsWith(start)))

  it('forget the gaps of a recording when its last file is deleted', async () => {
    const name = 'camera0_2026-01-02_03-04-05-000000.mp4'
    await mkdir(path('recordings', 'camera0'), { recursive: true })
    await writeFile(path('recordings', 'camera0', name), 'bytes')
    await run(async ({ files, gaps }) => {
      const gap = { from: 1, to: 2, reason: because('unplugged') }
      await gaps.save({ camera: 'camera0', endedAt: Date.now(), files: [name], gaps: [gap] })
      expect(gaps.find(name)).to.deep.equal([gap])
      expect(await files.remove('recordings', name)).to.equal(true)
      expect(gaps.find(name)).to.equal(undefined)
    })
  })

  it('open on a full disk, and say once that run files are elsewhere', async () => {
    disk.fill()
    expect(await run()).to.deep.equal(nothing)
    expect(lines.filter((line) => line.includes('run files'))).to.deep.equal([
      'the folder of run files cannot be written (ENOSPC): run files are in memory until the service ends',
    ])
  })

  it('open on a full disk without the state of before', async () => {
    for (const folder of ['state', 'secrets', 'audit'])
      for (const name of await readdir(path(folder))) await rm(path(folder, name), { recursive: true })
    disk.fill()
    expect(await run()).to.deep.equal(nothing)
    expect(startsOf(lines)).to.deep.equal(secretsInMemory)
  })

  it('open on a read-only disk, also if the last run was cut off', async () => {
    for (const file of await auditFiles()) await appendFile(file, '{"seq":')
    await rm(path('secrets', 'link_secret'))
    disk.setReadOnly()
    expect(await run()).to.deep.equal(nothing)
    expect(startsOf(lines)).to.deep.equal([secretsInMemory[1]])
  })
})
