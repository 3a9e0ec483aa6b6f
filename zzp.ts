import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { requestRate } from './test/bench/parts/rate.js'
import { benchService, until } from './test/bench/service.js'
const folder='/tmp/prof'
const bench = await benchService({ kind: 'embedded', cameras: 16, flags: ['--cpu-prof', `--cpu-prof-dir=${folder}`, '--cpu-prof-interval=200'] })
await new Promise(r=>setTimeout(r,11000)); await requestRate(bench, 'ping', 3)
for (const m of process.argv.slice(2)) { const { perSecond, cpu } = await requestRate(bench, m, 8, 100); console.log(m, perSecond, cpu) }
await bench.stop()
