/** Survivors that no test can notice, because the program does the same with them. */
import { readFileSync } from 'node:fs'
import type { Mutant } from './mutants.js'

export interface Equivalent {
  file: string
  what: string
  /** A part of the line. */
  line: string
  reason: string
}

export const equivalents: readonly Equivalent[] = []

export const lineOf = ({ file, line }: Mutant): string => readFileSync(file, 'utf8').split('\n')[line - 1]?.trim() ?? ''

export const equivalentOf = (mutant: Mutant): Equivalent | undefined =>
  equivalents.find(
    ({ file, what, line }) => file === mutant.file && what === mutant.what && lineOf(mutant).includes(line),
  )
