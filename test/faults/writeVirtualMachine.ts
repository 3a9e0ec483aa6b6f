/** Writes the whole table of `bash test/vm/run.sh faults` into docs/reliability.md. Argument: its file. */
import { readFileSync } from 'node:fs'
import { writeSection } from './table.js'

writeSection('virtual machine', readFileSync(process.argv[2] ?? '', 'utf8').trim())
