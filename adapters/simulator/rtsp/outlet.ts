import type { Socket } from 'node:net'
import { formatFrame } from '../../rtsp/message.js'

/** What an outlet needs. */
export interface OutletOptions {
  socket: Pick<Socket, 'cork' | 'uncork' | 'write' | 'writableLength' | 'destroyed'>
  /** Number of bytes that may wait for the reader. Packets above it are dropped. */
  limit: number
  /** How long the queue may stay above the limit, in ms. */
  patience: number
  /** Called with the number of dropped packets, at once and then once a second. */
  dropped: (count: number) => void
  /** Called when `patience` is over. */
  dead: () => void
}

/** Sends packets to one reader. It never waits: a slow reader loses packets and delays no other reader. */
export interface Outlet {
  /** Returns the number of bytes sent; 0 when the packet was dropped. */
  send(channel: number, packet: Buffer): number
  readonly discarded: number
  close(): void
}

/** Returns the outlet of one reader. */
export function createOutlet({ socket, limit, patience, dropped, dead }: OutletOptions): Outlet {
  let discarded = 0
  let unreported = 0
  let report: NodeJS.Timeout | undefined
  let fullSince: number | undefined
  let corked = false

  const writeReport = (): void => {
    if (unreported === 0) {
      report = undefined
      return
    }
    dropped(unreported)
    unreported = 0
    report = setTimeout(writeReport, 1000)
  }
  const drop = (): void => {
    discarded++
    unreported++
    if (!report) writeReport()
    const now = Date.now()
    fullSince ??= now
    if (now - fullSince > patience) dead()
  }

  return {
    send: (channel, packet) => {
      if (socket.destroyed) return 0
      if (socket.writableLength > limit) {
        drop()
        return 0
      }
      fullSince = undefined
      // Packets that arrive in one read leave in one write.
      if (!corked) {
        corked = true
        socket.cork()
        process.nextTick(() => {
          corked = false
          socket.uncork()
        })
      }
      socket.write(frameOf(channel, packet))
      return packet.length
    },
    get discarded() {
      return discarded
    },
    close: () => clearTimeout(report),
  }
}

let lastPacket: Buffer | undefined
let lastChannel = -1
let lastFrame: Buffer = Buffer.alloc(0)

/** Most readers use the same channel, so the last frame is kept for the next reader. */
function frameOf(channel: number, packet: Buffer): Buffer {
  if (packet !== lastPacket || channel !== lastChannel) {
    lastFrame = formatFrame(channel, packet)
    lastPacket = packet
    lastChannel = channel
  }
  return lastFrame
}
