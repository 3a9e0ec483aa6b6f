import { readdirSync, readlinkSync } from 'node:fs'
import { attempt } from '../attempt.js'
import { readProc } from '../markedProcesses.js'

/** A program that listens on a port. Those of other users have no pid. */
export interface Listener {
  pid?: number
  /** The name of the program, without its arguments. */
  command?: string
}

/** The state LISTEN in /proc/net/tcp; in /proc/net/udp a socket without a peer has this one. */
const listening = { tcp: '0A', udp: '07' }

/** Returns the program that listens on the port at any address; `undefined` if there is none. See proc(5). */
export function listenerOf(port: number, protocol: 'tcp' | 'udp'): Listener | undefined {
  const sockets = ['', '6'].flatMap((version) => socketsAt(readProc(`net/${protocol}${version}`), port, protocol))
  return sockets.length === 0 ? undefined : (ownerOf(new Set(sockets.map((inode) => `socket:[${inode}]`))) ?? {})
}

/** The inodes of the sockets that listen on the port. */
export function socketsAt(table: string, port: number, protocol: 'tcp' | 'udp'): string[] {
  const hex = port.toString(16).toUpperCase().padStart(4, '0')
  return table.split('\n').flatMap((line) => {
    const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/)
    return local.endsWith(`:${hex}`) && state === listening[protocol] && inode !== undefined ? [inode] : []
  })
}

function ownerOf(sockets: ReadonlySet<string>): Listener | undefined {
  for (const name of attempt(() => readdirSync('/proc')) ?? []) {
    const folder = `/proc/${name}/fd`
    const files = /^\d+$/.test(name) ? (attempt(() => readdirSync(folder)) ?? []) : []
    if (files.some((file) => sockets.has(attempt(() => readlinkSync(`${folder}/${file}`)) ?? '')))
      return { pid: Number(name), command: readProc(`${name}/comm`).trim() || 'unknown' }
  }
  return undefined
}
