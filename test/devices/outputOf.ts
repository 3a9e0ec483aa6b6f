import { readFileSync } from 'node:fs'

/** The output of v4l2-ctl in a file of this folder, without the comment at its beginning. */
export const outputOf = (name: string): string =>
  readFileSync(new URL(`./${name}.txt`, import.meta.url), 'utf8').replace(/^(?:#.*\n)+/, '')
