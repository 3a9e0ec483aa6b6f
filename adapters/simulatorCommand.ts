import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

/** The simulator of MediaMTX is a program of its own, like the real one. */
export function simulatorCommand(): readonly [string, ...string[]] {
  const file = (name: string) => fileURLToPath(new URL(name, import.meta.url))
  const require = createRequire(import.meta.url)
  return import.meta.url.endsWith('.ts')
    ? [process.execPath, '--import', require.resolve('tsx'), file('./simulator/main.ts')]
    : [process.execPath, file('./simulator.js')]
}
