import type { Headers, RtspResponse } from './message.js'

/** One `m=` section with the attributes of its first payload type. */
export interface MediaSection {
  /** `video`, `audio`, `application`. */
  kind: string
  /** -1 if the section names none. */
  payloadType: number
  /** Upper case: `H264`, `H265`, `JPEG`, `OPUS`; empty if unknown. */
  codec: string
  /** The URL for SETUP, absolute or relative: `trackID=0`. */
  control: string
  /** The parameters of `fmtp`, names in lower case. */
  parameters: Headers
  /** Ticks per second; of audio the sample rate. */
  clock?: number
  channels?: number
  /** As the camera says it; not every camera does. */
  fps?: number
  width?: number
  height?: number
  /** The camera only receives on this track: it is for talking to the camera. */
  isBackChannel?: true
}

export interface SessionDescription {
  control: string
  media: MediaSection[]
}

/** Payload types without an `rtpmap` (RFC 3551). */
const staticTypes: Record<number, string> = {
  0: 'PCMU/8000',
  3: 'GSM/8000',
  8: 'PCMA/8000',
  9: 'G722/8000',
  10: 'L16/44100/2',
  11: 'L16/44100',
  14: 'MPA/90000',
  26: 'JPEG/90000',
  32: 'MPV/90000',
  33: 'MP2T/90000',
}

/** A section while it is read: `rtpmap` and `fmtp` may stand in any order, and before the section's own number. */
interface Draft extends MediaSection {
  maps: Map<number, string>
  formats: Map<number, string>
}

/**
 * Reads the parts that a reader of one track needs (RFC 8866). Skips the rest. Never throws. Each `m=` line begins a
 * section, also one of an unknown form (`m=application/TP-LINK 0 RTP/AVP smart/1/90000`): otherwise its attributes
 * would replace those of the section before.
 */
export function parseSdp(text: string): SessionDescription {
  const session: SessionDescription = { control: '*', media: [] }
  const drafts: Draft[] = []
  let current: Draft | undefined
  for (const raw of text.split(/\r\n|\n|\r/)) {
    const line = raw.trim()
    if (/^m=/i.test(line)) {
      current = draftOf(line)
      if (current.kind !== '') drafts.push(current)
      continue
    }
    const [, name = '', value = ''] = /^a=\s*([\w-]+)\s*:?\s*(.*)$/i.exec(line) ?? []
    if (name.toLowerCase() === 'control') Object.assign(current ?? session, { control: value })
    else if (current && name) readAttribute(current, name.toLowerCase(), value)
  }
  session.media = drafts.map(finished)
  return session
}

function draftOf(line: string): Draft {
  const [, kind = '', first = ''] = /^m=\s*([\w/.-]+)\s+\S+\s+\S+(?:\s+(\S+))?/i.exec(line) ?? []
  return {
    kind: kind.toLowerCase(),
    payloadType: /^\d+$/.test(first) ? Number(first) : -1,
    codec: '',
    control: '',
    parameters: Object.create(null),
    maps: new Map(),
    formats: new Map(),
  }
}

function readAttribute(draft: Draft, name: string, value: string): void {
  const numbers = (value.match(/\d+(?:\.\d+)?/g) ?? []).map(Number)
  if (name === 'rtpmap' || name === 'fmtp') {
    const [, type, rest = ''] = /^(\d+)\s*(.*)$/.exec(value) ?? []
    if (type !== undefined) (name === 'rtpmap' ? draft.maps : draft.formats).set(Number(type), rest.trim())
  } else if (/^(x-)?framerate$/.test(name)) draft.fps = numbers[0] ?? 0
  else if (name === 'framesize') Object.assign(draft, { width: numbers[1], height: numbers[2] })
  else if (name === 'x-dimensions') Object.assign(draft, { width: numbers[0], height: numbers[1] })
  else if (name === 'sendonly') draft.isBackChannel = true
}

/** Some cameras number `rtpmap` otherwise than the section: if there is only one, it is meant. */
function finished({ maps, formats, ...section }: Draft): MediaSection {
  const [sole] = maps.size === 1 ? maps.keys() : []
  const isKnown = maps.has(section.payloadType) || staticTypes[section.payloadType] !== undefined
  const type = isKnown ? section.payloadType : (sole ?? section.payloadType)
  const [codec = '', clock = '', channels = ''] = (maps.get(type) ?? staticTypes[type] ?? '').split('/')
  const parameters = parametersOf(formats.get(type) ?? '')
  const { fps, width, height, isBackChannel } = section
  return {
    kind: section.kind,
    payloadType: type,
    codec: codec.trim().toUpperCase() || codecOf(parameters),
    control: section.control,
    parameters,
    ...(Number(clock) > 0 && { clock: Number(clock) }),
    ...(Number(channels) > 0 && { channels: Number(channels) }),
    ...(fps && { fps }),
    ...(width && height && { width, height }),
    ...(isBackChannel && { isBackChannel }),
  }
}

/** The codec of a section without `rtpmap`, by the parameters that only one codec has. */
const codecOf = (parameters: Headers): string =>
  'sprop-parameter-sets' in parameters ? 'H264' : 'sprop-vps' in parameters || 'sprop-sps' in parameters ? 'H265' : ''

function parametersOf(text: string): Headers {
  const parameters: Headers = Object.create(null)
  for (const part of text.split(';')) {
    const [, key = '', value = ''] = /^\s*([^=\s]+)\s*=\s*(.*?)\s*$/.exec(part) ?? []
    if (key) parameters[key.toLowerCase()] = value.replace(/^"(.*)"$/, '$1')
  }
  return parameters
}

/** Returns the parameter sets in the description, in order: SPS and PPS; for H.265 also the VPS. */
export function parameterSetsOf({ codec, parameters }: MediaSection): Buffer[] {
  const names =
    codec === 'H264'
      ? ['sprop-parameter-sets']
      : codec === 'H265' || codec === 'HEVC'
        ? ['sprop-vps', 'sprop-sps', 'sprop-pps']
        : []
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
): { base: string; session: string; video?: MediaSection; audio?: MediaSection; media?: MediaSection } {
  const { control, media } = parseSdp(body.toString('utf8'))
  const video = media.find(({ kind }) => kind === 'video')
  const audio = media.find(({ kind, isBackChannel }) => kind === 'audio' && !isBackChannel)
  const bases = [headers['content-base'], headers['content-location']]
  return {
    // Some cameras send a path, or nothing.
    base: bases.find((base) => base !== undefined && /^rtsps?:\/\/./i.test(base)) ?? url,
    session: control,
    ...(video && { video }),
    ...(audio && { audio }),
    ...(media[0] && { media: media[0] }),
  }
}
