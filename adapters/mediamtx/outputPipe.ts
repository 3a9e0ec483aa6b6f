import { execFile } from 'node:child_process'
import { closeSync, constants, openSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { Socket } from 'node:net'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { attempt } from '../attempt.js'

const run = promisify(execFile)

/** A pipe for the output of a child. */
export interface OutputPipe {
  /** The descriptor for the child's output. */
  descriptor: number
  reader: Readable
  /** Leaves the descriptor to the child. */
  handOver(): void
}

/**
 * Creates a pipe that can be read by the child, too, so that it never breaks: MediaMTX, as every Go program, dies of
 * SIGPIPE if nothing can read its output, before it closes its recordings. Node can create neither such a pipe nor a
 * named one. Resolves with `undefined` if there is no `mkfifo`. `dir`: where the pipe has a name for a moment.
 */
export async function openOutputPipe(dir: string): Promise<OutputPipe | undefined> {
  const file = join(dir, 'output')
  const descriptors: number[] = []
  const open = (flags: number): number => {
    const descriptor = openSync(file, flags)
    descriptors.push(descriptor)
    return descriptor
  }
  try {
    await rm(file, { force: true })
    await run('mkfifo', ['-m', '600', file])
    // Opening one end alone would wait for the other.
    const reading = open(constants.O_RDONLY | constants.O_NONBLOCK)
    const descriptor = open(constants.O_RDWR)
    const reader = new Socket({ fd: reading, readable: true, writable: false })
    return { descriptor, reader, handOver: () => closeSync(descriptor) }
  } catch {
    for (const descriptor of descriptors) attempt(() => closeSync(descriptor))
    return undefined
  } finally {
    await rm(file, { force: true }).catch(() => {})
  }
}
