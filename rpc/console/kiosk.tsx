import { useEffect } from 'preact/hooks'
import type { Camera } from '../client/index.js'
import { useFacts } from './hooks.js'
import { CameraOffIcon } from './icons.js'
import { LivePicture } from './livePicture.js'

/** Live video that failed is tried again after this time, in ms: nobody presses a button here. */
const retryEvery = 60_000

/** Full of live pictures of the cameras: `wanted`, or all. For a display on a wall. */
export const KioskView = ({ wanted }: { wanted: readonly string[] | undefined }) => {
  const { cameras, isLoaded, connection, lost } = useFacts((facts) => facts)
  useAwake()
  useEffect(() => {
    document.title = 'Wall display · Camera service'
  }, [])
  const shown = wanted?.map((id) => cameras.find((camera) => camera.id === id) ?? id) ?? cameras
  const columns = Math.ceil(Math.sqrt(shown.length))
  return (
    <main class="kiosk">
      <h1 class="unseen">Wall display</h1>
      <a class="skip" href="#/cameras">
        Leave the wall display
      </a>
      {isLoaded && shown.length === 0 && <p class="kiosk-word">No camera yet</p>}
      {isLoaded && (
        <ul class="kiosk-tiles" aria-label="Cameras" style={{ '--columns': columns }}>
          {shown.map((camera) =>
            typeof camera === 'string' ? (
              <Missing key={camera} id={camera} />
            ) : (
              <Tile key={camera.id} camera={camera} />
            ),
          )}
        </ul>
      )}
      <div role="status" class={connection === 'open' ? '' : 'kiosk-lost'}>
        {connection === 'open' ? '' : `No connection: the pictures may be old. ${lost ?? ''}`}
      </div>
    </main>
  )
}

const Tile = ({ camera }: { camera: Camera }) => (
  <li class="kiosk-tile">
    <LivePicture camera={camera} retryEvery={retryEvery} />
    <h2 class="kiosk-name">{camera.name}</h2>
  </li>
)

const Missing = ({ id }: { id: string }) => (
  <li class="kiosk-tile">
    <div class="live off">
      <div class="no-picture">
        <CameraOffIcon />
        <span>There is no such camera, or the key is not for it</span>
      </div>
    </div>
    <h2 class="kiosk-name">{id}</h2>
  </li>
)

/** Keeps the screen on, where the browser allows it: on pages with https. */
const useAwake = () =>
  useEffect(() => {
    const ask = () => {
      if (document.visibilityState === 'visible') void navigator.wakeLock?.request('screen').catch(() => {})
    }
    ask()
    document.addEventListener('visibilitychange', ask)
    return () => document.removeEventListener('visibilitychange', ask)
  }, [])
