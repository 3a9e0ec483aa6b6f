/** `make replays`: writes the incidents of this folder again, on the simulated host, after a change of the charts. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { fingerprintOf } from '../../actors/trace/fingerprint.js'
import { version } from '../../app.js'
import { bundleFormat } from '../../machines/domain/bundle.js'
import { fleetMachine } from '../../machines/fleet.js'
import { type FaultName, faults } from '../faults/faults.js'
import { traced } from '../faults/simulated/world.js'

/** The run of the service that is kept: the last one. */
const incidents: Record<string, FaultName> = {
  'unplug-during-recording': 'unplugged',
  'media-server-killed': 'serverKilled',
  twins: 'twinPlugged',
  'disk-full': 'diskFull',
  'stalled-camera': 'cameraHangs',
  'failed-probe': 'deviceDenied',
  'service-restart': 'serviceRestarted',
  'network-camera-away': 'sourceAway',
  'clock-set-back': 'clockBack',
  'media-server-hangs': 'serverHangs',
}

async function record(fault: FaultName): Promise<string[]> {
  const { source, lasts } = faults[fault]
  const traces: string[][] = []
  const tracing = { maxSize: 1e8, chunkSize: 1e8, ended: (lines: string[]) => void traces.push(lines) }
  const world = await traced(tracing, 1).open(source, 1)
  try {
    await world.record('camera0')
    await world.pass(1_000)
    await world.faults[fault]?.begin(['camera0'])
    await world.pass(Math.max(lasts, 1_500))
    await world.faults[fault]?.finish?.(['camera0'])
    await world.pass(fault === 'serverHangs' ? 15_000 : 4_000)
  } finally {
    await world.end()
  }
  return traces.at(-1) ?? []
}

const folder = new URL('./', import.meta.url).pathname
mkdirSync(folder, { recursive: true })
for (const [name, fault] of Object.entries(incidents)) {
  const head = [{ format: bundleFormat, service: version, charts: fingerprintOf(fleetMachine) }, { section: 'trace' }]
  const lines = [...head.map((line) => JSON.stringify(line)), ...(await record(fault))]
  writeFileSync(`${folder}${name}.jsonl`, `${lines.join('\n')}\n`)
}
process.exit(0)
