import type { PathConf } from '../config/fields.js'
import type { Log } from '../log.js'
import type { Commands } from './commands.js'

/** The commands of one path. */
export interface Hooks {
  /** Starts `runOnDemand`. Returns a function that stops it. */
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
  /** Starts a command that ends by itself. */
  const launch = (
    name: 'runOnRecordSegmentCreate' | 'runOnRecordSegmentComplete',
    more: Record<string, string>,
  ): void => {
    if (conf[name] === '') return
    log('INF', `${name} command launched`)
    commands.start({ line: conf[name], environment: { ...environment, ...more } })
  }

  return {
    demand: (query) => {
      log('INF', 'runOnDemand command started')
      const stop = commands.start({
        line: conf.runOnDemand,
        environment: { ...environment, MTX_QUERY: encodeURIComponent(query).replace(/%20/g, '+') },
        restart: conf.runOnDemandRestart,
        exited: (reason) => log('INF', `runOnDemand command exited: ${reason}`),
      })
      return (reason) => {
        log('INF', `runOnDemand command stopped: ${reason}`)
        stop()
      }
    },
    segmentCreated: (file) => launch('runOnRecordSegmentCreate', { MTX_SEGMENT_PATH: file }),
    segmentCompleted: (file, seconds) =>
      launch('runOnRecordSegmentComplete', { MTX_SEGMENT_PATH: file, MTX_SEGMENT_DURATION: String(seconds) }),
  }
}
