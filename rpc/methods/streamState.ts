import type { StreamState } from '../../machines/domain/ports.js'
import type { Services } from '../method.js'

/** A path of the media server. `known`: false while the media server does not answer; without `state`: no such path. */
export interface KnownStream {
  known: boolean
  state?: StreamState
}

/** A timer and a signal would cost more than the look-up. The sampled media server has its own limit. */
const unlimited = new AbortController().signal

const known = (state: StreamState | undefined): KnownStream =>
  state === undefined ? { known: true } : { known: true, state }

/** The media server's state of a camera's stream: at once where it is known, for results that can do without it. */
export const streamStateOf = (
  { mediaServer, directory }: Services,
  camera: string,
): KnownStream | Promise<KnownStream> => {
  if (directory.link().state === 'down') return { known: false }
  const sample = mediaServer.sample?.()
  if (sample !== undefined) return known(sample.find(({ name }) => name === camera))
  return mediaServer.stream(camera, unlimited).then(known, () => ({ known: false }))
}
