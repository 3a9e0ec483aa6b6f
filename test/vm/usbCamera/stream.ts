import { type CameraDescription, payloadSize } from './descriptors.js'
import { isochronousReply, type Submit, submitReply } from './usbip.js'

const payloadHeaderBytes = 2
/** More than a driver has under way. An answered request counts too: the kernel may take it back meanwhile. */
const remembered = 32
/** Bits of a payload header. */
const header = { frameId: 1, endOfFrame: 2, endOfHeader: 0x80 }

/** Cuts a frame into payloads; `frameId` (0 or 1) alternates from frame to frame. */
export const payloadsOf = (frame: Buffer, { frameId, size }: { frameId: number; size: number }): Buffer[] => {
  const room = size - payloadHeaderBytes
  return Array.from({ length: Math.ceil(frame.length / room) }, (_, index) => {
    const part = frame.subarray(index * room, (index + 1) * room)
    const last = (index + 1) * room >= frame.length
    return Buffer.concat([
      Buffer.of(payloadHeaderBytes, header.endOfHeader | (last ? header.endOfFrame : 0) | (frameId & header.frameId)),
      part,
    ])
  })
}

export interface StreamOptions {
  transfer: CameraDescription['transfer']
  /** The next frame, and how long after it the one after is due, in ms. */
  nextFrame(count: number): { frame: Buffer; interval: number }
  send(bytes: Buffer): void
}

/**
 * A streaming endpoint: runs while the kernel has requests waiting, makes a frame each interval and fills the
 * requests with its payloads. A frame that the kernel did not fetch in time is finished first and the next one dropped,
 * as a real camera does.
 */
export const createStream = ({ transfer, nextFrame, send }: StreamOptions) => {
  let waiting: Submit[] = []
  let payloads: Buffer[] = []
  let timer: NodeJS.Timeout | undefined
  let due = 0
  let frameId = 0
  let paused = false
  let latest: number[] = []
  const stats = { frames: 0, dropped: 0 }

  const fillBulk = () => {
    while (waiting.length > 0 && payloads.length > 0) {
      const submit = waiting.shift()
      const data = payloads.shift()
      if (submit && data) send(submitReply(submit, { data }))
    }
  }
  const fillIsochronous = (submit: Submit) =>
    send(
      isochronousReply(
        submit,
        submit.packets.map(() => payloads.shift() ?? Buffer.alloc(0)),
      ),
    )
  const fill = () => {
    if (transfer === 'bulk') return fillBulk()
    while (payloads.length > 0) {
      const submit = waiting.shift()
      if (!submit) return
      fillIsochronous(submit)
    }
  }
  /** An isochronous pipe carries empty packets between frames. */
  const keepMoving = () => {
    if (transfer === 'bulk' || waiting.length < 2) return
    const submit = waiting.shift()
    if (submit) fillIsochronous(submit)
  }

  const tick = () => {
    const { frame, interval } = nextFrame(stats.frames)
    due = Math.max(due + interval, performance.now())
    timer = setTimeout(tick, Math.max(0, due - performance.now()))
    if (!paused && payloads.length > 0) stats.dropped += 1
    else if (!paused) {
      stats.frames += 1
      frameId ^= 1
      payloads = payloadsOf(frame, { frameId, size: payloadSize[transfer] })
    }
    fill()
    keepMoving()
  }
  const stop = () => {
    clearTimeout(timer)
    timer = undefined
    payloads = []
  }

  return {
    stats,
    request(submit: Submit) {
      latest = [...latest.slice(1 - remembered), submit.sequence]
      waiting.push(submit)
      fill()
      if (timer === undefined) tick()
    },
    /** True: the request came to this endpoint; the kernel names none when it takes one back. */
    knows: (sequence: number) => latest.includes(sequence),
    /** True: the request was still waiting. */
    withdraw(sequence: number): boolean {
      const found = waiting.some((submit) => submit.sequence === sequence)
      waiting = waiting.filter((submit) => submit.sequence !== sequence)
      if (waiting.length === 0) stop()
      return found
    },
    /** Drops what was begun; the next frame starts anew. */
    restart: stop,
    end() {
      stop()
      waiting = []
    },
    pause() {
      paused = true
    },
    resume() {
      paused = false
    },
  }
}
