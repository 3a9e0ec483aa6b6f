import { type ChildProcess, spawn } from 'node:child_process'
import { errorText } from '../errorText.js'
import { expand, splitWords } from './shell.js'

/** A command to start. */
export interface CommandOptions {
  line: string
  /** Variables that are added to those of the server. */
  environment: Record<string, string>
  /** Whether to start the command again 5 s after each end. */
  restart?: boolean
  /** Called when the command ends by itself and restarts, or cannot be started. */
  exited?: (reason: string) => void
}

/** The processes that paths start. */
export interface Commands {
  /** Returns a function that sends SIGINT to the process group and does not wait. A blank line ends the program. */
  start(options: CommandOptions): () => void
  /** Resolves when no process is left. There is no limit: MediaMTX never kills one. */
  gone(): Promise<void>
  readonly running: number
}

const restartPause = 5000

/** Returns a set of processes that is empty at first. */
export function createCommands(): Commands {
  const running = new Set<ChildProcess>()
  const waiting: (() => void)[] = []
  const remove = (child: ChildProcess): void => {
    running.delete(child)
    if (running.size === 0) for (const resolve of waiting.splice(0)) resolve()
  }

  const start = ({ line, environment, restart = false, exited = () => {} }: CommandOptions): (() => void) => {
    const all = { ...process.env, ...environment }
    let stopped = false
    let pause: NodeJS.Timeout | undefined
    let child: ChildProcess | undefined

    const ended = (failure?: string): void => {
      if (stopped) return
      if (restart) pause = setTimeout(run, restartPause)
      if (restart || failure !== undefined) exited(failure ?? 'command exited with code 0')
    }
    const run = (): void => {
      let words: string[]
      try {
        words = splitWords(line)
      } catch (error) {
        ended(errorText(error))
        return
      }
      const [program, ...args] = words.map((word) => expand(word, all))
      if (program === undefined) {
        // MediaMTX panics here and exits with 2, so nothing may catch this.
        setImmediate(() => {
          throw new Error('panic: runtime error: index out of range [0] with length 0')
        })
        return
      }
      const started = spawn(program, args, { env: all, stdio: ['ignore', 'inherit', 'inherit'], detached: true })
      child = started
      running.add(started)
      started.once('error', (error) => {
        remove(started)
        ended(error.message)
      })
      // MediaMTX ignores the exit code.
      started.once('exit', () => {
        remove(started)
        ended()
      })
    }
    run()

    return () => {
      stopped = true
      clearTimeout(pause)
      if (child) interrupt(child)
    }
  }

  return {
    start,
    gone: () => (running.size === 0 ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))),
    get running() {
      return running.size
    },
  }
}

function interrupt({ pid, exitCode, signalCode }: ChildProcess): void {
  if (pid === undefined || exitCode !== null || signalCode !== null) return
  try {
    process.kill(-pid, 'SIGINT')
  } catch {
    // The process has just ended.
  }
}
