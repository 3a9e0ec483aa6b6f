/**
 * Runs the built service under a short load and leaves in .cache/profile: a CPU profile (`*.cpuprofile`), a heap
 * snapshot (`*.heapsnapshot`), each garbage collection (`gc.txt`) and their sums (`summary.txt`).
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { requestRate } from './parts/rate.js'
import { benchService, until } from './service.js'

const folder = fileURLToPath(new URL('../../.cache/profile', import.meta.url))
const seconds = Number(process.argv[2] ?? 10)

rmSync(folder, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })

const gcLog = join(folder, 'gc.txt')
const bench = await benchService({
  kind: 'embedded',
  cameras: 16,
  flags: [
    ...['--cpu-prof', `--cpu-prof-dir=${folder}`, '--cpu-prof-name=service.cpuprofile'],
    ...['--heapsnapshot-signal=SIGUSR2', `--diagnostic-dir=${folder}`],
    ...['--trace-gc', '--trace-gc-nvp'],
  ],
  logTo: gcLog,
})
const rows: string[] = []
try {
  const atRest = bench.rss().service
  const device = 'camera0'
  await bench.call('start_recording', { device })
  const before = bench.cpu().service
  for (const method of ['ping', 'get_camera_list', 'get_camera_status']) {
    const { perSecond, cpu } = await requestRate(bench, method, seconds / 3)
    rows.push(`${method}: ${Math.round(perSecond)} requests/s, ${cpu.toFixed(1)} µs of processor time each`)
  }
  for (let run = 0; run < 3; run += 1) await bench.call('take_snapshot', { device })
  await bench.call('stop_recording', { device })
  rows.push(`processor time under load: ${Math.round(bench.cpu().service - before)} ms`)
  rows.push(`memory: ${Math.round(atRest)} MB at rest, ${Math.round(bench.rss().service)} MB after the load`)
  process.kill(bench.pid, 'SIGUSR2')
  const written = () => readdirSync(folder).some((name) => name.endsWith('.heapsnapshot'))
  await until(written, 30_000, () => 'no heap snapshot was written')
} finally {
  await bench.stop()
}

const pauses = new Map<string, number[]>()
for (const [, pause = '', kind = ''] of readFileSync(gcLog, 'utf8').matchAll(/ pause=([\d.]+) .*?\bgc=(\w+)/g))
  pauses.set(kind, [...(pauses.get(kind) ?? []), Number(pause)])
for (const [kind, all] of pauses) {
  const sum = all.reduce((total, each) => total + each, 0)
  const name = kind === 's' ? 'young' : kind === 'mc' ? 'full' : kind
  rows.push(`${all.length} ${name} collections: ${Math.round(sum)} ms, longest ${Math.max(...all).toFixed(1)} ms`)
}
writeFileSync(join(folder, 'summary.txt'), `${rows.join('\n')}\n`)
console.log([...rows, '', ...readdirSync(folder).map((name) => `.cache/profile/${name}`)].join('\n'))
