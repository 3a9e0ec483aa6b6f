import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { explainPage } from './situations.js'

describe('explanations, on a simulated host', () => {
  it('match docs/explain.md (run `make docs`)', async () => {
    const file = fileURLToPath(new URL('../../docs/explain.md', import.meta.url))
    expect(await explainPage()).to.equal(readFileSync(file, 'utf8'))
  })
})
