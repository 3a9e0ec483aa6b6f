import { spawn } from 'node:child_process'
import { open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { RtspResponse } from '../../../adapters/rtsp/message.js'
import { type Connection, openConnection } from '../../../adapters/rtsp/session.js'
import type { RunningMediaServer } from './servers.js'

/** A picture of 320x240 at 15 a second, a keyframe each second. Published over and over by whoever runs it. */
export const camera =
  'ffmpeg -nostdin -loglevel error -re -f lavfi -i testsrc=size=320x240:rate=15 -c:v libx264 -preset ultrafast -tune zerolatency -g 15 -pix_fmt yuv420p -f rtsp -rtsp_transport tcp rtsp://127.0.0.1:$RTSP_PORT/$MTX_PATH'

/** Asks again until the answer is truthy; fails with `what` and the last answer. */
export async function until<T>(
  what: string,
  ask: () => T | Promise<T>,
  limit = 10_000,
): Promise<Exclude<T, undefined | null | false>> {
  const end = Date.now() + limit
  for (;;) {
    const answer = await ask()
    if (answer) return answer as Exclude<T, undefined | null | false>
    if (Date.now() > end) throw new Error(`${what}: did not come in ${limit} ms, was ${JSON.stringify(answer)}`)
    await new Promise((resolve) => setTimeout(resolve, 15))
  }
}

/** 200 means accepted, not applied: what is asserted of a configuration that was just changed holds soon. */
export async function soon(check: () => Promise<unknown>, limit = 2_000): Promise<void> {
  const end = Date.now() + limit
  for (;;) {
    const failure = await check().then(
      () => undefined,
      (error: unknown) => ({ error }),
    )
    if (failure === undefined) return
    if (Date.now() > end) throw failure.error
    await new Promise((resolve) => setTimeout(resolve, 15))
  }
}

export interface PathView {
  available: boolean
  availableTime: string | null
  source: { type: string; id: string } | null
  readers: { type: string; id: string }[]
  tracks: string[]
  inboundBytes: number
  outboundBytes: number
}

export const pathOf = async (server: RunningMediaServer, name: string): Promise<PathView> =>
  (await server.api('GET', `paths/get/${name}`)).body as PathView

export interface Client extends Connection {
  /** Bytes of media so far. */
  media(): number
}

export function connect(server: RunningMediaServer): Client {
  let bytes = 0
  const connection = openConnection({
    host: '127.0.0.1',
    port: server.rtspPort,
    onFrame: (_, payload) => {
      bytes += payload.length
    },
  })
  return { ...connection, media: () => bytes }
}

export const transport = 'RTP/AVP/TCP;unicast;interleaved=0-1'

/** SETUP without PLAY: the cheapest reader. */
export async function hold(
  server: RunningMediaServer,
  name: string,
): Promise<Client & { answer: RtspResponse; session: string }> {
  const client = connect(server)
  const answer = await client.request({ method: 'SETUP', url: `${server.url(name)}/trackID=0`, headers: { transport } })
  return { ...client, answer, session: answer.headers.session?.split(';')[0] ?? '' }
}

export const leave = (client: Connection): void => client.fail(new Error('left'))

/** Runs ffmpeg to its end; resolves with its exit code and what it said. */
export function ffmpeg(...parameters: string[]): {
  done: Promise<{ code: number | null; said: string }>
  stop: () => void
} {
  const child = spawn('ffmpeg', ['-nostdin', '-hide_banner', ...parameters], { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.on('data', (text) => {
    said += text
  })
  return {
    done: new Promise((resolve) => child.once('exit', (code) => resolve({ code, said }))),
    stop: () => child.kill('SIGKILL'),
  }
}

/** Absolute, oldest first. */
export async function recordings(server: RunningMediaServer, name: string): Promise<string[]> {
  const folder = join(server.dir, 'recordings', name)
  const names = await readdir(folder).catch(() => [])
  return names.sort().map((file) => join(folder, file))
}

export const sizeOf = async (file: string): Promise<number> => (await stat(file)).size

/** Milliseconds as the header says; 0 while the file is open. */
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

/** What ffprobe reads from the samples themselves; `complaints` is what it grumbled. */
export function probe(file: string): Promise<{ duration: number; frames: number; codec: string; complaints: string }> {
  const entries = 'format=duration:stream=codec_name,nb_read_packets'
  const child = spawn('ffprobe', ['-v', 'warning', '-count_packets', '-show_entries', entries, '-of', 'json', file], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  let complaints = ''
  child.stdout.on('data', (text) => {
    said += text
  })
  child.stderr.on('data', (text) => {
    complaints += text
  })
  return new Promise((resolve) =>
    child.once('close', () => {
      const { format = {}, streams = [] } = JSON.parse(said || '{}') as {
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
