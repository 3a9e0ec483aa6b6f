import type { Log } from '../../machines/domain/ports.js'
import { Failure } from '../../machines/domain/reason.js'
import { findOnPath } from '../programs.js'
import { type Run, run } from './run.js'

interface Program {
  name: string
  package: string
  /** Arguments that make it print its version. */
  args: readonly string[]
  /** Finds the version, as in `5.1`. */
  version: RegExp
  /** What does not work with versions before this one. */
  before: readonly (readonly [version: string, effect: string])[]
  /** Finds another program of the same name. */
  isOther?: RegExp
}

const otherFlock = 'is that of busybox: USB and virtual cameras cannot be used'

/** Versions that are in use and lack something that this service needs. */
const programs: readonly Program[] = [
  {
    name: 'ffmpeg',
    package: 'ffmpeg',
    args: ['-version'],
    version: /^ffmpeg version (?:n|N-)?(\d+(?:\.\d+)*)/m,
    before: [
      ['4.4', 'streams of USB and virtual cameras do not start (it has no -stats_period)'],
      ['5.0', 'this service is not tested with it: streams may fail, and newer picture formats cannot be read'],
    ],
  },
  {
    name: 'v4l2-ctl',
    package: 'v4l-utils',
    args: ['--version'],
    version: /^v4l2-ctl (\d+(?:\.\d+)*)/m,
    before: [['1.18', 'formats are read in its old layout; cameras with formats that only it can read may fail']],
  },
  {
    name: 'flock',
    package: 'util-linux',
    args: ['--version'],
    version: /^flock from util-linux (\d+(?:\.\d+)*)/m,
    before: [],
    // It has no --version, and answers with its usage.
    isOther: /busybox/i,
  },
]

/** How long a program may take to print its version, in ms. */
const limit = 5_000

/** A program for capture, as it is on this host. */
export interface InstalledProgram {
  name: string
  /** Its package in Debian. */
  package: string
  /** Absent: it is not on the PATH. */
  file?: string
  /** Absent: it does not say. */
  version?: string
  /** What does not work with this version; absent: all works. */
  effect?: string
}

/** Looks at ffmpeg, v4l2-ctl and flock on `path`, the PATH. */
export async function installedPrograms({
  path,
  runner = run,
}: {
  path: string
  runner?: Run
}): Promise<InstalledProgram[]> {
  const options = { timeout: limit, env: { ...process.env, PATH: path } }
  return Promise.all(
    programs.map(async ({ name, package: from, args, version: pattern, before, isOther }) => {
      const file = await findOnPath(name, path)
      if (file === undefined) return { name, package: from }
      const text = await runner(name, args, options).then(
        ({ stdout, stderr }) => stdout + stderr,
        () => '',
      )
      const version = pattern.exec(text)?.[1]
      const other = isOther?.exec(text) ? otherFlock : undefined
      const effect = other ?? before.find(([first]) => version !== undefined && isOlder(version, first))?.[1]
      return { name, package: from, file, ...(version !== undefined && { version }), ...(effect && { effect }) }
    }),
  )
}

/**
 * Checks the programs for capture. Rejects with `program_missing` if ffmpeg is missing, because all cameras need it.
 * Logs a warning if v4l2-ctl is missing, because only USB cameras need it, and for each old program what will not work.
 * `path` is the PATH.
 */
export async function checkPrograms({
  log,
  ...where
}: {
  path: string
  log: Pick<Log, 'warn'>
  runner?: Run
}): Promise<void> {
  for (const { name, package: from, file, version, effect } of await installedPrograms(where)) {
    if (file === undefined && name === 'ffmpeg')
      throw new Failure('program_missing', `the program ffmpeg is missing (package ${from})`)
    if (file === undefined && name === 'v4l2-ctl')
      log.warn(`USB cameras cannot be used: the program v4l2-ctl is missing (package ${from})`)
    if (effect === otherFlock) log.warn(`the program ${name} ${effect} (package ${from})`)
    else if (effect !== undefined) log.warn(`the program ${name} is old: ${effect}`, { version })
  }
}

function isOlder(version: string, first: string): boolean {
  const [ours, least] = [version, first].map((text) => text.split('.').map(Number))
  for (const [index, number] of (least ?? []).entries()) {
    const own = ours?.[index] ?? 0
    if (own !== number) return own < number
  }
  return false
}
