/** Runs the tests of mutants, each until its first failure. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type BuildContext, build, context } from 'esbuild'
import { type Mutant, mutated } from './mutants.js'
import type { Tests } from './tests.js'
import type { Verdict } from './worker.js'

export type Result = 'killed' | 'timed out' | 'survived' | 'invalid'

const folder = resolve(`.cache/mutation/${process.pid}`)
/** A worker is replaced after some bundles, because a failed test may leave something behind. */
const mostBundles = 8
/** A mutant may take so many times the processor time of the original, and so many ms more, before it counts as endless. */
const patience = { times: 3, more: 2_000 }
/** ms without the end of a test, for a process that waits. */
const silence = 120_000

/** Bundles the tests of one source file, with or without a mutant in it. */
export class Bundles {
  private mutant: Mutant | undefined
  /** Of all bundles: Node imports a path only once. */
  private static count = 0
  private constructor(private readonly esbuild: BuildContext) {}

  static async open(file: string, { files, models }: Tests): Promise<Bundles> {
    mkdirSync(folder, { recursive: true })
    let bundles: Bundles | undefined
    const mutatedFile = resolve(file)
    const lines = [
      ...files.slice(0, 1).map((test) => `import './${test}'`),
      ...(models.length > 0 ? [`import './test/mutation/entry.js'`] : []),
      ...files.slice(1).map((test) => `import './${test}'`),
    ]
    const esbuild = await context({
      stdin: { contents: lines.join('\n'), resolveDir: process.cwd(), loader: 'ts' },
      bundle: true,
      write: true,
      outfile: join(folder, 'bundle.mjs'),
      format: 'esm',
      platform: 'node',
      target: 'node20',
      packages: 'external',
      conditions: ['development'],
      logLevel: 'silent',
      plugins: [
        {
          name: 'mutant',
          setup(plugin) {
            plugin.onResolve({ filter: /test\/mutation\/entry\.js$/ }, () => ({ path: 'entry', namespace: 'models' }))
            plugin.onLoad({ filter: /.*/, namespace: 'models' }, () => ({
              contents: `import { testModels } from './test/mutation/modelTests.ts'\ntestModels(${JSON.stringify(models)})`,
              resolveDir: process.cwd(),
              loader: 'ts',
            }))
            plugin.onLoad({ filter: /\.ts$/ }, ({ path }) => {
              const isMutated = path === mutatedFile
              if (!isMutated && path.includes('node_modules')) return undefined
              const source = sourceOf(path)
              if (!isMutated && !source.includes('import.meta.url')) return undefined
              const contents = isMutated && bundles?.mutant ? mutated(source, bundles.mutant) : source
              return {
                contents: contents.replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path))),
                loader: 'ts',
              }
            })
          },
        },
      ],
    })
    bundles = new Bundles(esbuild)
    return bundles
  }

  /** Returns the path of the bundle; undefined: the mutant is not valid TypeScript. */
  async build(mutant?: Mutant): Promise<string | undefined> {
    this.mutant = mutant
    try {
      await this.esbuild.rebuild()
    } catch {
      return undefined
    }
    Bundles.count += 1
    return `${join(folder, 'bundle.mjs')}?${Bundles.count}`
  }

  close(): Promise<void> {
    return this.esbuild.dispose()
  }
}

const sources = new Map<string, string>()
function sourceOf(path: string): string {
  const text = sources.get(path) ?? readFileSync(path, 'utf8')
  sources.set(path, text)
  return text
}

/** A process that runs bundles. It is replaced when it hangs. */
export class Worker {
  private child: ChildProcess | undefined
  private used = 0
  private static file = join(folder, 'worker.mjs')

  static async prepare(): Promise<void> {
    await build({
      entryPoints: ['test/mutation/worker.ts'],
      bundle: true,
      outfile: Worker.file,
      format: 'esm',
      platform: 'node',
      packages: 'external',
      logLevel: 'silent',
    })
  }

  /** `normal`: processor time of the original, in ms. Returns undefined if it took too long. */
  async run(bundle: string, normal: number): Promise<Verdict | undefined> {
    if (this.used >= mostBundles) await this.stop()
    this.child ??= fork(Worker.file, {
      execArgv: ['--conditions=development', '--no-warnings', '--max-old-space-size=1500'],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    const { child } = this
    this.used += 1
    const over = new AbortController()
    const verdict = Promise.race([
      once(child, 'message', { signal: over.signal }).then(([message]) => message as Verdict),
      once(child, 'exit', { signal: over.signal }).then(() => undefined),
    ]).catch(() => undefined)
    const begun = cpuOf(child)
    const since = performance.now()
    const watch = setInterval(() => {
      const spent = cpuOf(child) - begun
      if (spent > normal * patience.times + patience.more || performance.now() - since > silence) over.abort()
    }, 250)
    child.send(bundle)
    const result = await verdict
    clearInterval(watch)
    over.abort()
    if (!result) await this.stop()
    return result
  }

  /** Ends the process, for ever. */
  async close(): Promise<void> {
    await this.stop()
    rmSync(folder, { recursive: true, force: true })
  }

  private async stop(): Promise<void> {
    const { child } = this
    this.child = undefined
    this.used = 0
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
}

/** Returns the processor time of a process, in ms. */
function cpuOf({ pid }: ChildProcess): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
    return (Number(fields[11]) + Number(fields[12])) * 10
  } catch {
    return 0
  }
}
