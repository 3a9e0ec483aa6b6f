import { createControlEndpoint, type Mode } from './control.js'
import type { CameraDescription } from './descriptors.js'
import { createStream } from './stream.js'
import { createMessageReader, type Message, type Submit, status, submitReply, unlinkReply } from './usbip.js'
import { attach, type Cable } from './vhci.js'

export interface UsbCamera {
  /** Frames made, and dropped because the kernel did not fetch them in time. */
  stats: Readonly<{ frames: number; dropped: number }>
  /** Hangs: answers as before, but sends no frames. */
  pause(): void
  resume(): void
  /** Gives a third of its frames, like a webcam in the dark. */
  dim(): void
  light(): void
  unplug(): void
}

export interface CameraOptions {
  /** 0–6: a root hub's port each. */
  port: number
  description: CameraDescription
  frame(mode: Mode, count: number): Buffer
}

/**
 * A USB Video Class camera in user space, plugged into this kernel: like a real one, it is enumerated, bound by
 * uvcvideo and named by udev.
 */
export const plugCamera = async ({ port, description, frame }: CameraOptions): Promise<UsbCamera> => {
  let cable: Cable | undefined
  const send = (bytes: Buffer) => cable?.send(bytes)
  let slowness = 1
  const stream = createStream({
    transfer: description.transfer,
    nextFrame: (count) => ({ frame: frame(control.mode(), count), interval: (1000 * slowness) / control.mode().rate }),
    send,
  })
  const control = createControlEndpoint(description, {
    settingChosen: (alternate) => void (alternate === 0 && stream.restart()),
    halted: stream.restart,
  })

  const answerControl = (submit: Submit) => {
    const answer = control.answer(submit.setup, submit.data)
    if (answer === 'stall') return submitReply(submit, { result: status.stall })
    if (answer === 'done') return submitReply(submit, { taken: submit.data.length })
    return submitReply(submit, { data: answer.subarray(0, submit.length) })
  }
  const handle = (message: Message) => {
    if (message.kind === 'unlink') send(unlinkReply(message, stream.withdraw(message.target)))
    else if (message.endpoint === 0) send(answerControl(message))
    else stream.request(message)
  }

  const read = createMessageReader()
  const plugged = await attach({
    port,
    received: (bytes, from) => {
      cable = from // the kernel asks before `attach` has resolved
      for (const message of read(bytes)) handle(message)
    },
    closed: stream.end,
  })

  const unplug = () => {
    stream.end()
    plugged.pull()
  }
  return {
    stats: stream.stats,
    pause: stream.pause,
    resume: stream.resume,
    dim() {
      slowness = 3
    },
    light() {
      slowness = 1
    },
    unplug,
  }
}
