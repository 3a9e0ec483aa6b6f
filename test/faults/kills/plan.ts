import { dice } from '../random.js'

/** `group`: the service and all its processes at once, as systemd does (`KillMode=mixed`). */
export type Target = 'service' | 'server' | 'ffmpeg' | 'group'

export const targets = ['service', 'server', 'ffmpeg', 'group'] as const satisfies readonly Target[]

export interface Kill {
  target: Target
  /** ms after all recordings grow again, or after the kill before. */
  after: number
  /** Index of the camera whose ffmpeg is killed. */
  camera: number
}

/** One kill, or two, the second during the recovery from the first. Then all must work again. */
export interface Incident {
  kills: readonly [Kill, ...Kill[]]
}

/** ms within which the moment of a kill is random: longer than a keyframe interval and many parts. */
const window = 2_000
/** The same, for a kill during a recovery. */
const recoveryWindow = 1_200

/**
 * Returns `count` incidents for each of service, media server and ffmpeg, in random order, and a fifth as many for the
 * service with its processes, and for two kills in a row. The same seed plans the same incidents.
 */
export function plan(seed: number, count: number, cameras: number): Incident[] {
  const { random, pick } = dice(seed)
  const fewer = Math.ceil(count / 5)
  const kill = (target: Target, within: number): Kill => ({
    target,
    after: Math.round(random() * within),
    camera: Math.floor(random() * cameras),
  })
  const times = (number: number, make: () => Incident) => Array.from({ length: number }, make)
  const incidents = [
    ...(['service', 'server', 'ffmpeg'] as const).flatMap((target) =>
      times(count, () => ({ kills: [kill(target, window)] })),
    ),
    ...times(fewer, () => ({ kills: [kill('group', window)] })),
    ...times(fewer, () => ({ kills: [kill(pick(targets), window), kill(pick(targets), recoveryWindow)] })),
  ]
  // Fisher–Yates.
  for (let last = incidents.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1))
    ;[incidents[last], incidents[other]] = [incidents[other] as Incident, incidents[last] as Incident]
  }
  return incidents
}
