import type { Log } from './ports.js'

export const logLevels = ['error', 'warn', 'info', 'debug'] as const
export type LogLevel = (typeof logLevels)[number]

/** The parts of the service whose log levels can differ. A line of the log names its part in the field `module`. */
export const logModules = ['access', 'actors', 'api', 'cameras', 'media_server', 'storage', 'streams'] as const
export type LogModule = (typeof logModules)[number]

/** The lowest levels that are logged. `modules`: those that differ from `level`. */
export interface LogLevels {
  level: LogLevel
  modules: Partial<Record<LogModule, LogLevel>>
}

/** Changes the levels of the running service. */
export interface LogControl {
  levels(): LogLevels
  setLevel(level: LogLevel): void
  /** `undefined`: the module follows the general level again. */
  setModuleLevel(module: LogModule, level: LogLevel | undefined): void
}

/** The same log, for the lines of one module. */
export const inModule = (log: Log, module: LogModule): Log => ({
  error: (message, fields) => log.error(message, { ...fields, module }),
  warn: (message, fields) => log.warn(message, { ...fields, module }),
  info: (message, fields) => log.info(message, { ...fields, module }),
  debug: (message, fields) => log.debug(message, { ...fields, module }),
})

/** The logs of all modules. */
export const moduleLogs = (log: Log): Record<LogModule, Log> => ({
  access: inModule(log, 'access'),
  actors: inModule(log, 'actors'),
  api: inModule(log, 'api'),
  cameras: inModule(log, 'cameras'),
  media_server: inModule(log, 'media_server'),
  storage: inModule(log, 'storage'),
  streams: inModule(log, 'streams'),
})

/**
 * The levels as clients set them. `configured`: `logging.level`, to which they can return. A change of the configuration
 * that leaves it as it is does not end what a client has set.
 */
export function createLogging(configured: LogLevel, control: LogControl = fixed(configured)) {
  let usual = configured
  return {
    levels: control.levels,
    set(level: LogLevel | 'default', module?: LogModule): void {
      if (module !== undefined) control.setModuleLevel(module, level === 'default' ? undefined : level)
      else control.setLevel(level === 'default' ? usual : level)
    },
    /** Another level was configured. */
    configure(level: LogLevel): void {
      if (level === usual) return
      usual = level
      control.setLevel(level)
    },
  }
}

/** Of a log whose levels cannot be changed. */
const fixed = (level: LogLevel): LogControl => ({
  levels: () => ({ level, modules: {} }),
  setLevel() {},
  setModuleLevel() {},
})
