import { useEffect, useRef, useState } from 'preact/hooks'
import { RpcError } from '../client/index.js'
import { CameraView } from './camera.js'
import { CamerasView } from './cameras.js'
import { FilesView } from './files.js'
import { SessionContext, useFacts, useSession } from './hooks.js'
import { AlertIcon, CameraIcon, CheckIcon, CloseIcon } from './icons.js'
import { KioskView } from './kiosk.js'
import { hrefOf, kioskKeyIn, type Route, routeOf, signInCodeOf } from './route.js'
import {
  errorText,
  forgetKioskKey,
  forgetToken,
  keepKioskKey,
  keepToken,
  keptKioskKey,
  keptToken,
  redeem,
  type Session,
  startSession,
} from './session.js'
import { SignIn } from './signIn.js'
import { dismiss } from './store.js'
import { SystemView } from './system.js'

const useRoute = (): Route => {
  const [route, setRoute] = useState(() => routeOf(location.hash))
  useEffect(() => {
    const read = () => setRoute(routeOf(location.hash))
    window.addEventListener('hashchange', read)
    return () => window.removeEventListener('hashchange', read)
  }, [])
  return route
}

/** Removes the code from the address bar and the history of the browser. */
const takeCode = (): string | undefined => {
  const code = signInCodeOf(location.hash)
  if (code !== undefined) history.replaceState(null, '', '#/cameras')
  return code
}

/** Of a key that would stay in the browser of a wall display. */
class WrongRole extends Error {
  constructor(role: string) {
    super(`The key has the role ${role}. A display that others can reach needs a key of role viewer.`)
  }
}

const isKiosk = () => routeOf(location.hash).view === 'kiosk'

/** The key of a wall display is removed from the address, and kept for its next start. */
const takeKioskKey = (): string | undefined => {
  const found = kioskKeyIn(location.hash)
  if (found !== undefined) history.replaceState(null, '', found.rest)
  return found?.key
}

/** How long a wall display waits before it looks for the service again, in ms. */
const kioskPause = 5_000

/** `starting`: with a token or a code that is already there. */
type State =
  | { at: 'starting' }
  | { at: 'signedOut'; why?: string; retry?: () => void }
  | { at: 'signedIn'; session: Session }

const kept = (): string | undefined => (isKiosk() ? keptKioskKey() : undefined) ?? keptToken()
const forgetAll = () => {
  forgetToken()
  if (isKiosk()) forgetKioskKey()
}

export const App = () => {
  const [state, setState] = useState<State>({ at: 'starting' })
  const current = useRef<Session | undefined>(undefined)
  /** A key from the address that was not tried yet: the service may start later than the display. */
  const offered = useRef<string | undefined>(undefined)

  const signIn = async (token: string): Promise<void> => {
    const session = await startSession(token, (why) => {
      forgetAll()
      setState({ at: 'signedOut', ...(why && { why }) })
    })
    const { role } = session.store.get()
    const isKey = isKiosk() && token.startsWith('csk_')
    if (isKey && role !== 'viewer') {
      session.end()
      throw new WrongRole(role)
    }
    current.current?.end()
    current.current = session
    offered.current = undefined
    if (isKey) keepKioskKey(token)
    else keepToken(token)
    setState({ at: 'signedIn', session })
  }
  const signOut = () => {
    current.current?.end()
    current.current = undefined
    forgetAll()
    setState({ at: 'signedOut' })
  }

  useEffect(() => {
    const start = async () => {
      const code = takeCode()
      try {
        offered.current = takeKioskKey() ?? offered.current
        const token = code === undefined ? (offered.current ?? kept()) : await redeem(code)
        if (token === undefined) setState({ at: 'signedOut' })
        else await signIn(token)
      } catch (error) {
        // A service that starts again keeps its tokens.
        const isRefused = error instanceof RpcError || error instanceof WrongRole
        if (isRefused) {
          offered.current = undefined
          forgetAll()
        }
        const canRetry = !isRefused && (offered.current ?? kept()) !== undefined
        setState({ at: 'signedOut', why: errorText(error), ...(canRetry && { retry: again }) })
        if (canRetry && isKiosk()) setTimeout(again, kioskPause)
      }
    }
    const again = () => {
      setState({ at: 'starting' })
      void start()
    }
    void start()
    // A link that is pasted into an open page.
    const follow = () => {
      const code = takeCode()
      const key = takeKioskKey()
      const token = code === undefined ? key : redeem(code)
      if (token !== undefined)
        Promise.resolve(token)
          .then(signIn)
          .catch((error: unknown) => setState({ at: 'signedOut', why: errorText(error) }))
    }
    window.addEventListener('hashchange', follow)
    return () => window.removeEventListener('hashchange', follow)
  }, [])

  if (state.at === 'starting') return <p class="starting">Connecting…</p>
  if (state.at === 'signedOut') {
    const { why, retry } = state
    return <SignIn signIn={signIn} {...(why && { why })} {...(retry && { retry })} />
  }
  return (
    <SessionContext.Provider value={state.session}>
      <Frame signOut={signOut} />
    </SessionContext.Provider>
  )
}

