import { readFileSync, watch } from 'node:fs'
import { performance } from 'node:perf_hooks'

/** The simulation of a clock that jumps, in microseconds. */
let offset = 0

/** Takes the offset in ms from this file, and whenever it changes. */
export function followOffset(file: string): void {
  const read = () => {
    const text = readFileSync(file, 'utf8').trim()
    // The file is being written.
    if (/^-?\d+$/.test(text)) offset = Number(text) * 1000
  }
  read()
  watch(file, { persistent: false }, read)
}

/** Returns the microseconds since 1970. Follows a stepped system clock, which `performance.timeOrigin` does not. */
export function microseconds(): number {
  const fine = Math.round((performance.timeOrigin + performance.now()) * 1000)
  const coarse = Date.now() * 1000
  return (Math.abs(fine - coarse) < 50_000 ? fine : coarse) + offset
}

/** Formats microseconds since 1970 as RFC 3339 in UTC, without trailing zeros: `2026-11-21T11:04:12.036077Z`. */
export function instant(at: number): string {
  const whole = new Date(Math.floor(at / 1000)).toISOString().slice(0, 19)
  const fraction = String(at % 1_000_000)
    .padStart(6, '0')
    .replace(/0+$/, '')
  return `${whole}${fraction ? `.${fraction}` : ''}Z`
}
