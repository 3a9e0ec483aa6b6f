import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../support/ports.js'

export const hasProgram = (name: string): boolean => {
  try {
    execFileSync('which', [name], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

export interface RealServer {
  rtspPort: number
  /** Returns the path from the control API. */
  path(name: string): Promise<{ available: boolean; readers: unknown[]; outboundBytes: number }>
  /** Returns how its streams are read over TLS. */
  secureReaders(): Promise<{ transport: string; profile: string }[]>
  kill(): void
  stop(): Promise<void>
}

/** Starts a real MediaMTX with these paths (YAML, indented by two) and settings on free ports. */
export async function startMediaMtx(paths: string, ...settings: string[]): Promise<RealServer> {
  const [rtspPort, apiPort] = await Promise.all([freePort(), freePort()])
  const dir = await mkdtemp(join(tmpdir(), 'rtsp-'))
  const file = join(dir, 'mediamtx.yml')
  const text = [
    'api: yes',
    `apiAddress: 127.0.0.1:${apiPort}`,
    `rtspAddress: 127.0.0.1:${rtspPort}`,
    ...(settings.some((line) => line.startsWith('rtspTransports')) ? [] : ['rtspTransports: [tcp]']),
    ...['rtmp', 'hls', 'webrtc', 'srt', 'moq'].map((name) => `${name}: no`),
    ...settings,
    'pathDefaults:',
    // Longer than a busy host needs from one reader to the next.
    '  runOnDemandStartTimeout: 20s',
    '  runOnDemandCloseAfter: 10s',
    'paths:',
    paths,
  ]
  await writeFile(file, `${text.join('\n')}\n`)
  const child = spawn('mediamtx', [file], { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'] })
  const gone = once(child, 'exit')
  await listening(child)
  const ask = async (what: string) => (await fetch(`http://127.0.0.1:${apiPort}/v3/${what}`)).json()
  return {
    rtspPort,
    path: (name) => ask(`paths/get/${name}`) as ReturnType<RealServer['path']>,
    secureReaders: async () => ((await ask('rtspssessions/list')) as { items: [] }).items,
    kill: () => child.kill('SIGKILL'),
    stop: async () => {
      child.kill('SIGINT')
      await gone
      await rm(dir, { recursive: true })
    },
  }
}

/** Returns a path whose stream ffmpeg encodes with `codec` on demand. */
export function onDemand(name: string, codec: string): string {
  const input = '-loglevel error -re -f lavfi -i testsrc=size=322x242:rate=15'
  const output = '-f rtsp -rtsp_transport tcp rtsp://127.0.0.1:$RTSP_PORT/$MTX_PATH'
  return `  ${name}:\n    runOnDemand: ffmpeg ${input} ${codec} ${output}\n    runOnDemandRestart: true`
}

/** Waits until the log names the API listener, which is the last one. */
async function listening(child: ChildProcess): Promise<void> {
  let log = ''
  await new Promise<void>((resolve, reject) => {
    const read = (chunk: Buffer): void => {
      log += chunk.toString()
      if (log.includes('[API] started')) resolve()
    }
    child.stdout?.on('data', read)
    child.stderr?.on('data', read)
    child.once('error', reject)
    child.once('exit', () => reject(new Error(`mediamtx ended: ${log}`)))
  })
}
