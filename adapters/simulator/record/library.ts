import { readdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { PathConf } from '../config/fields.js'
import { faultOfName, findPathConf, matcherOf } from '../config/pathNames.js'
import { createRecogniser, fileOf, folderOf, formatMoment, parseMoment, patternOf } from './naming.js'

/** Lists the starts of the files of a path that match its present `recordPath`, oldest first, in RFC 3339. */
export async function segmentsOf(conf: PathConf, path: string): Promise<{ start: string }[]> {
  const pattern = patternOf(conf, path)
  const recognise = createRecogniser(pattern)
  const moments = (await filesBelow(folderOf(pattern))).flatMap((file) => recognise(file)?.moment ?? [])
  return moments.sort((a, b) => a.at - b.at).map((moment) => ({ start: formatMoment(moment) }))
}

/** Lists the names of the configured paths that have files, sorted. */
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

/** Deletes the file that starts at `start` (RFC 3339). Rejects with an Error, also when there is no such file. */
export async function deleteSegment(paths: Map<string, PathConf>, path: string, start: string): Promise<void> {
  const moment = parseMoment(start)
  if (!moment) throw new Error(`invalid 'start' parameter: ${JSON.stringify(start)} is not a time in RFC 3339`)
  const conf = findPathConf(paths, path)
  if (faultOfName(path) !== undefined) throw new Error('path escapes base directory')
  await unlink(fileOf(patternOf(conf, path), moment))
}

async function filesBelow(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true })
    return entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name))
  } catch {
    return []
  }
}
