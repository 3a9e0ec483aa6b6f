import { readdirSync, readlinkSync } from 'node:fs'
import { attempt } from '../attempt.js'
import { type ProcessId, readProc } from '../markedProcesses.js'

/** Columns of /proc/net/tcp. */
const stateColumn = 3
const inodeColumn = 9
const established = '01'

/**
 * True if the process has a TCP connection, or if that cannot be seen. The only one of an ffmpeg that captures is that
 * to the media server, which it opens when the first frame is encoded, a few ms before it asks to publish.
 */
export function isConnected({ pid }: Pick<ProcessId, 'pid'>): boolean {
  const tables = ['tcp', 'tcp6'].map((table) => readProc(`${pid}/net/${table}`))
  // A sandbox may hide them.
  if (tables.every((table) => table === '')) return true
  const rows = tables.flatMap((table) => table.split('\n').slice(1))
  const connected = new Set(
    rows.flatMap((row) => {
      const columns = row.trim().split(/\s+/)
      return columns[stateColumn] === established ? [`socket:[${columns[inodeColumn]}]`] : []
    }),
  )
  const files = attempt(() => readdirSync(`/proc/${pid}/fd`)) ?? []
  return files.some((file) => connected.has(attempt(() => readlinkSync(`/proc/${pid}/fd/${file}`)) ?? ''))
}
