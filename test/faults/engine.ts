import { type FaultName, faults, gapReasons } from './faults.js'
import { cameraCount, type Station, stations, timedDuration } from './stations.js'
import type { Ended, Seen, World, Worlds } from './world.js'

/** One cell of the fault table. */
export interface Cell {
  /** `stuck`: no end within the limit. */
  outcome: 'undisturbed' | 'back' | 'continued' | 'completed' | 'released' | 'ended' | 'answered' | 'refused' | 'stuck'
  /** Code of the reason that clients got meanwhile, or with the end. */
  reason?: string | undefined
  /** Recordings: the codes of the gaps. */
  gaps?: string[]
  /** ms from the end of the fault until the camera works as before. */
  took: number
  /** Recordings: ms without media, beyond those of the fault itself. */
  lost?: number
  /** Recordings: ms without media in all. */
  missing?: number
  /** What is wrong about it; an empty list is what the service promises. */
  faults: string[]
}

export type Row = Partial<Record<Station, Cell>>

/** ms of undisturbed work before the fault and after its end. */
const settling = 2_000

/** Starts a service with one camera for each station, causes the fault, and waits until each works again. */
export async function runFault(worlds: Worlds, name: FaultName): Promise<Row> {
  const { stations: used = stations, limit, every = 100, slack = usualSlack } = worlds
  const fault = faults[name]
  const isOfCamera = 'isOfCamera' in fault
  const world = await worlds.open(fault.source, cameraCount(used))
  const injection = world.faults[name]
  if (injection === undefined) throw new Error(`${worlds.name} cannot cause ${name}`)
  try {
    const of = assign(used, world.cameras)
    const [streaming, still] = [of.streaming?.[0], of.snapshot?.[0]]
    const recorded = [...(of.recording ?? []), ...(of['two cameras'] ?? [])]
    if (streaming) await world.hold(streaming)
    await Promise.all(recorded.map((camera) => world.record(camera)))
    for (const camera of of['timed recording'] ?? []) await world.record(camera, timedDuration)
    await world.pass(settling)

    const watching = watch(world, every)
    const picture = still ? settled(world.snapshot(still)) : undefined
    const began = world.now()
    const hit = isOfCamera ? world.cameras.slice(0, -1) : world.cameras
    await injection.begin(hit)
    await world.pass(fault.lasts)
    await injection.finish?.(hit)
    const over = world.now()
    const lasted = fault.lasts === 0 ? 0 : over - began

    const until = (isRight: () => Promise<boolean>) => tookUntil(world, { over, limit, every }, isRight)
    const times = new Map<string, number | undefined>()
    const cells: Row = {}
    await Promise.all([
      picture &&
        pictureCell(world, picture, { over, limit, every }).then((cell) => Object.assign(cells, { snapshot: cell })),
      streaming &&
        streamCell(world, streaming, until, watching).then((cell) => Object.assign(cells, { streaming: cell })),
      ...recorded.map(async (camera) => times.set(camera, await until(isRecording(world, camera)))),
    ])
    await world.pass(settling)
    const cellOf = async (camera: string) =>
      recordingCell(times.get(camera), await world.stop(camera), { lasted, slack, reasons: watching.reasons(camera) })
    for (const camera of of.recording ?? []) cells.recording = await cellOf(camera)
    const [first, second] = of['two cameras'] ?? []
    if (first && second) cells['two cameras'] = pairCell(await cellOf(first), await cellOf(second), isOfCamera)
    for (const camera of of['timed recording'] ?? [])
      cells['timed recording'] = await timedCell(
        world,
        camera,
        { began, limit, every, lasted },
        watching.reasons(camera),
      )
    for (const camera of of.idle ?? []) {
      const isBack = (await until(async () => isFine(await world.see(camera)))) !== undefined
      cells.idle = backCell(isBack, watching.trouble(camera) - over, watching.reasons(camera))
    }
    await watching.end()
    for (const { camera, what } of watching.unexplained())
      cells[used.find((station) => of[station]?.includes(camera)) ?? 'idle']?.faults.push(what)
    return cells
  } finally {
    await world.end()
  }
}

/** The cameras of each station, in their order. */
function assign(used: readonly Station[], cameras: readonly string[]): Partial<Record<Station, string[]>> {
  const free = [...cameras]
  return Object.fromEntries(used.map((station) => [station, free.splice(0, station === 'two cameras' ? 2 : 1)]))
}

