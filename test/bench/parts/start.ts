import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Part } from '../part.js'
import { benchService, kinds } from '../service.js'
import { figure, median } from '../timing.js'

const runs = 5

export const start: Part = {
  name: 'start',
  title: 'Start',
  text: `From the start of the process until \`get_camera_list\` answers with the camera. Processor time: of all threads
of the service; of the media server; a bare Node that does nothing, in the same run. Medians of ${runs}.`,
  async measure() {
    const times = new Map<string, { ms: number[]; cpu: number[]; server: number[]; spawns: number }>()
    const bare = { ms: [] as number[], cpu: [] as number[] }
    for (let run = 0; run < runs; run += 1) {
      const { ms, cpu } = await bareNode()
      bare.ms.push(ms)
      bare.cpu.push(cpu)
      for (const kind of kinds()) {
        const bench = await benchService({ kind, cameras: 1 })
        await bench.stop()
        const of = times.get(kind) ?? { ms: [], cpu: [], server: [], spawns: 0 }
        of.ms.push(bench.start.ms)
        of.cpu.push(bench.start.cpu)
        of.server.push(bench.start.cpuOfMediaServer)
        times.set(kind, of)
      }
    }
    for (const [kind, of] of times) {
      const counting = await benchService({ kind: kind as 'embedded', cameras: 1, countSpawns: true })
      of.spawns = counting.spawns()
      await counting.stop()
    }
    const each = [...times]
    return {
      tables: [
        {
          head: ['Media server', 'ready (ms)', 'worst', 'CPU (ms)', 'of the media server', 'processes started'],
          rows: [
            ['(bare Node)', figure(median(bare.ms)), figure(Math.max(...bare.ms)), figure(median(bare.cpu)), '', ''],
            ...each.map(([kind, { ms, cpu, server, spawns }]) => [
              kind,
              figure(median(ms)),
              figure(Math.max(...ms)),
              figure(median(cpu)),
              figure(median(server)),
              spawns,
            ]),
          ],
        },
      ],
      figures: Object.fromEntries(
        each.flatMap(([kind, { ms, cpu }]) => [
          [`start, ${kind}: ms`, median(ms)],
          [`start, ${kind}: CPU / bare Node`, median(cpu) / median(bare.cpu)],
          [`start, ${kind}: time / bare Node`, median(ms) / median(bare.ms)],
        ]),
      ),
    }
  },
}

async function bareNode(): Promise<{ ms: number; cpu: number }> {
  const code = 'const { user, system } = process.cpuUsage(); process.stdout.write(String((user + system) / 1000))'
  const begun = performance.now()
  const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.on('data', (data) => {
    text += data
  })
  await once(child, 'close')
  return { ms: performance.now() - begun, cpu: Number(text) }
}
