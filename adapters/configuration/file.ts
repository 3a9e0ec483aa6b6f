import { constants, lstatSync } from 'node:fs'
import { chown, copyFile, open, realpath, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import pLimit from 'p-limit'
import type { ConfigFile } from '../../machines/domain/configuration.js'
import { configurationText } from '../../machines/domain/configurationText.js'
import { Failure } from '../../machines/domain/reason.js'
import { writeAtomically } from '../data/atomic.js'
import { codeOf } from '../errorCode.js'
import { markOf } from '../files/markOf.js'
import { watchFolder } from '../files/watchFolder.js'

/** A larger file is no configuration. */
const mostBytes = 1_048_576
/** How often the file is looked at, in ms, besides the events of its folder. */
const lookInterval = { polled: 2_000, trusted: 10_000 }

/** `path` is absent without a file. `text`: the content with which the service started. */
export interface ConfigFileOptions {
  path?: string | undefined
  text: string
}

/**
 * The configuration file. It is watched by its folder, because editors write a new file and rename it. It keeps its
 * mode and, if the service may set it, its owner.
 */
export function createConfigFile({ path, text: known }: ConfigFileOptions): ConfigFile {
  const inTurn = pLimit(1)
  /** Of the file that was reported last, or written by the service. */
  let mark: string | undefined
  let written = known

  const read = async () => {
    if (path === undefined) throw new Failure('config_no_file')
    try {
      const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
      try {
        if ((await file.stat()).size > mostBytes)
          throw new Failure('config_unreadable', 'the configuration file is larger than 1 MiB')
        const content = configurationText(await file.readFile())
        if ('text' in content) return content.text
        throw new Failure('config_unreadable', `the configuration file ${content.rule}`)
      } finally {
        await file.close()
      }
    } catch (error) {
      if (error instanceof Failure) throw error
      throw new Failure('config_unreadable', `the configuration file cannot be read (${codeOf(error)})`)
    }
  }

  const write = async (text: string, expected?: string) => {
    if (path === undefined) throw new Failure('config_no_file')
    if (expected !== undefined && (await read()) !== expected) throw new Failure('config_conflict')
    try {
      const target = await realpath(path)
      const { mode, uid, gid } = await stat(target)
      await keepOriginal(target)
      await writeAtomically(target, text, { mode: mode & 0o777, hasReserve: false })
      await chown(target, uid, gid).catch(() => {})
      mark = await markOf(path)
      written = text
    } catch (error) {
      throw new Failure('config_read_only', `the configuration file cannot be written (${codeOf(error)})`)
    }
  }

  return {
    isThere: path !== undefined,
    read,
    write: (text, expected) => inTurn(write, text, expected),
    watch(report) {
      if (path === undefined) return () => {}
      let isFirst = true
      const look = async () => {
        const found = await markOf(path)
        if (found === mark && !isFirst) return
        // Before the first look, the file may have changed since the start.
        const isNew = !isFirst || (await read().catch(() => undefined)) !== written
        isFirst = false
        mark = found
        if (isNew) report()
      }
      // The events are those of the folder of the link.
      const isLink = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true
      return watchFolder(dirname(path), isLink ? lookInterval.polled : lookInterval, () => inTurn(look))
    },
  }
}

/** Copies the file of the operator before the first write of the service. An earlier copy stays. */
const keepOriginal = (target: string) =>
  copyFile(target, `${target}.backup`, constants.COPYFILE_EXCL).catch((error: unknown) => {
    if (codeOf(error) !== 'EEXIST') throw error
  })