const isRecording = (world: World, camera: string): (() => Promise<boolean>) => {
  const isGrowing = grows(() => world.written(camera))
  return async () => (await isGrowing()) && (await world.see(camera)).recording?.status === 'RECORDING'
}

const isFine = ({ status, unhealthy }: Seen): boolean => status === 'CONNECTED' && unhealthy === undefined

/** Times in ms. `over`: the end of the fault. */
interface Look {
  over: number
  limit: number
  every: number
}

/** ms from the end of the fault until `isRight`; undefined: not within the limit. */
async function tookUntil(
  world: World,
  { over, limit, every }: Look,
  isRight: () => Promise<boolean>,
): Promise<number | undefined> {
  for (;;) {
    if (await isRight().catch(() => false)) return Math.max(0, world.now() - over)
    if (world.now() - over > limit) return undefined
    await world.pass(every)
  }
}

/** True once the value has grown twice: the first time may be the rest of what was under way. */
function grows(read: () => Promise<number>): () => Promise<boolean> {
  let [last, growths] = [Number.POSITIVE_INFINITY, 0]
  return async () => {
    const value = await read()
    if (value > last) growths += 1
    last = value
    return growths >= 2
  }
}

const reasonIn = (error: unknown): string => {
  const { data } = error as { data?: { reason?: string } }
  return data?.reason ?? (error instanceof Error ? error.message : String(error))
}

interface Settled {
  at?: 'pending' | 'answered' | 'refused'
  reason?: string
}

/** Follows a promise without waiting for it. */
function settled(promise: Promise<void>): Settled {
  const result: Settled = { at: 'pending' }
  promise.then(
    () => {
      result.at = 'answered'
    },
    (error: unknown) => {
      result.at = 'refused'
      result.reason = reasonIn(error)
    },
  )
  return result
}

async function pictureCell(world: World, picture: Settled, at: Look): Promise<Cell> {
  const took = await tookUntil(world, at, async () => picture.at !== 'pending')
  if (took === undefined) return stuck('the snapshot got no answer')
  const { reason } = picture
  return {
    outcome: picture.at === 'answered' ? 'answered' : 'refused',
    took,
    ...(reason !== undefined && { reason }),
    faults: picture.at === 'refused' && !reason ? ['it was refused without a reason'] : [],
  }
}

const stuck = (what: string): Cell => ({ outcome: 'stuck', took: 0, faults: [what] })

/** `trouble`: ms from the end of the fault until the camera, or the service, was last seen with a fault. */
const backCell = (isBack: boolean, trouble: number, reasons: string[]): Cell =>
  isBack
    ? {
        outcome: reasons.length > 0 ? 'back' : 'undisturbed',
        took: reasons.length > 0 ? Math.max(0, trouble) : 0,
        reason: reasons[0],
        faults: [],
      }
    : stuck('the camera or the service did not recover')

async function streamCell(
  world: World,
  camera: string,
  until: (isRight: () => Promise<boolean>) => Promise<number | undefined>,
  watching: { reasons(camera: string): string[] },
): Promise<Cell> {
  let isReleased = false
  const isFlowing = grows(async () => (await world.see(camera)).stream.frames)
  const took = await until(async () => {
    const { stream } = await world.see(camera)
    if (!stream.held) {
      // A camera that comes back does not stream by itself: the client asks again.
      isReleased = true
      await world.hold(camera)
    }
    return (await isFlowing()) && stream.status === 'ACTIVE'
  })
  if (took === undefined) return stuck('the stream did not come back')
  const reasons = watching.reasons(camera)
  const outcome = isReleased ? 'released' : reasons.length > 0 ? 'continued' : 'undisturbed'
  return { outcome, took, reason: reasons[0], faults: [] }
}

/** The service promises to lose the time of the fault and one second. */
const promise = 1_000
/** For looking and for part lengths. */
const usualSlack = 600

function recordingCell(
  took: number | undefined,
  ended: Ended,
  { lasted, slack, reasons }: { lasted: number; slack: number; reasons: string[] },
): Cell {
  if (took === undefined) return { ...stuck('the recording did not continue'), reason: ended.reason }
  const without = Math.max(0, ended.span - ended.media)
  const said = ended.gaps.reduce((sum, { from, to }) => sum + to - from, 0)
  const lost = Math.max(0, without - lasted)
  return {
    outcome: ended.gaps.length > 0 || reasons.length > 0 ? 'continued' : 'undisturbed',
    took,
    reason: ended.gaps[0]?.reason ?? reasons[0],
    gaps: ended.gaps.map((gap) => gap.reason),
    lost,
    missing: without,
    faults: [
      ...(ended.unplayable > 0 ? [`${ended.unplayable} files cannot be played`] : []),
      ...(without > promise + slack && said < without - promise - slack
        ? [`the gaps say ${seconds(said)}, ${seconds(without)} are missing`]
        : []),
    ],
  }
}

