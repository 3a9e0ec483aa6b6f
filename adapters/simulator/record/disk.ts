import { existsSync, mkdirSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

/** Makes a folder and its parents. Node's recursive mkdir never returns below `/proc`, which refuses with ENOENT. */
export function makeFolder(folder: string): void {
  if (existsSync(folder)) return
  makeFolder(dirname(folder))
  mkdirSync(folder)
}

/** Writes all bytes. One write to a full disk may accept only some of them. */
export function writeAll(descriptor: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at)
}
