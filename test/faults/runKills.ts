/**
 * `make test-kills KILLS=100 SEED=1`: kills the service, the media server and ffmpeg at random moments while recordings
 * run, and writes the section "kill -9" of docs/reliability.md. SERVER: only `embedded` or `managed`. TOLERANCE: ms by
 * which a busy host may exceed the limits.
 */

import { execFileSync } from 'node:child_process'
import { availableParallelism, loadavg } from 'node:os'
import packageFile from '../../package.json' with { type: 'json' }
import { realVersion } from '../contract/mediaServer/servers.js'
import type { Kind } from '../e2e/service.js'
import { cameraCount, causeKills, frame } from './kills/kills.js'
import { disturbed, samplesOf } from './kills/losses.js'
import { plan } from './kills/plan.js'
import { brokenBy, tablesOf } from './kills/report.js'
import { verify } from './kills/verify.js'
import { writeSection } from './table.js'

const count = Number(process.env.KILLS || 100)
const seed = Number(process.env.SEED || Math.floor(Math.random() * 2 ** 31))
const tolerance = Number(process.env.TOLERANCE || 0)
/** ms that count as no disturbance of another camera's recording. */
const undisturbed = 1_000
const kinds = (realVersion === undefined ? ['embedded'] : ['embedded', 'managed']) as Kind[]
const chosen = kinds.filter((kind) => !process.env.SERVER || kind === process.env.SERVER)
let failures = 0

for (const kind of chosen) {
  const began = performance.now()
  const killed = await causeKills(kind, plan(seed, count, cameraCount), console.log)
  try {
    const { incidents } = killed
    const { files, quarantined, broken } = await verify(killed)
    const samples = samplesOf(incidents, files, frame)
    const wrong = [
      ...killed.broken,
      ...broken,
      ...disturbed(incidents, files, { frame, limit: undisturbed + tolerance }),
      ...brokenBy({ incidents, samples }, tolerance),
    ]
    failures += wrong.length
    const all = [...files.values()].flat()
    const minutes = ((performance.now() - began) / 60_000).toFixed(0)
    const about = [
      `${new Date().toISOString().slice(0, 10)}, seed ${seed}, ${minutes} minutes: camera service ${packageFile.version},`,
      `${kind === 'embedded' ? 'embedded media server' : `MediaMTX ${realVersion}`}, ffmpeg ${ffmpegVersion()},`,
      `Node ${process.version}. ${cameraCount} cameras, ${all.length} files: ${all.filter(({ isCut }) => isCut).length} cut off,`,
      `${quarantined} without any media in quarantine. ${wrong.length} broken promises. At the end the host had a load of`,
      `${loadavg()[1]?.toFixed(1)} (mean of 5 minutes) on ${availableParallelism()} processors.`,
    ]
    const tables = tablesOf({ incidents, samples })
    console.log(`\n${about.join('\n')}\n\n${tables}\n`)
    for (const what of wrong) console.log(`  ${what}`)
    writeSection(
      `kill -9, ${kind === 'embedded' ? 'embedded media server' : 'MediaMTX'}`,
      `${about.join('\n')}\n\n${tables}`,
    )
  } finally {
    await killed.lives.end()
  }
}
console.log(failures === 0 ? `seed ${seed}: all recordings survived` : `seed ${seed}: ${failures} promises broken`)
process.exit(failures === 0 ? 0 : 1)

function ffmpegVersion(): string {
  const text = execFileSync('ffmpeg', ['-version'], { encoding: 'utf8' })
  return /version (\S+)/.exec(text)?.[1] ?? 'unknown'
}
