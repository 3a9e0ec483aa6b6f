import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type WebSocket from 'ws'
import type { Measured, Part } from '../part.js'
import { tree } from '../processes.js'
import { type Bench, benchService, until } from '../service.js'
import { openSocket, requestText } from '../socket.js'
import { figure } from '../timing.js'

/** What many clients do in a day. */
const aDay = { requests: 1_000_000, recordings: 2_000, snapshots: 5_000, connects: 10_000 }
const parts = 20
const cameras = 8
/** ms. */
const longestIndexing = 900_000
const counter = fileURLToPath(new URL('../countResources.cjs', import.meta.url))
/** Questions that clients repeat. */
const questions = [
  'ping',
  'get_camera_list',
  'get_camera_status',
  'list_recordings',
  'list_snapshots',
  'get_storage_info',
  'get_streams',
  'get_status',
].map((method) => {
  const params = method === 'get_camera_status' ? { device: 'camera0' } : {}
  return requestText(2, method, params)
})

interface Held {
  /** MB. */
  memory: number
  /** Files, connections, children, listeners and timers. */
  counts: Record<string, number>
  /** What the descriptors are of: paths, `socket`, `pipe`. */
  open: string[]
}

export const day: Part = {
  name: 'day',
  title: 'A day of use',
  text: `${aDay.requests} requests, ${aDay.recordings} recordings, ${aDay.snapshots} snapshots and ${aDay.connects} connections,
by ${cameras} virtual cameras of 320x240 with a live stream each, as fast as this machine does it. Memory (RSS) and what the service
holds: before, after each tenth, and half a minute after the last recording has its index. The service knows all files,
a snapshot with 0.6 KB, so memory grows with their number. \`make soak DAYS=1\` prints the same.`,
  measure: () => liveThrough(1),
}

/** Lives through so much of a day. */
export async function liveThrough(share: number): Promise<Measured> {
  const flags = ['--require', counter]
  const bench = await benchService({ kind: 'embedded', cameras, flags, stream: 'size: 320x240, fps: 10' })
  const rows: (string | number)[][] = []
  const memory: [number, number][] = []
  const note = (when: string, { memory: mb, counts }: Held) =>
    rows.push([when, figure(mb), ...kinds.map((kind) => counts[kind] ?? 0)])
  try {
    const devices = Array.from({ length: cameras }, (_, index) => `camera${index}`)
    await sleep(12_000)
    const before = await held(bench)
    note('before', before)
    for (let part = 1; part <= parts; part += 1) {
      for (const device of devices) await bench.call('start_streaming', { device })
      const of = (count: number) => Math.ceil((count * share) / parts)
      await Promise.all([
        ask(bench, of(aDay.requests)),
        connectAgain(bench, of(aDay.connects)),
        inTurn(of(aDay.snapshots), devices, (device) => bench.call('take_snapshot', { device })),
        inTurn(of(aDay.recordings), devices, async (device) => {
          await bench.call('start_recording', { device })
          await bench.call('stop_recording', { device })
        }),
      ])
      for (const device of devices) await bench.call('stop_streaming', { device })
      await sleep(2_000)
      const now = await held(bench)
      memory.push([(100 * part) / parts, now.memory])
      if (part % 2 === 0) note(`${(100 * part) / parts} %`, now)
    }
    await bench.untilAsleep()
    await untilIndexed(bench, before.counts.children ?? 0)
    const after = await held(bench)
    note('half a minute after the last index', after)
    // The first tenth fills caches, the index and the journal.
    const settled = memory.slice(2).map(([, mb]) => mb)
    const middle = settled.reduce((sum, mb) => sum + mb, 0) / settled.length
    const figures = {
      'a day of use: memory, most and least as a share of the mean, %':
        (100 * Math.max(Math.max(...settled) - middle, middle - Math.min(...settled))) / middle,
      'a day of use: held after it, more than before': kinds.reduce(
        (sum, kind) => sum + Math.max(0, (after.counts[kind] ?? 0) - (before.counts[kind] ?? 0)),
        0,
      ),
    }
    const plots = [
      { name: 'day', title: 'A day of use', x: '% of the day', y: 'MB', lines: [{ label: 'service', points: memory }] },
    ]
    const tables: Measured['tables'] = [{ head: ['When', 'RSS (MB)', ...kinds], rows }]
    const opened = more(before.open, after.open)
    if (opened.length > 0) tables.push({ head: ['Open after it, and not before'], rows: opened.map((name) => [name]) })
    return { tables, figures, plots }
  } finally {
    await bench.stop()
  }
}

