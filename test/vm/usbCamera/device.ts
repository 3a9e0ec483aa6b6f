import { createControlEndpoint } from './control.js'
import { type CameraDescription, streamingInterface } from './descriptors.js'
import type { Mode } from './negotiation.js'
import { createStream } from './stream.js'
import { type Message, type Submit, status, submitReply, unlinkReply } from './usbip.js'

export interface DeviceOptions {
  description: CameraDescription
  frame(mode: Mode, count: number): Buffer
  send(bytes: Buffer): void
}

/** The camera at its end of the cable: answers the messages of the kernel, and sends frames on each endpoint. */
export const createDevice = ({ description, frame, send }: DeviceOptions) => {
  let slowness = 1
  const streams = description.streams.map((_, index) =>
    createStream({
      transfer: description.transfer,
      nextFrame: (count) => {
        const mode = control.mode(index)
        return { frame: frame(mode, count), interval: (1000 * slowness) / mode.rate }
      },
      send,
    }),
  )
  const control = createControlEndpoint(description, {
    settingChosen: (stream, alternate) => void (alternate === 0 && streams[stream]?.restart()),
    halted: (stream) => streams[stream]?.restart(),
  })

  const answerControl = (submit: Submit) => {
    const answer = control.answer(submit.setup, submit.data)
    if (answer === 'stall') return submitReply(submit, { result: status.stall })
    if (answer === 'done') return submitReply(submit, { taken: submit.data.length })
    return submitReply(submit, { data: answer.subarray(0, submit.length) })
  }
  const each = (act: (stream: (typeof streams)[number]) => void) => () => {
    for (const stream of streams) act(stream)
  }
  const sum = (count: (stats: (typeof streams)[number]['stats']) => number) =>
    streams.reduce((total, { stats }) => total + count(stats), 0)

  return {
    handle(message: Message) {
      if (message.kind === 'unlink') {
        const stream = streams.find(({ knows }) => knows(message.target))
        send(unlinkReply(message, stream?.withdraw(message.target) ?? false))
      } else if (message.endpoint === 0) send(answerControl(message))
      else streams.find((_, index) => streamingInterface(index) === message.endpoint)?.request(message)
    },
    stats: () => ({ frames: sum(({ frames }) => frames), dropped: sum(({ dropped }) => dropped) }),
    pause: each((stream) => stream.pause()),
    resume: each((stream) => stream.resume()),
    dim() {
      slowness = 3
    },
    light() {
      slowness = 1
    },
    end: each((stream) => stream.end()),
  }
}
