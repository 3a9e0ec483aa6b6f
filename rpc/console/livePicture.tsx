import { useEffect, useRef, useState } from 'preact/hooks'
import type { Camera } from '../client/index.js'
import { agoText } from './format.js'
import { canPlayHls, playByHls } from './hls.js'
import { useConnected, useNow, useSession, useVisible } from './hooks.js'
import { CameraOffIcon } from './icons.js'
import { begin, failing, type Live, type Offered, playing, wayText, whepUrl } from './live.js'
import { sentence } from './reduce.js'
import { useStill } from './stills.js'
import { playByWhep } from './whep.js'

/** A page over https may not connect to a media server over http. */
const canOpen = (url: string | undefined): url is string =>
  url !== undefined && (location.protocol !== 'https:' || url.startsWith('https:'))

const offeredBy = ({ webrtc, hls }: Camera['streams']): Offered => ({
  webrtc: canOpen(webrtc) && 'RTCPeerConnection' in window,
  hls: canOpen(hls) && canPlayHls(),
})

/**
 * The live picture of a connected camera, by the best way that works. `retryEvery`: live video that failed is tried
 * again after so many ms.
 */
export const LivePicture = ({ camera, retryEvery }: { camera: Camera; retryEvery?: number }) => {
  const [round, setRound] = useState(0)
  if (camera.status !== 'CONNECTED')
    return (
      <div class="live off">
        <div class="no-picture">
          <CameraOffIcon />
          <span>{sentence(camera.details ?? camera.reason ?? 'the camera is not available')}</span>
        </div>
      </div>
    )
  const again = () => setRound(round + 1)
  return <Player key={round} camera={camera} again={again} {...(retryEvery !== undefined && { retryEvery })} />
}

const Player = ({ camera, again, retryEvery }: { camera: Camera; again(): void; retryEvery?: number }) => {
  const [offered] = useState(() => offeredBy(camera.streams))
  const [live, setLive] = useState<Live>(() => begin(offered))
  const fail = (why: string) => setLive((before) => failing(before, offered, why))
  const hasFailed = live.failed.length > 0
  useEffect(() => {
    if (retryEvery === undefined || !hasFailed) return
    const timer = setTimeout(again, retryEvery)
    return () => clearTimeout(timer)
  }, [hasFailed, retryEvery])
  return (
    <figure class="live-frame">
      <div class={`live${live.isPlaying ? ' playing' : ''}`}>
        {live.way === 'stills' ? (
          <Stills camera={camera} shown={() => setLive(playing)} />
        ) : (
          <Video key={live.attempt} camera={camera} way={live.way} fail={fail} shown={() => setLive(playing)} />
        )}
      </div>
      <figcaption class="row between">
        <span class="quiet">{sentence(wayText(live, offered))}</span>
        {hasFailed && (
          <button type="button" class="button" onClick={again}>
            Try live video again
          </button>
        )}
      </figcaption>
    </figure>
  )
}

interface VideoProps {
  camera: Camera
  way: 'webrtc' | 'hls'
  fail(why: string): void
  shown(): void
}

const Video = ({ camera, way, fail, shown }: VideoProps) => {
  const { client } = useSession()
  const isConnected = useConnected()
  const ref = useRef<HTMLVideoElement>(null)
  useEffect(() => {
    const video = ref.current
    if (video === null) return
    let stop = () => {
      isOver = true
    }
    let isOver = false
    const open = async () => {
      // With a signature of its own: that of the list may be about to expire.
      const { streams } = await client.call('get_stream_url', { device: camera.id })
      if (isOver) return
      if (way === 'webrtc' && streams.webrtc !== undefined) {
        stop = playByWhep(video, whepUrl(streams.webrtc), fail)
      } else if (way === 'hls' && streams.hls !== undefined) {
        stop = playByHls(video, streams.hls, fail)
      } else fail('the media server no longer offers it')
    }
    open().catch(() => fail('the stream could not be opened'))
    return () => stop()
  }, [camera.id, way])
  return (
    <>
      <video ref={ref} muted autoplay playsInline aria-label={`Live picture of ${camera.name}`} onPlaying={shown} />
      <span class="live-wait">{isConnected ? 'Waking the camera…' : 'Waiting for the service…'}</span>
    </>
  )
}

const Stills = ({ camera, shown }: { camera: Camera; shown(): void }) => {
  const ref = useRef<HTMLDivElement>(null)
  const isVisible = useVisible(ref)
  const now = useNow()
  const isConnected = useConnected()
  const { still, error } = useStill(camera.id, { isWanted: isVisible && isConnected, every: 0, pace: 1_000, maxAge: 1 })
  return (
    <div ref={ref} class="still">
      {still === undefined ? (
        <div class="no-picture">{error === undefined ? 'Waiting for a picture…' : sentence(error)}</div>
      ) : (
        <>
          <img src={still.url} alt={`${camera.name}, now`} onLoad={shown} />
          <span class="age">{agoText(still.takenAt, now)}</span>
        </>
      )}
    </div>
  )
}
