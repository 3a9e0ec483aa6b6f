import { createServer, type Server } from 'node:net'
import type { Config } from '../config/config.js'
import { type Log, labelled } from '../log.js'
import type { Paths } from '../paths/manager.js'
import { type Connection, createConnection } from './connection.js'
import type { Session } from './session.js'

export interface RtspServer {
  /** Rejects when the address is taken. */
  listen(): Promise<void>
  sessions: Map<string, Session>
  connections: Map<string, Connection>
  close(): void
}

/** RTSP over TCP, nothing else. */
export function createRtspServer({ config, paths, log: parentLog }: { config: Config; paths: Paths; log: Log }): RtspServer {
  const log = labelled(parentLog, 'RTSP')
  const sessions = new Map<string, Session>()
  const connections = new Map<string, Connection>()
  const server: Server = createServer((socket) => {
    const connection = createConnection({
      socket,
      conf: config.now.global,
      paths,
      log,
      sessions,
      closed: () => connections.delete(connection.id),
    })
    connections.set(connection.id, connection)
  })
  return {
    sessions,
    connections,
    listen: async () => {
      const { rtspAddress } = config.now.global
      await listen(server, rtspAddress)
      log('INF', `started with listeners on ${rtspAddress} (TCP/RTSP)`)
    },
    close: () => {
      log('INF', 'closing')
      server.close()
      for (const connection of [...connections.values()]) connection.close('terminated')
    },
  }
}

/** `127.0.0.1:8554`, `[::1]:8554`, `:8554`. */
export const listen = (server: Server, address: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const colon = address.lastIndexOf(':')
    const host = address.slice(0, colon).replace(/^\[|\]$/g, '')
    server.once('error', (error) =>
      reject(new Error(`listen tcp ${address}: ${'code' in error && error.code === 'EADDRINUSE' ? 'bind: address already in use' : error.message}`)),
    )
    server.listen({ port: Number(address.slice(colon + 1)), ...(host && { host }) }, resolve)
  })
