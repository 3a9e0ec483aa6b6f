import { type ChildProcess, spawn } from 'node:child_process'
import { expand, splitWords } from './shell.js'

export interface CommandOptions {
  line: string
  /** Added to the server's own. */
  environment: Record<string, string>
  /** Started anew 5 s after each end. */
  restart?: boolean
  /** Told of each end that was not asked for and is worth a line in the log. */
  exited?: (reason: string) => void
}

/** The processes that paths start. */
export interface Commands {
  /** Returns what stops it: SIGINT to its process group, and no waiting. A line of nothing but blanks ends the program. */
  start(options: CommandOptions): () => void
  /** Resolves when none is left, however long that takes: MediaMTX never kills one. */
  gone(): Promise<void>
  readonly running: number
}

const restartPause = 5000

export function createCommands(): Commands {
  const running = new Set<ChildProcess>()
  const waiting: (() => void)[] = []
  const ended = (child: ChildProcess): void => {
    running.delete(child)
    if (running.size === 0) for (const resolve of waiting.splice(0)) resolve()
  }

  const start = ({ line, environment, restart = false, exited = () => {} }: CommandOptions): (() => void) => {
    const all = { ...process.env, ...environment }
    let stopped = false
    let pause: NodeJS.Timeout | undefined
    let child: ChildProcess | undefined

    const over = (reason: string | undefined): void => {
      if (stopped) return
      if (restart) {
        exited(reason ?? 'command exited with code 0')
        pause = setTimeout(run, restartPause)
      } else if (reason !== undefined) exited(reason)
    }
    const run = (): void => {
      let words: string[]
      try {
        words = splitWords(line)
      } catch (error) {
        over(error instanceof Error ? error.message : String(error))
        return
      }
      const [program, ...args] = words.map((word) => expand(word, all))
      if (program === undefined) {
        // MediaMTX dies of this one, with exit code 2: nobody is to catch it.
        setImmediate(() => {
          throw new Error('panic: runtime error: index out of range [0] with length 0')
        })
        return
      }
      const started = spawn(program, args, { env: all, stdio: ['ignore', 'inherit', 'inherit'], detached: true })
      child = started
      running.add(started)
      started.once('error', (error) => {
        ended(started)
        over(error.message)
      })
      // MediaMTX computes the code and drops it: what failed looks as what ended well.
      started.once('exit', () => {
        ended(started)
        over(undefined)
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
    // It ended in this very moment.
  }
}
