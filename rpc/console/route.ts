/** The views, by the fragment of the address: `#/cameras/camera0`. */
export const tabs = ['overview', 'sessions', 'keys', 'audit', 'configuration', 'actors'] as const
export type Tab = (typeof tabs)[number]

export type Route =
  | { view: 'cameras' }
  | { view: 'camera'; id: string }
  | { view: 'recordings' | 'snapshots'; file?: string }
  | { view: 'system'; tab: Tab; actor?: string }
  /** A wall display of these cameras; without a list, of all. */
  | { view: 'kiosk'; cameras?: string[] }

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}

/** Unknown fragments are the list of cameras. */
export const routeOf = (hash: string): Route => {
  const [view = '', first, ...rest] = hash.replace(/^#\/?/, '').replace(/\?.*$/, '').split('/').map(decoded)
  if (view === 'kiosk') {
    const cameras = (first ?? '').split(',').filter((camera) => camera !== '')
    return cameras.length === 0 ? { view } : { view, cameras }
  }
  if (view === 'cameras' && first) return { view: 'camera', id: first }
  if (view === 'recordings' || view === 'snapshots') return first ? { view, file: first } : { view }
  if (view !== 'system') return { view: 'cameras' }
  const tab = tabs.find((name) => name === first) ?? 'overview'
  return tab === 'actors' && rest[0] ? { view, tab, actor: rest[0] } : { view, tab }
}

export const hrefOf = (route: Route): string => {
  const parts = (...names: (string | undefined)[]) =>
    `#/${names.flatMap((name) => (name === undefined ? [] : encodeURIComponent(name))).join('/')}`
  switch (route.view) {
    case 'cameras':
      return '#/cameras'
    case 'camera':
      return parts('cameras', route.id)
    case 'system':
      return parts('system', route.tab, route.actor)
    case 'kiosk':
      return parts('kiosk', route.cameras?.join(','))
    default:
      return parts(route.view, route.file)
  }
}

/** The code of a one-time link, `#signin=CODE`. */
export const signInCodeOf = (hash: string): string | undefined => /^#signin=([\w-]{1,128})$/.exec(hash)?.[1]

/** The API key of a wall display, `#/kiosk?key=csk_…`, and the address without it. */
export const kioskKeyIn = (hash: string): { key: string; rest: string } | undefined => {
  const [, rest, key] = /^(#\/?kiosk(?:\/[^?]*)?)\?key=(csk_[\w-]{43})$/.exec(hash) ?? []
  return rest === undefined || key === undefined ? undefined : { key, rest }
}
