/** Writes the table that `test/vm/run.sh faults` has left to docs/reliability.md. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { writeSection } from './table.js'

const left = process.env.VM_OUT ?? fileURLToPath(new URL('../../.vm-out', import.meta.url))
writeSection('virtual machine', readFileSync(join(left, 'faults.md'), 'utf8'))
