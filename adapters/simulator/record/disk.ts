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
