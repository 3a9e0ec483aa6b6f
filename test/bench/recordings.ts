import { appendFile, mkdir, mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createIndexer } from '../../adapters/files/indexer.js'
import { createMediaFiles } from '../../adapters/files/mediaFiles.js'
import { readMp4 } from '../../adapters/files/mp4.js'
import { initSegment, part } from '../../adapters/simulator/record/fmp4.js'
import { type Timing, timed } from './timing.js'

/** One part of 200 ms of one picture. */
const partOf = (index: number) =>
  part(index, index * 18_000, [{ data: Buffer.alloc(2_000), duration: 18_000, offset: 0, isKey: index % 5 === 0 }])

/** Times a look at a file that grows by one part between the looks. */
export async function growingFile(parts: number): Promise<Record<string, Timing>> {
  const dir = await mkdtemp(join(tmpdir(), 'bench-growing-'))
  const file = join(dir, 'growing.mp4')
  try {
    const handle = await open(file, 'w')
    await handle.write(
      initSegment({ sps: Buffer.from([0x67, 66, 0, 30]), pps: Buffer.from([0x68]), width: 640, height: 480 }),
    )
    for (let index = 0; index < parts; index += 1_000)
      await handle.write(
        Buffer.concat(Array.from({ length: Math.min(1_000, parts - index) }, (_, i) => partOf(index + i))),
      )
    await handle.close()
    const first = await timed(1, () => readMp4(file))
    let next = parts
    const grow = () => appendFile(file, partOf(next++))
    await grow()
    const later = await timed(5, () => readMp4(file), { after: grow })
    return { [`first look at a growing file of ${parts} parts`]: first, 'each later look, one part more': later }
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/** Times lists and searches of so many recordings of ten cameras. */
export async function manyRecordings(count: number): Promise<Record<string, Timing>> {
  const dir = await mkdtemp(join(tmpdir(), 'bench-many-'))
  try {
    const recordingsDir = join(dir, 'recordings')
    const snapshotsDir = join(dir, 'snapshots')
    await mkdir(snapshotsDir)
    const content = Buffer.concat([
      initSegment({ sps: Buffer.from([0x67, 66, 0, 30]), pps: Buffer.from([0x68]), width: 640, height: 480 }),
    ])
    const start = Date.UTC(2026, 0, 1)
    for (let camera = 0; camera < 10; camera += 1) {
      await mkdir(join(recordingsDir, `camera${camera}`), { recursive: true })
      for (let index = 0; index < count / 10; index += 100)
        await Promise.all(
          Array.from({ length: Math.min(100, count / 10 - index) }, (_, i) => {
            const at = new Date(start + (index + i) * 60_000).toISOString().slice(0, 19).replace('T', '_')
            const name = `camera${camera}_${at.replaceAll(':', '-')}-000000.mp4`
            return writeFile(join(recordingsDir, `camera${camera}`, name), content)
          }),
        )
    }
    const files = createMediaFiles({ recordingsDir, snapshotsDir })
    const list = (offset: number) => files.list('recordings', { limit: 50, offset })
    const first = await timed(1, () => list(0))
    const second = await timed(1, () => list(0))
    const later = await timed(50, () => list(50_000))
    const indexer = createIndexer({ dirs: [recordingsDir], clock: { now: () => Date.now() + 1_000_000 } })
    const signal = new AbortController().signal
    const search = await timed(1, () => indexer.unindexed(signal))
    const searchAgain = await timed(3, () => indexer.unindexed(signal))
    const added = join(recordingsDir, 'camera0', 'camera0_2027-01-01_00-00-00-000000.mp4')
    await writeFile(added, content)
    const afterChange = await timed(1, () => list(0))
    return {
      'the first list': first,
      'the second list': second,
      'each later list': later,
      'a list after a change': afterChange,
      'the first search for files without an index': search,
      'each later search': searchAgain,
    }
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}
