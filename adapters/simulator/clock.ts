import { performance } from 'node:perf_hooks'

/** Returns the microseconds since 1970. Follows a stepped system clock, which `performance.timeOrigin` does not. */
export function microseconds(): number {
  const fine = Math.round((performance.timeOrigin + performance.now()) * 1000)
  const coarse = Date.now() * 1000
  return Math.abs(fine - coarse) < 50_000 ? fine : coarse
}

/** Formats microseconds since 1970 as RFC 3339 in UTC, without trailing zeros: `2026-11-21T11:04:12.036077Z`. */
export function instant(at: number): string {
  const whole = new Date(Math.floor(at / 1000)).toISOString().slice(0, 19)
  const fraction = String(at % 1_000_000)
    .padStart(6, '0')
    .replace(/0+$/, '')
  return `${whole}${fraction ? `.${fraction}` : ''}Z`
}
