import { existsSync, mkdirSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

/** Node's own recursive mkdir never returns below `/proc` and its like, where every folder is refused with ENOENT. */
export function makeFolder(folder: string): void {
  if (existsSync(folder)) return
  makeFolder(dirname(folder))
  mkdirSync(folder)
}

/** A full disk may take less than it is given. */
export function writeAll(descriptor: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at)
}

/** `mkdir /x/y: permission denied`: what the system said, in Go's order. */
export function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { syscall, path, code, message } = error as NodeJS.ErrnoException
  if (syscall === undefined || code === undefined) return message
  const text = message.replace(`${code}: `, '').replace(/, [^,]*$/, '')
  const verb = syscall === 'unlink' ? 'remove' : syscall
  return `${path === undefined ? verb : `${verb} ${path}`}: ${text}`
}
