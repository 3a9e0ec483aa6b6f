import { type Caller, streamSubject } from '../machines/domain/access.js'
import { invalidParam } from '../machines/domain/errors.js'
import type { FileKind } from '../machines/domain/ports.js'
import type { RpcOptions } from './options.js'
import type { StreamUrls } from './schemas.js'
import type { Session } from './session.js'
import { streamUrls } from './urls.js'

/** The client that a URL is issued to. URLs for unauthenticated clients are not signed. */
export type Viewer = Pick<Session, 'host' | 'address' | 'caller'>

/** The client of a call. Its session may belong to another caller by the time of the reply. */
export const viewerOf = ({ session, caller }: { session: Viewer; caller: Caller | undefined }): Viewer => ({
  host: session.host,
  address: session.address,
  caller,
})

type Sources = Pick<RpcOptions, 'links' | 'urls' | 'clock' | 'publicHost' | 'offers'>
interface Signed {
  sig: string
  expiresAt: number
}

interface Urls {
  urls: StreamUrls
  expiresAt?: number
}

/** The last URLs for a camera, and what they are made of. Without `signature`: streams are open. */
interface Kept {
  signature: Signed | undefined
  host: string
  offers: ReturnType<Sources['offers']>
  made: Urls
}

/**
 * By caller, address and camera. Clients list cameras again and again, and signatures and URLs cost more than the rest.
 */
const kept = new WeakMap<Caller, Map<string, Map<string, Kept>>>()

const sign = (
  { links, urls }: Sources,
  camera: string,
  { address }: Viewer,
  caller: Caller,
  expiresAt: number,
): Signed => {
  const { user, credential } = caller
  const grant = { subject: streamSubject(camera), user, expiresAt }
  const sig = links.sign({ ...grant, ...(urls.bindAddress && { address }), ...(credential && { credential }) })
  return { sig, expiresAt }
}

/** A life may exceed the end of the credential by this much (ms): the client counted it before its request. */
const countedBefore = 60_000

/**
 * The life that a client requests for its URLs, in ms. Throws `invalidParams` if it exceeds the longest life that is
 * configured, or the end of the caller's credential.
 */
export const requestedLife = (
  { urls, clock }: Pick<Sources, 'urls' | 'clock'>,
  caller: Caller,
  life: number,
): number => {
  const most = Math.floor(urls.maxStreamLife / 1000)
  if (life > urls.maxStreamLife)
    throw invalidParam(
      'life',
      `must be at most ${most} (security.stream_url_max_life, in seconds)`,
      `Request at most ${most} seconds, or raise security.stream_url_max_life`,
    )
  const left = caller.expiresAt - clock.now()
  if (life > left + countedBefore)
    throw invalidParam(
      'life',
      `must be at most ${Math.max(1, Math.floor(left / 1000))}: the credential of this client ends then`,
      'Request a shorter life, or use a credential that is valid for longer, such as an API key',
    )
  return life
}

/** In whole seconds, as links keep time, so that `expires_at` is exact; never after the caller's credential. */
const endOf = ({ expiresAt }: Caller, wished: number): number =>
  Math.min(Math.floor(expiresAt / 1000), Math.ceil(wished / 1000)) * 1000

/** What is kept for a caller at an address, by camera. */
function keptFor(caller: Caller, address: string): Map<string, Kept> {
  const places = kept.get(caller) ?? new Map<string, Map<string, Kept>>()
  const cameras = places.get(address) ?? new Map<string, Kept>()
  kept.set(caller, places.set(address, cameras))
  return cameras
}

const withSig = ({ rtsp, hls, webrtc }: StreamUrls, sig: string): StreamUrls => {
  const query = `?sig=${encodeURIComponent(sig)}`
  return {
    rtsp: rtsp + query,
    ...(hls !== undefined && { hls: hls + query }),
    ...(webrtc !== undefined && { webrtc: webrtc + query }),
  }
}

/**
 * A function for the URLs of many cameras, as `signedUrls` returns them with the usual life: the same object while they
 * are good and nothing changes.
 */
