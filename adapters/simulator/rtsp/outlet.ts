import type { Socket } from 'node:net'
import { formatFrame } from '../../rtsp/message.js'

export interface OutletOptions {
  socket: Pick<Socket, 'cork' | 'uncork' | 'write' | 'writableLength' | 'destroyed'>
  /** Bytes that may wait for the reader; what comes above is dropped. */
  limit: number
  /** Above the limit for so long (ms), the reader is as good as dead. */
  patience: number
  /** Packets that were dropped, told at once and then once a second. */
  dropped: (count: number) => void
  dead: () => void
}

/** The way of packets to one reader. Never waits: a slow reader loses packets, and nobody else notices. */
export interface Outlet {
  /** Bytes that it took, 0 when the packet was dropped. */
  send(channel: number, packet: Buffer): number
  readonly discarded: number
  close(): void
}

export function createOutlet({ socket, limit, patience, dropped, dead }: OutletOptions): Outlet {
  let discarded = 0
  let untold = 0
  let report: NodeJS.Timeout | undefined
  let fullSince: number | undefined
  let corked = false

  const tell = (): void => {
    if (untold === 0) {
      report = undefined
      return
    }
    dropped(untold)
    untold = 0
    report = setTimeout(tell, 1000)
  }
  const drop = (): void => {
    discarded++
    untold++
    if (!report) tell()
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
      // What one read of the publisher's socket brought goes out in one write.
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

/** Readers nearly always use the same channel: one copy of a packet serves them all. */
function frameOf(channel: number, packet: Buffer): Buffer {
  if (packet !== lastPacket || channel !== lastChannel) {
    lastFrame = formatFrame(channel, packet)
    lastPacket = packet
    lastChannel = channel
  }
  return lastFrame
}
