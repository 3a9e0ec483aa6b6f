import { UsageError } from '../config/arguments.js'
import { ConfigurationError } from '../config/load.js'
import { reasonOf, ServiceError } from '../machines/domain/errors.js'
import type { Clock, Log } from '../machines/domain/ports.js'

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

/** `EX_CONFIG` of sysexits.h. systemd does not restart the service on it. */
export const configurationFault = 78

/** `EX_SOFTWARE` of sysexits.h: actors crashed too often. systemd restarts the service on it. */
export const softwareError = 70

/** The outcome of a command that threw: a fault of the arguments or the configuration, or any other error. */
export function failure(error: unknown): Outcome {
  if (error instanceof UsageError || error instanceof ConfigurationError)
    return { status: configurationFault, err: error.message }
  return { status: 1, err: `camera-service: ${sentenceOf(error)}` }
}

function sentenceOf(error: unknown): string {
  if (!(error instanceof ServiceError)) return reasonOf(error)
  const { state, rule, detail, id, suggestion } = error.data
  return [error.message, state ?? rule ?? detail ?? id, suggestion].filter((part) => part !== undefined).join('; ')
}
