import { spawn } from 'node:child_process'
import { open, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RtspResponse } from '../../../adapters/rtsp/message.js'
import { type Connection, openConnection } from '../../../adapters/rtsp/session.js'
import { killIfRunning } from '../../support/killIfRunning.js'
import type { RunningMediaServer } from './servers.js'

/** A command that publishes 320x240 at 15 frames a second, with a keyframe each second. */
export const camera = [
  'ffmpeg -nostdin -loglevel error -re -f lavfi -i testsrc=size=320x240:rate=15',
  '-c:v libx264 -preset ultrafast -tune zerolatency -g 15 -pix_fmt yuv420p',
  '-f rtsp -rtsp_transport tcp rtsp://127.0.0.1:$RTSP_PORT/$MTX_PATH',
].join(' ')

/** How long a test waits for what must come, in ms. It is long because the host may be busy. */
const patience = 25_000
const pollInterval = 15

/** Probes again until the result is truthy. Rejects with `what` and the last result after `patience`. */
export async function until<T>(
  what: string,
  probe: () => T | Promise<T>,
): Promise<Exclude<T, undefined | null | false>> {
  const end = performance.now() + patience
  for (;;) {
    const result = await probe()
    if (result) return result as Exclude<T, undefined | null | false>
    if (performance.now() > end) throw new Error(`${what}: not after ${patience} ms, but ${JSON.stringify(result)}`)
    await sleep(pollInterval)
  }
}

/**
 * Repeats a check until it passes. Rejects with its last failure after `patience`. A server answers a change of the
 * configuration with 200 before it applies the change.
 */
export async function soon(check: () => Promise<unknown>): Promise<void> {
  const end = performance.now() + patience
  for (;;) {
    try {
      await check()
      return
    } catch (error) {
      if (performance.now() > end) throw error
    }
    await sleep(pollInterval)
  }
}

