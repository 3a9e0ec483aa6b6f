import { type ChildProcess, spawn } from 'node:child_process'
import WebSocket from 'ws'
import type { Bench } from './service.js'

const seconds = 4
const inFlight = 8

const requestOf = (method: string) => JSON.stringify({ jsonrpc: '2.0', id: 2, method, params: { device: 'camera0' } })

/** Requests per second of a method over so many connections. */
export const requestRate = ({ url, token }: Bench, connections: number, method: string): Promise<number> =>
  rate(url, connections, requestOf(method), token)

/** Bytes of a reply, all of it. */
export async function replySize({ url, token }: Bench, method: string): Promise<number> {
  const socket = await open(url, token)
  const reply = new Promise<number>((resolve) => socket.once('message', (data) => resolve(data.toString().length)))
  socket.send(requestOf(method))
  const size = await reply
  socket.terminate()
  return size
}

/** The same against a server that does nothing but answer with so many bytes, in a process of its own. */
export async function echoRate(connections: number, bytes: number, method: string): Promise<number> {
  const empty = JSON.stringify({ jsonrpc: '2.0', id: 2, result: '' })
  const reply = JSON.stringify({ jsonrpc: '2.0', id: 2, result: 'x'.repeat(Math.max(0, bytes - empty.length)) })
  const code = `import { WebSocketServer } from 'ws'
const options = { port: 0, host: '127.0.0.1', perMessageDeflate: false }
const server = new WebSocketServer(options, () => console.log(server.address().port))
server.on('connection', (socket) => socket.on('message', (data) => {
  JSON.parse(String(data))
  socket.send(${JSON.stringify(reply)})
}))`
  const echo = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    return await rate(`ws://127.0.0.1:${await firstLine(echo)}`, connections, requestOf(method))
  } finally {
    echo.kill()
  }
}

export const firstLine = (child: ChildProcess): Promise<string> =>
  new Promise((resolve) => child.stdout?.once('data', (data) => resolve(String(data).trim())))

async function rate(url: string, connections: number, request: string, token?: string): Promise<number> {
  const sockets = await Promise.all(Array.from({ length: connections }, () => open(url, token)))
  let answered = 0
  const until = performance.now() + seconds * 1_000
  await Promise.all(
    sockets.map(
      (socket) =>
        new Promise<void>((resolve) => {
          let waiting = inFlight
          socket.on('message', () => {
            answered += 1
            if (performance.now() < until) socket.send(request)
            else if (--waiting === 0) resolve()
          })
          for (let sent = 0; sent < inFlight; sent += 1) socket.send(request)
        }),
    ),
  )
  for (const socket of sockets) socket.terminate()
  return answered / seconds
}

async function open(url: string, token?: string): Promise<WebSocket> {
  const socket = new WebSocket(url, { perMessageDeflate: false })
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  if (token !== undefined) {
    socket.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'authenticate', params: { auth_token: token } }))
    await new Promise((resolve) => socket.once('message', resolve))
  }
  return socket
}