function pairCell(first: Cell, second: Cell, isOfCamera: boolean): Cell {
  const disturbed = isOfCamera && second.outcome !== 'undisturbed' ? ['the second camera was disturbed'] : []
  const worse = first.outcome === 'stuck' ? first : second.outcome === 'stuck' ? second : first
  return {
    ...worse,
    took: Math.max(first.took, second.took),
    lost: Math.max(first.lost ?? 0, second.lost ?? 0),
    missing: Math.max(first.missing ?? 0, second.missing ?? 0),
    faults: [...first.faults, ...second.faults, ...disturbed],
  }
}

async function timedCell(
  world: World,
  camera: string,
  { began, limit, every, lasted }: { began: number; lasted: number } & Omit<Look, 'over'>,
  reasons: string[],
): Promise<Cell> {
  const due = began - settling + timedDuration
  let ended: Ended | undefined
  const took = await tookUntil(world, { over: due, limit, every }, async () => {
    ended = await world.ended(camera)
    return ended !== undefined
  })
  if (took === undefined || ended === undefined) return stuck('the recording did not end at its time')
  const { reason, span, media, gaps, unplayable } = ended
  const isRight = reason === 'duration_reached'
  return {
    outcome: isRight ? 'completed' : 'ended',
    took,
    reason: isRight ? (gaps[0]?.reason ?? reasons[0]) : reason,
    gaps: gaps.map((gap) => gap.reason),
    lost: Math.max(0, span - media - lasted),
    missing: Math.max(0, span - media),
    faults: unplayable > 0 ? [`${unplayable} files cannot be played`] : [],
  }
}

/** Looks like a client until the end. */
function watch(world: World, every: number) {
  const reasons = new Map<string, string[]>()
  const troubles = new Map<string, number>()
  const missing: { camera: string; what: string }[] = []
  let isOver = false
  const note = (camera: string, seen: Seen) => {
    const known = reasons.get(camera) ?? []
    const add = (state: string, reason: string | undefined) => {
      if (reason === undefined) {
        const what = `${state} without a reason`
        if (!missing.some((one) => one.camera === camera && one.what === what)) missing.push({ camera, what })
      } else if (!known.includes(reason)) known.push(reason)
    }
    if (!isFine(seen)) troubles.set(camera, world.now())
    if (seen.status !== 'CONNECTED') add(seen.status, seen.reason)
    if (seen.recording?.status === 'INTERRUPTED') add('INTERRUPTED', seen.recording.reason)
    if (seen.recording?.status === 'FAILED') add('FAILED', seen.recording.reason)
    if (seen.stream.status === 'ERROR') add('stream ERROR', seen.stream.reason)
    if (seen.unhealthy !== undefined) add('unhealthy', seen.unhealthy || undefined)
    reasons.set(camera, known)
  }
  const looking = (async () => {
    while (!isOver) {
      for (const camera of world.cameras) {
        const seen = await world.see(camera).catch(() => undefined)
        if (seen) note(camera, seen)
      }
      await world.pass(every)
    }
  })()
  return {
    reasons: (camera: string) => reasons.get(camera) ?? [],
    trouble: (camera: string) => troubles.get(camera) ?? 0,
    unexplained: () => missing,
    async end() {
      isOver = true
      await looking
    },
  }
}

/** Returns what breaks the promises of the service in this row. `tolerance`: in ms, for the look at the clock. */
export function broken(name: FaultName, row: Row, tolerance: number): string[] {
  const { mayLose } = faults[name]
  return stations.flatMap((station) => {
    const { faults: wrong = [], lost = 0, gaps = [] } = row[station] ?? {}
    const tooMuch = lost > mayLose + tolerance ? [`${seconds(lost)} are lost beyond the fault`] : []
    const vague = gaps.filter((gap) => !gapReasons[name]?.some((code) => code === gap))
    const untrue = vague.length > 0 ? [`the reasons of its gaps are ${gaps.join(', ')}`] : []
    return [...wrong, ...tooMuch, ...untrue].map((what) => `${station}: ${what}`)
  })
}

export const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`
