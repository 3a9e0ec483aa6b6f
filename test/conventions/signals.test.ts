import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'

const root = fileURLToPath(new URL('../..', import.meta.url))

describe('conventions: signals', () => {
  it('never combine a timeout with AbortSignal.any, because Node 20 may garbage-collect it before it aborts', () => {
    const files = ['machines', 'actors', 'adapters', 'rpc'].flatMap((top) =>
      readdirSync(join(root, top), { recursive: true, encoding: 'utf8' }).map((name) => `${top}/${name}`),
    )
    const wrong = files.filter(
      (file) =>
        file.endsWith('.ts') &&
        /AbortSignal\.any\([^)]*AbortSignal\.timeout/.test(readFileSync(join(root, file), 'utf8')),
    )
    expect(wrong).to.deep.equal([])
  })
})
