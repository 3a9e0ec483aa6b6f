/** Which cameras there are, and what the fleet says about devices and entries that are none. Pure. */
import type { CameraId } from './domain/camera.js'
import type { EntryFact } from './domain/facts.js'
import type { Registry } from './domain/ports.js'
import { roster } from './domain/roster.js'
import type { FleetContext } from './fleetContext.js'
import { isSame } from './fleetSettings.js'

/** Returns the cameras that are present, with what is new about devices and entries that are no cameras. */
export function identified(context: FleetContext) {
  const found = roster({ ...context, devices: context.devices ?? [] }, context.registry)
  // Before the first scan no entry is absent.
  const { absent, ignored } = context.devices ? notices(context, found) : context
  const { present, changed } = found
  const registry = changed ? found.registry : context.registry
  return { present, registry, absent, ignored, facts: noticesAfter(context, { absent, ignored }) }
}

type Notices = Pick<FleetContext, 'absent' | 'ignored'>

/**
 * Returns the entries without a device, and the devices without an entry. A camera of this run that is unplugged is in
 * the list of cameras, so that its entry is not absent. An unchanged list stays the same object.
 */
function notices({ told, absent, ignored }: FleetContext, found: ReturnType<typeof roster>): Notices {
  const known = new Set(Object.values(told).map((camera) => camera?.entry))
  const now = found.absent.filter(({ entry }) => !known.has(entry))
  return {
    absent: isSame(now, absent) ? absent : now,
    ignored: isSame(found.ignored, ignored) ? ignored : found.ignored,
  }
}

/** The facts about what was not so before. */
function noticesAfter(before: Notices, { absent, ignored }: Notices): EntryFact[] {
  const wasAbsent = new Set(before.absent.map(({ entry }) => entry))
  const wasIgnored = new Set(before.ignored.map(({ node }) => node))
  return [
    ...absent
      .filter(({ entry }) => !wasAbsent.has(entry))
      .map(({ name, reason }): EntryFact => ({ type: 'entry.absent', name, reason })),
    ...ignored
      .filter(({ node }) => !wasIgnored.has(node))
      .map(({ node, model, links }): EntryFact => {
        const path = links.find((link) => link.includes('/by-path/')) ?? links[0] ?? node
        return { type: 'device.ignored', name: model, source: `v4l2:${path}` }
      }),
  ]
}

/** Returns the registry with the name that a client has set; an empty name removes it. */
export const withName = (registry: Registry, camera: CameraId, name: string): Registry => ({
  ...registry,
  cameras: registry.cameras.map((one) => {
    if (one.id !== camera) return one
    const { name: _, ...rest } = one
    return name === '' ? rest : { ...rest, name }
  }),
})
