import type { Log } from '../../machines/domain/ports.js'
import { Failure } from '../../machines/domain/reason.js'
import { findOnPath } from '../programs.js'
import { type Run, run } from './run.js'

interface Program {
  name: string
  /** Arguments that make it print its version. */
  args: readonly string[]
  /** Finds the version, as in `5.1`. */
  version: RegExp
  /** What does not work with versions before this one. */
  before: readonly (readonly [version: string, effect: string])[]
}

/** Versions that are in use and lack something that this service needs. */
const programs: readonly Program[] = [
  {
    name: 'ffmpeg',
    args: ['-version'],
    version: /^ffmpeg version (?:n|N-)?(\d+(?:\.\d+)*)/m,
    before: [
      ['4.4', 'streams of USB and virtual cameras do not start (it has no -stats_period)'],
      ['5.0', 'this service is not tested with it: streams may fail, and newer picture formats cannot be read'],
    ],
  },
  {
    name: 'v4l2-ctl',
    args: ['--version'],
    version: /^v4l2-ctl (\d+(?:\.\d+)*)/m,
    before: [['1.18', 'formats are read in its old layout; cameras with formats that only it can read may fail']],
  },
]

/** How long a program may take to print its version, in ms. */
const limit = 5_000

/**
 * Checks the programs for capture. Rejects with `program_missing` if ffmpeg is missing, because all cameras need it.
 * Logs a warning if v4l2-ctl is missing, because only USB cameras need it, and for each old program what will not work.
 * `path` is the PATH.
 */
export async function checkPrograms({
  path,
  log,
  runner = run,
}: {
  path: string
  log: Pick<Log, 'warn'>
  runner?: Run
}): Promise<void> {
  if (!(await findOnPath('ffmpeg', path)))
    throw new Failure('program_missing', 'the program ffmpeg is missing (package ffmpeg)')
  if (!(await findOnPath('v4l2-ctl', path)))
    log.warn('USB cameras cannot be used: the program v4l2-ctl is missing (package v4l-utils)')
  const options = { timeout: limit, env: { ...process.env, PATH: path } }
  const outputOf = (program: string, args: readonly string[]): Promise<string> =>
    runner(program, args, options).then(
      ({ stdout, stderr }) => stdout + stderr,
      () => '',
    )
  const [flock, ...versions] = await Promise.all([
    outputOf('flock', ['--version']),
    ...programs.map(({ name, args }) => outputOf(name, args)),
  ])
  // busybox has no --version, and answers with its usage.
  if (/busybox/i.test(flock))
    log.warn('the program flock is that of busybox: USB and virtual cameras cannot be used (package util-linux)')
  for (const [index, { name, version, before }] of programs.entries()) {
    const found = version.exec(versions[index] ?? '')?.[1]
    const effect = before.find(([first]) => found !== undefined && isOlder(found, first))?.[1]
    if (effect !== undefined) log.warn(`the program ${name} is old: ${effect}`, { version: found })
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
