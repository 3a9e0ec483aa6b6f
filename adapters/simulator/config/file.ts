import { readFileSync } from 'node:fs'
import { parse, type ScalarTag } from 'yaml'
import { wordsOf } from '../words.js'
import type { Json } from './json.js'

/** The words of YAML 1.1, which MediaMTX goes on to take: `yes`, `off` … */
const legacyBool: ScalarTag = {
  tag: 'tag:yaml.org,2002:bool',
  default: true,
  test: /^(?:[Yy]es|YES|[Nn]o|NO|[Oo]n|ON|[Oo]ff|OFF)$/,
  resolve: (text) => /^(?:yes|on)$/i.test(text),
}

/** The content of a mediamtx.yml. Throws when it cannot be read or is no YAML. */
export function readConfigFile(file: string): Json {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new Error(wordsOf(error))
  }
  return parse(text, { customTags: (tags) => [legacyBool, ...tags] }) as Json
}
