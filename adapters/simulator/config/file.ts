import { readFileSync } from 'node:fs'
import { parse, type ScalarTag } from 'yaml'
import { errorText } from '../errorText.js'
import type { Json } from './kinds.js'

/** The booleans of YAML 1.1, which MediaMTX accepts: `yes`, `off` … */
const legacyBool: ScalarTag = {
  tag: 'tag:yaml.org,2002:bool',
  default: true,
  test: /^(?:[Yy]es|YES|[Nn]o|NO|[Oo]n|ON|[Oo]ff|OFF)$/,
  resolve: (text) => /^(?:yes|on)$/i.test(text),
}

/** Returns the content of a mediamtx.yml. Throws an Error when the file cannot be read or is not YAML. */
export function readConfigFile(file: string): Json {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new Error(errorText(error))
  }
  return parse(text, { customTags: (tags) => [legacyBool, ...tags] }) as Json
}
