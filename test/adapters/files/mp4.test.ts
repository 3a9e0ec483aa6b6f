import { appendFile, copyFile, mkdtemp, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import fc from 'fast-check'
import { readMatroska } from '../../../adapters/files/matroska.js'
import { readMp4 } from '../../../adapters/files/mp4.js'
import { initSegment, part } from '../../../adapters/simulator/record/fmp4.js'
import { bytesReadBy } from '../../support/fileReads.js'
import { close, closed, growing, plain, probedDuration } from './media.js'

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

  describe('of a file that grows', () => {
    const track = { sps: Buffer.from([0x67, 66, 0, 30]), pps: Buffer.from([0x68]), width: 640, height: 480 }
    const parts = (from: number, to: number, bytes = 5_000) =>
      Buffer.concat(
        Array.from({ length: to - from }, (_, index) =>
          part(from + index, (from + index) * 18_000, [
            { data: Buffer.alloc(bytes, 1), duration: 18_000, offset: 0, isKey: true },
          ]),
        ),
      )
    const write = (name: string, ...content: Buffer[]) => writeFile(at(name), Buffer.concat(content))
    const open = (duration: number) => ({ duration, complete: false, indexed: false })

    it('reads only what is new, however many parts are before it', async () => {
      const cost: number[] = []
      for (const count of [50, 2_000]) {
        const name = `grows-${count}.mp4`
        await write(name, initSegment(track), parts(0, count))
        expect(await readMp4(at(name))).to.deep.equal(open(count * 200))
        await appendFile(at(name), parts(count, count + 1))
        const { result, reads } = await bytesReadBy(() => readMp4(at(name)))
        expect(result).to.deep.equal(open((count + 1) * 200))
        cost.push(reads)
      }
      expect(cost[0]).to.equal(cost[1]).and.to.be.at.most(10)
    })

    it('counts a part once that was not whole at the last look', async () => {
      const [head, all] = [initSegment(track), parts(0, 3)]
      for (const cut of [20, 150, 2_000]) {
        const name = `half-${cut}.mp4`
        await write(name, head, all.subarray(0, parts(0, 2).length + cut))
        expect(await readMp4(at(name)), `cut at ${cut}`).to.deep.equal(open(400))
        await appendFile(at(name), all.subarray(parts(0, 2).length + cut))
        expect(await readMp4(at(name)), `whole after ${cut}`).to.deep.equal(open(600))
        expect(await readMp4(at(name)), `again after ${cut}`).to.deep.equal(open(600))
      }
    })

    it('sees that it was closed', async () => {
      await write('closes.mp4', initSegment(track), parts(0, 10))
      expect(await readMp4(at('closes.mp4'))).to.deep.equal(open(2_000))
      await close(at('closes.mp4'), 2)
      expect(await readMp4(at('closes.mp4'))).to.deep.equal({ duration: 2_000, complete: true, indexed: false })
    })

    it('reads a file anew that was cut, replaced or written over', async () => {
      const known = async (name: string) => {
        await write(name, initSegment(track), parts(0, 10))
        expect(await readMp4(at(name))).to.deep.equal(open(2_000))
      }
      await known('cut-back.mp4')
      await truncate(at('cut-back.mp4'), initSegment(track).length + parts(0, 4).length)
      expect(await readMp4(at('cut-back.mp4'))).to.deep.equal(open(800))
      await known('replaced.mp4')
      await write('other.mp4', initSegment(track), parts(0, 30))
      await rename(at('other.mp4'), at('replaced.mp4'))
      expect(await readMp4(at('replaced.mp4'))).to.deep.equal(open(6_000))
      await known('written-over.mp4')
      await write('written-over.mp4', initSegment(track), parts(0, 15, 9_000))
      expect(await readMp4(at('written-over.mp4'))).to.deep.equal(open(3_000))
    })
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
