import type { Headers, RtspResponse } from './message.js'

/** One `m=` section with the attributes of its first payload type. */
export interface MediaSection {
  /** `video`, `audio`, `application`. */
  kind: string
  payloadType: number
  /** Upper case: `H264`, `H265`, `JPEG`, `OPUS`; empty if unknown. */
  codec: string
  /** The URL for SETUP, absolute or relative: `trackID=0`. */
  control: string
  /** The parameters of `fmtp`, names in lower case. */
  parameters: Headers
}

export interface SessionDescription {
  control: string
  media: MediaSection[]
}

/** Payload types without an `rtpmap` (RFC 3551). */
const staticTypes: Record<number, string> = {
  0: 'PCMU',
  8: 'PCMA',
  14: 'MPA',
  26: 'JPEG',
  32: 'MPV',
  33: 'MP2T',
}

/** Reads the parts that a reader of one track needs (RFC 8866). Skips the rest. Never throws. */
export function parseSdp(text: string): SessionDescription {
  const session: SessionDescription = { control: '*', media: [] }
  for (const line of text.split(/\r?\n/)) {
    const media = session.media.at(-1)
    const opening = /^m=(\w+) \S+ \S+ (\d+)/.exec(line)
    if (opening) session.media.push(sectionOf(opening[1] ?? '', Number(opening[2])))
    else if (line.startsWith('a=control:'))
      Object.assign(media ?? session, { control: line.slice('a=control:'.length).trim() })
    else if (media) readAttribute(media, line)
  }
  return session
}

function sectionOf(kind: string, payloadType: number): MediaSection {
  const codec = staticTypes[payloadType] ?? ''
  return { kind, payloadType, codec, control: '', parameters: Object.create(null) }
}

function readAttribute(media: MediaSection, line: string): void {
  const [, name, payloadType, value = ''] = /^a=(rtpmap|fmtp):(\d+)\s+(.*)$/.exec(line) ?? []
  if (Number(payloadType) !== media.payloadType) return
  if (name === 'rtpmap') {
    const [codec = ''] = value.trim().split('/')
    media.codec = codec.toUpperCase()
  } else {
    for (const part of value.split(';')) {
      const [, key = '', content = ''] = /^\s*([^=\s]+)\s*=\s*(.*?)\s*$/.exec(part) ?? []
      if (key) media.parameters[key.toLowerCase()] = content
    }
  }
}

/** Returns the parameter sets in the description, in order: SPS and PPS; for H.265 also the VPS. */
export function parameterSetsOf({ codec, parameters }: MediaSection): Buffer[] {
  const names =
    codec === 'H264' ? ['sprop-parameter-sets'] : codec === 'H265' ? ['sprop-vps', 'sprop-sps', 'sprop-pps'] : []
  return names
    .flatMap((name) => (parameters[name] ?? '').split(','))
    .map((text) => Buffer.from(text, 'base64'))
    .filter((unit) => unit.length > 0)
}

/** Resolves a control attribute against the URL of its description. */
export function controlUrl(base: string, control: string): string {
  if (control === '' || control === '*') return base
  if (/^rtsps?:\/\//i.test(control)) return control
  return base.endsWith('/') ? `${base}${control}` : `${base}/${control}`
}

/**
 * Reads the answer to a DESCRIBE of `url`. `base` is the URL against which control attributes are resolved, `session`
 * the control attribute of the whole stream, `media` the first track of any kind.
 */
export function readDescription(
  url: string,
  { headers, body }: RtspResponse,
): { base: string; session: string; video?: MediaSection; media?: MediaSection } {
  const { control, media } = parseSdp(body.toString('utf8'))
  const video = media.find(({ kind }) => kind === 'video')
  return {
    base: headers['content-base'] ?? headers['content-location'] ?? url,
    session: control,
    ...(video && { video }),
    ...(media[0] && { media: media[0] }),
  }
}
