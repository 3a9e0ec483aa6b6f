import { access, constants, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { createServerProcess, type ServerProcessOptions } from '../../../adapters/mediamtx/serverProcess.js'
import { freePort } from '../../support/ports.js'
import { keptLog } from './fakeServer.js'

/** Resolves with true if MediaMTX is on the PATH. */
export async function hasMediamtx(): Promise<boolean> {
  for (const dir of (process.env.PATH ?? '').split(delimiter)) {
    const found = await access(join(dir, 'mediamtx'), constants.X_OK).then(
      () => true,
      () => false,
    )
    if (found) return true
  }
  return false
}

/** Creates a server process in a separate folder. `clean` ends the process and removes the folder. */
export async function arrangeProcess(options: Partial<ServerProcessOptions> = {}) {
  const dir = await mkdtemp(join(tmpdir(), 'server-'))
  const [api, rtsp, hls, webrtc, webrtcUdp] = await Promise.all([
    freePort(),
    freePort(),
    freePort(),
    freePort(),
    freePort(),
  ])
  const log = keptLog()
  const recordingsDir = join(dir, 'recordings')
  const all: ServerProcessOptions = {
    mode: 'managed',
    api: { host: '127.0.0.1', port: Number(api) },
    ports: {
      api: Number(api),
      rtsp: Number(rtsp),
      hls: Number(hls),
      webrtc: Number(webrtc),
      webrtcUdp: Number(webrtcUdp),
    },
    host: '127.0.0.1',
    offers: { hls: true, webrtc: true },
    media: { hlsVariant: 'fmp4', webrtcHosts: [], trustedProxies: [] },
    runDir: join(dir, 'run'),
    dataDir: join(dir, 'data'),
    recordingsDir,
    pathDefaults: {
      closeAfter: 1_000,
      startTimeout: 10_000,
      partDuration: 200,
      segmentDuration: 3_600_000,
      recordPath: join(recordingsDir, '%path/%path_%Y-%m-%d_%H-%M-%S-%f'),
    },
    mark: dir,
    simulatorCommand: ['/nonexistent'],
    env: process.env,
    log,
    ...options,
  }
  const made: ReturnType<typeof createServerProcess>[] = []
  const make = (more: Partial<ServerProcessOptions> = {}) => {
    const server = createServerProcess({ ...all, ...more })
    made.push(server)
    return server
  }
  const clean = async () => {
    for (const server of made) await server.end()
    await rm(dir, { recursive: true, force: true })
  }
  return { dir, log, options: all, make, server: make(), clean, apiUrl: `http://127.0.0.1:${all.ports.api}` }
}

/** Resolves with true if the process runs and is not a zombie. */
export async function isAlive(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  return stat !== '' && !/\) [ZX] /.test(stat)
}
