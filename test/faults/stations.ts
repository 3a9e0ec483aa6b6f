/** What each camera does when the fault comes. */
export const stations = ['idle', 'streaming', 'recording', 'timed recording', 'snapshot', 'two cameras'] as const

export type Station = (typeof stations)[number]

/** The last station has two cameras: the fault of a camera concerns the first of them. */
export const cameraCount = (used: readonly Station[] = stations): number =>
  used.length + (used.includes('two cameras') ? 1 : 0)

/** ms of a timed recording: longer than every fault. */
export const timedDuration = 14_000
