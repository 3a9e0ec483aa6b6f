/**
 * Measures the service on this machine and writes docs/benchmarks.md. Nothing here is asserted: speed belongs to the
 * machine. Loopback only, bounded in time (about two minutes).
 */
import { writeFileSync } from 'node:fs'
import { availableParallelism, cpus, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'
import { bundleWeights } from '../support/weights.js'
import { bareFanOut, fanOut } from './fanOut.js'
import { echoRate, replySize, requestRate } from './rate.js'
import { growingFile, manyRecordings } from './recordings.js'
import { type Bench, benchService, hasMediamtx } from './service.js'
import { summary, type Timing, timed } from './timing.js'

const kinds = hasMediamtx() ? (['embedded', 'managed'] as const) : (['embedded'] as const)
const rows: string[] = []
const row = (...cells: (string | number)[]) => {
  rows.push(`| ${cells.join(' | ')} |`)
  console.log(cells.join('  ·  '))
}

for (const kind of kinds) {
  const bench = await benchService({ kind, cameras: 1 })
  try {
    const server = kind === 'embedded' ? 'embedded' : `MediaMTX ${bench.version()}`
    for (const [what, timing] of Object.entries(await latencies(bench))) row(what, server, ...summary(timing))
  } finally {
    await bench.stop()
  }
}

const memory: string[] = []
for (const cameras of [1, 10]) {
  const bench = await benchService({ kind: 'embedded', cameras })
  try {
    await bench.settle(10_000)
    const atRest = bench.rss()
    memory.push(`| ${cameras} | ${atRest.service} MB | ${atRest.mediaServer} MB |`)
  } finally {
    await bench.stop()
  }
}

const bench = await benchService({ kind: 'embedded', cameras: 1 })
const rates: string[] = []
try {
  for (const connections of [1, 100]) {
    for (const method of ['ping', 'get_camera_status', 'get_camera_list']) {
      const bytes = await replySize(bench, method)
      const echo = await echoRate(connections, bytes, method)
      const service = await requestRate(bench, connections, method)
      const [echoFigure, figure, share] = [echo, service, (100 * service) / echo].map(Math.round)
      rates.push(`| ${method} | ${bytes} | ${connections} | ${echoFigure} | ${figure} | ${share} % |`)
    }
  }
} finally {
  await bench.stop()
}

const delays: string[] = []
const crowd = await benchService({ kind: 'embedded', cameras: 1 })
try {
  for (const subscribers of [100, 1_000]) {
    const measured = { service: await fanOut(crowd, subscribers), 'bare ws': await bareFanOut(subscribers) }
    for (const [server, values] of Object.entries(measured)) {
      const sorted = values.sort((a, b) => a - b)
      const at = (share: number) => (sorted[Math.floor(share * (sorted.length - 1))] ?? 0).toFixed(1)
      delays.push(`| ${subscribers} | ${server} | ${at(0.5)} | ${at(0.99)} | ${at(1)} |`)
    }
  }
} finally {
  await crowd.stop()
}

const files: string[] = []
for (const figures of [await growingFile(100_000), await manyRecordings(100_000)])
  for (const [what, timing] of Object.entries(figures)) files.push(`| ${[what, ...summary(timing)].join(' | ')} |`)

const [cpu] = cpus()
const cpuText = `${availableParallelism()} × ${cpu?.model.trim() ?? 'unknown CPU'}`
const weights = [...(await bundleWeights()).bytes]
  .filter(([, bytes]) => bytes >= 15_000)
  .map(([name, bytes]) => `| ${name} | ${Math.ceil(bytes / 1_000)} |`)

const text = `# Benchmarks

Written by \`make bench\`; the figures are of one run on one machine and mean something only beside each other.

Machine: ${cpuText}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}.
Virtual cameras, 1280x720 at 30 fps, x264 ultrafast, a keyframe each second; parts of 200 ms.
Tier 0 (direct V4L2) needs a USB camera: \`make test-vm\` prints its figures.

## Latencies as a client sees them (ms)

| What | Media server | runs | median | worst |
|---|---|---|---|---|
${rows.join('\n')}

## Requests per second

With every check on, against a bare \`ws\` server that echoes a reply of the same size, in the same run. 8 requests in
flight per connection; client and server share the machine.

| Method | Bytes | Connections | bare ws echo | service | share |
|---|---|---|---|---|---|
${rates.join('\n')}

## One fact to many subscribers (ms)

From the fact's own time to its arrival, 40 facts; the server and all its clients share the machine. For comparison: a
bare ws server that sends a text of the same size to all.

| Subscribers | Server | median | p99 | worst |
|---|---|---|---|---|
${delays.join('\n')}

## Recordings on the disk (ms)

100,000 files of ten cameras, listed 50 a page, and one file of 100,000 parts that grows.

| What | runs | median | worst |
|---|---|---|---|
${files.join('\n')}

## Memory at rest (RSS)

| Cameras | service | embedded media server |
|---|---|---|
${memory.join('\n')}

## Weight of the bundle (kB)

All of it is in memory. \`test/bench/weights.json\` is the limit.

| Package | kB |
|---|---|
${weights.join('\n')}
`
writeFileSync(fileURLToPath(new URL('../../docs/benchmarks.md', import.meta.url)), text)
console.log(`\n${memory.join('\n')}\n${rates.join('\n')}\n${delays.join('\n')}\n\ndocs/benchmarks.md is written`)

async function latencies(bench: Bench): Promise<Record<string, Timing>> {
  const { call, untilAsleep } = bench
  const device = 'camera0'
  const picture = () => call('take_snapshot', { device })
  const asleepTier1 = await timed(8, picture)
  const startAsleep = await timed(4, () => call('start_recording', { device }), {
    after: async () => {
      await call('stop_recording', { device })
      await untilAsleep()
    },
  })
  await call('start_streaming', { device })
  const startLive = await timed(6, () => call('start_recording', { device }), {
    after: () => call('stop_recording', { device }),
  })
  const stillTap = await timed(8, () => call('take_snapshot', { device, max_age: 3 }))
  const fresh = await timed(8, () => call('take_snapshot', { device, max_age: 0 }))
  await call('stop_streaming', { device })
  await untilAsleep()
  const startStream = await timed(4, () => call('start_streaming', { device }), {
    after: async () => {
      await call('stop_streaming', { device })
      await untilAsleep()
    },
  })
  const status = await timed(200, () => call('get_camera_status', { device }))
  return {
    'snapshot, tier 1: ffmpeg from the sleeping device': asleepTier1,
    'snapshot, tier 2: still of the live stream, at most 3 s old': stillTap,
    'snapshot, tier 2: next keyframe of the live stream (max_age 0)': fresh,
    'start_recording, stream asleep: to bytes on disk': startAsleep,
    'start_recording, stream live: to bytes on disk': startLive,
    'start_streaming, stream asleep: to the live stream': startStream,
    get_camera_status: status,
  }
}
