import { type Caller, streamSubject } from '../../machines/domain/access.js'
import type { RpcOptions } from '../options.js'
import type { Session } from '../session.js'
import type { StreamUrls } from '../urls.js'

/** Whom URLs are for. Of a client that has not said who it is they are unsigned. */
export type Viewer = Pick<Session, 'host' | 'address' | 'caller'>

/** Who made this request: somebody else may speak on the session by the time of its answer. */
export const viewerOf = ({
  session: { host, address },
  caller,
}: {
  session: Viewer
  caller: Caller | undefined
}): Viewer => ({ host, address, caller })

export type SigningSources = Pick<RpcOptions, 'links' | 'urls' | 'clock'>

interface Signed {
  sig: string
  expiresAt: number
}

/** Lists of cameras are asked for again and again; what was signed lasts as long as who it was signed for is known. */
const kept = new WeakMap<Caller, Map<string, Signed>>()

const sign = (
  { links, urls }: SigningSources,
  camera: string,
  { address }: Viewer,
  caller: Caller,
  expiresAt: number,
): Signed => {
  const { user, credential } = caller
  const bound = urls.bindAddress ? { address } : {}
  return {
    sig: links.sign({ subject: streamSubject(camera), user, expiresAt, ...bound, ...(credential && { credential }) }),
    expiresAt,
  }
}

/** In whole seconds, as links keep time, so that what is told of a URL's end is true; never after the caller's own end. */
const endOf = (caller: Caller, wished: number): number =>
  Math.min(Math.floor(caller.expiresAt / 1000), Math.ceil(wished / 1000)) * 1000

/** A signature that has at least half of its life before it, or the rest of its caller's. */
const signatureFor = (sources: SigningSources, camera: string, viewer: Viewer, caller: Caller): Signed => {
  const { streamLife } = sources.urls
  const now = sources.clock.now()
  const key = `${camera} ${viewer.address}`
  const signatures = kept.get(caller) ?? new Map<string, Signed>()
  const present = signatures.get(key)
  if (present && (present.expiresAt === endOf(caller, caller.expiresAt) || present.expiresAt - now >= streamLife / 2))
    return present
  const made = sign(sources, camera, viewer, caller, endOf(caller, now + streamLife))
  kept.set(caller, signatures.set(key, made))
  return made
}

const withSig = ({ rtsp, hls, webrtc }: StreamUrls, sig: string): StreamUrls => {
  const query = `?sig=${encodeURIComponent(sig)}`
  return {
    rtsp: rtsp + query,
    ...(hls !== undefined && { hls: hls + query }),
    ...(webrtc !== undefined && { webrtc: webrtc + query }),
  }
}

/** The camera's URLs with what opens them. `life`: the most that the caller wishes, in ms. Without `expiresAt` they are open to everybody. */
export function signedUrls(
  sources: SigningSources,
  camera: string,
  viewer: Viewer,
  plain: StreamUrls,
  life?: number,
): { urls: StreamUrls; expiresAt?: number } {
  const { caller } = viewer
  const { openStreams, streamLife } = sources.urls
  if (openStreams || caller === undefined) return { urls: plain }
  const signed =
    life === undefined
      ? signatureFor(sources, camera, viewer, caller)
      : sign(sources, camera, viewer, caller, endOf(caller, sources.clock.now() + Math.min(life, streamLife)))
  return { urls: withSig(plain, signed.sig), expiresAt: signed.expiresAt }
}
