import { type Config, compare, type Snapshot } from '../config/config.js'
import { milliseconds } from '../config/duration.js'
import type { PathConf } from '../config/fields.js'
import { findPathConf, matcherOf } from '../config/pathNames.js'
import type { Log } from '../log.js'
import type { Commands } from './commands.js'
import { createPath, type Path } from './path.js'

/** All paths of the server. */
export interface Paths {
  /** Returns the path of this name, and makes it if only an expression matches. Throws when nothing is configured. */
  find(name: string): Path
  /** Returns the configuration that a path of this name has or would get. Throws like `find`. */
  confOf(name: string): PathConf
  get(name: string): Path | undefined
  /** Lists the paths by name. */
  list(): Path[]
  /** Applies the present configuration: keeps, changes, closes and makes paths. */
  reload(): void
  /** Closes every path and makes the configured ones anew, as a change of global fields does. */
  restart(): void
  close(): void
}

/** Returns an empty set of paths. `reload` makes those of the configuration. */
export function createPaths({ config, commands, log }: { config: Config; commands: Commands; log: Log }): Paths {
  const paths = new Map<string, Path>()
  /** The configuration that the present paths were made from. */
  let applied: Snapshot['paths'] = new Map()

  const make = (name: string, conf: PathConf): Path => {
    const { rtspAddress, readTimeout } = config.now.global
    const path = createPath({
      name,
      conf,
      rtspPort: rtspAddress.slice(rtspAddress.lastIndexOf(':') + 1),
      readTimeout: milliseconds(readTimeout),
      commands,
      log,
      idle: () => {
        if (paths.get(name) === path) paths.delete(name)
        path.close()
      },
    })
    paths.set(name, path)
    return path
  }
  const drop = (name: string, path: Path): void => {
    paths.delete(name)
    path.close()
  }
  const findConf = (name: string): PathConf | undefined => {
    try {
      return findPathConf(applied, name)
    } catch {
      return undefined
    }
  }
  const adopt = (name: string, path: Path): void => {
    const conf = findConf(name)
    const change = conf ? compare(path.conf, conf) : 'new'
    if (!conf || change === 'new') drop(name, path)
    else if (change === 'hot') path.reload(conf)
  }
  const makeStatic = (): void => {
    for (const [name, conf] of applied) if (!matcherOf(name) && !paths.has(name)) make(name, conf)
  }
  const closeAll = (): void => {
    for (const [name, path] of [...paths]) drop(name, path)
  }
  const reload = (): void => {
    applied = config.now.paths
    for (const [name, path] of [...paths]) adopt(name, path)
    makeStatic()
  }

  return {
    find: (name) => paths.get(name) ?? make(name, findPathConf(applied, name)),
    confOf: (name) => findPathConf(applied, name),
    get: (name) => paths.get(name),
    list: () => [...paths].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, path]) => path),
    reload,
    restart: () => {
      closeAll()
      reload()
    },
    close: closeAll,
  }
}
