/** Consistent masking: the same secret becomes the same placeholder, so that values stay comparable. */

import { isSecretName } from './mask.js'

/** Masks one text, or every text of a value of JSON. */
export interface Placeholders {
  text(text: string): string
  value(value: unknown): unknown
}

/** A shorter secret is only masked where its place shows that it is one: it could be a part of any word. */
const shortest = 6
/** Words of the API and ids: as a secret they reveal nothing, and a replay needs them. */
const isWord = (text: string) => /^(camera\d*|viewer|operator|admin|recordings?|snapshots?)$/.test(text)

const url = /\b([a-z][a-z0-9+.-]{0,20}:\/\/)([^\s"<>]+)/gi
const parameter =
  /([?&;](?:[\w-]{0,40}(?:password|passwd|pwd|secret|token|api_?key)[\w-]{0,40}|pass|key|auth|sig|signature)=)([^&;\s"']+)/gi
const credentials: readonly RegExp[] = [
  /(\b)(eyJ[\w-]+\.[\w.-]*)/g,
  /(\b)(csk_[\w-]{16,})/g,
  /(\bsig=)([^\s&;,"']+)/gi,
  /(\bBearer\s+)([^\s,;"']+)/gi,
  /(\b(?:password|passwd|secret|token|api_?key)[\w-]{0,40}=)([^\s&;,"']+)/gi,
]

/** `known`: secrets that are masked wherever they occur, also as a part of a text. */
export function createPlaceholders(known: readonly string[]): Placeholders {
  const numbers = new Map<string, string>()
  const placeholder = (kind: 'secret' | 'user' | 'text', value: string): string => {
    if (/^(secret|user|text)\d+$/.test(value)) return value
    const key = `${kind} ${value}`
    const name = numbers.get(key) ?? `${kind}${numbers.size + 1}`
    numbers.set(key, name)
    if (kind === 'secret') addKnown(value, name)
    return name
  }
  /** Longest first: one secret may contain another. */
  let everywhere: [form: string, name: string][] = []
  const addKnown = (secret: string, name: string) => {
    const forms = [secret, decoded(secret), encodeURIComponent(secret)]
    const found = forms.filter(
      (form) => form.length >= shortest && !isWord(form) && !everywhere.some(([each]) => each === form),
    )
    const all = [...everywhere, ...new Set(found)].map((each): [string, string] =>
      typeof each === 'string' ? [each, name] : each,
    )
    if (found.length > 0) everywhere = all.sort(([one], [other]) => other.length - one.length)
  }
  for (const secret of known) if (secret !== '') placeholder('secret', secret)

  const maskUrl = (_: string, scheme: string, rest: string) => {
    const at = rest.lastIndexOf('@')
    if (at < 0) return `${scheme}${rest}`
    const [user = '', ...password] = rest.slice(0, at).split(':')
    const hiddenUser = user === '' ? '' : placeholder('user', user)
    const hiddenPassword = password.length === 0 ? '' : `:${placeholder('secret', password.join(':'))}`
    return `${scheme}${hiddenUser}${hiddenPassword}@${rest.slice(at + 1)}`
  }
  const maskNamed = (_: string, name: string, value: string) => `${name}${placeholder('secret', value)}`

  const maskText = (text: string): string => {
    const withoutUrls = text.replace(url, maskUrl).replace(parameter, maskNamed)
    const named = credentials.reduce((rest, pattern) => rest.replace(pattern, maskNamed), withoutUrls)
    return everywhere.reduce((rest, [form, name]) => (rest.includes(form) ? rest.replaceAll(form, name) : rest), named)
  }
  const maskValue = (value: unknown, name = ''): unknown => {
    if (typeof value === 'string') {
      // The text of a configuration file may hold secrets in any form.
      if (name === 'text' && value !== '') return placeholder('text', value)
      return isSecretName(name) && value !== '' ? placeholder('secret', value) : maskText(value)
    }
    if (Array.isArray(value)) return value.map((each) => maskValue(each))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [maskText(key), maskValue(each, key)]))
  }
  return { text: maskText, value: (value) => maskValue(value) }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
