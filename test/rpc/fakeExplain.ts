import type { Explain, Explanation } from '../../machines/domain/explanation.js'
import type { Flapping, JournalEntry } from '../../machines/domain/journal.js'
import type { CameraView, Cause, LinkView, StorageView, SystemView } from '../../machines/domain/views.js'
import { memoryJournal } from '../support/memoryJournal.js'

interface Present {
  link: LinkView
  storage: StorageView
  system: SystemView
  entries: JournalEntry[]
  flapping?: Flapping | undefined
}

/** Explains the views of a fake world; the causes are the entries of the actor. */
export function fakeExplain(world: Present, camera: (id: string) => CameraView): Explain {
  const explained = (subject: string, actor: string, { state, since, reason }: Cause): Explanation => {
    const causes = world.entries.filter((entry) => entry.actor === actor)
    const evidence = causes[0]?.evidence
    const text = `${subject} is ${state}`
    const facts = { ...(reason && { reason }), ...(evidence && { evidence }) }
    return { subject, state, since, text, causes, timers: [], allowed: [], refused: [], ...facts }
  }
  const cameraOf = (id: string) => {
    const view = camera(id)
    return { ...explained(id, `camera:${id}`, view.cause), allowed: view.allowed }
  }
  return {
    flapping: () => world.flapping,
    camera: cameraOf,
    failure: cameraOf,
    recording: (id) => explained(`recording of ${id}`, `camera:${id}/recording`, camera(id).cause),
    component(name) {
      if (name === 'mediamtx') return explained(name, 'link', world.link.cause)
      return explained(name, name, name === 'storage' ? world.storage.cause : world.system.discovery.cause)
    },
  }
}

/** A journal with these entries. */
export const fakeJournal = (entries: readonly JournalEntry[]) => {
  const journal = memoryJournal()
  for (const { seq: _, ...entry } of entries) journal.append(entry)
  return journal
}

/** How camera1 came to be unplugged. */
export const unplugging = (at: number): JournalEntry[] => [
  {
    seq: 1,
    at,
    actor: 'camera:camera1',
    machine: 'camera@1f3a9c',
    from: 'alive.connection.online.life.available.serving',
    to: 'alive.connection.away.unplugged',
    state: 'unplugged',
    event: 'device.removed',
    cause: { event: 'devices.hint', actor: 'watchDevices', by: { user: 'ann', request: 'r1' } },
    evidence: { reason: 'unplugged', details: 'the camera was unplugged', udev_action: 'remove' },
  },
  { seq: 2, at, actor: 'storage', machine: 'storage@0e1b2c', to: 'level.ok', state: 'ok', event: 'measureDisk done' },
]
