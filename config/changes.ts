/** What differs between two configurations, and how it applies. Pure. */
import { isDeepStrictEqual } from 'node:util'
import type { CameraChange, ConfigChange } from '../machines/domain/configuration.js'
import { settingsKey } from '../machines/domain/entries.js'
import { hidden, isSecretName, maskedText, withoutUser } from '../machines/domain/mask.js'
import type { CameraEntry } from '../machines/domain/ports.js'
import { shownUrl } from '../machines/domain/streamUrl.js'
import type { Loaded } from './load.js'
import { type Configuration, type Setting, settings } from './schema.js'

/** The value of a key such as `server.port`. */
export const valueAt = (config: Configuration, key: string): unknown =>
  key.split('.').reduce<unknown>((group, name) => (group as Record<string, unknown>)[name], config)

/** The value of a key as written, without secrets. A key that is not set shows its default. */
export function shownValue({ written }: Pick<Loaded, 'written'>, key: string, setting: Setting<unknown>): unknown {
  const value = written.has(key) ? written.get(key) : setting.written
  return setting.sensitive && value !== '' ? hidden : withoutSecrets(value, key)
}

/** Masks the credentials in URLs, and the values of names such as `password`. */
export function withoutSecrets(value: unknown, name = ''): unknown {
  if (Array.isArray(value)) return value.map((item) => withoutSecrets(item))
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, withoutSecrets(each, key)]))
  if (typeof value !== 'string' || value === '') return value
  if (isSecretName(name) && !isPublicName(name)) return hidden
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? maskedUrl(value) : maskedText(value)
}

/** Shows that there is a user and a password, because a URL without them means that there are none. */
function maskedUrl(url: string): string {
  const shown = shownUrl(url)
  return withoutUser(url) === url ? shown : shown.replace('://', `://${hidden}@`)
}

/** The paths of files with secrets, and the lifetimes of keys, are no secrets. */
const isPublicName = (name: string) => /_file$|(^|\.)(api_key_management\.)/.test(name)

/** The keys whose values differ. A value that is written in another way (`60s`, `1m`) is the same. */
export function changesOf(before: Loaded, after: Loaded): ConfigChange[] {
  return [...settings].flatMap(([key, setting]): ConfigChange[] => {
    if (isDeepStrictEqual(valueAt(before.config, key), valueAt(after.config, key))) return []
    const [from, to] = [shownValue(before, key, setting), shownValue(after, key, setting)]
    const cameras = key === 'cameras' && { cameras: cameraChanges(before.config.cameras, after.config.cameras) }
    return [{ key, from, to, applies: setting.applies, ...cameras }]
  })
}

/** What the change of the list does to each camera. A camera whose entry is the same is not in the result. */
export function cameraChanges(before: readonly CameraEntry[], after: readonly CameraEntry[]): CameraChange[] {
  const old = new Map(before.map((entry) => [settingsKey(entry), entry]))
  const now = new Map(after.map((entry) => [settingsKey(entry), entry]))
  const gone = before.filter((entry) => !now.has(settingsKey(entry)))
  return [
    ...gone.flatMap((entry) => changeOf(entry, undefined) ?? []),
    ...after.flatMap((entry) => changeOf(old.get(settingsKey(entry)), entry) ?? []),
  ]
}

function changeOf(before: CameraEntry | undefined, after: CameraEntry | undefined): CameraChange | undefined {
  const entry = after ?? before
  if (!entry || isDeepStrictEqual(before, after)) return undefined
  const { name, source } = entry
  // A USB camera is there without an entry, too.
  const [was, is] = [before, after].map((one) => one?.enabled ?? source.kind === 'usb')
  if (!was && !is) return undefined
  if (was !== is) return { name, change: is ? 'added' : 'removed' }
  const isSame = isDeepStrictEqual(streamSettings(before), streamSettings(after))
  return { name, change: isSame ? 'updated' : 'reconnected' }
}

/** What the stream of the camera depends on: not its name, its priority or the limits of its files. */
function streamSettings(entry: CameraEntry | undefined) {
  const { name: _name, priority: _priority, limits: _limits, ...settings } = entry?.settings ?? {}
  return { source: entry?.source.kind === 'rtsp' ? entry.source : undefined, settings }
}
