export { until } from '../../support/until.js'

import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Run, run } from '../../../adapters/ffmpeg/run.js'
import type { Pipeline } from '../../../machines/domain/camera.js'
import { Failure } from '../../../machines/domain/reason.js'

export const log = { error() {}, warn() {}, info() {}, debug() {} }
export const never = new AbortController().signal
export { systemClock } from '../../../adapters/systemClock.js'

/** Creates a folder whose name needs quoting. */
export async function folder(): Promise<{ dir: string; remove: () => Promise<void> }> {
  const dir = await mkdtemp(join(tmpdir(), "camera service's 50% "))
  return { dir, remove: () => rm(dir, { recursive: true, force: true }) }
}

/** Writes a shell script that replaces a program. */
export async function fake(dir: string, name: string, script: string): Promise<void> {
  await writeFile(join(dir, name), `#!/bin/sh\n${script}\n`)
  await chmod(join(dir, name), 0o755)
}

/** Runs programs, preferring the fakes in `dir` to the real ones. */
export const runWith =
  (dir: string): Run =>
  (command, args, options) =>
    run(command, args, { ...options, env: { ...process.env, PATH: `${dir}:${process.env.PATH}` } })

/** Resolves with `code: sentence` of a Failure, or with the message of another error. */
export const failure = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'it did not fail',
    (error: unknown) =>
      error instanceof Failure
        ? `${error.code}: ${error.message}`
        : error instanceof Error
          ? error.message
          : String(error),
  )

export const filesIn = async (dir: string): Promise<string[]> => (await readdir(dir).catch(() => [])).sort()

export const encoded = (fourcc = 'MJPG', width = 320, height = 180, fps = 15): Pipeline => ({
  kind: 'encode',
  mode: { fourcc, width, height, fps },
  codec: { profile: 'baseline', level: '3.0', pixelFormat: 'yuv420p', preset: 'ultrafast', bitrate: 400_000 },
  reason: '',
})
export const copied: Pipeline = { kind: 'copy', mode: { fourcc: 'H264', width: 320, height: 180, fps: 15 }, reason: '' }
export const webcam = {
  kind: 'usb',
  node: '/dev/video42',
  vendorId: '1d6b',
  productId: '0102',
  model: 'Test Cam',
} as const
/** The same node, of a camera that is not USB. */
export const csi = { kind: 'v4l2', node: '/dev/video42', model: 'unicam', links: [] as string[] } as const
export const demo = { kind: 'virtual', name: 'demo' } as const
