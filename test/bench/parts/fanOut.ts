import { spawn } from 'node:child_process'
import type { Socket } from 'node:net'
import WebSocket from 'ws'
import type { Part } from '../part.js'
import { type Bench, benchService, until } from '../service.js'
import { answer, requestText } from '../socket.js'
import { quantile } from '../timing.js'
import { firstLine } from './rate.js'

const facts = 40
const mark = '"at":"'

export const fanOuts: Part = {
  name: 'fanOut',
  title: 'One fact to many subscribers (ms)',
  text: `From the fact's own time to its arrival, ${facts} facts; the server and all its clients share the machine. For
comparison: a bare ws server that sends a text of the same size to all.`,
  async measure() {
    const rows: (string | number)[][] = []
    const figures: Record<string, number> = {}
    const lines = new Map<string, [number, number][]>()
    const bench = await benchService({ kind: 'embedded', cameras: 1 })
    try {
      for (const subscribers of [100, 1_000, 3_000]) {
        const measured = { service: await fanOut(bench, subscribers), 'bare ws': await bareFanOut(subscribers) }
        for (const [server, values] of Object.entries(measured)) {
          const cells = [0.5, 0.99, 1].map((share) => quantile(values, share).toFixed(1))
          rows.push([subscribers, server, ...cells])
          lines.set(server, [...(lines.get(server) ?? []), [subscribers, quantile(values, 0.99)]])
        }
        const [own, bare] = [quantile(measured.service, 0.99), quantile(measured['bare ws'], 0.99)]
        figures[`fan-out, ${subscribers} subscribers: p99 / bare ws`] = own / bare
        figures[`fan-out, ${subscribers} subscribers: p99 ms`] = own
      }
    } finally {
      await bench.stop()
    }
    const plotted = [...lines].map(([label, points]) => ({ label, points }))
    return {
      tables: [{ head: ['Subscribers', 'Server', 'median', 'p99', 'worst'], rows }],
      figures,
      plots: [{ name: 'subscribers', title: 'One fact, p99', x: 'subscribers', y: 'ms', lines: plotted }],
    }
  },
}

/** ms from each fact to its arrival at each of so many subscribers; the service stamps whole milliseconds. */
const fanOut = ({ url, token, call }: Bench, subscribers: number): Promise<number[]> =>
  delaysOf(
    subscribers,
    async () => {
      const { socket, raw } = await open(url)
      await ask(socket, 'authenticate', { auth_token: token })
      await ask(socket, 'subscribe_events', { topics: ['camera.connected', 'camera.disconnected'] })
      return { socket, raw }
    },
    (round) => call('simulate', { device: 'camera0', action: round % 2 === 0 ? 'unplug' : 'plug' }),
  )

/** The same from a server that does nothing but send to all, in a process of its own. */
async function bareFanOut(subscribers: number): Promise<number[]> {
  const code = `import { WebSocketServer } from 'ws'
const options = { port: 0, host: '127.0.0.1', perMessageDeflate: false }
const server = new WebSocketServer(options, () => console.log(server.address().port))
server.on('connection', (socket) => socket.on('message', () => {
  const params = { at: new Date().toISOString(), more: 'x'.repeat(150) }
  const text = JSON.stringify({ jsonrpc: '2.0', method: 'camera.connected', params })
  for (const client of server.clients) if (client !== socket) client.send(text)
}))`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    const url = `ws://127.0.0.1:${await firstLine(child)}`
    const { socket } = await open(url)
    return await delaysOf(
      subscribers,
      () => open(url),
      async () => socket.send('go'),
    )
  } finally {
    child.kill()
  }
}

/**
 * As cheap as possible, because a thousand subscribers share a thread: after the subscription, the bytes are read where
 * they arrive.
 */
async function delaysOf(
  subscribers: number,
  subscribe: () => Promise<{ socket: WebSocket; raw: Socket | undefined }>,
  cause: (round: number) => Promise<unknown>,
): Promise<number[]> {
  const delays: number[] = []
  const opened: Awaited<ReturnType<typeof subscribe>>[] = []
  // More at once would not fit in the queue of a listener.
  while (opened.length < subscribers)
    opened.push(...(await Promise.all(Array.from({ length: Math.min(100, subscribers - opened.length) }, subscribe))))
  for (const { raw } of opened) {
    raw?.removeAllListeners('data').on('data', (chunk: Buffer) => {
      const now = performance.timeOrigin + performance.now()
      const at = chunk.indexOf(mark) + mark.length
      delays.push(Math.max(0, now - Date.parse(chunk.toString('latin1', at, at + 24))))
    })
  }
  for (let round = 0; round < facts; round += 1) {
    const before = delays.length
    await cause(round)
    await until(
      () => delays.length >= before + subscribers,
      10_000,
      () => `${delays.length - before} of ${subscribers} subscribers received the fact`,
    )
  }
  for (const { socket } of opened) socket.terminate()
  return delays
}

async function open(url: string): Promise<{ socket: WebSocket; raw: Socket | undefined }> {
  const socket = new WebSocket(url, { perMessageDeflate: false })
  let raw: Socket | undefined
  socket.once('upgrade', (response) => {
    raw = response.socket
  })
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  return { socket, raw }
}

const ask = (socket: WebSocket, method: string, params: object) => answer(socket, requestText(1, method, params))
