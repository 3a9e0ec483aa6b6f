/** The rules by which the running service compares, patches and shows its configuration. Pure. */
import { isDeepStrictEqual } from 'node:util'
import { ConfigRefusal, type ConfigRules, type ConfigValue } from '../machines/domain/configuration.js'
import { changesOf, shownValue } from './changes.js'
import { liveSettings } from './derive/live.js'
import { ConfigurationError, type ConfigurationSources, type Loaded, parseConfiguration } from './load.js'
import { migrate } from './migrations.js'
import { patchText } from './patch.js'
import { settings } from './schema.js'

/** `started`: the configuration that the service started with. The environment and the flags do not change. */
export function configurationRules(
  { env, flags }: Pick<ConfigurationSources, 'env' | 'flags'>,
  started: Loaded,
): ConfigRules {
  const parse = (text: string): Loaded => {
    try {
      return parseConfiguration({ file: text, env, ...(flags && { flags }) })
    } catch (error) {
      throw error instanceof ConfigurationError ? new ConfigRefusal(error.faults) : error
    }
  }
  const needsRestart = (next: Loaded) =>
    changesOf(started, next).flatMap(({ key, applies }) => (applies === 'restart' ? [key] : []))

  return {
    compare(before, after) {
      const [old, next] = [parse(before), parse(after)]
      return {
        changes: changesOf(old, next),
        needsRestart: needsRestart(next),
        warnings: [...next.warnings, ...overridden(old, next)],
        settings: liveSettings(next.config),
      }
    },
    patch: (text, patch) => patchText(migrate(text), patch),
    describe(text) {
      const now = parse(text)
      const values = [...settings].map(([key, setting]) => ({
        key,
        value: shownValue(now, key, setting),
        origin: originOf(now.origins.get(key)),
        applies: setting.applies,
      }))
      return { values, needsRestart: needsRestart(now) }
    },
  }
}

/** Keys that were changed in the file, but are set by another source, which wins. */
const overridden = (before: Loaded, after: Loaded): string[] =>
  [...settings.keys()].flatMap((key) => {
    const origin = after.origins.get(key) ?? ''
    if (isDeepStrictEqual(before.inFile.get(key), after.inFile.get(key)) || !after.inFile.has(key)) return []
    return originOf(origin) === 'file' ? [] : [`${key} is set by ${origin}: the value in the file is not used`]
  })

function originOf(origin: string | undefined): ConfigValue['origin'] {
  if (origin === undefined) return 'default'
  return origin.startsWith('environment') ? 'environment' : origin.startsWith('flag') ? 'flag' : 'file'
}
