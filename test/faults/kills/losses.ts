import type { Target } from './plan.js'

/** A file of a recording. Times are epoch ms. */
export interface Played {
  name: string
  /** Of the first frame. */
  from: number
  /** The end of what a player finds in it. */
  to: number
  /** Frames that a player finds; 0: it cannot play the file. */
  frames: number
  /** It was not closed: it ends with its last whole part. */
  isCut: boolean
}

/** What happened in one incident. Times are epoch ms. */
export interface Happened {
  kills: readonly { target: Target; at: number; camera: string }[]
  /** When the service that was started after the kill said that it was ready; absent: the service was not killed. */
  readyAt?: number
  /** The recordings that did not grow again, with details. */
  stuck: readonly { camera: string; details: string }[]
}

/** One recording in one incident. Times in ms. */
export interface Sample {
  incident: number
  camera: string
  /** Time without playable media. */
  lost: number
  /** The part of it before the kill: it was captured, but it cannot be played. */
  unplayed: number
  /** From the readiness of the service to the first frame; absent: the service was not killed. */
  afterReady?: number
  /** Files that it left unplayable, and files that it cut off. */
  unplayable: number
  cut: number
  resumed: boolean
}

type Kills = Pick<Happened, 'kills'>

/** Returns the kills that interrupt the recording of the camera. */
export const killsOf = ({ kills }: Kills, camera: string): Happened['kills'] =>
  kills.filter((kill) => kill.target !== 'ffmpeg' || kill.camera === camera)

const firstKill = ({ kills }: Kills): number => kills[0]?.at ?? 0

/** Index of the last incident that began before `at`; -1: none. */
const incidentAt = (incidents: readonly Happened[], at: number): number =>
  incidents.findLastIndex((one) => firstKill(one) <= at)

/** A time without media: `to` is the first frame after it. */
export interface Hole {
  from: number
  to: number
}

/** Returns the times between the files, oldest first. `frame`: ms of one frame; shorter ones are none. */
export function holesOf(files: readonly Played[], frame: number): Hole[] {
  const playable = files.filter(({ frames }) => frames > 0)
  return playable
    .slice(1)
    .map(({ from: to }, index) => ({ from: playable[index]?.to ?? to, to }))
    .filter(({ from, to }) => to - from > frame)
}

/**
 * Returns the losses of each interrupted recording. A hole belongs to the last incident before its end, because the
 * next one begins after all recordings grow again. `files`: of each camera, oldest first; `frame`: ms of one frame.
 */
export function samplesOf(
  incidents: readonly Happened[],
  files: ReadonlyMap<string, readonly Played[]>,
  frame: number,
): Sample[] {
  return [...files].flatMap(([camera, all]) => {
    const holes = holesOf(all, frame)
    const ends = incidents.map((one) => killsOf(one, camera).at(-1)?.at)
    /** Files that the incident ended. */
    const endedBy = (incident: number) =>
      all.filter(({ from }) => ends.findIndex((end) => end !== undefined && end >= from) === incident)
    return incidents.flatMap((one, incident): Sample[] => {
      const [first, last] = [killsOf(one, camera)[0]?.at, ends[incident]]
      if (first === undefined || last === undefined) return []
      const own = holes.filter(({ to }) => incidentAt(incidents, to) === incident)
      const resumed = all.find(({ from, frames }) => from > last && frames > 0)?.from
      const sample: Sample = {
        incident,
        camera,
        lost: own.reduce((sum, { from, to }) => sum + to - from, 0),
        unplayed: Math.max(0, ...own.filter(({ to }) => to > first).map(({ from }) => first - from)),
        unplayable: endedBy(incident).filter(({ frames }) => frames === 0).length,
        cut: endedBy(incident).filter(({ isCut }) => isCut).length,
        resumed: resumed !== undefined && !one.stuck.some((stuck) => stuck.camera === camera),
      }
      if (one.readyAt === undefined || resumed === undefined) return [sample]
      return [{ ...sample, afterReady: Math.max(0, resumed - one.readyAt) }]
    })
  })
}

/**
 * Returns what is lost of recordings that no kill concerns: the kill of a camera's ffmpeg must not disturb another
 * camera. `limit`: ms that count as no disturbance.
 */
export function disturbed(
  incidents: readonly Happened[],
  files: ReadonlyMap<string, readonly Played[]>,
  { frame, limit }: { frame: number; limit: number },
): string[] {
  return [...files].flatMap(([camera, all]) =>
    holesOf(all, frame).flatMap(({ from, to }) => {
      const incident = incidents[incidentAt(incidents, to)]
      if (to - from <= limit || (incident && killsOf(incident, camera).length > 0)) return []
      return [`${camera}: ${Math.round(to - from)} ms are missing without a kill that concerns it`]
    }),
  )
}
