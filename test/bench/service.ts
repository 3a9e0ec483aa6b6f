import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from '../support/client.js'
import { freePorts } from '../support/ports.js'

/** A service of its own for one measurement. */
export interface Bench {
  url: string
  token: string
  call(method: string, params?: Record<string, unknown>): Promise<Record<string, unknown>>
  /** Waits until no pipeline runs. */
  untilAsleep(): Promise<void>
  settle(ms: number): Promise<void>
  /** MB. */
  rss(): { service: number; mediaServer: number }
  version(): string
  stop(): Promise<void>
}

export function hasMediamtx(): boolean {
  try {
    execFileSync('mediamtx', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Starts `dist/main.js` with virtual cameras on free ports and a data directory of its own. */
export async function benchService({
  kind,
  cameras,
}: {
  kind: 'embedded' | 'managed'
  cameras: number
}): Promise<Bench> {
  const folder = mkdtempSync(join(tmpdir(), 'camera-bench-'))
  const [rpc, api, rtsp, hls, webrtc] = await freePorts(5)
  const config = join(folder, 'bench.yml')
  const entries = Array.from({ length: cameras }, (_, index) => `  - { name: bench${index}, source: virtual }`)
  writeFileSync(
    config,
    [
      `data_dir: ${join(folder, 'data')}`,
      'server:',
      `  port: ${rpc}`,
      '  max_connections: 2000',
      '  max_connections_per_address: 2000',
      '  max_unauthenticated_per_address: 2000',
      'http_health: { enabled: false }',
      'mediamtx:',
      `  mode: ${kind}`,
      `  api_port: ${api}`,
      `  rtsp_port: ${rtsp}`,
      `  hls_port: ${hls}`,
      `  webrtc_port: ${webrtc}`,
      '  run_on_demand_close_after: 1s',
      'security: { rate_limit_requests: 1000000, rate_limit_address_requests: 10000000, rate_limit_window: 1s }',
      'simulation: { enabled: true }',
      'cameras:',
      ...entries,
    ].join('\n'),
  )
  const service = spawn(process.execPath, ['dist/main.js', 'serve', '--config', config], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let log = ''
  service.stdout.on('data', (data) => {
    log += data
  })
  const over = new Promise((resolve) => service.once('exit', resolve))
  await until(
    () => log.includes('link.up') && log.split('camera.connected').length > cameras,
    20_000,
    () => log,
  )
  const token = execFileSync(process.execPath, ['dist/main.js', 'token', '--role', 'admin', '--config', config], {
    encoding: 'utf8',
  }).trim()
  const url = `ws://127.0.0.1:${rpc}/ws`
  const client = await connect(url)
  await client.call('authenticate', { auth_token: token })
  return {
    url,
    token,
    call: client.call,
    settle: (ms) => sleep(ms),
    async untilAsleep() {
      await until(
        () => pipelines(folder) === 0,
        20_000,
        () => 'a pipeline runs on',
      )
    },
    rss: () => ({ service: rssOf(service.pid), mediaServer: rssOf(childOf(service.pid)) }),
    version: () => /"link.up".*?"version":"([^"]+)"/.exec(log)?.[1] ?? '',
    async stop() {
      client.close()
      service.kill('SIGTERM')
      await over
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export async function until(isIt: () => boolean, limit: number, words: () => string): Promise<void> {
  for (const begun = performance.now(); !isIt(); await sleep(50)) {
    if (performance.now() - begun > limit) throw new Error(`the service did not get there: ${words().slice(-2_000)}`)
  }
}

/** ffmpeg processes that publish for this data directory. */
function pipelines(folder: string): number {
  try {
    return Number(execFileSync('pgrep', ['-c', '-f', `^ffmpeg .*${folder}`], { encoding: 'utf8' }).trim())
  } catch {
    return 0
  }
}

const rssOf = (pid: number | undefined): number =>
  pid === undefined
    ? 0
    : Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024)

const childOf = (pid: number | undefined): number | undefined =>
  Number(execFileSync('pgrep', ['-P', String(pid)], { encoding: 'utf8' }).split('\n')[0]) || undefined
