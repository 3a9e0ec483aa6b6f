import { appendFile, mkdir, mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createIndexer } from '../../../adapters/files/indexer.js'
import { createMediaFiles } from '../../../adapters/files/mediaFiles.js'
import { readMp4 } from '../../../adapters/files/mp4.js'
import { initSegment, part } from '../../../adapters/simulator/record/fmp4.js'
import type { Part } from '../part.js'
import { median, summary, type Timing, timed } from '../timing.js'

const sizes = [1_000, 10_000, 100_000]
/** Each part of these files has 200 ms. */
const minutes = (parts: number) => parts / 300

export const recordings: Part = {
  name: 'recordings',
  title: 'Recordings on the disk (ms)',
  text: 'Many files of ten cameras, listed 50 a page, and one file of many parts of 200 ms that grows.',
  async measure() {
    const rows: (string | number)[][] = []
    const figures: Record<string, number> = {}
    const [growing, listed]: [number, number][][] = [[], []]
    for (const size of sizes) {
      const looks = await growingFile(size)
      const lists = await manyRecordings(size)
      for (const [what, timing] of Object.entries({ ...looks, ...lists })) rows.push([size, what, ...summary(timing)])
      growing?.push([minutes(size), median(looks[laterLook] ?? [])])
      listed?.push([size, median(lists[laterList] ?? [])])
    }
    const ratio = (points: [number, number][] = []) => (points.at(-1)?.[1] ?? 0) / (points[0]?.[1] ?? 1)
    figures['growing recording: 100,000 parts / 1,000 parts'] = ratio(growing)
    figures['recordings listed: 100,000 / 1,000'] = ratio(listed)
    figures['recordings listed, 100,000: ms'] = listed?.at(-1)?.[1] ?? 0
    const plots = [
      { name: 'recordings', title: 'A page of the list', x: 'recordings', y: 'ms', points: listed },
      { name: 'minutes', title: 'A look at a growing recording', x: 'minutes', y: 'ms', points: growing },
    ]
    return {
      tables: [{ head: ['Files or parts', 'What', 'runs', 'median', 'worst'], rows }],
      figures,
      plots: plots.map(({ points = [], ...plot }) => ({ ...plot, lines: [{ label: 'service', points }] })),
    }
  },
}

const laterLook = 'growing file: each later look, one part more'
const laterList = 'list: each later time'

/** One part of 200 ms of one picture. */
const partOf = (index: number) =>
  part(index, index * 18_000, [{ data: Buffer.alloc(2_000), duration: 18_000, offset: 0, isKey: index % 5 === 0 }])

/** Times a look at a file that grows by one part between the looks. */
async function growingFile(parts: number): Promise<Record<string, Timing>> {
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
    return { 'growing file: the first look': first, [laterLook]: later }
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/** Times lists and searches of so many recordings of ten cameras. */
async function manyRecordings(count: number): Promise<Record<string, Timing>> {
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
    const later = await timed(50, () => list(count / 2))
    const indexer = createIndexer({ dirs: [recordingsDir], clock: { now: () => Date.now() + 1_000_000 } })
    const signal = new AbortController().signal
    const search = await timed(1, () => indexer.unindexed(signal))
    const searchAgain = await timed(3, () => indexer.unindexed(signal))
    const added = join(recordingsDir, 'camera0', 'camera0_2027-01-01_00-00-00-000000.mp4')
    await writeFile(added, content)
    const afterChange = await timed(1, () => list(0))
    return {
      'list: the first time': first,
      'list: the second time': second,
      [laterList]: later,
      'list: after a change': afterChange,
      'search for files without an index: the first': search,
      'search for files without an index: each later': searchAgain,
    }
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}
