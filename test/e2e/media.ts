import { execFile, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface Facts {
  codec: string
  width: number
  height: number
  /** Seconds. */
  duration: number
  frames: number
}

/** What ffprobe finds, all packets read: a file that it can read to its end plays. */
export async function probe(file: string): Promise<Facts> {
  const entries = 'stream=codec_name,width,height,nb_read_packets:format=duration'
  const { stdout, stderr } = await run('ffprobe', [
    '-v',
    'error',
    '-count_packets',
    '-show_entries',
    entries,
    '-of',
    'json',
    file,
  ])
  if (stderr) throw new Error(`ffprobe complains of the file: ${stderr}`)
  const { streams, format } = JSON.parse(stdout) as {
    streams: { codec_name: string; width: number; height: number; nb_read_packets: string }[]
    format: { duration: string }
  }
  const [stream] = streams
  if (!stream) throw new Error('the file has no stream')
  return {
    codec: stream.codec_name,
    width: stream.width,
    height: stream.height,
    duration: Number(format.duration),
    frames: Number(stream.nb_read_packets),
  }
}

/** Plays so many frames of the stream as any viewer would. Rejects with ffmpeg's words. */
export async function play(url: string, frames: number): Promise<number> {
  const args = [
    '-v',
    'error',
    '-nostdin',
    '-rtsp_transport',
    'tcp',
    '-i',
    url,
    '-frames:v',
    String(frames),
    '-progress',
    'pipe:1',
    '-f',
    'null',
    '-',
  ]
  const { stdout } = await run('ffmpeg', args, { timeout: 20_000 })
  return Number([...stdout.matchAll(/^frame=(\d+)$/gm)].at(-1)?.[1])
}

/** A viewer that stays. */
export function watch(url: string) {
  const args = [
    '-v',
    'error',
    '-nostdin',
    '-rtsp_transport',
    'tcp',
    '-i',
    url,
    '-c',
    'copy',
    '-stats_period',
    '0.1',
    '-progress',
    'pipe:1',
    '-f',
    'null',
    '-',
  ]
  const child = spawn('ffmpeg', args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  let frames = 0
  let complaints = ''
  createInterface({ input: child.stdout }).on('line', (line) => {
    const [, count] = /^frame=(\d+)$/.exec(line) ?? []
    if (count !== undefined) frames = Number(count)
  })
  child.stderr.on('data', (text) => {
    complaints += text
  })
  return {
    frames: () => frames,
    complaints: () => complaints,
    isRunning: () => child.exitCode === null && child.signalCode === null,
    async end() {
      child.kill('SIGKILL')
      await ended
    },
  }
}
