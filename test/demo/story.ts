import type { Methods, Topic, TopicEvent } from '../../rpc/client/index.js'

type Result<Name extends keyof Methods> = Methods[Name]['result']

/** What a method of the demonstration did, in a sentence. `undefined`: nothing worth a line. */
export function sentenceOf(method: keyof Methods, params: object, result: unknown): string | undefined {
  switch (method) {
    case 'get_camera_list': {
      const { cameras } = result as Result<'get_camera_list'>
      const names = cameras.map(({ device, name, status }) => `${device} (${name}, ${status.toLowerCase()})`)
      return `The service has ${count(cameras.length, 'camera')}: ${names.join(', ')}.`
    }
    case 'get_stream_url': {
      const { stream_url } = result as Result<'get_stream_url'>
      return `Its stream is at ${stream_url.split('?')[0]}, with a signature that expires.`
    }
    case 'take_snapshot': {
      const { filename } = result as Result<'take_snapshot'>
      const width = 'width' in params ? ` scaled to ${String(params.width)} pixels` : ''
      return `A snapshot${width} was taken: ${filename}.`
    }
    case 'start_recording': {
      const { duration } = params as { duration: number }
      return `A recording was started. It stops by itself after ${duration} s.`
    }
    case 'get_recording_info': {
      const { filename, file_size, duration } = result as Result<'get_recording_info'>
      const length = typeof duration === 'number' ? ` of ${duration.toFixed(1)} s` : ''
      return `The recording is ${filename}, ${Math.round(file_size / 1000)} kB${length}.`
    }
    default:
      return undefined
  }
}

/** What a notification said. */
export function noticeOf({ topic, ...event }: TopicEvent<Topic>): string | undefined {
  if (event.type !== 'fact') return undefined
  if (topic === 'recording.error') return `  (notified: the recording has an error: ${JSON.stringify(event.params)})`
  const texts: Partial<Record<Topic, string>> = {
    'recording.start': 'the recording is running',
    'recording.stop': 'the recording has ended, and its file is complete',
    'snapshot.taken': 'a snapshot was taken',
    'camera.status_change': 'the state of the camera changed',
  }
  const text = texts[topic]
  return text === undefined ? undefined : `  (notified: ${text})`
}

const count = (number: number, noun: string) => `${number} ${noun}${number === 1 ? '' : 's'}`
