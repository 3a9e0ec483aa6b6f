import { type FaultName, faults, type Source } from './faults.js'
import { type Dice, dice } from './random.js'
import { cameraCount } from './stations.js'
import type { World, Worlds } from './world.js'

export interface Soak {
  bursts: number
  caused: Record<string, number>
  /** Broken invariants, each with the faults of its burst. */
  broken: string[]
  /** What is left over at rest, first and last: processes, timers, watchers … */
  first: Record<string, number>
  last: Record<string, number>
  /** MB at rest, after each burst. */
  heap: number[]
}

interface SoakOptions {
  seed: number
  source: Source
  /** True when it is over. */
  isOver: () => boolean
  /** Faults in a burst, at most. */
  most?: number
  /** MB of the heap that are in use, after a collection. Default: it is not judged. */
  heap?: () => number
  /** ms without a fault, after which everything must work again. */
  quiet?: number
}

/**
 * Causes random faults, several at once. After each burst there is a quiet time; then every camera must work, every
 * recording must grow, and nothing may be left over. The same seed causes the same faults.
 */
export async function soak(worlds: Worlds, options: SoakOptions): Promise<Soak> {
  const { seed, source, isOver, most = 8, quiet = 30_000, heap } = options
  const { random, pick } = dice(seed)
  const names = worlds.can.filter((name) => faults[name].source === source)
  const world = await worlds.open(source, cameraCount())
  const result: Soak = { bursts: 0, caused: {}, broken: [], first: {}, last: {}, heap: [] }
  const recorded = world.cameras.slice(0, 4)
  try {
    for (const camera of recorded) await world.record(camera)
    await world.pass(quiet)
    result.first = await atRest(world)
    while (!isOver() && result.broken.length < 20) {
      result.bursts += 1
      const chosen = Array.from({ length: 1 + Math.floor(random() * most) }, () => pick(names))
      for (const name of chosen) result.caused[name] = (result.caused[name] ?? 0) + 1
      await burst(world, chosen, { random, pick })
      await world.pass(quiet)
      const wrong = await disorder(world, recorded)
      result.last = await atRest(world)
      for (const [what, count] of Object.entries(result.last)) {
        const before = result.first[what] ?? 0
        if (count > before + (slack[what] ?? 0)) wrong.push(`${count - before} ${what} are left over`)
      }
      result.broken.push(...wrong.map((what) => `burst ${result.bursts} (${chosen.join(', ')}): ${what}`))
      if (wrong.length > 0) await repair(world, recorded)
      if (heap) result.heap.push(heap())
    }
    result.broken.push(...growthOf(result.heap))
    for (const camera of recorded) {
      const { unplayable } = await world.stop(camera)
      if (unplayable > 0) result.broken.push(`${camera}: ${unplayable} files cannot be played`)
    }
    return result
  } finally {
    await world.end()
  }
}

/** MB that the heap may grow with each burst. Measured: 0.06 while the journal fills, 0.01 after that. */
const mostGrowth = 0.1

/** Compares the least values, because what a burst has just done may still be in use. */
function growthOf(heap: readonly number[]): string[] {
  const third = Math.floor(heap.length / 3)
  // A short run has not warmed up: the journal fills for 40 bursts.
  if (third < 30) return []
  const growth = Math.min(...heap.slice(-third)) - Math.min(...heap.slice(0, third))
  const each = growth / (heap.length - third)
  return each > mostGrowth ? [`the heap grew by ${each.toFixed(2)} MB with each burst`] : []
}

const isService = (name: FaultName) => name === 'serviceKilled' || name === 'serviceRestarted'

/** The limit of a call that has ended may run on for up to 20 s. */
const slack: Record<string, number> = { timers: 12 }

/** Faults that overlap: each begins within 3 s, concerns some cameras, and lasts as long as in the table or shorter. */
async function burst(world: World, chosen: readonly FaultName[], { random, pick }: Dice): Promise<void> {
  const used = new Set<FaultName>()
  const plans = chosen.flatMap((name) => {
    if (used.has(name)) return []
    used.add(name)
    const hits = world.cameras.filter(() => random() < 0.5)
    return [{ name, hits, at: random() * 3_000, lasts: faults[name].lasts * random(), client: pick(world.cameras) }]
  })
  // The restart of the service ends every other fault's means: those come one after the other.
  await Promise.all(
    plans
      .filter((plan) => !isService(plan.name))
      .map(async ({ name, hits, at, lasts, client }) => {
        await world.pass(at)
        await world.faults[name]?.begin(hits)
        // A client that asks in the middle of it gets an answer or a refusal.
        void world.snapshot(client).catch(() => {})
        await world.pass(lasts)
        await world.faults[name]?.finish?.(hits)
      }),
  )
  for (const { name, hits, lasts } of plans.filter(({ name }) => isService(name))) {
    await world.faults[name]?.begin(hits)
    await world.pass(lasts)
    await world.faults[name]?.finish?.(hits)
  }
}

async function disorder(world: World, recorded: readonly string[]): Promise<string[]> {
  const wrong: string[] = []
  const before = await Promise.all(recorded.map(world.written))
  await world.pass(1_000)
  for (const [index, camera] of recorded.entries())
    if ((await world.written(camera)) <= (before[index] ?? 0)) wrong.push(`${camera} is not recorded`)
  for (const camera of world.cameras) {
    const { status, reason, recording, unhealthy } = await world.see(camera)
    if (status !== 'CONNECTED') wrong.push(`${camera} is ${status} (${reason})`)
    if (unhealthy !== undefined) wrong.push(`unhealthy: ${unhealthy}`)
    if (recorded.includes(camera) && recording?.status !== 'RECORDING')
      wrong.push(`${camera}: the recording is ${recording?.status} (${recording?.reason})`)
  }
  return [...new Set(wrong)]
}

/** The least of some looks: a check in progress is nothing that is left over. */
async function atRest(world: World): Promise<Record<string, number>> {
  let least = await world.leftovers()
  for (const pause of [700, 900]) {
    await world.pass(pause)
    const now = await world.leftovers()
    least = Object.fromEntries(
      Object.entries(now).map(([what, count]) => [what, Math.min(count, least[what] ?? count)]),
    )
  }
  return least
}

/** The next burst begins with what the last one broke. */
async function repair(world: World, recorded: readonly string[]): Promise<void> {
  for (const camera of recorded) if (!(await world.see(camera)).recording) await world.record(camera).catch(() => {})
}
