// Loaded into every Node process of a service under measurement: one byte in a file for each process that it starts.
const { appendFileSync } = require('node:fs')

require('node:diagnostics_channel').subscribe('child_process', () => appendFileSync(process.env.BENCH_SPAWNS, '.'))
