/** Writes docs/statecharts/coverage.md. */
import { writeFileSync } from 'node:fs'
import { models } from './models/index.js'
import { coverageFile, coveragePage } from './page.js'
import { cover } from './search.js'

writeFileSync(coverageFile, coveragePage(models.map(cover)))
