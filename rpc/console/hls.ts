/**
 * The media server begins a stream with segments that are announced as missing (EXT-X-GAP), and Chromium gives up on
 * them. Some seconds later there are real ones.
 */
const retries = { count: 5, pause: 3_000 }

export const canPlayHls = (): boolean =>
  document.createElement('video').canPlayType('application/vnd.apple.mpegurl') !== ''

/**
 * Plays a stream by the HLS of the browser. `failed` is called once, with the reason, unless the returned function has
 * ended it before.
 */
export const playByHls = (video: HTMLVideoElement, url: string, failed: (why: string) => void): (() => void) => {
  const ended = new AbortController()
  let left = retries.count
  let timer: ReturnType<typeof setTimeout> | undefined
  const open = () => {
    video.src = url
    // Autoplay does not start again after an error.
    video.play().catch(() => {})
  }
  const end = () => {
    ended.abort()
    clearTimeout(timer)
    video.removeAttribute('src')
    video.load()
  }
  video.addEventListener(
    'error',
    () => {
      left -= 1
      if (left >= 0) {
        timer = setTimeout(open, retries.pause)
        return
      }
      end()
      failed('the browser cannot play the stream')
    },
    { signal: ended.signal },
  )
  open()
  return end
}
