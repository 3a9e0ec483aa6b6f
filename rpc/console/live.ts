/** How the picture of a camera is shown. `webrtc` is live, `hls` a few seconds behind, `stills` once a second. */
export type Way = 'webrtc' | 'hls' | 'stills'

export interface Live {
  way: Way
  /** Ways that failed, and why. */
  failed: { way: Way; why: string }[]
  /** True once the first frame was shown. */
  isPlaying: boolean
  /** Number of times that a way was opened. */
  attempt: number
}

export interface Offered {
  /** The media server offers the protocol and the page can open it. */
  webrtc: boolean
  hls: boolean
}

const order: readonly Way[] = ['webrtc', 'hls', 'stills']

const best = (offered: Offered, failed: Live['failed']): Way =>
  order.find((way) => (way === 'stills' || offered[way]) && !failed.some((one) => one.way === way)) ?? 'stills'

export const begin = (offered: Offered): Live => ({ way: best(offered, []), failed: [], isPlaying: false, attempt: 1 })

export const playing = (live: Live): Live => (live.isPlaying ? live : { ...live, isPlaying: true })

/**
 * Opens the same way again if it has worked, because streams end when a pipeline restarts; else goes on with the next
 * way. Failed stills are tried again by their view.
 */
export const failing = (live: Live, offered: Offered, why: string): Live => {
  if (live.way === 'stills') return live
  const attempt = live.attempt + 1
  if (live.isPlaying) return { ...live, isPlaying: false, attempt }
  const failed = [...live.failed, { way: live.way, why }]
  return { way: best(offered, failed), failed, isPlaying: false, attempt }
}

const names: Record<Way, string> = {
  webrtc: 'Live by WebRTC',
  hls: 'Live by HLS, a few seconds behind',
  stills: 'Stills, once a second',
}

/** One line about the way, and why it was selected. */
export const wayText = ({ way, failed }: Live, offered: Offered): string => {
  if (way !== 'stills') return names[way]
  const last = failed.at(-1)
  if (last !== undefined) return `${names.stills}. Live video failed: ${last.why}`
  if (offered.webrtc) return names.stills
  return `${names.stills}. The media server offers no live video that this browser can play`
}

/** The address of WHEP: that of the page of the stream with `/whep`, and the same signature. */
export const whepUrl = (webrtc: string): string => {
  const url = new URL(webrtc)
  url.pathname = `${url.pathname.replace(/\/$/, '')}/whep`
  return url.href
}
