import * as Type from 'typebox'
import type { ConfigHistory, ConfigVersion } from '../../machines/domain/configuration.js'
import { openStateFile, type StoreOptions } from '../data/stateFile.js'

const Version = Type.Object({
  version: Type.Integer({ minimum: 1 }),
  at: Type.Number(),
  user: Type.String(),
  origin: Type.Enum(['start', 'file', 'signal', 'client']),
  text: Type.String(),
})

/** The last good versions of the configuration file, in `configuration.json`. They may hold passwords. */
export function createConfigHistory({ dir, clock, log }: StoreOptions): ConfigHistory {
  const file = openStateFile({
    dir,
    name: 'configuration.json',
    what: 'the history of the configuration',
    schema: Type.Object({ versions: Type.Array(Version) }),
    empty: { versions: [] },
    consequence: 'earlier versions cannot be restored',
    clock,
    log,
  })
  let versions: Promise<ConfigVersion[]> | undefined
  const list = () => {
    if (versions) return versions
    const loading = file.load().then(({ value }) => value.versions)
    versions = loading
    // The next call reads again: the disk may have recovered.
    loading.catch(() => {
      versions = undefined
    })
    return loading
  }

  return {
    list,
    async keep({ text, user, origin }, limit) {
      const before = await list()
      const newest = before.at(-1)
      if (newest?.text === text) return newest.version
      const version = (newest?.version ?? 0) + 1
      const after = [...before, { version, at: clock.now(), user, origin, text }].slice(-limit)
      await file.write({ versions: after })
      versions = Promise.resolve(after)
      return version
    },
  }
}
