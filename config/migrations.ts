/** The versions of the format of the configuration file. */
import { type Document, isMap, parseDocument } from 'yaml'
import { newestFormat } from './formats.js'

/** Rewrites a file of one version for the next version. */
export type Migration = (document: Document) => void

/** By the version that they start from. The service only rewrites a file on `set_config`, after a copy of it. */
const migrations: Readonly<Record<number, Migration>> = {}

/** Returns the text of the file in the newest format; a text of that format is returned as it is. */
export function migrate(text: string, steps = migrations, newest = newestFormat): string {
  const document = parseDocument(text, { prettyErrors: false, uniqueKeys: false })
  const written = isMap(document.contents) ? Number(document.get('version') ?? 1) : newest
  if (written >= newest) return text
  for (let version = written; version < newest; version++) steps[version]?.(document)
  document.set('version', newest)
  return document.toString({ lineWidth: 0 })
}
