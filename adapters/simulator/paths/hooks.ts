import type { PathConf } from '../config/fields.js'
import type { Log } from '../log.js'
import type { Commands } from './commands.js'

/** The commands of one path. */
export interface Hooks {
  /** Starts `runOnInit`. Returns a function that stops it. */
  init(): () => void
  /** Starts `runOnDemand`. Returns a function that stops it and starts `runOnUnDemand`. */
  demand(query: string): (reason: string) => void
  segmentCreated(file: string): void
  /** `seconds`: the length of the media. */
  segmentCompleted(file: string, seconds: number): void
}

interface HooksOptions {
  conf: PathConf
  /** Variables of every command of the path. */
  environment: Record<string, string>
  commands: Commands
  log: Log
}

/** Returns the commands of a path. */
export function createHooks({ conf, environment, commands, log }: HooksOptions): Hooks {
  /** Starts a command that runs for as long as it is needed; an empty line starts nothing. */
  const keep = (name: 'runOnInit' | 'runOnDemand', restart: boolean, more: Record<string, string>) => {
    if (conf[name] === '') return undefined
    log('INF', `${name} command started`)
    return commands.start({
      line: conf[name],
      environment: { ...environment, ...more },
      restart,
      exited: (reason) => log('INF', `${name} command exited: ${reason}`),
    })
  }
  /** Starts a command that ends by itself. */
  const launch = (
    name: 'runOnUnDemand' | 'runOnRecordSegmentCreate' | 'runOnRecordSegmentComplete',
    more: Record<string, string>,
  ): void => {
    if (conf[name] === '') return
    log('INF', `${name} command launched`)
    commands.start({ line: conf[name], environment: { ...environment, ...more } })
  }

  return {
    init: () => keep('runOnInit', conf.runOnInitRestart, {}) ?? (() => {}),
    demand: (query) => {
      const variables = { MTX_QUERY: encodeURIComponent(query).replace(/%20/g, '+') }
      const stop = keep('runOnDemand', conf.runOnDemandRestart, variables)
      return (reason) => {
        if (stop) log('INF', `runOnDemand command stopped: ${reason}`)
        stop?.()
        launch('runOnUnDemand', variables)
      }
    },
    segmentCreated: (file) => launch('runOnRecordSegmentCreate', { MTX_SEGMENT_PATH: file }),
    segmentCompleted: (file, seconds) =>
      launch('runOnRecordSegmentComplete', { MTX_SEGMENT_PATH: file, MTX_SEGMENT_DURATION: String(seconds) }),
  }
}
