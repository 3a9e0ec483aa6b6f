import type { Camera, Notifications } from '../client/index.js'

/** By number. */
const sorted = (cameras: readonly Camera[]): Camera[] =>
  [...cameras].sort((one, other) => Number(one.id.slice(6)) - Number(other.id.slice(6)))

/** Replaces the camera, or adds it. A notification about a camera that left the list lacks most members. */
export const withCamera = (cameras: readonly Camera[], update: Notifications['camera_status_update']): Camera[] => {
  if (!('allowed_methods' in update)) return cameras.filter(({ id }) => id !== update.id)
  const { severity: _severity, seq: _seq, at: _at, timestamp: _timestamp, ...camera } = update
  return sorted([...cameras.filter(({ id }) => id !== camera.id), camera])
}

export const withoutCamera = (cameras: readonly Camera[], id: string): Camera[] =>
  cameras.filter((camera) => camera.id !== id)

export interface Permission {
  allowed: boolean
  /** Why not, in one sentence. */
  why?: string
}

/** Whether the camera accepts the method now, exactly as the service says. */
export const permissionFor = ({ allowed_methods, refused_methods }: Camera, method: string): Permission => {
  if (allowed_methods.includes(method)) return { allowed: true }
  const why = refused_methods.find((refused) => refused.method === method)?.details
  return { allowed: false, why: why ?? 'The service does not allow it now.' }
}

/** A sentence that begins with a capital and ends with a full stop. */
export const sentence = (text: string): string => {
  const trimmed = text.trim()
  if (trimmed === '') return ''
  // Names of keys and ids stay as they are: `mediamtx.mode`, `camera0`.
  const isName = /^\S*(\d|[._]\S)/.test(trimmed)
  const begun = isName ? trimmed : trimmed.charAt(0).toUpperCase() + trimmed.slice(1)
  return /[.!?…]$/.test(begun) ? begun : `${begun}.`
}
