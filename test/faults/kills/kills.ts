import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { timeOf } from '../../../machines/domain/fileName.js'
import type { Child, Kind } from '../../e2e/service.js'
import { killIfRunning } from '../../support/killIfRunning.js'
import { until } from '../../support/until.js'
import { type Lives, openLives } from './lives.js'
import type { Happened } from './losses.js'
import { killsOf } from './losses.js'
import type { Incident, Kill } from './plan.js'

/** Several recordings give several samples of one kill. */
export const cameraCount = 4
/** ms of one frame. */
export const frame = 100
/** Small pictures, so that a busy host does not delay the frames. */
const camera = (name: string) => ({ name, source: 'virtual', size: '320x240', fps: 1_000 / frame })

/** ms after which a recording that does not grow again is stuck: longer than every retry of the service. */
const stuckLimit = 45_000
/** After so many incidents with a stuck recording the rest tells nothing new. */
const mostStuck = 5

export interface Killed {
  lives: Lives
  cameras: string[]
  incidents: Happened[]
  /** Broken promises, except those of the incidents. */
  broken: string[]
}

/** Records with all cameras, and causes the incidents one after the other. The recordings still run afterwards. */
export async function causeKills(kind: Kind, plan: readonly Incident[], log: (line: string) => void): Promise<Killed> {
  const lives = await openLives({
    kind,
    cameras: Array.from({ length: cameraCount }, (_, index) => camera(`test${index}`)),
    env: {
      CAMERA_SERVICE_SECURITY_RATE_LIMIT_REQUESTS: '1000000',
      CAMERA_SERVICE_SECURITY_RATE_LIMIT_ADDRESS_REQUESTS: '1000000',
      CAMERA_SERVICE_RECORDING_SEGMENT_DURATION: '10s',
    },
  })
  const cameras = Array.from({ length: cameraCount }, (_, index) => `camera${index}`)
  const killed: Killed = { lives, cameras, incidents: [], broken: [] }
  try {
    lives.start()
    await until('all cameras are connected', () => areConnected(lives), stuckLimit)
    for (const device of cameras) await lives.call('start_recording', { device })
    for (const [number, incident] of plan.entries()) {
      const happened = await cause(killed, incident)
      killed.incidents.push(happened)
      const what = happened.kills.map((kill) => (kill.target === 'ffmpeg' ? kill.camera : kill.target)).join(', then ')
      const stuck = happened.stuck.map(({ camera, details }) => `\n  ${camera} is stuck: ${details}`)
      const at = new Date(happened.kills[0]?.at ?? 0).toISOString()
      log(`${kind} ${number + 1}/${plan.length}: ${at} ${what}${stuck.join('')}`)
      if (killed.incidents.filter((one) => one.stuck.length > 0).length < mostStuck) continue
      killed.broken.push(`given up after ${mostStuck} incidents with a stuck recording`)
      break
    }
    return killed
  } catch (error) {
    log(lives.log().slice(-60).join('\n'))
    await lives.end()
    throw error
  }
}

async function areConnected(lives: Lives): Promise<boolean> {
  if (!(await lives.isReady())) return false
  const { available_cameras } = await lives.call<{ available_cameras: string[] }>('get_system_status')
  return available_cameras.length === cameraCount
}

async function cause(killed: Killed, { kills }: Incident): Promise<Happened> {
  const { lives, cameras, broken } = killed
  const before = await lives.processes()
  const done: Happened['kills'][number][] = []
  /** From the last kill of the service until it is ready. */
  let readiness: Promise<number | undefined> | undefined
  for (const kill of kills) {
    await sleep(kill.after)
    const { target, at } = await strike(lives, kill)
    done.push({ target, at, camera: cameras[kill.camera] ?? '' })
    if (target === 'service' || target === 'group') {
      lives.start()
      readiness = readyAt(lives)
    }
  }
  const end = performance.now() + stuckLimit
  const growing = new Map(cameras.map((one) => [one, growsAfter(lives, one, killsOf({ kills: done }, one).at(-1)?.at)]))
  while (growing.size > 0 && performance.now() < end) {
    if (!lives.isRunning()) {
      broken.push(`the service ended by itself:\n${lives.log().slice(-5).join('\n')}`)
      lives.start()
      readiness = readyAt(lives)
    }
    for (const [one, isGrowing] of growing) if (await isGrowing().catch(() => false)) growing.delete(one)
    await sleep(50)
  }
  const stuck = await Promise.all(
    [...growing.keys()].map(async (one) => ({ camera: one, details: await describe(lives, one) })),
  )
  broken.push(...leftOver(before, await lives.processes(), done))
  const ready = await readiness
  return { kills: done, stuck, ...(ready !== undefined && { readyAt: ready }) }
}

