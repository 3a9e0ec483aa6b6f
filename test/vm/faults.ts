/**
 * Causes faults on the installed service, under systemd with two real USB cameras, by the engine of the fault table.
 * Writes the table to /mnt/out/faults.md.
 */
import { writeFile } from 'node:fs/promises'
import { broken, runFault, seconds } from '../faults/engine.js'
import { faults } from '../faults/faults.js'
import { type Rows, tableOf } from '../faults/rows.js'
import { openBench } from './guest/bench.js'
import { install, keepLog, unit } from './guest/service.js'
import { output } from './guest/shell.js'
import { mountData, openVirtualMachine } from './guest/world.js'

const [program, frames, checkout, only = '.'] = process.argv.slice(2)
if (program === undefined || frames === undefined || checkout === undefined)
  throw new Error('usage: faults.mjs USB_CAMERA_PROGRAM FRAMES_DIR CHECKOUT [FAULTS]')

/** ms: an emulated processor is about ten times slower than a real one. */
const tolerance = 20_000
/** The machine ends the script after VM_SECONDS; a fault takes about a minute. */
const limit = (Number(process.env.VM_SECONDS ?? 600) - 90) * 1_000

await mountData()
await install(checkout)
await output('systemctl', ['start', unit], { seconds: 70 })
const machine = await openVirtualMachine(await openBench({ program, frames }))
const rows: Rows = {}
let failures = 0
for (const name of machine.can.filter((each) => new RegExp(only).test(each))) {
  if (performance.now() > limit) {
    console.log(`left out, because the time is over: ${faults[name].what}`)
    continue
  }
  const began = performance.now()
  try {
    const row = await runFault(machine, name)
    rows[name] = row
    const { outcome, took = 0, lost = 0 } = row.recording ?? {}
    const wrong = broken(name, row, tolerance)
    failures += wrong.length
    console.log(
      `${seconds(performance.now() - began)}  ${faults[name].what}: ${outcome}, ${seconds(took)}, lost ${seconds(lost)}`,
    )
    for (const what of wrong) console.log(`  ${what}`)
  } catch (error) {
    failures += 1
    console.log(`FAILED  ${faults[name].what}: ${error instanceof Error ? error.message : error}`)
  }
}
await writeFile('/mnt/out/faults.md', tableOf(rows, machine.stations))
if (failures > 0) await keepLog()
process.exit(failures === 0 ? 0 : 1)
