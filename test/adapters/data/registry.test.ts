import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import fc from 'fast-check'
import { createRegistryStore } from '../../../adapters/data/registry.js'
import type { Log, Registry } from '../../../machines/domain/ports.js'

const one: Registry = {
  keyVersion: 2,
  next: 1,
  cameras: [{ id: 'camera0', keys: ['serial:1d6b:0102:SN1'] }],
  sharedSerials: [],
}
const two: Registry = {
  keyVersion: 2,
  next: 2,
  cameras: [...one.cameras, { id: 'camera1', keys: ['virtual:demo'] }],
  sharedSerials: ['1d6b:0102:SN9'],
}
const three: Registry = { ...two, next: 3, cameras: [...two.cameras, { id: 'camera2', keys: ['rtsp:yard'] }] }

describe('the camera registry', () => {
  let dir = ''
  let errors: string[] = []
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'registry-'))
    errors = []
  })
  afterEach(() => rm(dir, { recursive: true }))

  const note = (message: string) => void errors.push(message)
  const log: Log = { error: note, warn: note, info: () => {}, debug: () => {} }
  /** As after a restart. */
  const store = () => createRegistryStore({ dir, log, clock: { now: () => Date.UTC(2026, 0, 2, 3, 4, 5, 6) } })
  const file = () => join(dir, 'registry.json')
  const rejection = (promise: Promise<unknown>) =>
    promise.then(
      () => 'resolved',
      (error: Error) => error.message,
    )

  it('is empty without a file', async () => {
    expect(await store().load()).to.deep.equal({ keyVersion: 2, next: 0, cameras: [], sharedSerials: [] })
    expect(errors).to.deep.equal([])
  })

  it('loads what was saved', async () => {
    const first = store()
    await first.load()
    await first.save(one)
    await first.save(two)
    expect(await store().load()).to.deep.equal(two)
    expect((await readdir(dir)).sort()).to.deep.equal(['next-camera', 'registry.json', 'registry.previous.json'])
  })

  it('carries over what an earlier version wrote, and keeps it when it is saved', async () => {
    const keys = ['serial:1bcf:0215:SN0001', 'port:1bcf:0215:SN0001/pci-0000:00:14.0-usb-0:2']
    await writeFile(
      file(),
      JSON.stringify({ version: 1, next: 1, cameras: [{ id: 'camera0', keys }], sharedSerials: [] }),
    )
    const carried = {
      keyVersion: 2,
      next: 1,
      cameras: [{ id: 'camera0', keys: keys.map((key) => `was:${key}`) }],
      sharedSerials: [],
    }
    const first = store()
    expect(await first.load()).to.deep.equal(carried)
    await first.save(carried as Registry)
    expect(await store().load()).to.deep.equal(carried)
    expect(errors).to.deep.equal([])
  })

  it('saves one after the other', async () => {
    const first = store()
    await Promise.all([first.save(one), first.save(two), first.save(three)])
    expect(await store().load()).to.deep.equal(three)
  })

  it('never assigns a number that a camera has', async () => {
    await store().save({ ...three, next: 0 })
    expect((await store().load()).next).to.equal(3)
  })

  for (const [what, damage] of Object.entries({
    'cut off': (text: string) => text.slice(0, -9),
    empty: () => '',
    'of another shape': () => '{"version":1,"next":"2"}',
    'a camera without an id': (text: string) => text.replace('"camera0"', '"camera-0"'),
    'a number that no camera can have': (text: string) => text.replace('"camera0"', '"camera99999999999999999"'),
    'two with one key': () =>
      JSON.stringify({ version: 1, ...two, cameras: [two.cameras[0], { id: 'camera1', keys: one.cameras[0]?.keys }] }),
  })) {
    it(`uses its copy when it is damaged (${what}), and reuses no id`, async () => {
      const first = store()
      await first.save(two)
      await first.save(three)
      const remains = damage(await readFile(file(), 'utf8'))
      await writeFile(file(), remains)
      expect(await store().load()).to.deep.equal(three)
      expect(errors).to.deep.equal([
        'state/registry.json: the camera registry was damaged: its copy registry.previous.json is used',
      ])
      expect(await readFile(join(dir, 'registry.json.damaged-2026-01-02T03-04-05-006Z'), 'utf8')).to.equal(remains)
      expect(await store().load(), 'the next start').to.deep.equal(three)
      expect(errors).to.have.length(1)
    })
  }

  it('reuses no id when only the damaged file is left', async () => {
    await writeFile(file(), '{"version":1,"next":9,"cameras":[{"id":"camera7","keys":["ser')
    expect(await store().load()).to.deep.equal({ keyVersion: 2, next: 8, cameras: [], sharedSerials: [] })
    expect(errors[0]).to.contain('is lost')
    expect((await store().load()).next).to.equal(8)
  })

  it('reuses no id after the file was deleted', async () => {
    await store().save(three)
    await rm(file())
    await rm(join(dir, 'registry.previous.json'))
    expect(await store().load()).to.deep.equal({ keyVersion: 2, next: 3, cameras: [], sharedSerials: [] })
  })

  it('uses its copy when the file is missing, with a warning', async () => {
    const first = store()
    await first.save(two)
    await first.save(three)
    await rm(file())
    expect(await store().load()).to.deep.equal(three)
    expect(errors).to.deep.equal([
      'state/registry.json: the camera registry was missing: its copy registry.previous.json is used',
    ])
    expect(await store().load(), 'the next start').to.deep.equal(three)
    expect(errors).to.have.length(1)
  })

  it('gets a copy at the next start if it has none, or an older one', async () => {
    await store().save(two)
    const copy = join(dir, 'registry.previous.json')
    await writeFile(copy, JSON.stringify({ version: 1, ...one }))
    await store().load()
    expect(await readFile(copy, 'utf8')).to.equal(await readFile(file(), 'utf8'))
    await rm(copy)
    await store().load()
    await rm(file())
    expect(await store().load()).to.deep.equal(two)
  })

  it('is not written when it could not be read again', async () => {
    await store().save(two)
    const twice = { ...two, cameras: [...two.cameras, ...one.cameras] }
    expect(await rejection(store().save(twice))).to.equal('the camera registry is not written: it would be damaged')
    expect(await store().load()).to.deep.equal(two)
  })

  it('says that cameras get new ids when the file and its copy are missing', async () => {
    await store().save(one)
    await rm(file())
    await rm(join(dir, 'registry.previous.json'))
    expect(await store().load()).to.deep.equal({ keyVersion: 2, next: 1, cameras: [], sharedSerials: [] })
    expect(errors).to.deep.equal([
      'state/registry.json: the camera registry is missing: cameras get new ids, old ids are not reused',
    ])
  })

  it('is used as it was rescued when it cannot be written back, for example on a full disk', async () => {
    const first = store()
    await first.save(two)
    await first.save(three)
    await writeFile(file(), 'rubbish')
    await mkdir(`${file()}.tmp/x`, { recursive: true })
    expect(await store().load()).to.deep.equal(three)
    expect(errors).to.have.length(1)
  })

  it('ignores a damaged next-camera file', async () => {
    await store().save(two)
    await writeFile(join(dir, 'next-camera'), 'many')
    const again = store()
    expect(await again.load()).to.deep.equal(two)
    await again.save(two)
    expect(await readFile(join(dir, 'next-camera'), 'utf8')).to.equal('2\n')
  })

  it('does not change the file of a newer version', async () => {
    const text = '{"version":2,"cameras":{}}'
    await writeFile(file(), text)
    expect(await rejection(store().load())).to.equal(
      'state/registry.json: the camera registry ' +
        'was written by a newer version of this service: start that one, or move the file away',
    )
    expect(await readFile(file(), 'utf8')).to.equal(text)
  })

  it('rejects with one sentence without the full path when it cannot be read or written', async () => {
    await mkdir(file())
    expect(await rejection(store().load())).to.equal('state/registry.json: the camera registry cannot be read (EISDIR)')
    expect(await rejection(store().save(one))).to.match(/^the camera registry cannot be written \([A-Z]+\)$/)
    expect((await readdir(dir)).filter((name) => name.endsWith('.tmp'))).to.deep.equal([])
    await rm(file(), { recursive: true })
  })

  it('saves after a failed save', async () => {
    await mkdir(file())
    const first = store()
    await rejection(first.save(one))
    await rm(file(), { recursive: true })
    await first.save(two)
    expect(await store().load()).to.deep.equal(two)
  })

  it('reads any text as a registry or as damaged', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.json().map((text) => `{"version":1,"next":1,"sharedSerials":[],"cameras":${text}}`),
        ),
        async (text) => {
          await rm(dir, { recursive: true })
          await mkdir(dir)
          await writeFile(file(), text)
          const { next, cameras, sharedSerials } = await store().load()
          expect([Number.isSafeInteger(next), Array.isArray(cameras), Array.isArray(sharedSerials)]).to.deep.equal([
            true,
            true,
            true,
          ])
        },
      ),
      { numRuns: 40 },
    )
  })
})
