// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the configuration file has such texts
import { below, type Raw, type Report } from './raw.js'

/** The variables of the environment. */
export type Environment = Readonly<Record<string, string | undefined>>

const reference = /\$(?:\$\{|\{([^}]*)\}?)/g
const inner = /^([A-Za-z_]\w*)(?::-(.*))?$/s

/**
 * The value with `${NAME}` and `${NAME:-default}` replaced by variables of the environment, in all its texts; `$${` is
 * the text `${`. What is not one of these is a fault: nobody wants a folder called `${DATA}`. The default also replaces
 * an empty variable. `written` of a changed text keeps the original, which alone is shown: a variable may be a secret.
 */
export function expanded(raw: Raw, env: Environment, report: Report): Raw | undefined {
  let isGood = true
  const expand = (each: Raw, tell: Report): Raw => {
    if (each.kind === 'list')
      return { ...each, items: each.items.map((item, index) => expand(item, below(tell, `[${index}]`))) }
    if (each.kind === 'map') {
      const entries = each.entries.map((entry) => ({
        ...entry,
        value: expand(entry.value, below(tell, `.${entry.key}`)),
      }))
      return { ...each, entries }
    }
    if (typeof each.value !== 'string' || !each.value.includes('${')) return each
    const refuse = (rule: string) => {
      isGood = false
      tell(rule, each)
      return ''
    }
    const value = each.value.replace(reference, (match, content: string | undefined) =>
      content === undefined ? '${' : variable(match, content, env, refuse),
    )
    return { ...each, value, written: each.value }
  }
  const result = expand(raw, report)
  return isGood ? result : undefined
}

function variable(match: string, content: string, env: Environment, refuse: (rule: string) => string): string {
  const [, name, otherwise] = (match.endsWith('}') && inner.exec(content)) || []
  if (name === undefined)
    return refuse('must refer to a variable as ${NAME} or ${NAME:-default}; write $${ for the text ${')
  const value = env[name]
  if (otherwise !== undefined) return value || otherwise
  return value ?? refuse(`refers to the variable ${name}, which is not set; write $\${ for the text \${`)
}