/**
 * Indexes of the last recordings are still made, one after the other, with pauses: half a minute without a further child
 * means that all are. A child that stays is counted.
 */
async function untilIndexed({ pid }: Bench, usual: number): Promise<void> {
  const end = performance.now() + longestIndexing
  let quiet = 0
  while (quiet < 30 && performance.now() < end) {
    await sleep(1_000)
    quiet = tree(pid).length - 1 <= usual ? quiet + 1 : 0
  }
}

/** What a list has more of than another one. */
function more(before: readonly string[], after: readonly string[]): string[] {
  const left = [...before]
  return after.filter((name) => {
    const at = left.indexOf(name)
    if (at >= 0) left.splice(at, 1)
    return at < 0
  })
}

const kinds = [
  'descriptors',
  'children',
  'listeners',
  'Timeout',
  'TCPSocketWrap',
  'FSEventWrap',
  'ProcessWrap',
  'PipeWrap',
]

async function held({ pid, rss, dataDir }: Bench): Promise<Held> {
  const path = join(tmpdir(), `bench-resources-${pid}.json`)
  process.kill(pid, 'SIGUSR2')
  await until(
    () => existsSync(path),
    10_000,
    () => 'the service did not count what it holds',
  )
  const counts: Record<string, number> = JSON.parse(readFileSync(path, 'utf8'))
  rmSync(path)
  const open = readdirSync(`/proc/${pid}/fd`).map((fd) =>
    nameOf(`/proc/${pid}/fd/${fd}`).replace(dataDir, '').replace(/\d+/g, 'N'),
  )
  return {
    memory: rss().service,
    counts: { ...counts, descriptors: open.length, children: tree(pid).length - 1 },
    open,
  }
}

/** `closed`: it was, in the meantime. */
function nameOf(descriptor: string): string {
  try {
    return readlinkSync(descriptor).replace(/:\[\d+\]$/, '')
  } catch {
    return 'closed'
  }
}

/** One after the other for each camera, all cameras side by side. */
async function inTurn(count: number, devices: readonly string[], act: (device: string) => Promise<unknown>) {
  let left = count
  await Promise.all(
    devices.map(async (device) => {
      while (left-- > 0) await act(device)
    }),
  )
}

/** Ten clients with eight requests in flight each. */
async function ask(bench: Bench, count: number): Promise<void> {
  const clients = await Promise.all(Array.from({ length: 10 }, () => openSocket(bench)))
  let [sent, answered] = [0, 0]
  await new Promise<void>((resolve) => {
    const next = (socket: WebSocket) => {
      if (sent < count) socket.send(questions[sent++ % questions.length] ?? '')
    }
    for (const socket of clients) {
      socket.on('message', () => {
        answered += 1
        if (answered >= count) resolve()
        next(socket)
      })
      for (let open = 0; open < 8; open += 1) next(socket)
    }
  })
  for (const socket of clients) socket.close()
}

/** Twenty at a time. */
async function connectAgain(bench: Bench, count: number): Promise<void> {
  let left = count
  await Promise.all(
    Array.from({ length: 20 }, async () => {
      while (left-- > 0) {
        const socket = await openSocket(bench)
        const closed = new Promise((resolve) => socket.once('close', resolve))
        socket.close()
        await closed
      }
    }),
  )
}