/** Kills the process; the service if the other one does not run just now. */
async function strike(lives: Lives, { target, camera }: Kill): Promise<{ target: Kill['target']; at: number }> {
  const processes = await lives.processes()
  if (target === 'group') return { target, at: await lives.kill(processes.map(({ pid }) => pid)) }
  const victim =
    target === 'server'
      ? processes.find(isServer)
      : target === 'ffmpeg'
        ? processes.find((child) => child.camera === `camera${camera}` && isPipeline(child))
        : undefined
  if (!victim) return { target: 'service', at: await lives.kill() }
  const at = Date.now()
  killIfRunning(victim.pid)
  return { target, at }
}

const isServer = ({ command }: Child): boolean => command.endsWith('/mediamtx.yml')
const isPipeline = ({ command }: Child): boolean => /^(\S*\/)?ffmpeg /.test(command)

/** Epoch ms; `undefined` if the service was killed again, or is not ready in time. */
async function readyAt(lives: Lives): Promise<number | undefined> {
  const end = performance.now() + stuckLimit
  while (performance.now() < end) {
    if (await lives.isReady()) return Date.now()
    await sleep(20)
  }
  return undefined
}

/** True once the service says that it records, and a file has grown that began after the kill. */
function growsAfter(lives: Lives, device: string, killedAt = 0): () => Promise<boolean> {
  let last: { name: string; bytes: number } | undefined
  return async () => {
    const [name] = (await recordingsOf(lives, device)).slice(-1)
    if (name === undefined || (timeOf(name) ?? 0) <= killedAt) return false
    const { size: bytes } = await stat(join(lives.dataDir, 'recordings', device, name))
    const hasGrown = last?.name === name && last.bytes > 0 && bytes > last.bytes
    last = last?.name === name ? { name, bytes: Math.min(bytes, last.bytes || bytes) } : { name, bytes }
    if (!hasGrown) return false
    const { recording } = await lives.call<{ recording?: { status: string } }>('get_camera_status', { device })
    return recording?.status === 'RECORDING'
  }
}

/** Names of the camera's files, oldest first. */
export async function recordingsOf(lives: Lives, device: string): Promise<string[]> {
  const names = await readdir(join(lives.dataDir, 'recordings', device)).catch(() => [])
  return names.filter((name) => name.endsWith('.mp4')).sort()
}

/** Processes that should have ended with their parent, and duplicates. */
function leftOver(before: readonly Child[], after: readonly Child[], kills: Happened['kills']): string[] {
  const isOld = ({ pid }: Child) => before.some((child) => child.pid === pid)
  const withServer = kills.some(({ target }) => target !== 'ffmpeg')
  const old = withServer ? after.filter(isOld) : []
  const isDuplicate = (child: Child) =>
    after.filter(isPipeline).filter(({ camera }) => camera === child.camera).length > 1
  return [
    ...old.map(({ command }) => `left over after ${kills.map(({ target }) => target).join(', ')}: ${command}`),
    ...(after.filter(isServer).length > 1 ? ['two media servers run'] : []),
    ...after.filter((child) => isPipeline(child) && isDuplicate(child)).map(({ camera }) => `two ffmpeg of ${camera}`),
  ]
}

async function describe(lives: Lives, device: string): Promise<string> {
  const status = await lives.call<object>('get_camera_status', { device }).catch((error: unknown) => `${error}`)
  const processes = (await lives.processes()).map(({ pid, command }) => `${pid} ${command.slice(0, 100)}`)
  const files = (await recordingsOf(lives, device)).slice(-3)
  return [JSON.stringify(status), ...files, ...processes, ...lives.log().slice(-80)].join('\n    ')
}
