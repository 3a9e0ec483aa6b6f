/** Time for the browser to collect its addresses, in ms. Those of a local network come at once. */
const gatherLimit = 1_500
/** Time until the first frame; a sleeping camera has to start first. ms. */
const startLimit = 15_000

const gathered = (peer: RTCPeerConnection): Promise<void> =>
  new Promise((resolve) => {
    if (peer.iceGatheringState === 'complete') return resolve()
    setTimeout(resolve, gatherLimit)
    peer.addEventListener('icegatheringstatechange', () => {
      if (peer.iceGatheringState === 'complete') resolve()
    })
  })

const refusals: Record<number, string> = {
  401: 'the media server refused the signature',
  404: 'the media server does not know the stream',
}

/**
 * Plays a stream by WHEP in the element. `failed` is called once, with the reason, unless the returned function has
 * ended it before.
 */
export const playByWhep = (video: HTMLVideoElement, url: string, failed: (why: string) => void): (() => void) => {
  const ended = new AbortController()
  const { signal } = ended
  const peer = new RTCPeerConnection()
  let resource: string | undefined

  const end = () => {
    if (signal.aborted) return
    ended.abort()
    clearTimeout(timer)
    video.srcObject = null
    // The media server would notice by itself, but keep the camera awake until then. This comes first: the session ends
    // with its connection, and the browser would report an error.
    const told = resource === undefined ? Promise.resolve() : fetch(resource, { method: 'DELETE', keepalive: true })
    void told.then(
      () => peer.close(),
      () => peer.close(),
    )
  }
  const fail = (why: string) => {
    if (signal.aborted) return
    end()
    failed(why)
  }
  const timer = setTimeout(() => fail('no picture arrived in time'), startLimit)

  const open = async () => {
    peer.addTransceiver('video', { direction: 'recvonly' })
    peer.addTransceiver('audio', { direction: 'recvonly' })
    peer.addEventListener('track', ({ streams: [stream] }) => {
      if (stream !== undefined && video.srcObject !== stream) video.srcObject = stream
    })
    peer.addEventListener('connectionstatechange', () => {
      if (peer.connectionState === 'failed') fail('the connection to the media server failed')
      else if (peer.connectionState === 'disconnected') fail('the stream ended')
    })
    video.addEventListener('playing', () => clearTimeout(timer), { signal })
    await peer.setLocalDescription()
    await gathered(peer)
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/sdp' },
      body: peer.localDescription?.sdp ?? '',
      signal,
    })
    if (response.status !== 201)
      throw new Error(refusals[response.status] ?? `the media server sent ${response.status}`)
    const location = response.headers.get('Location')
    if (location !== null) resource = new URL(location, url).href
    const sdp = await response.text()
    if (!signal.aborted) await peer.setRemoteDescription({ type: 'answer', sdp })
  }
  open().catch((error: unknown) =>
    fail(error instanceof TypeError ? 'the media server cannot be reached' : (error as Error).message),
  )
  return end
}
