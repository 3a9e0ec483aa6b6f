import { connect as connectTcp } from 'node:net'
import type { Part } from '../part.js'
import { type Bench, benchService, kinds, until } from '../service.js'
import { figure } from '../timing.js'

const cameras = 16
const recorded = ['camera0', 'camera1', 'camera2', 'camera3']

export const recovery: Part = {
  name: 'recovery',
  title: 'After a crash of the media server',
  text: `${cameras} cameras, ${recorded.length} of them recording, whose pipelines start again. The media server gets
SIGKILL. From the moment its API port accepts connections again until all paths are there, and until all recordings grow
again; one run each, in ms.`,
  async measure() {
    const rows: (string | number)[][] = []
    const figures: Record<string, number> = {}
    for (const kind of kinds()) {
      const bench = await benchService({ kind, cameras })
      try {
        const times = await crash(bench)
        rows.push([kind, ...[times.back, times.paths, times.recordings].map(figure)])
        figures[`media server back, ${kind}: ms to the paths`] = times.paths
        figures[`media server back, ${kind}: ms to the recordings`] = times.recordings
      } finally {
        await bench.stop()
      }
    }
    return {
      tables: [{ head: ['Media server', 'SIGKILL to back', 'to the paths', 'to the recordings'], rows }],
      figures,
    }
  },
}

/** ms: from the kill until its port answers; from then on until paths and recordings are there. */
async function crash(bench: Bench) {
  await bench.call('subscribe_events', { topics: ['recording.resumed'] })
  for (const device of recorded) await bench.call('start_recording', { device })
  const killed = performance.now()
  const links = bench.countInLog('link.up')
  process.kill(bench.mediaServer(), 'SIGKILL')
  const moment = async (isThere: () => boolean, what: string) => {
    await until(isThere, 60_000, () => what, 5)
    return performance.now()
  }
  const [back, paths, recordings] = await Promise.all([
    accepts(bench.apiPort),
    moment(() => bench.countInLog('link.up') > links, 'the link did not come up again'),
    moment(
      () => bench.notifications.filter(({ method }) => method === 'recording.resumed').length >= recorded.length,
      'not all recordings were resumed',
    ),
  ])
  return { back: back - killed, paths: Math.max(0, paths - back), recordings: Math.max(0, recordings - back) }
}

/** The moment from which on the port accepts connections, after it refused one. */
async function accepts(port: number): Promise<number> {
  let refused = false
  for (;;) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connectTcp(port, '127.0.0.1', () => resolve(true)).once('error', () => resolve(false))
      socket.once('connect', () => socket.destroy())
    })
    if (isOpen && refused) return performance.now()
    refused ||= !isOpen
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
