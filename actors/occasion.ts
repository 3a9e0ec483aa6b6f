import type { AnyMachineSnapshot, SnapshotFrom } from 'xstate'
import { type CameraSnapshot, cameraAspects } from '../machines/cameraView.js'
import { linkView, type mediamtxLinkMachine } from '../machines/mediamtxLink.js'
import type { recordingMachine } from '../machines/recording.js'
import { recordingView } from '../machines/recordingView.js'
import { type storageMachine, storageView } from '../machines/storage.js'

/** Returns the public name of a state: its first tag, or else its top-level state. */
export function wordOf({ tags, value }: AnyMachineSnapshot): string {
  const [tag] = tags as Set<string>
  return tag ?? (typeof value === 'string' ? value : (Object.keys(value)[0] ?? ''))
}

/** `word`: the public name of a state. */
export interface Occasion {
  word: string
  /**
   * The code of its reason, where another reason begins the state anew: a full disk that becomes read-only is blocked
   * since then, and not by what filled it.
   */
  why?: string | undefined
  /** What does not begin the state anew, but is worth an entry in the journal: why it lasts. */
  detail?: string | undefined
}

export const isSameOccasion = (one: Occasion | undefined, other: Occasion): boolean =>
  one?.word === other.word && one.why === other.why

export const isSameCause = (one: Occasion | undefined, other: Occasion): boolean =>
  isSameOccasion(one, other) && one?.detail === other.detail

/** Returns what the start time and the causes of a state belong to. */
export function occasionOf(snapshot: AnyMachineSnapshot): Occasion {
  switch (snapshot.machine.id) {
    case 'camera': {
      const { state } = cameraAspects(snapshot as CameraSnapshot)
      const { reason } = (snapshot as CameraSnapshot).context
      return { word: state, ...(state === 'faulty' && { detail: reason?.details }) }
    }
    case 'mediamtxLink': {
      const { state, cause } = linkView(snapshot as SnapshotFrom<typeof mediamtxLinkMachine>, 0)
      return { word: state, ...(state === 'down' && { detail: cause.reason?.details }) }
    }
    case 'recording': {
      const { status, reason } = recordingView(snapshot as SnapshotFrom<typeof recordingMachine>)
      return { word: status.toLowerCase(), ...(status === 'INTERRUPTED' && { why: reason?.code }) }
    }
    case 'storage': {
      const { state, cause } = storageView(snapshot as SnapshotFrom<typeof storageMachine>, 0)
      return { word: state, ...(state === 'critical' && { why: cause.reason?.code }) }
    }
    default:
      return { word: wordOf(snapshot) }
  }
}
