import { setTimeout as sleep } from 'node:timers/promises'
import type { Part } from '../part.js'
import { allPeers } from '../peers/list.js'
import { type OpenPeer, type Peer, pipelineOf } from '../peers/peer.js'
import { cpuWithChildren, rssOf, tree } from '../processes.js'
import { figure, median } from '../timing.js'

const rounds = 3
const runs = 3
const seconds = 30

const rowNames = {
  frame: 'first keyframe by RTSP, asleep (ms)',
  snapshotAsleep: 'snapshot, asleep (ms)',
  snapshotLive: 'snapshot, live (ms)',
  recordAsleep: 'recording, asleep: to bytes (ms)',
  recordLive: 'recording, live: to bytes (ms)',
  recovery: 'pipeline killed: to the next keyframe (ms)',
  memory: 'memory at rest, 1 camera (MB)',
  cpu: 'CPU at rest (% of a core)',
  memory10: 'memory at rest, 10 cameras (MB)',
} as const
type Row = keyof typeof rowNames
type Results = Map<string, Partial<Record<Row, number[]>>>

export const peers: Part = {
  name: 'peers',
  title: 'Beside other programs',
  text: `\`make bench-peers\`: those on the PATH, with the same ffmpeg test source, 1280x720 at 30 fps in H.264. Medians of
${rounds} × ${runs} runs; programs take turns. A client in Node reads keyframes by RTSP; after a kill it connects again at
once. Memory and processor time: of all processes of the program, without clients. "–": it does not do this. go2rtc sends
its streams, but has no recorder. MediaMTX takes no snapshots, and its recording is no reader: a client that wakes the
camera counts. Motion reads network cameras from a MediaMTX that does not count here; it never sleeps and decodes all
frames, for it looks for motion. "Asleep" is then the same as live, and only shown there.

Where another program is better, and why:

- Memory and processor at rest: MediaMTX alone and go2rtc are compiled programs without a JavaScript runtime. This
  service needs its own memory beside that of MediaMTX, and works at rest: it looks at devices, disk and media server.
- First keyframe: MediaMTX alone and go2rtc are earlier. With this service, MediaMTX asks it by HTTP whether the reader
  and then the pipeline are allowed, and the pipeline writes two more outputs: for stills, and for its progress.
- Pipeline killed: go2rtc starts ffmpeg when the client is back. The pipeline of this service waits for 0.3 s before it
  starts ffmpeg again, because a device may take as long until it is released.
- Recording, live: MediaMTX alone and Motion have bytes in a file sooner. This service answers when it has seen the file
  grow. Motion need not wait for a keyframe: it has each frame decoded, and encodes it again.
- Snapshot, live: Motion has the decoded frame in memory, at the price of processor time for each camera all the time.

After a killed pipeline, MediaMTX alone lets the client wait for its next start of the pipeline. go2rtc decodes each
snapshot from the next keyframe, so it takes longer.`,
  async measure() {
    const present: { peer: Peer; version: string }[] = []
    const skipped: (string | number)[][] = []
    for (const peer of allPeers) {
      const found = peer.find()
      if ('version' in found) present.push({ peer, version: found.version })
      else skipped.push([peer.name, found.skipped])
    }
    const results: Results = new Map(present.map(({ peer }) => [peer.name, {}]))
    for (let round = 0; round < rounds; round += 1)
      for (const { peer } of present) await measureOnce(peer, results.get(peer.name) ?? {}, round === 0)
    const columns = present.map(({ peer, version }) => `${peer.name} (${version})`)
    const cell = (peer: Peer, row: Row) => {
      const values = results.get(peer.name)?.[row] ?? []
      return values.length === 0 ? '–' : figure(median(values))
    }
    const rows = (Object.keys(rowNames) as Row[]).map((row) => [
      rowNames[row],
      ...present.map(({ peer }) => cell(peer, row)),
    ])
    const figures = present.flatMap(({ peer }) =>
      Object.entries(results.get(peer.name) ?? {}).map(([row, values]): [string, number] => [
        `peers, ${peer.name}: ${row}`,
        median(values),
      ]),
    )
    const tables = [{ head: ['What', ...columns], rows }]
    if (skipped.length > 0) tables.push({ head: ['Skipped', 'why'], rows: skipped as string[][] })
    return { tables, figures: Object.fromEntries(figures) }
  },
}

async function measureOnce(peer: Peer, results: Partial<Record<Row, number[]>>, isFirst: boolean): Promise<void> {
  const note = (row: Row, value: number) => {
    results[row] = [...(results[row] ?? []), value]
  }
  const take = async (row: Row, act: () => Promise<unknown>, after: () => Promise<unknown> = async () => {}) => {
    for (let run = 0; run < runs; run += 1) {
      // Runs begin at any moment between two keyframes.
      await sleep(Math.random() * 1_000)
      const begun = performance.now()
      try {
        await act()
        note(row, performance.now() - begun)
      } catch (error) {
        console.log(`  ${peer.name}, ${rowNames[row]}: ${error instanceof Error ? error.message : error}`)
      }
      await after()
    }
  }
  const open = await peer.open(1)
  console.log(`  ${peer.name}`)
  try {
    await sleep(8_000)
    note('memory', memoryOf(open))
    const cpu = cpuWithChildren(open.pid)
    await sleep(seconds * 1_000)
    note('cpu', (cpuWithChildren(open.pid) - cpu) / (10 * seconds))

    const { frame, hold, untilAsleep, snapshot, record, stopRecording = async () => {} } = open
    if (untilAsleep) {
      if (frame) await take('frame', frame, untilAsleep)
      if (snapshot) await take('snapshotAsleep', snapshot, untilAsleep)
      const end = async () => {
        await stopRecording()
        await untilAsleep()
      }
      if (record) await take('recordAsleep', record, end)
    }
    const released = new AbortController()
    await hold?.(released.signal)
    if (snapshot) await take('snapshotLive', snapshot)
    if (record) await take('recordLive', record, stopRecording)
    released.abort()
    if (frame && hold)
      for (let run = 0; run < runs; run += 1) {
        const lost = new AbortController()
        await hold(lost.signal)
        note('recovery', await killPipeline(open, frame))
        lost.abort()
        await untilAsleep?.()
      }
  } finally {
    await open.close()
  }
  if (!isFirst || peer.name === 'ustreamer') return
  const ten = await peer.open(10)
  try {
    await sleep(8_000)
    note('memory10', memoryOf(ten))
  } finally {
    await ten.close()
  }
}

const memoryOf = ({ pid }: OpenPeer) => tree(pid).reduce((sum, each) => sum + rssOf(each), 0)

/** ms until a client that connects again and again gets a keyframe. */
async function killPipeline({ pid }: OpenPeer, frame: () => Promise<unknown>): Promise<number> {
  const pipeline = pipelineOf(pid)
  if (pipeline === undefined) throw new Error('no pipeline runs')
  const begun = performance.now()
  process.kill(pipeline, 'SIGKILL')
  for (;;) {
    // A picture of the old pipeline may still be on its way.
    await sleep(20)
    try {
      await frame()
      return performance.now() - begun
    } catch {
      if (performance.now() - begun > 30_000) throw new Error('the stream did not come back')
    }
  }
}
