/** `codec`: `AAC`, `PCMA`, `OPUS` …; `rate`: samples per second. */
export interface AudioDescription {
  codec: string
  rate?: number
  channels?: number
}

/** What a stream consists of, as far as it is known. */
export interface SourceDescription {
  /** Upper case, as in RTP: `H264`, `H265`, `JPEG`. */
  codec: string
  width?: number
  height?: number
  fps?: number
  /** The stream has B-frames: its pictures are not sent in the order in which they are shown. */
  reorders?: boolean
  audio?: AudioDescription
}
