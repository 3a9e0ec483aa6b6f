import type { Socket } from 'node:net'
import WebSocket from 'ws'
import type { Bench } from './service.js'
import { until } from './service.js'

const rounds = 20

/** ms from each fact to its arrival at each of so many subscribers; the service stamps whole milliseconds. */
export async function fanOut({ url, token, call }: Bench, subscribers: number): Promise<number[]> {
  const delays: number[] = []
  const sockets = await Promise.all(Array.from({ length: subscribers }, () => subscriber(url, token, (delay) => delays.push(delay))))
  for (let round = 0; round < rounds; round += 1) {
    for (const action of ['unplug', 'plug']) {
      const before = delays.length
      await call('simulate', { device: 'camera0', action })
      await until(
        () => delays.length >= before + subscribers,
        10_000,
        () => `${delays.length - before} of ${subscribers} were told`,
      )
    }
  }
  for (const socket of sockets) socket.terminate()
  return delays
}

/** As cheap as can be, since a thousand of them share a thread: once it has subscribed, the bytes are looked at where they arrive. */
async function subscriber(url: string, token: string, arrived: (delay: number) => void): Promise<WebSocket> {
  const socket = new WebSocket(url, { perMessageDeflate: false })
  let raw: Socket | undefined
  socket.once('upgrade', (response) => {
    raw = response.socket
  })
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  const ask = (id: number, method: string, params: object) =>
    new Promise((resolve) => {
      socket.once('message', resolve)
      socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }))
    })
  await ask(1, 'authenticate', { auth_token: token })
  await ask(2, 'subscribe_events', { topics: ['camera.connected', 'camera.disconnected'] })
  raw?.removeAllListeners('data').on('data', (chunk: Buffer) => {
    const now = performance.timeOrigin + performance.now()
    const at = chunk.indexOf(mark) + mark.length
    arrived(Math.max(0, now - Date.parse(chunk.toString('latin1', at, at + 24))))
  })
  return socket
}

const mark = '"at":"'
