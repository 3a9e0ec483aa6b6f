import { errorBody, reasonOf, ServiceError } from '../machines/domain/errors.js'
import type { Clock, Log } from '../machines/domain/ports.js'
import { suggestionFor } from './client/words.js'
import { UsageError } from './line/command.js'

/** What a command prints on standard output and standard error, and its exit status. */
export interface Outcome {
  status: number
  out?: string
  err?: string
}

/** What commands need of the process. */
export interface CommandPorts {
  env: NodeJS.ProcessEnv
  clock: Clock
  /** Messages for the person at the terminal. */
  log: Log
}

/** `EX_UNAVAILABLE` of sysexits.h: no service answers. */
export const unavailable = 69

/** `EX_SOFTWARE` of sysexits.h: actors crashed too often. systemd restarts the service on it. */
export const softwareError = 70

/** `EX_NOPERM` of sysexits.h: the credential is not accepted or has too few rights. */
export const noPermission = 77

/** `EX_CONFIG` of sysexits.h. systemd does not restart the service on it. */
export const configurationFault = 78

/** As shells report SIGINT. */
export const interrupted = 130

/** A failure with an exit status of its own. The message is one sentence. */
export class CommandError extends Error {
  override readonly name: string = 'CommandError'
  constructor(
    message: string,
    readonly status: number,
  ) {
    super(message)
  }
}

/** The outcome of a command that threw: a fault of the arguments or the configuration, or any other error. */
export function failure(error: unknown): Outcome {
  // By its name: only commands that read the configuration load the module with its class.
  const isConfiguration = error instanceof Error && error.name === 'ConfigurationError'
  if (error instanceof UsageError || isConfiguration) return { status: configurationFault, err: error.message }
  const status = error instanceof CommandError ? error.status : 1
  return { status, err: `camera-service: ${sentenceOf(error)}` }
}

function sentenceOf(error: unknown): string {
  if (!(error instanceof ServiceError)) return reasonOf(error)
  const { state, rule, detail, id } = error.data
  const message = id === undefined ? error.message : `${error.message}: ${id}`
  const suggestion = suggestionFor(error.code, errorBody(error).data)
  return [message, state ?? rule ?? detail, suggestion].filter((part) => part !== undefined).join('; ')
}
