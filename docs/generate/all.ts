import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { generatedDocuments } from './documents.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
for (const [path, text] of Object.entries(await generatedDocuments())) {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), text)
  console.log(path)
}
