import { setTimeout as sleep } from 'node:timers/promises'
import type WebSocket from 'ws'
import type { Part } from '../part.js'
import { benchService } from '../service.js'
import { openSocket } from '../socket.js'
import { figure } from '../timing.js'

const steps = [0, 1_000, 3_000, 6_000, 10_000]

export const sockets: Part = {
  name: 'sockets',
  title: 'Idle connections',
  text: 'Memory of the service (RSS) with so many authenticated connections that do nothing, five seconds after the last.',
  async measure() {
    const bench = await benchService({ kind: 'embedded', cameras: 1 })
    const opened: WebSocket[] = []
    const points: [number, number][] = []
    try {
      await sleep(5_000)
      for (const step of steps) {
        while (opened.length < step)
          opened.push(...(await Promise.all(Array.from({ length: 100 }, () => openSocket(bench)))))
        await sleep(5_000)
        points.push([step, bench.rss().service])
      }
    } finally {
      for (const socket of opened) socket.terminate()
      await bench.stop()
    }
    const [first = [0, 0], last = [1, 0]] = [points[0], points.at(-1)]
    const each = ((last[1] - first[1]) * 1_024) / last[0]
    return {
      tables: [{ head: ['Connections', 'RSS (MB)'], rows: points.map(([count, mb]) => [count, figure(mb)]) }],
      figures: { 'idle connection: KB': each },
      plots: [
        {
          name: 'sockets',
          title: 'Idle connections',
          x: 'connections',
          y: 'MB',
          lines: [{ label: 'service', points }],
        },
      ],
    }
  },
}
