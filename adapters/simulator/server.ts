import { isDeepStrictEqual } from 'node:util'
import { type ApiServer, createApiServer } from './api/server.js'
import { instant, microseconds } from './clock.js'
import { createConfig, type GlobalConf } from './config/config.js'
import { readConfigFile } from './config/file.js'
import { createLog, labelled } from './log.js'
import { createCommands } from './paths/commands.js'
import { createPaths } from './paths/manager.js'
import { createCleaner } from './record/library.js'
import { createRtspServer, type RtspServer } from './rtsp/server.js'

/** What it imitates. */
export const version = 'v1.20.1'

export interface SimulatorOptions {
  /** A mediamtx.yml. */
  file: string
  write: (line: string) => void
  /** A change that was accepted cannot be carried out: the program is to end. */
  failed: (reason: string) => void
}

export interface Simulator {
  /** Finalises recordings, interrupts commands and waits for them, however long they take. */
  stop(): Promise<void>
}

/** Starts the stand-in of MediaMTX. Rejects with one line for people when the file or an address is no good. */
export async function startSimulator({ file, write, failed }: SimulatorOptions): Promise<Simulator> {
  const started = instant(microseconds())
  let stopped = false
  const log = createLog(write, () => (stopped ? 'info' : config.now.global.logLevel))
  const config = createConfig(readConfigFile(file), () => {
    log('INF', 'reloading configuration (API request)')
    // The answer goes out first: what was accepted is not yet done.
    setImmediate(() => {
      apply().catch((error: unknown) => failed(error instanceof Error ? error.message : String(error)))
    })
  })
  const commands = createCommands()
  const paths = createPaths({ config, commands, log })
  let rtsp: RtspServer | undefined
  let api: ApiServer | undefined
  let running: GlobalConf = config.now.global

  const openRtsp = async (): Promise<void> => {
    if (!config.now.global.rtsp) return
    rtsp = createRtspServer({ config, paths, log })
    await rtsp.listen()
  }
  const openApi = async (): Promise<void> => {
    if (!config.now.global.api) return
    api = createApiServer({ config, paths, rtsp: () => rtsp, version, started, log })
    await api.listen()
  }

  /** A change of globals ends every stream; that of users alone does not. */
  const apply = async (): Promise<void> => {
    if (stopped) return
    const before = running
    running = config.now.global
    cleaner.reload()
    const { authInternalUsers: _, ...old } = before
    const { authInternalUsers: __, ...now } = running
    const changed = (Object.keys(now) as string[]).filter((name) => !isDeepStrictEqual(old[name], now[name]))
    if (changed.some((name) => /^api/.test(name))) {
      api?.close()
      api = undefined
      await openApi()
    }
    if (!changed.some((name) => /^(?:log|read|write|udp|dump|auth|rtsp|rtp|rtcp|metrics)/.test(name)))
      return paths.reload()
    rtsp?.close()
    rtsp = undefined
    paths.restart()
    await openRtsp()
  }

  log('INF', `MediaMTX ${version}, ${process.platform}, ${process.arch === 'x64' ? 'amd64' : process.arch}`)
  log('INF', `configuration loaded from ${file}`)
  log(
    'WAR',
    `this is a simulator: RTSP over TCP, recording of H.264 and the control API; ${missing(config.now.global)}`,
  )
  paths.reload()
  const cleaner = createCleaner(() => config.now.paths)
  const close = (): void => {
    stopped = true
    cleaner.close()
    paths.close()
    rtsp?.close()
    api?.close()
  }
  try {
    await openRtsp()
    await openApi()
  } catch (error) {
    close()
    throw error
  }

  return {
    stop: async () => {
      log('INF', 'shutting down gracefully')
      close()
      if (commands.running > 0) labelled(log, 'commands')('INF', 'waiting for running hooks')
      await commands.gone()
    },
  }
}

const unsupported: Record<string, string> = {
  hls: 'HLS',
  webrtc: 'WebRTC',
  rtmp: 'RTMP',
  srt: 'SRT',
  moq: 'MoQ',
  metrics: 'metrics',
  playback: 'playback',
  pprof: 'pprof',
}

function missing(conf: GlobalConf): string {
  const wanted = Object.entries(unsupported).flatMap(([name, label]) => (conf[name] === true ? [label] : []))
  if (conf.rtspTransports.some((transport) => transport !== 'tcp')) wanted.push('UDP')
  return wanted.length === 0 ? 'no HLS, WebRTC, UDP' : `it does not do ${wanted.join(', ')}`
}
