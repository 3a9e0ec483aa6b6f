import { setTimeout as sleep } from 'node:timers/promises'
import type { Part } from '../part.js'
import { benchService, kinds } from '../service.js'
import { figure } from '../timing.js'

const numbers = [1, 4, 10, 16, 100, 1_000]
const seconds = 30

export const idle: Part = {
  name: 'idle',
  title: 'At rest: memory and processor',
  text: `All cameras asleep, journal and health on; until the cameras are connected, one client asks for the list. Memory
(RSS, MB) ten seconds after the start; processor time as a share of one core, over the next ${seconds} s. The last rows:
with one live stream, without readers.`,
  async measure() {
    const rows: (string | number)[][] = []
    const figures: Record<string, number> = {}
    const memory: [number, number][] = []
    for (const kind of kinds())
      for (const cameras of kind === 'embedded' ? numbers : [1, 16]) {
        const bench = await benchService({ kind, cameras })
        try {
          await sleep(10_000)
          const rest = bench.rss()
          const cpu = await share(bench)
          rows.push([cameras, kind, figure(rest.service), figure(rest.mediaServer), percent(cpu)])
          figures[`memory, ${cameras} cameras, ${kind}: MB`] = rest.service
          figures[`idle, ${cameras} cameras, ${kind}: % of a core`] = cpu * 100
          if (kind === 'embedded') memory.push([cameras, rest.service])
          if (cameras !== 1) continue
          await bench.call('start_streaming', { device: 'camera0' })
          await sleep(2_000)
          const live = await share(bench)
          const { service, mediaServer } = bench.rss()
          rows.push(['1, live', kind, figure(service), figure(mediaServer), percent(live)])
          figures[`one live stream, ${kind}: % of a core`] = live * 100
        } finally {
          await bench.stop()
        }
      }
    const [[, one] = [1, 0]] = memory
    const [many, all] = memory.at(-1) ?? [2, 0]
    figures['one of 1,000 cameras: KB'] = ((all - one) * 1_024) / (many - 1)
    const title = 'Memory at rest'
    return {
      tables: [{ head: ['Cameras', 'Media server', 'RSS: service', 'RSS: media server', 'CPU of the service'], rows }],
      figures,
      plots: [{ name: 'cameras', title, x: 'cameras', y: 'MB', lines: [{ label: 'service', points: memory }] }],
    }
  },
}

const percent = (share: number) => `${(100 * share).toFixed(2)} %`

async function share(bench: { cpu(): { service: number } }): Promise<number> {
  const before = bench.cpu().service
  await sleep(seconds * 1_000)
  return (bench.cpu().service - before) / (seconds * 1_000)
}
