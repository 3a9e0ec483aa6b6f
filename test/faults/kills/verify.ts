import { execFile } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pLimit from 'p-limit'
import { readMp4 } from '../../../adapters/files/mp4.js'
import { timeOf } from '../../../machines/domain/fileName.js'
import { until } from '../../support/until.js'
import { frame, type Killed, recordingsOf } from './kills.js'
import type { Lives } from './lives.js'
import { type Hole, holesOf, type Played } from './losses.js'

const run = promisify(execFile)

/** The result of stop_recording. */
interface Stopped {
  status: string
  reason: string
  files: string[]
  gaps: { from: string; to: string }[]
}
interface Listed {
  filename: string
  truncated?: true
}

export interface Verified {
  /** Of each camera, oldest first. */
  files: Map<string, Played[]>
  quarantined: number
  broken: string[]
}

/** ms after which a file that nobody writes no longer counts as open. */
const openLimit = 6_000
/** ms by which the service may be wrong about a time without media. */
const tolerance = 1_600

/** Stops all recordings, reads every file like a player, and compares with what the service says. Ends the service. */
export async function verify({ lives, cameras }: Killed): Promise<Verified> {
  const broken: string[] = []
  const files = new Map<string, Played[]>()
  const stopped = new Map<string, Stopped>()
  for (const device of cameras) {
    const result = await lives.call<Stopped>('stop_recording', { device }).catch((error: unknown) => {
      broken.push(`${device} cannot be stopped: ${error}`)
    })
    if (!result) continue
    stopped.set(device, result)
    if (result.status !== 'STOPPED') broken.push(`${device} ended as ${result.status} (${result.reason})`)
  }
  // What is moved aside first must not change for some seconds.
  const hollow = () => hollowFiles(lives, cameras)
  await until('the empty files are quarantined', async () => (await hollow()).length === 0).catch(async () => {
    broken.push(`without media, but not quarantined: ${(await hollow()).join(', ')}`)
  })
  const limited = pLimit(2)
  for (const camera of cameras) {
    const names = await recordingsOf(lives, camera)
    files.set(camera, await limited.map(names, (name) => play(lives, camera, name)))
  }
  const all = [...files.values()].flat()
  broken.push(...all.filter(({ frames }) => frames === 0).map(({ name }) => `${name} cannot be played`))
  const newest = Math.max(0, ...(await limited.map(all, ({ name }) => changedAt(lives, name))))
  await until('no file counts as open', () => Date.now() - newest > openLimit)

  const listed = await listAll(lives, {})
  const names = listed.map(({ filename }) => filename)
  broken.push(
    ...differences(
      'listed',
      'on disk',
      names,
      all.map(({ name }) => name),
    ),
    ...names.filter((name, index) => names.indexOf(name) !== index).map((name) => `${name} is listed twice`),
  )
  const marked = listed.filter(({ truncated }) => truncated).map(({ filename }) => filename)
  const cut = all.filter(({ isCut }) => isCut).map(({ name }) => name)
  broken.push(...differences('marked as truncated', 'truncated', marked, cut))
  const aside = await listAll(lives, { quarantined: true })
  for (const { filename } of aside)
    if ((await framesOf(join(lives.dataDir, 'recordings/quarantine', filename))) > 0)
      broken.push(`${filename} can be played, but it is quarantined`)

  for (const [camera, { files: own, gaps }] of stopped) {
    const played = files.get(camera) ?? []
    broken.push(
      ...differences(
        `in the recording of ${camera}`,
        'on disk',
        own,
        played.map(({ name }) => name),
      ),
    )
    const said = gaps.map(({ from, to }) => ({ from: Date.parse(from), to: Date.parse(to) }))
    broken.push(...unsaid(holesOf(played, frame), said).map((what) => `${camera}: ${what}`))
  }
  const code = await lives.stop()
  if (code !== 0) broken.push(`the service ended with ${code}`)
  broken.push(...(await lives.processes()).map(({ command }) => `still running: ${command}`))
  return { files, quarantined: aside.length, broken }
}

const pathOf = (lives: Lives, name: string) => join(lives.dataDir, 'recordings', name.replace(/_.*/, ''), name)

const changedAt = (lives: Lives, name: string): Promise<number> =>
  stat(pathOf(lives, name)).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  )

async function hollowFiles(lives: Lives, cameras: readonly string[]): Promise<string[]> {
  const names = (await Promise.all(cameras.map((camera) => recordingsOf(lives, camera)))).flat()
  const contents = await pLimit(8).map(names, (name) => readMp4(pathOf(lives, name)).catch(() => undefined))
  return names.filter((_, index) => (contents[index]?.duration ?? 0) === 0)
}

/** Frames that a player decodes, reading to the end. */
async function framesOf(file: string): Promise<number> {
  const args = [
    '-v',
    'quiet',
    '-threads',
    '1',
    '-count_frames',
    '-show_entries',
    'stream=nb_read_frames',
    '-of',
    'json',
  ]
  const { stdout } = await run('ffprobe', [...args, file]).catch(() => ({ stdout: '{}' }))
  const { streams: [stream] = [] } = JSON.parse(stdout || '{}') as { streams?: { nb_read_frames?: string }[] }
  return Number(stream?.nb_read_frames ?? 0) || 0
}

async function play(lives: Lives, camera: string, name: string): Promise<Played> {
  const file = join(lives.dataDir, 'recordings', camera, name)
  const frames = await framesOf(file)
  const from = timeOf(name) ?? 0
  // The frames of a burst are later in the file than they were captured, but no frame is later than its writing.
  const to = Math.min(from + frames * frame, await changedAt(lives, name))
  const content = await readMp4(file).catch(() => undefined)
  return { name, from, to, frames, isCut: content?.complete !== true }
}

async function listAll(lives: Lives, params: object): Promise<Listed[]> {
  const all: Listed[] = []
  for (;;) {
    const page = { ...params, limit: 1_000, offset: all.length }
    const { files } = await lives.call<{ files: Listed[] }>('list_recordings', page)
    all.push(...files)
    if (files.length < page.limit) return all
  }
}

function differences(one: string, other: string, these: readonly string[], those: readonly string[]): string[] {
  const without = (left: readonly string[], right: readonly string[]) => {
    const known = new Set(right)
    return left.filter((name) => !known.has(name))
  }
  return [
    ...without(these, those).map((name) => `${name} is ${one}, but not ${other}`),
    ...without(those, these).map((name) => `${name} is ${other}, but not ${one}`),
  ]
}

/** Times without media that the service does not tell its clients. */
function unsaid(holes: readonly Hole[], said: readonly Hole[]): string[] {
  return holes.flatMap((hole) => {
    const known = said.reduce(
      (sum, { from, to }) => sum + Math.max(0, Math.min(to, hole.to) - Math.max(from, hole.from)),
      0,
    )
    const missing = hole.to - hole.from - known
    const [began, ended] = [hole.from, hole.to].map((at) => new Date(at).toISOString())
    return missing > tolerance
      ? [`from ${began} to ${ended} there is no media, but ${Math.round(missing)} ms of it are in no gap`]
      : []
  })
}
