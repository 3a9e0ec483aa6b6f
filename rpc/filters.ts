/** Least first. */
export const severities = ['info', 'warning', 'error', 'critical'] as const
export type Severity = (typeof severities)[number]

/** Which notifications of a topic a client wants. `device`: of these cameras only; `severity`: the least severe one. */
export interface Filters {
  device?: string | string[]
  severity?: Severity
}

/** Facts without a camera pass every filter by `device`. */
export const passes = (filters: Filters | undefined, severity: Severity, camera?: string): boolean => {
  if (filters === undefined) return true
  const { device, severity: least } = filters
  if (least !== undefined && severities.indexOf(severity) < severities.indexOf(least)) return false
  if (device === undefined || camera === undefined) return true
  return Array.isArray(device) ? device.includes(camera) : device === camera
}
