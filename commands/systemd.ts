import type { SystemdNotifier } from '../adapters/systemd/notify.js'
import type { App } from '../app.js'
import type { Dispose } from '../machines/domain/ports.js'

/** The present state in one line: `cameras 3/4 · recording 1 · MediaMTX up`. */
export function statusLine({ cameras, link, storage }: Pick<App['directory'], 'cameras' | 'link' | 'storage'>): string {
  const all = cameras()
  const connected = all.filter(({ status }) => status === 'CONNECTED').length
  const recording = all.filter(({ recording }) => recording?.growing).length
  const { state, server } = link()
  const disk = storage().state
  return [
    `cameras ${connected}/${all.length}`,
    `recording ${recording}`,
    `${server?.kind === 'embedded' ? 'simulator' : 'MediaMTX'} ${state}`,
    ...(disk === 'ok' || disk === 'unknown' ? [] : [`storage ${disk}`]),
  ].join(' · ')
}

/** Keeps systemd informed: a status line with each change, and signs of life while the root actor answers. */
export function informSystemd(
  { directory, facts, isAlive }: Pick<App, 'facts' | 'isAlive'> & { directory: Parameters<typeof statusLine>[0] },
  systemd: SystemdNotifier,
): Dispose {
  let shown = ''
  let due: NodeJS.Immediate | undefined
  const show = () => {
    due = undefined
    const text = statusLine(directory)
    if (text !== shown) void systemd.status(text)
    shown = text
  }
  // A fact is published during the transition that causes it: the directory shows the new state only after it. Many
  // facts at once, as when a thousand cameras start, change the line once.
  const unsubscribe = facts.subscribe(() => {
    due ??= setImmediate(show)
  })
  show()
  const { interval } = systemd
  const giveSign = () => {
    if (isAlive()) void systemd.watchdog()
  }
  const timer = interval === undefined ? undefined : setInterval(giveSign, interval)
  return () => {
    unsubscribe()
    clearImmediate(due)
    clearInterval(timer)
  }
}
