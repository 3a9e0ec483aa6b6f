import { execFile } from 'node:child_process'
import { reasonOf } from '../../machines/domain/errors.js'
import type { Log } from '../../machines/domain/ports.js'

export interface SystemdNotifier {
  /** The service is up: `systemctl start` returns. `status` is the line that `systemctl status` shows. */
  ready(status: string): Promise<void>
  status(text: string): Promise<void>
  stopping(): Promise<void>
  /** A sign of life; due every `interval`. */
  watchdog(): Promise<void>
  /** Milliseconds between signs of life; absent: nobody waits for them. */
  interval?: number
}

export interface SystemdNotifierOptions {
  /** `NOTIFY_SOCKET`, `WATCHDOG_USEC`, `WATCHDOG_PID` and `PATH` count. */
  env: NodeJS.ProcessEnv
  log: Log
}

/** Two signs of life may be lost before systemd's patience ends. */
const signsPerPatience = 3
const programLimit = 10_000

/**
 * Tells systemd (sd_notify) how the service is; does nothing outside of a Type=notify unit. It runs `systemd-notify`, since Node
 * cannot send datagrams to a local socket: the unit needs NotifyAccess=all. No promise rejects; each resolves once systemd has the
 * message, which matters to who exits right after `stopping`. Messages go in order; of several waiting statuses only the last is sent.
 */
export const createSystemdNotifier = ({ env, log }: SystemdNotifierOptions): SystemdNotifier => {
  if (!env.NOTIFY_SOCKET) {
    const nothing = () => Promise.resolve()
    return { ready: nothing, status: nothing, stopping: nothing, watchdog: nothing }
  }
  let failing = false
  let last: Promise<void> = Promise.resolve()
  let newestStatus = 0
  let signWaits = false

  const send = (variables: string[]) =>
    new Promise<void>((resolve) => {
      execFile('systemd-notify', variables, { env, timeout: programLimit, killSignal: 'SIGKILL' }, (error) => {
        // The first failure of a row is enough to read.
        if (error && !failing)
          log.error('systemd was not told of the state of the service', { reason: reasonOf(error) })
        failing = error !== null
        resolve()
      })
    })
  const inOrder = (act: () => Promise<void>): Promise<void> => {
    last = last.then(act)
    return last
  }

  const interval = watchdogInterval(env)
  return {
    ready: (status) => inOrder(() => send(['READY=1', statusVariable(status)])),
    status: (text) => {
      newestStatus += 1
      const mine = newestStatus
      return inOrder(async () => {
        if (mine === newestStatus) await send([statusVariable(text)])
      })
    },
    stopping: () => inOrder(() => send(['STOPPING=1'])),
    watchdog: () => {
      if (signWaits) return last
      signWaits = true
      return inOrder(async () => {
        signWaits = false
        await send(['WATCHDOG=1'])
      })
    },
    ...(interval === undefined ? {} : { interval }),
  }
}

/** A line break would begin another variable: a camera's name could then say STOPPING=1. */
const statusVariable = (text: string) => `STATUS=${text.replaceAll(/\p{Cc}+/gu, ' ')}`

const watchdogInterval = ({ WATCHDOG_USEC, WATCHDOG_PID }: NodeJS.ProcessEnv): number | undefined => {
  const patience = Number(WATCHDOG_USEC) / 1000
  const isForUs = WATCHDOG_PID === undefined || Number(WATCHDOG_PID) === process.pid
  return isForUs && patience > 0 ? Math.round(patience / signsPerPatience) : undefined
}