const titleOf = (route: Route): string => {
  switch (route.view) {
    case 'camera':
      return route.id
    case 'system':
      return 'System'
    case 'kiosk':
      return 'Wall display'
    default:
      return route.view.charAt(0).toUpperCase() + route.view.slice(1)
  }
}

const Frame = ({ signOut }: { signOut(): void }) => {
  const route = useRoute()
  const main = useRef<HTMLElement>(null)
  const place = hrefOf(route)
  // Not the whole route: the focus stays in the tree when another actor is selected.
  const view = route.view === 'system' ? `system ${route.tab}` : route.view === 'camera' ? route.id : route.view
  const isFirst = useRef(true)
  useEffect(() => {
    document.title = `${titleOf(route)} · Camera service`
    // Not at the start: the browser begins at the top by itself.
    if (isFirst.current) {
      isFirst.current = false
      return
    }
    main.current?.focus({ preventScroll: true })
    window.scrollTo(0, 0)
  }, [view])
  if (route.view === 'kiosk') return <KioskView wanted={route.cameras} />
  return (
    <>
      <a
        class="skip"
        href={place}
        onClick={(event) => {
          event.preventDefault()
          main.current?.focus()
        }}
      >
        Skip to the content
      </a>
      <Header route={route} signOut={signOut} />
      <Connection />
      <main ref={main} tabIndex={-1}>
        <View route={route} />
      </main>
      <Messages />
    </>
  )
}

const View = ({ route }: { route: Exclude<Route, { view: 'kiosk' }> }) => {
  switch (route.view) {
    case 'cameras':
      return <CamerasView />
    case 'camera':
      return <CameraView key={route.id} id={route.id} />
    case 'system':
      return <SystemView tab={route.tab} {...(route.actor && { actor: route.actor })} />
    default:
      return <FilesView key={route.view} kind={route.view} {...(route.file && { file: route.file })} />
  }
}

const Header = ({ route, signOut }: { route: Route; signOut(): void }) => {
  const role = useFacts((facts) => facts.role)
  const isCameras = route.view === 'cameras' || route.view === 'camera'
  const isFiles = route.view === 'recordings' || route.view === 'snapshots'
  const link = (href: string, name: string, isCurrent: boolean) => (
    <a href={href} aria-current={isCurrent ? 'page' : undefined}>
      {name}
    </a>
  )
  return (
    <header class="top">
      <a class="brand" href="#/cameras" aria-label="Camera service, all cameras">
        <CameraIcon />
        <span>Camera service</span>
      </a>
      <nav aria-label="Main">
        {link('#/cameras', 'Cameras', isCameras)}
        {link('#/recordings', 'Recordings', isFiles)}
        {link('#/system/overview', 'System', route.view === 'system')}
      </nav>
      <div class="who">
        <span class="role">{role}</span>
        <button type="button" class="button" onClick={signOut}>
          Sign out
        </button>
      </div>
    </header>
  )
}

const Connection = () => {
  const { connection, lost } = useFacts((facts) => facts)
  return (
    <div role="status" class={connection === 'open' ? '' : 'lost'}>
      {connection === 'open' ? '' : `No connection: what you see may be old. Connecting again… ${lost ?? ''}`}
    </div>
  )
}

const Messages = () => {
  const { store } = useSession()
  const messages = useFacts((facts) => facts.messages)
  return (
    <div class="messages" role="status" aria-live="polite">
      {messages.map(({ id, text, kind }) => (
        <div key={id} class={`message ${kind}`}>
          {kind === 'done' ? <CheckIcon /> : <AlertIcon />}
          <span>{text}</span>
          <button type="button" class="button small" aria-label="Dismiss" onClick={() => dismiss(store, id)}>
            <CloseIcon />
          </button>
        </div>
      ))}
    </div>
  )
}
