import type { Caller } from '../machines/domain/access.js'
import type { Evidence } from '../machines/domain/reason.js'
import { hasAllCameras, mayReach } from './rights.js'

/** Evidence about other programs of the host: only for administrators of all cameras. */
const ofHost = new Set(['holder_pid', 'holder_command'])

/** The evidence that a caller gets; `undefined` if none is left. `neighbours` lists the cameras that it may use. */
export function evidenceFor(caller: Caller | undefined, evidence: Evidence | undefined): Evidence | undefined {
  if (evidence === undefined || caller === undefined) return evidence
  const isTrusted = caller.role === 'admin' && hasAllCameras(caller)
  const shown = Object.entries(evidence).flatMap(([name, value]): [string, Evidence[string]][] => {
    if (ofHost.has(name)) return isTrusted ? [[name, value]] : []
    if (name !== 'neighbours') return [[name, value]]
    const cameras = String(value)
      .split(', ')
      .filter((camera) => mayReach(caller, camera))
    return cameras.length > 0 ? [[name, cameras.join(', ')]] : []
  })
  return shown.length > 0 ? Object.fromEntries(shown) : undefined
}