export function urlsOf(sources: Sources, viewer: Viewer): (camera: string) => Urls {
  const { caller, host, address } = viewer
  const { openStreams, streamLife } = sources.urls
  const offers = sources.offers()
  if (caller === undefined) return (camera) => ({ urls: streamUrls(camera, host, sources.publicHost, offers) })
  const now = sources.clock.now()
  const last = endOf(caller, caller.expiresAt)
  const cameras = keptFor(caller, address)
  /** With at least half of its life left, or as long as the caller's credential. */
  const isGood = ({ expiresAt }: Signed) => expiresAt === last || expiresAt - now >= streamLife / 2
  const signatureOf = (camera: string, before: Signed | undefined): Signed | undefined => {
    if (openStreams) return undefined
    return before && isGood(before) ? before : sign(sources, camera, viewer, caller, endOf(caller, now + streamLife))
  }
  return (camera) => {
    const before = cameras.get(camera)
    const signature = signatureOf(camera, before?.signature)
    if (before?.signature === signature && before?.host === host && before.offers === offers) return before.made
    const urls = streamUrls(camera, host, sources.publicHost, offers)
    const made = signature ? { urls: withSig(urls, signature.sig), expiresAt: signature.expiresAt } : { urls }
    cameras.set(camera, { signature, host, offers, made })
    return made
  }
}

/**
 * URLs that open the stream of a camera for this viewer alone, by the host that it connected to. `life`: in ms, if
 * not the usual one. Without `expiresAt` the URLs are not signed.
 */
export const signedUrls = (
  sources: Sources,
  camera: string,
  viewer: Viewer,
  life?: number,
): { urls: StreamUrls; expiresAt?: number } => {
  const { caller, host } = viewer
  if (life === undefined || sources.urls.openStreams || caller === undefined) return urlsOf(sources, viewer)(camera)
  const end = endOf(caller, sources.clock.now() + life)
  const { sig, expiresAt } = sign(sources, camera, viewer, caller, end)
  return { urls: withSig(streamUrls(camera, host, sources.publicHost, sources.offers()), sig), expiresAt }
}

/** The same URLs with the usual life. */
export const urlsFor = (sources: Sources, camera: string, viewer: Viewer): StreamUrls =>
  urlsOf(sources, viewer)(camera).urls

interface Issuing {
  services: Pick<RpcOptions, 'links' | 'clock' | 'urls'>
  session: Pick<Session, 'address'>
  caller: Caller | undefined
}

/** A path that works for `urls.fileLife`, at most until `until` or the end of the caller's credential. */
const signedPath = (
  path: string,
  query: Record<string, string>,
  subject: string,
  { services: { links, clock, urls }, session, caller }: Issuing,
  until = Number.POSITIVE_INFINITY,
): string => {
  if (caller === undefined) return `${urls.prefix ?? ''}${path}`
  const { user, expiresAt, credential } = caller
  const grant = { subject, user, expiresAt: Math.min(expiresAt, until, clock.now() + urls.fileLife) }
  const address = urls.bindAddress && { address: session.address }
  const sig = links.sign({ ...grant, ...(credential && { credential }), ...address })
  return `${urls.prefix ?? ''}${path}?${new URLSearchParams({ ...query, sig })}`
}

/** The subject of the URL of a file. Clients choose file names, so the same name may belong to another camera later. */
export const fileSubject = (kind: FileKind, { camera, name }: { camera: string; name: string }): string =>
  `${kind}/${camera}/${name}`

/** The download address of a file; a page can use it without a header. */
export const downloadUrl = (call: Issuing, kind: FileKind, file: { camera: string; name: string }): string =>
  signedPath(`/files/${kind}/${encodeURIComponent(file.name)}`, { camera: file.camera }, fileSubject(kind, file), call)

/** The subject of the URL of the picture of a file. It does not open the file. */
export const thumbnailSubject = (kind: FileKind, file: { camera: string; name: string }): string =>
  `thumbnail/${fileSubject(kind, file)}`

/** The address of a small picture of a file. */
export const thumbnailUrl = (call: Issuing, kind: FileKind, file: { camera: string; name: string }): string =>
  signedPath(
    `/thumbnails/${kind}/${encodeURIComponent(file.name)}`,
    { camera: file.camera },
    thumbnailSubject(kind, file),
    call,
  )

/** The address of a camera's picture of this moment. */
export const stillUrl = (call: Issuing, camera: string, until?: number): string =>
  signedPath(`/cameras/${camera}/snapshot.jpg`, {}, `still:${camera}`, call, until)
