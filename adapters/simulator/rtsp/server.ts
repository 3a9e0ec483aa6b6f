import { createServer } from 'node:net'
import type { Config } from '../config/config.js'
import { listen } from '../listen.js'
import { type Log, labelled } from '../log.js'
import type { Paths } from '../paths/manager.js'
import { type Connection, createConnection } from './connection.js'
import type { Session } from './session.js'

/** The RTSP listener, with its connections and sessions by id. */
export interface RtspServer {
  /** Rejects when the address cannot be had. */
  listen(): Promise<void>
  sessions: Map<string, Session>
  connections: Map<string, Connection>
  close(): void
}

/** Serves RTSP over TCP; UDP is refused. */
export function createRtspServer({
  config,
  paths,
  log: parentLog,
}: {
  config: Config
  paths: Paths
  log: Log
}): RtspServer {
  const log = labelled(parentLog, 'RTSP')
  const sessions = new Map<string, Session>()
  const connections = new Map<string, Connection>()
  const server = createServer((socket) => {
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
