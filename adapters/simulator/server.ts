import { isDeepStrictEqual } from 'node:util'
import { type ApiServer, createApiServer } from './api/server.js'
import { instant, microseconds } from './clock.js'
import { createConfig } from './config/config.js'
import type { GlobalConf } from './config/fields.js'
import { readConfigFile } from './config/file.js'
import { errorText } from './errorText.js'
import { createLog, labelled } from './log.js'
import { createCommands } from './paths/commands.js'
import { createPaths } from './paths/manager.js'
import { createRtspServer, type RtspServer } from './rtsp/server.js'

/** The version of MediaMTX that is simulated. */
const version = 'v1.20.1'

/** What the simulator needs. */
export interface SimulatorOptions {
  /** The name of a mediamtx.yml. */
  file: string
  write: (line: string) => void
  /** Called when an accepted change cannot be applied: the program must end. */
  failed: (reason: string) => void
}

/** A running simulator. */
export interface Simulator {
  /** Closes recordings, interrupts commands and waits for them without a limit. */
  stop(): Promise<void>
}

/** Starts the stand-in for MediaMTX. Rejects with an Error of one line when the file or an address cannot be used. */
export async function startSimulator({ file, write, failed }: SimulatorOptions): Promise<Simulator> {
  const started = instant(microseconds())
  let stopped = false
  const log = createLog(write, () => (stopped ? 'info' : config.now.global.logLevel))
  const config = createConfig(readConfigFile(file), () => {
    log('INF', 'reloading configuration (API request)')
    // MediaMTX answers first and applies then.
    setImmediate(() => {
      apply().catch((error: unknown) => failed(errorText(error)))
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

  /** A change of most global fields ends every stream. A change of the users ends none. */
  const apply = async (): Promise<void> => {
    if (stopped) return
    const before = running
    running = config.now.global
    const fields = Object.keys(running) as (keyof GlobalConf)[]
    const changed = fields.filter((name) => !isDeepStrictEqual(before[name], running[name]))
    if (changed.some((name) => name.startsWith('api'))) {
      api?.close()
      api = undefined
      await openApi()
    }
    if (!changed.some((name) => name !== 'authInternalUsers' && /^(?:log|read|write|auth|rtsp|metrics)/.test(name)))
      return paths.reload()
    rtsp?.close()
    rtsp = undefined
    paths.restart()
    await openRtsp()
  }

  log('INF', `MediaMTX ${version}, ${process.platform}, ${process.arch === 'x64' ? 'amd64' : process.arch}`)
  log('INF', `configuration loaded from ${file}`)
  log('WAR', `this is a simulator: RTSP over TCP, recording of H.264 and the control API; ${missing(running)}`)
  paths.reload()
  const close = (): void => {
    stopped = true
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

/** Says what the configuration asks for and the simulator does not have. */
function missing({ hls, webrtc, rtmp, srt, moq, metrics, playback, pprof, rtspTransports }: GlobalConf): string {
  const wanted = Object.entries({ HLS: hls, WebRTC: webrtc, RTMP: rtmp, SRT: srt, MoQ: moq, metrics, playback, pprof })
    .filter(([, isOn]) => isOn)
    .map(([label]) => label)
  if (rtspTransports.some((transport) => transport !== 'tcp')) wanted.push('UDP')
  return wanted.length === 0 ? 'no HLS, WebRTC, UDP' : `it does not offer ${wanted.join(', ')}`
}
