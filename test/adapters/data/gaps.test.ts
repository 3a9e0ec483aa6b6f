import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { createGapStore } from '../../../adapters/data/gaps.js'
import { createMediaFiles } from '../../../adapters/files/mediaFiles.js'
import { because } from '../../../machines/domain/reason.js'
import type { EndedGaps } from '../../../machines/domain/recording.js'
import { createClock, day } from '../../support/clock.js'

const gap = (from: number) => ({ from, to: from + 1_000, reason: because('unplugged') })

describe('the list of gaps in ended recordings', () => {
  let dir: string
  let clock: ReturnType<typeof createClock>
  const messages: string[] = []
  const note = (message: string) => void messages.push(message)
  const log = { error: note, warn: note, info() {}, debug() {} }
  const open = () => createGapStore({ dir, log, clock })
  const ended = (files: string[], changes: Partial<EndedGaps> = {}): EndedGaps => ({
    camera: 'camera0',
    endedAt: clock.now(),
    files,
    gaps: [gap(2_000)],
    ...changes,
  })

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'gaps-'))
    clock = createClock()
    messages.length = 0
  })
  afterEach(() => rm(dir, { recursive: true, force: true }))

  it('is found under each file of the recording, also after a restart', async () => {
    const store = await open()
    await store.save(ended(['a.mp4', 'b.mp4']))
    await store.save(ended(['c.mp4'], { gaps: [gap(9_000), gap(11_000)] }))
    for (const one of [store, await open()]) {
      expect(one.find('b.mp4')).to.deep.equal([gap(2_000)])
      expect(one.find('c.mp4')).to.have.length(2)
      expect(one.find('d.mp4')).to.equal(undefined)
    }
  })

  it('holds no recording without gaps or files', async () => {
    const store = await open()
    await store.save(ended(['a.mp4'], { gaps: [] }))
    await store.save(ended([]))
    expect(await readdir(dir)).to.deep.equal([])
  })

  it('replaces a recording that was continued after a restart', async () => {
    const store = await open()
    await store.save(ended(['a.mp4']))
    await store.save(ended(['a.mp4', 'b.mp4'], { gaps: [gap(2_000), gap(5_000)] }))
    expect(store.find('a.mp4')).to.have.length(2)
    await store.forget('b.mp4')
    await store.forget('a.mp4')
    expect((await open()).find('a.mp4')).to.equal(undefined)
  })

  it('forgets a recording when its last file is deleted, not before', async () => {
    const store = await open()
    const files = createMediaFiles({ recordingsDir: dir, snapshotsDir: join(dir, 'none'), forget: store.forget })
    const names = ['1', '2'].map((second) => `camera0_2026-01-01_00-00-0${second}-000000.mp4`)
    const [one = '', two = ''] = names
    await mkdir(join(dir, 'camera0'))
    for (const name of names) await writeFile(join(dir, 'camera0', name), 'x')
    await store.save(ended(names))
    await files.remove('recordings', one)
    expect((await open()).find(two)).to.have.length(1)
    expect((await open()).find(one)).to.equal(undefined)
    await files.remove('recordings', two)
    expect((await open()).find(two)).to.equal(undefined)
  })

  it('is limited in number and age; the newest recordings stay', async () => {
    const store = await open()
    const many = Array.from({ length: 1_000 }, (_, index) => gap(index))
    for (let n = 0; n < 12; n += 1) await store.save(ended([`${n}.mp4`], { gaps: many }))
    expect([1, 2, 11].map((n) => store.find(`${n}.mp4`)?.length)).to.deep.equal([undefined, 1_000, 1_000])
    clock.passes(401 * day)
    await store.save(ended(['new.mp4']))
    expect(store.find('11.mp4')).to.equal(undefined)
    expect((await open()).find('new.mp4')).to.have.length(1)
  })

  it('stays in memory when it cannot be written', async () => {
    const store = await open()
    await rm(dir, { recursive: true })
    await store.save(ended(['a.mp4']))
    expect(store.find('a.mp4')).to.have.length(1)
    expect(messages).to.deep.equal(['the gaps of a recording cannot be noted on disk'])
  })
})
