import {
  type CameraServiceClient,
  ConnectionLost,
  connectCameraService,
  RpcError,
  SessionEnded,
} from '../client/index.js'
import { openLink } from '../client/link.js'
import { withCamera, withoutCamera } from './reduce.js'
import { createStore, type Role, type Store } from './store.js'

/** The session of a signed-in person. */
export interface Session {
  client: CameraServiceClient
  store: Store
  /** Closes the connection. */
  end(): void
}

/** Not localStorage: the token ends with the tab. */
const tokenKey = 'camera-service-token'
export const keptToken = (): string | undefined => sessionStorage.getItem(tokenKey) ?? undefined
export const keepToken = (token: string): void => sessionStorage.setItem(tokenKey, token)
export const forgetToken = (): void => sessionStorage.removeItem(tokenKey)

/** A wall display starts again without anybody who signs in, so its API key outlives the browser. Of viewers only. */
const kioskKey = 'camera-service-kiosk-key'
export const keptKioskKey = (): string | undefined => localStorage.getItem(kioskKey) ?? undefined
export const keepKioskKey = (key: string): void => localStorage.setItem(kioskKey, key)
export const forgetKioskKey = (): void => localStorage.removeItem(kioskKey)

const socketUrl = (): string => {
  const path = document.querySelector<HTMLMetaElement>('meta[name=websocket-path]')?.content ?? '/ws'
  return `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}${path}`
}

const endings = {
  token_expired: 'Your session has expired. Sign in again.',
  revoked: 'Your token or key was revoked. Sign in with another one.',
  ended: 'An administrator ended your session. Sign in again.',
}

/** What a person can do about an error. */
export const errorText = (error: unknown): string => {
  if (error instanceof RpcError) {
    const details = typeof error.data.details === 'string' ? error.data.details : error.message
    // The usual suggestion for a credential is about the API: call authenticate.
    const isHelpful = error.code !== -32001 || error.reason === 'sign_in_code_invalid'
    const suggestion = isHelpful && typeof error.data.suggestion === 'string' ? ` ${error.data.suggestion}.` : ''
    return `${details.charAt(0).toUpperCase()}${details.slice(1)}.${suggestion}`
  }
  if (error instanceof SessionEnded) return endings[error.reason]
  if (error instanceof ConnectionLost && error.code === 1006) return 'The service cannot be reached.'
  return error instanceof Error ? error.message : String(error)
}

/** Exchanges the code of a one-time link for a token. */
export const redeem = async (code: string): Promise<string> => {
  const ended = new AbortController()
  const link = await openLink({
    url: socketUrl(),
    WebSocket,
    timeout: 10_000,
    signal: ended.signal,
    notified: () => {},
  })
  try {
    const { token } = (await link.call('redeem_sign_in', { code }, { timeout: 10_000 })) as { token: string }
    return token
  } finally {
    ended.abort(new ConnectionLost('redeemed', 1000))
  }
}

/** Events that change a list of files. */
const fileTopics = [
  'recording.start',
  'recording.stop',
  'snapshot.taken',
  'recording.deleted',
  'snapshot.deleted',
] as const

/** Follows what the views show. The list of cameras is also read again now and then: not every obstacle is a fact. */
const follow = async ({ client, store }: Pick<Session, 'client' | 'store'>): Promise<() => void> => {
  const readCameras = async () => {
    try {
      const { cameras } = await client.call('get_camera_list')
      store.change(() => ({ cameras, isLoaded: true }))
    } catch {
      // The next notification or the next interval tries again.
    }
  }
  let soon: ReturnType<typeof setTimeout> | undefined
  const readSoon = () => {
    soon ??= setTimeout(() => {
      soon = undefined
      void readCameras()
    }, 300)
  }
  await Promise.all([
    client.on('camera_status_update', {}, (event) => {
      const updates = event.type === 'fact' ? [event.params] : event.type === 'refused' ? [] : event.state
      store.change(({ cameras }) => ({ cameras: updates.reduce(withCamera, cameras) }))
      readSoon()
    }),
    client.on('camera.status_change', {}, (event) => {
      if (event.type !== 'fact') return
      const { device, retired } = event.params
      if (retired) store.change(({ cameras }) => ({ cameras: withoutCamera(cameras, device) }))
      readSoon()
    }),
    client.on('system.health', {}, (event) => {
      const health = event.type === 'fact' ? event.params : event.type === 'refused' ? undefined : event.state.at(-1)
      if (health !== undefined) store.change(() => ({ health }))
      readSoon()
    }),
    ...fileTopics.map((topic) =>
      client.on(topic, {}, (event) => {
        if (event.type === 'fact' || event.type === 'gap') store.change(({ files }) => ({ files: files + 1 }))
        readSoon()
      }),
    ),
  ])
  await readCameras()
  const timer = setInterval(() => {
    if (document.visibilityState === 'visible') void readCameras()
  }, 5_000)
  return () => {
    clearInterval(timer)
    clearTimeout(soon)
  }
}

/**
 * Connects with a token or an API key. `ended` is called once when the session is over, with the reason for the
 * sign-in page. Rejects if the credential is refused or the service cannot be reached.
 */
export const startSession = async (token: string, ended: (why: string) => void): Promise<Session> => {
  const store = createStore()
  let isOver = false
  let unfollow = () => {}
  const client = await connectCameraService({
    url: socketUrl(),
    credential: token,
    onState: (state, reason) => {
      if (isOver) return
      if (state === 'closed') {
        isOver = true
        unfollow()
        ended(reason === undefined ? '' : errorText(reason))
        return
      }
      const lost = state === 'open' || reason === undefined ? {} : { lost: errorText(reason) }
      store.change(() => ({ connection: state, ...lost }))
    },
  })
  // The client keeps no result of its own authentication, and an API key does not show its role.
  const { role } = await client.call('authenticate', { auth_token: token })
  store.change(() => ({ connection: 'open', role: role as Role }))
  unfollow = await follow({ client, store })
  if (isOver) unfollow()
  return {
    client,
    store,
    end: () => {
      isOver = true
      unfollow()
      client.close()
    },
  }
}
