import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Relative clauses as subjects, inverted word order, and people's verbs for state and events. */
const riddles = new RegExp(
  [
    /\b(whoever|whom)\b/,
    /\bwho (asks|has|may|is|was|does)\b/,
    /\bwhat (is|was) (told|asked|shown|refused|looked)\b/,
    /\b(is|are|was|were) told\b/,
    /\bof (one|a client|those) (who|that)\b/,
    /\b(hears?|in vain)\b/,
  ]
    .map(({ source }) => source)
    .join('|'),
  'i',
)
const own = 'test/conventions/prose.test.ts'
const folders = ['machines', 'actors', 'adapters', 'rpc', 'config', 'commands', 'docs', 'test']
const files = [
  ...readdirSync(root, { encoding: 'utf8' }),
  ...folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) => `${folder}/${name}`),
  ),
].filter((file) => /\.(tsx?|md|yml|service|css|html)$/.test(file) && file !== own)

describe('conventions: prose', () => {
  it('is plain English', () => {
    const found = files.flatMap((file) =>
      readFileSync(join(root, file), 'utf8')
        .split('\n')
        .flatMap((line, index) => (riddles.test(line) ? [`${file}:${index + 1}: ${line.trim()}`] : [])),
    )
    expect(found).to.deep.equal([])
  })
})
