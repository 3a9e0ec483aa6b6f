import { execFile } from 'node:child_process'
import pLimit from 'p-limit'
import { reasonOf } from '../../machines/domain/errors.js'
import type { Log } from '../../machines/domain/ports.js'

/**
 * Promises never reject. They resolve once systemd has the message, or a newer one of the same kind takes its place.
 */
export interface SystemdNotifier {
  /** The service is up: `systemctl start` returns. `status` is the line that `systemctl status` shows. */
  ready(status: string): Promise<void>
  status(text: string): Promise<void>
  /** The service reads its configuration again, until `ready`. */
  reloading(): Promise<void>
  stopping(): Promise<void>
  /** A sign of life; due every `interval`. */
  watchdog(): Promise<void>
  /** Milliseconds between signs of life; absent: systemd does not expect any. */
  interval?: number
}

export interface SystemdNotifierOptions {
  /** Only `NOTIFY_SOCKET`, `WATCHDOG_USEC`, `WATCHDOG_PID` and `PATH` are used. */
  env: NodeJS.ProcessEnv
  log: Log
}

/** Two of three signs of life may be lost before systemd restarts the service. */
const signsPerTimeout = 3
/** In ms. */
const programTimeout = 10_000

/**
 * Notifies systemd of the state of the service (sd_notify); outside of a Type=notify unit it does nothing. Each message
 * runs the program `systemd-notify`, since Node cannot send datagrams to a local socket: the unit needs
 * NotifyAccess=all. Messages are sent one after the other; of several that wait, only the newest of each kind is sent.
 */
export const createSystemdNotifier = ({ env, log }: SystemdNotifierOptions): SystemdNotifier => {
  if (!env.NOTIFY_SOCKET) {
    const nothing = () => Promise.resolve()
    return { ready: nothing, status: nothing, reloading: nothing, stopping: nothing, watchdog: nothing }
  }
  const inTurn = pLimit(1)
  const newest = new Map<string, string[]>()
  let isFailing = false

  const send = (variables: string[]) =>
    new Promise<void>((resolve) => {
      execFile('systemd-notify', variables, { env, timeout: programTimeout, killSignal: 'SIGKILL' }, (error) => {
        // Signs of life would repeat the same failure every few seconds.
        if (error && !isFailing) log.error('systemd could not be notified', { reason: reasonOf(error) })
        isFailing = error !== null
        resolve()
      })
    })
  const post = (kind: string, ...variables: string[]): Promise<void> => {
    newest.set(kind, variables)
    return inTurn(async () => {
      if (newest.get(kind) === variables) await send(variables)
    })
  }

  const interval = watchdogInterval(env)
  return {
    ready: (status) => post('ready', 'READY=1', statusVariable(status)),
    status: (text) => post('status', statusVariable(text)),
    // The time, on the clock that systemd uses, tells it which READY=1 belongs to the reload.
    reloading: () => post('ready', 'RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`),
    stopping: () => post('stopping', 'STOPPING=1'),
    watchdog: () => post('watchdog', 'WATCHDOG=1'),
    ...(interval === undefined ? {} : { interval }),
  }
}

/** Replaces line breaks, which begin another variable: a camera could be named "\nSTOPPING=1". */
const statusVariable = (text: string) => `STATUS=${text.replaceAll(/\p{Cc}+/gu, ' ')}`

const watchdogInterval = ({ WATCHDOG_USEC, WATCHDOG_PID }: NodeJS.ProcessEnv): number | undefined => {
  const timeout = Number(WATCHDOG_USEC) / 1000
  const isForUs = WATCHDOG_PID === undefined || Number(WATCHDOG_PID) === process.pid
  return isForUs && timeout > 0 ? Math.round(timeout / signsPerTimeout) : undefined
}
