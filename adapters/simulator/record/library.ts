import { readdir, rmdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { findPathConf, type PathConf } from '../config/config.js'
import { milliseconds } from '../config/duration.js'
import { faultOfName, matcherOf } from '../config/validate.js'
import { wordsOf } from '../words.js'
import { createRecogniser, fileOf, folderOf, formatMoment, millisecondsOf, parseMoment, patternOf } from './naming.js'

export interface SegmentFile {
  file: string
  /** RFC 3339 as the file's name tells it. */
  start: string
  at: number
}

/** The files of one path by their present pattern, oldest first. */
export async function segmentsOf(conf: PathConf, path: string): Promise<SegmentFile[]> {
  const pattern = patternOf(conf, path)
  const recognise = createRecogniser(pattern)
  const files = await filesBelow(folderOf(pattern))
  return files
    .flatMap((file) => {
      const known = recognise(file)
      return known ? [{ file, start: formatMoment(known.moment), at: millisecondsOf(known.moment) }] : []
    })
    .sort((a, b) => a.at - b.at)
}

/** Names of the paths that have files, of those that are configured now; sorted. */
export async function pathsWithSegments(paths: Map<string, PathConf>): Promise<string[]> {
  const names = new Set<string>()
  for (const conf of paths.values()) {
    const matcher = matcherOf(conf.name)
    if (!matcher) {
      if ((await segmentsOf(conf, conf.name)).length > 0) names.add(conf.name)
      continue
    }
    const pattern = patternOf(conf)
    const recognise = createRecogniser(pattern)
    for (const file of await filesBelow(folderOf(pattern))) {
      const path = recognise(file)?.path
      if (path !== undefined && faultOfName(path) === undefined && matcher.test(path)) names.add(path)
    }
  }
  return [...names].sort()
}

/** Throws an Error with Go's text, also when the file is missing. */
export async function deleteSegment(paths: Map<string, PathConf>, path: string, start: string): Promise<void> {
  const moment = ((): ReturnType<typeof parseMoment> => {
    try {
      return parseMoment(start)
    } catch (error) {
      throw new Error(`invalid 'start' parameter: ${error instanceof Error ? error.message : String(error)}`)
    }
  })()
  const { conf } = findPathConf(paths, path)
  if (faultOfName(path) !== undefined) throw new Error('path escapes base directory')
  const file = fileOf(patternOf(conf, path), moment)
  await unlink(file).catch((error: unknown) => {
    throw new Error(wordsOf(error))
  })
}

async function filesBelow(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true })
    return entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name))
  } catch {
    return []
  }
}

/**
 * Deletes what is older than `recordDeleteAfter`, at once and then again and again. `reload` restarts the wait, so that frequent changes
 * of the configuration put the deletion off for ever: MediaMTX does so too.
 */
export function createCleaner(pathsOf: () => Map<string, PathConf>): { reload(): void; close(): void } {
  let timer: NodeJS.Timeout | undefined
  let closed = false
  const schedule = (): void => {
    clearTimeout(timer)
    const ages = [...pathsOf().values()]
      .map(({ recordDeleteAfter }) => milliseconds(recordDeleteAfter) / 2)
      .filter((age) => age > 0)
    timer = setTimeout(clean, Math.max(100, Math.min(30 * 60_000, ...ages)))
  }
  const clean = async (): Promise<void> => {
    const paths = pathsOf()
    for (const name of await pathsWithSegments(paths)) await cleanPath(findPathConf(paths, name).conf, name)
    if (!closed) schedule()
  }
  void clean()
  return {
    reload: schedule,
    close: () => {
      closed = true
      clearTimeout(timer)
    },
  }
}

async function cleanPath(conf: PathConf, name: string): Promise<void> {
  const age = milliseconds(conf.recordDeleteAfter)
  if (age === 0) return
  const old = (await segmentsOf(conf, name)).filter(({ at }) => at <= Date.now() - age)
  for (const { file } of old) await unlink(file).catch(() => {})
  // Refused, as it should be, unless it is empty.
  if (old.length > 0) await rmdir(folderOf(patternOf(conf, name))).catch(() => {})
}
