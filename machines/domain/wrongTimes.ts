/** Times that the wall clock has shown while it was wrong: the age of files that are dated then is not known. */

/** Epoch ms, both inclusive. */
export interface Interval {
  from: number
  to: number
}

/** What the wall clock has shown. */
export interface ShownTimes {
  /** The boot of the host in which `stretch` was shown. */
  boot?: string
  /** Shown since the boot, or since the last jump by more than a day. */
  stretch?: Interval
  /** Left by a jump forward. They are wrong if the clock that came then is right. */
  doubted?: Interval[]
  wrong?: Interval[]
  /** All times that were shown. Half a year or more lies between two of them. */
  eras?: Interval[]
}

/** One reading. `reached`: what the clock would show if nobody had set it since the last reading. */
export interface Shown {
  wall: number
  reached: number
  boot?: string | undefined
  /** The last reading was in the same run of the service. */
  isSameRun: boolean
  /** The clock is trusted. */
  isTrusted: boolean
  /** It was suspect, or a client has just confirmed it. */
  wasDoubted: boolean
}

const day = 86_400_000
/** A larger step between two readings is a jump. */
const tolerance = day
/** A host is seldom off this long. A clock that starts at the time of its firmware is often further away. */
const eraGap = 180 * day
const [mostWrong, mostEras] = [20, 10]

/**
 * Returns the times that the clock showed, after one more reading. A jump forward makes the times before it doubtful;
 * when the clock is trusted afterwards, they were wrong. A jump back to the expected time shows that they were right. A
 * jump while the host was off says nothing.
 */
export function noteShown(times: ShownTimes, shown: Shown): ShownTimes {
  const { wall, reached, boot, isSameRun, isTrusted, wasDoubted } = shown
  const isSameBoot = isSameRun || (boot !== undefined && boot === times.boot)
  const jump = isSameBoot ? wall - reached : 0
  const { stretch, doubted = [], wrong = [] } = times
  const now = { from: wall, to: wall }
  const eras = merged([...(times.eras ?? []), now], eraGap, mostEras)
  const next = (changes: ShownTimes): ShownTimes =>
    withoutEmpty({ ...(boot !== undefined && { boot }), stretch: now, doubted, wrong, eras, ...changes })

  if (stretch === undefined || !isSameBoot) return next({})
  if (jump > tolerance) {
    const left = [...doubted, { ...stretch, to: Math.max(stretch.to, reached) }]
    return next(isTrusted ? resolved(wrong, left) : { doubted: merged(left, 0, mostWrong) })
  }
  if (jump < -tolerance) {
    const before = isTrusted ? doubted.at(-1) : undefined
    return next(before ? { stretch: { ...before, to: wall }, doubted: doubted.slice(0, -1) } : {})
  }
  const longer = { from: Math.min(stretch.from, wall), to: Math.max(stretch.to, wall) }
  return next({ stretch: longer, ...(isTrusted && wasDoubted && resolved(wrong, doubted)) })
}

/** Returns the times of which no file is deleted by age, while the clock shows `wall`. */
export const wrongTimes = ({ wrong = [], doubted = [], eras = [] }: ShownTimes, wall: number): Interval[] => {
  const left = eras.filter(({ to }) => wall - to >= eraGap)
  return merged([...wrong, ...doubted, ...left], 0, 2 * mostWrong + mostEras)
}

const resolved = (wrong: Interval[], doubted: readonly Interval[]): ShownTimes => ({
  wrong: merged([...wrong, ...doubted], 0, mostWrong),
  doubted: [],
})

/** Joins intervals with gaps smaller than `gap`, then those with the smallest gaps until there are at most `most`. */
function merged(intervals: readonly Interval[], gap: number, most: number): Interval[] {
  const [first, ...rest] = [...intervals].sort((one, other) => one.from - other.from)
  if (first === undefined) return []
  const joined = [first]
  for (const next of rest) {
    const last = joined.at(-1) ?? first
    if (next.from - last.to <= Math.max(0, gap - 1)) joined.splice(-1, 1, { ...last, to: Math.max(last.to, next.to) })
    else joined.push(next)
  }
  if (joined.length <= most) return joined
  const gaps = joined.slice(1).map(({ from }, index) => from - (joined[index]?.to ?? from))
  return merged(joined, Math.min(...gaps) + 1, most)
}

const withoutEmpty = ({ doubted = [], wrong = [], ...times }: ShownTimes): ShownTimes => ({
  ...times,
  ...(doubted.length > 0 && { doubted }),
  ...(wrong.length > 0 && { wrong }),
})
