import { type ChildProcess, spawn } from 'node:child_process'
import type { Part } from '../part.js'
import { cpuOf } from '../processes.js'
import { type Bench, benchService } from '../service.js'
import { answer, openSocket, requestText, type Server } from '../socket.js'
import { figure, median, quantile } from '../timing.js'

const seconds = 2
const rounds = 3
const inFlight = 8
const methods = ['ping', 'get_camera_status', 'get_camera_list']
const cameras = 16

/** A server under load: where, and whose processor time counts. */
interface Loaded extends Server {
  pid: number
}

interface Rate {
  perSecond: number
  /** µs of processor time of the server. */
  cpu: number
}

export const rates: Part = {
  name: 'rates',
  title: 'Requests per second',
  text: `With every check on and ${cameras} cameras, against a bare \`ws\` server that parses the request and sends a reply
of the same size. ${inFlight} requests in flight per connection; client and server share the machine, so the client often
limits the rate: compare the processor time of the server, too (µs per request). Service and echo take turns, medians of
${rounds}. p99: of one request at a time on one connection.`,
  async measure() {
    const bench = await benchService({ kind: 'embedded', cameras })
    const rows: (string | number)[][] = []
    const figures: Record<string, number> = {}
    try {
      for (const connections of [1, 100])
        for (const method of methods) {
          const { bytes, echo, service } = await pair(bench, connections, method)
          const share = service.perSecond / echo.perSecond
          const cpuShare = service.cpu / echo.cpu
          const cells = [echo.perSecond, service.perSecond].map(Math.round)
          rows.push([method, bytes, connections, ...cells, percent(share), figure(echo.cpu), figure(service.cpu)])
          figures[`${method}, ${connections} connections: rate / echo`] = share
          figures[`${method}, ${connections} connections: CPU / echo`] = cpuShare
        }
      const alone: (string | number)[][] = []
      for (const method of methods) {
        const times = await oneByOne(bench, method)
        figures[`${method}, one at a time: p99 ms`] = quantile(times, 0.99)
        alone.push([method, times.length, figure(median(times)), figure(quantile(times, 0.99))])
      }
      const head = ['Method', 'Bytes', 'Connections', 'bare ws echo', 'service', 'share', 'CPU: echo', 'CPU: service']
      return {
        tables: [
          { head, rows },
          { head: ['Method', 'runs', 'median (ms)', 'p99'], rows: alone },
        ],
        figures,
      }
    } finally {
      await bench.stop()
    }
  },
}

const percent = (share: number) => `${Math.round(100 * share)} %`

const requestOf = (method: string) =>
  requestText(2, method, method === 'get_camera_status' ? { device: 'camera0' } : {})

async function pair(bench: Bench, connections: number, method: string) {
  const bytes = await replySize(bench, method)
  const echo = await startEcho(bytes)
  try {
    const measured = { echo: [] as Rate[], service: [] as Rate[] }
    const request = requestOf(method)
    // The first round of each is not measured: the compiler works.
    for (let round = -1; round < rounds; round += 1) {
      const ofEcho = await rate(echo, connections, request)
      const ofService = await rate(bench, connections, request)
      if (round < 0) continue
      measured.echo.push(ofEcho)
      measured.service.push(ofService)
    }
    const middle = (all: Rate[]): Rate => ({
      perSecond: median(all.map(({ perSecond }) => perSecond)),
      cpu: median(all.map(({ cpu }) => cpu)),
    })
    return { bytes, echo: middle(measured.echo), service: middle(measured.service) }
  } finally {
    echo.child.kill()
  }
}

/** Bytes of a reply, all of it. */
async function replySize(server: Loaded, method: string): Promise<number> {
  const socket = await openSocket(server)
  const size = (await answer(socket, requestOf(method))).length
  socket.terminate()
  return size
}

async function oneByOne(server: Loaded, method: string): Promise<number[]> {
  const socket = await openSocket(server)
  const times: number[] = []
  for (let run = 0; run < 1_000; run += 1) {
    const begun = performance.now()
    await answer(socket, requestOf(method))
    times.push(performance.now() - begun)
  }
  socket.terminate()
  return times
}

/** A server that does nothing but answer with so many bytes, in a process of its own. */
async function startEcho(bytes: number): Promise<Loaded & { child: ChildProcess }> {
  const empty = JSON.stringify({ jsonrpc: '2.0', id: 2, result: '' })
  const reply = JSON.stringify({ jsonrpc: '2.0', id: 2, result: 'x'.repeat(Math.max(0, bytes - empty.length)) })
  const code = `import { WebSocketServer } from 'ws'
const options = { port: 0, host: '127.0.0.1', perMessageDeflate: false }
const server = new WebSocketServer(options, () => console.log(server.address().port))
server.on('connection', (socket) => socket.on('message', (data) => {
  JSON.parse(String(data))
  socket.send(${JSON.stringify(reply)})
}))`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
  return { child, pid: child.pid ?? 0, url: `ws://127.0.0.1:${await firstLine(child)}` }
}

export const firstLine = (child: ChildProcess): Promise<string> =>
  new Promise((resolve) => child.stdout?.once('data', (data) => resolve(String(data).trim())))

export const requestRate = (server: Loaded, method: string, duration: number, connections = 10): Promise<Rate> =>
  rate(server, connections, requestOf(method), duration)

async function rate(server: Loaded, connections: number, request: string, duration = seconds): Promise<Rate> {
  const sockets = await Promise.all(Array.from({ length: connections }, () => openSocket(server)))
  let answered = 0
  const cpu = cpuOf(server.pid)
  const begun = performance.now()
  const until = begun + duration * 1_000
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
  const took = performance.now() - begun
  const used = cpuOf(server.pid) - cpu
  for (const socket of sockets) socket.terminate()
  return { perSecond: (answered * 1_000) / took, cpu: (used * 1_000) / answered }
}
