import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { generatedDocuments } from '../../docs/generate/documents.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

describe('conventions: documents', () => {
  it('are up to date with their generators (run `make docs`)', async () => {
    const stale = Object.entries(await generatedDocuments())
      .filter(([path, text]) => !existsSync(root + path) || readFileSync(root + path, 'utf8') !== text)
      .map(([path]) => path)
    expect(stale).to.deep.equal([])
  })
})