/** Resolves like the promise. Rejects with `what` after `patience`. */
export async function inTime<T>(what: string, promise: Promise<T>): Promise<T> {
  const over = new AbortController()
  const late = sleep(patience, undefined, { signal: over.signal }).then(() => {
    throw new Error(`${what}: not after ${patience} ms`)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    over.abort()
    late.catch(() => {})
  }
}

/** The content type of the API. */
export const json = 'application/json; charset=utf-8'

/** The API's response to an accepted change. */
export const ok = { status: 200, type: json, body: { status: 'ok' } }

/** The API's response to a refused request. */
export const refused = (error: string, status = 400) => ({ status, type: json, body: { status: 'error', error } })

/** Some fields of a path as the API lists it. */
export interface PathView {
  available: boolean
  availableTime: string | null
  source: { type: string; id: string } | null
  readers: { type: string; id: string }[]
  tracks: string[]
  inboundBytes: number
  outboundBytes: number
}

/** Returns the path as the API lists it. */
export const pathOf = async (server: RunningMediaServer, name: string): Promise<PathView> =>
  (await server.api('GET', `paths/get/${name}`)).body as PathView

/** An RTSP client. */
export interface Client extends Connection {
  /** Returns the number of bytes of media so far. */
  media(): number
  /** Resolves when the connection is closed. Rejects after `patience`. */
  end(): Promise<void>
}

/** Opens an RTSP connection. A request without a response after `patience` rejects. */
export function connect(server: RunningMediaServer): Client {
  let bytes = 0
  const connection = openConnection({
    host: '127.0.0.1',
    port: server.rtspPort,
    onFrame: (_, payload) => {
      bytes += payload.length
    },
  })
  return {
    ...connection,
    request: (request) => connection.request({ timeout: patience, ...request }),
    media: () => bytes,
    end: async () => {
      await inTime('the end of the connection', connection.closed)
    },
  }
}

/**
 * Kills the command that publishes to a path. Tests do not kick a publisher that sends media: MediaMTX v1.20.1 then
 * panics now and then, because a packet arrives at the closed stream.
 */
export async function killPublisher({ process: { pid } }: RunningMediaServer, name: string): Promise<void> {
  const threads = await readdir(`/proc/${pid}/task`)
  const lists = await Promise.all(threads.map((thread) => textOf(`/proc/${pid}/task/${thread}/children`)))
  for (const child of lists.flatMap((list) => list.split(' ').filter((word) => word !== ''))) {
    const words = (await textOf(`/proc/${child}/cmdline`)).split('\0')
    if (words.some((word) => word.endsWith(`/${name}`))) killIfRunning(Number(child))
  }
}

/** Returns the content of a file; empty when it has just disappeared. */
const textOf = (file: string): Promise<string> => readFile(file, 'utf8').catch(() => '')

/** The `Transport` header of a reader over TCP. */
export const transport = 'RTP/AVP/TCP;unicast;interleaved=0-1'

/** Sends SETUP without PLAY: the cheapest reader. */
export async function hold(
  server: RunningMediaServer,
  name: string,
): Promise<Client & { answer: RtspResponse; session: string }> {
  const client = connect(server)
  const answer = await client.request({ method: 'SETUP', url: `${server.url(name)}/trackID=0`, headers: { transport } })
  return { ...client, answer, session: answer.headers.session?.split(';')[0] ?? '' }
}

/** Closes the connection. */
export const leave = (client: Connection): void => client.fail(new Error('left'))

/** Runs ffmpeg. `done` resolves with its exit code, `null` when it was killed, and its output. */
export function ffmpeg(...parameters: string[]): {
  done: Promise<{ code: number | null; output: string }>
  stop: () => void
} {
  const child = spawn('ffmpeg', ['-nostdin', '-hide_banner', ...parameters], {
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: 2 * patience,
    killSignal: 'SIGKILL',
  })
  let output = ''
  child.stderr.on('data', (text) => {
    output += text
  })
  return {
    done: new Promise((resolve) => child.once('exit', (code) => resolve({ code, output }))),
    stop: () => child.kill('SIGKILL'),
  }
}

/** Reads frames of a stream over TCP with ffmpeg. Rejects with the output of ffmpeg when fewer frames came. */
export async function readFrames(url: string, frames: number): Promise<void> {
  const { code, output } = await ffmpeg(
    ...['-rtsp_transport', 'tcp', '-i', url],
    ...['-frames:v', String(frames), '-f', 'null', '-'],
  ).done
  if (code !== 0 || !new RegExp(`frame= +${frames}\\b`).test(output))
    throw new Error(`ffmpeg exited with ${code}: ${output}`)
}

/** Lists the recordings of a path with their absolute names, oldest first. */
export async function recordings(server: RunningMediaServer, name: string): Promise<string[]> {
  const folder = join(server.dir, 'recordings', name)
  const names = await readdir(folder).catch(() => [])
  return names.sort().map((file) => join(folder, file))
}

/** Returns the size of a file in bytes. */
export const sizeOf = async (file: string): Promise<number> => (await stat(file)).size

/** Returns the duration in the header of an MP4 file, in ms; 0 while the server writes the file. */
export async function headerDuration(file: string): Promise<number> {
  const handle = await open(file)
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(256), 0, 256, 0)
    const at = buffer.subarray(0, bytesRead).indexOf('mvhd')
    return at === -1 ? 0 : buffer.readUInt32BE(at + 4 + 4 + 8 + 4)
  } finally {
    await handle.close()
  }
}

/** Returns what ffprobe reads from the samples. `complaints`: its warnings. */
export function probe(file: string): Promise<{ duration: number; frames: number; codec: string; complaints: string }> {
  const entries = 'format=duration:stream=codec_name,nb_read_packets'
  const child = spawn('ffprobe', ['-v', 'warning', '-count_packets', '-show_entries', entries, '-of', 'json', file], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: patience,
  })
  let output = ''
  let complaints = ''
  child.stdout.on('data', (text) => {
    output += text
  })
  child.stderr.on('data', (text) => {
    complaints += text
  })
  return new Promise((resolve) =>
    child.once('close', () => {
      const { format = {}, streams = [] } = JSON.parse(output || '{}') as {
        format?: { duration?: string }
        streams?: { codec_name: string; nb_read_packets: string }[]
      }
      resolve({
        duration: Number(format.duration ?? 0),
        frames: Number(streams[0]?.nb_read_packets ?? 0),
        codec: streams[0]?.codec_name ?? '',
        complaints,
      })
    }),
  )
}
