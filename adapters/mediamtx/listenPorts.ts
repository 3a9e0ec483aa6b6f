import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'
import type { Log } from '../../machines/domain/ports.js'
import { codeOf } from '../errorCode.js'
import type { ServerOffers, ServerPorts } from './configurationFile.js'

/** The ports of a media server. `webrtcUdp` absent: MediaMTX's default 8189, or any free port if it is in use. */
export type WantedPorts = Omit<ServerPorts, 'webrtcUdp'> & { webrtcUdp?: number }

interface ListenPlan {
  ports: WantedPorts
  /** The address of all ports except that of the API. */
  host: string
  offers: ServerOffers
  log: Log
}

/** A port that the media server will use. `key`: its configuration key. */
export interface Claim {
  key: string
  host: string
  port: number
  udp?: boolean
}

/**
 * Checks the ports before a start. Without the port of the API or of RTSP it rejects with one sentence. Without a port
 * of HLS or WebRTC the media server starts without that protocol: it is false in the result, and a warning says so.
 */
export async function choosePorts(plan: ListenPlan): Promise<{ ports: ServerPorts; offers: ServerOffers }> {
  const { ports, host, offers } = plan
  const required: Claim[] = [
    { key: 'mediamtx.api_port', host: '127.0.0.1', port: ports.api },
    { key: 'mediamtx.rtsp_port', host, port: ports.rtsp },
  ]
  for (const claim of required) {
    const problem = await problemOf(claim)
    if (problem !== undefined) throw new Error(`the media server cannot start: ${problem}`)
  }
  const hls = { key: 'mediamtx.hls_port', host, port: ports.hls }
  const webrtc = { key: 'mediamtx.webrtc_port', host, port: ports.webrtc }
  const media =
    ports.webrtcUdp === undefined ? [] : [{ key: 'mediamtx.webrtc_udp_port', host, port: ports.webrtcUdp, udp: true }]
  return {
    offers: {
      hls: offers.hls && (await canOffer('HLS', [hls], plan.log)),
      webrtc: offers.webrtc && (await canOffer('WebRTC', [webrtc, ...media], plan.log)),
    },
    ports: { ...ports, webrtcUdp: ports.webrtcUdp ?? (await freeUdpPort(host, 8189)) },
  }
}

async function canOffer(protocol: string, claims: readonly Claim[], log: Log): Promise<boolean> {
  for (const claim of claims) {
    const reason = await problemOf(claim)
    if (reason === undefined) continue
    log.warn(`the media server starts without ${protocol}`, {
      missing: `${protocol} playback; clients get no ${protocol} URLs`,
      reason,
      remedy: 'free the port or configure another one, then restart the service',
    })
    return false
  }
  return true
}

/** Returns why the port cannot be used, with port and key; `undefined` if it can. */
async function problemOf({ key, host, port, udp = false }: Claim): Promise<string | undefined> {
  const error = await bindFault({ host, port, udp })
  if (error === undefined) return undefined
  if (error === 'EADDRINUSE') return `port ${port} (${key}) is in use by another program`
  if (error === 'EACCES') return `port ${port} (${key}) is reserved for the system`
  return `the address ${host} (server.host) does not belong to this host`
}

/** Resolves with the code of the system error if a program cannot listen there now; `undefined` if it can. */
export const bindFault = ({ host, port, udp }: Omit<Claim, 'key'>): Promise<string | undefined> =>
  (udp ? bindUdp(host, port) : bindTcp(host, port)).then(() => undefined, codeOf)

/** Resolves with the preferred port, or any free one if it is in use. */
const freeUdpPort = (host: string, preferred: number): Promise<number> =>
  bindUdp(host, preferred).catch(() => bindUdp(host, 0))

/** Resolves if the port can be used; rejects with a system error. */
const bindTcp = (host: string, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve()))
  })

/** Resolves with the port if it can be used; rejects with a system error. Port 0: any free one. */
const bindUdp = (host: string, port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
    socket.once('error', (error) => {
      socket.close()
      reject(error)
    })
    socket.bind({ address: host, port, exclusive: true }, () => {
      const { port: bound } = socket.address()
      socket.close(() => resolve(bound))
    })
  })
