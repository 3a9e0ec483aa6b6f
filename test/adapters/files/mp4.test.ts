import { appendFile, copyFile, mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import fc from 'fast-check'
import { readMatroska } from '../../../adapters/files/matroska.js'
import { readMp4 } from '../../../adapters/files/mp4.js'
import { closed, growing, plain, probedDuration } from './media.js'

describe('reading recordings', () => {
  let dir = ''
  const at = (name: string) => join(dir, name)
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'mp4-'))
    await Promise.all([growing(at('open.mp4'), 3), closed(at('closed.mp4'), 3), plain(at('plain.mp4'), 2)])
  })
  after(() => rm(dir, { recursive: true }))

  it('reads the duration of a closed file from its header', async () => {
    expect(await readMp4(at('closed.mp4'))).to.deep.equal({ duration: 3000, complete: true, indexed: false })
    expect(await readMp4(at('plain.mp4'))).to.deep.equal({ duration: 2000, complete: true, indexed: true })
  })

  it('adds up the parts of a file that is not closed', async () => {
    expect(await readMp4(at('open.mp4'))).to.deep.equal({ duration: 3000, complete: false, indexed: false })
    expect(await probedDuration(at('open.mp4'))).to.be.closeTo(3000, 1)
  })

  it('counts only complete parts when the tail is cut off, zeroed or garbage', async () => {
    const { size } = await stat(at('open.mp4'))
    await copyFile(at('open.mp4'), at('cut.mp4'))
    await truncate(at('cut.mp4'), size - 100)
    const cut = await readMp4(at('cut.mp4'))
    expect(cut?.complete).to.equal(false)
    expect(cut?.duration).to.be.within(2700, 2950)
    await truncate(at('cut.mp4'), size + 50_000)
    expect((await readMp4(at('cut.mp4')))?.duration).to.be.within(2700, 3000)
    await copyFile(at('open.mp4'), at('zeroed.mp4'))
    await truncate(at('zeroed.mp4'), size + 1_000_000)
    expect(await readMp4(at('zeroed.mp4'))).to.deep.equal({ duration: 3000, complete: false, indexed: false })
    await copyFile(at('open.mp4'), at('garbage.mp4'))
    await appendFile(at('garbage.mp4'), 'no box at all')
    expect(await readMp4(at('garbage.mp4'))).to.deep.equal({ duration: 3000, complete: false, indexed: false })
  })

  it('does not count a part whose data is zeros', async () => {
    const content = await readFile(at('open.mp4'))
    const last = content.lastIndexOf('mdat') - 4
    await writeFile(at('hollow.mp4'), content.subarray(0, last))
    await truncate(at('hollow.mp4'), content.length + 100_000)
    expect((await readMp4(at('hollow.mp4')))?.duration).to.be.within(2700, 2950)
  })

  it('returns undefined for files that are no MP4 or have no header yet', async () => {
    await writeFile(at('empty.mp4'), '')
    await writeFile(at('text.mp4'), 'hello, this is text and nothing else')
    const content = await readFile(at('open.mp4'))
    await writeFile(at('header.mp4'), content.subarray(0, content.indexOf('moof') - 4))
    await writeFile(at('half.mp4'), content.subarray(0, 40))
    expect(
      await Promise.all(['empty.mp4', 'text.mp4', 'half.mp4', 'header.mp4'].map((name) => readMp4(at(name)))),
    ).to.deep.equal([undefined, undefined, undefined, { duration: 0, complete: false, indexed: false }])
  })

  it('survives random damage', async () => {
    const content = (await readFile(at('open.mp4'))).subarray(0, 20_000)
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(3000), fc.nat(255)), { minLength: 1, maxLength: 8 }),
        async (changes) => {
          const damaged = Buffer.from(content)
          for (const [offset, value] of changes) damaged[offset] = value
          await writeFile(at('damaged.mp4'), damaged)
          const mp4 = await readMp4(at('damaged.mp4'))
          return mp4 === undefined || mp4.duration >= 0
        },
      ),
      { numRuns: 100 },
    )
  })

  it('returns undefined for text instead of Matroska', async () => {
    await writeFile(at('text.mkv'), 'no EBML')
    expect(await readMatroska(at('text.mkv'))).to.equal(undefined)
  })
})
