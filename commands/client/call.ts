import { reasonOf } from '../../machines/domain/errors.js'
import { hintOf } from '../../machines/domain/nearest.js'
import { type CameraServiceClient, type Methods, RpcError } from '../../rpc/client/index.js'
import { type CommandOf, UsageError } from '../line/command.js'
import { CommandError, type Outcome } from '../outcome.js'
import type { ClientPorts } from './open.js'
import { paramNames } from './paramNames.js'

/** Methods such as stop_recording wait for the media server (ms). */
const limit = 120_000

/** `call METHOD JSON`: the result as JSON. */
export async function call(
  { method, params: text }: Pick<CommandOf<'call'>, 'method' | 'params'>,
  { stdin, signal, log }: Pick<ClientPorts, 'stdin' | 'signal' | 'log'>,
  client: Pick<CameraServiceClient, 'call'>,
): Promise<Outcome> {
  const params = paramsIn(text === '-' ? await stdin() : (text ?? '{}'))
  try {
    const result = await client.call(method as keyof Methods, params as never, { timeout: limit, signal })
    // Not before: a refusal says itself what it does not know.
    for (const warning of unknownMembers(method, params)) log.warn(warning)
    return { status: 0, out: JSON.stringify(result, null, 2) }
  } catch (error) {
    if (!(error instanceof RpcError) || error.code !== -32601) throw error
    throw new CommandError(`${JSON.stringify(method)} is not a method of the API${await hint(client, method)}`, 1)
  }
}

function paramsIn(text: string): object {
  let params: unknown
  try {
    params = JSON.parse(text)
  } catch (error) {
    throw new UsageError(`the params are not JSON (${reasonOf(error)}): quote them, as in '{"device": "camera0"}'`)
  }
  if (isObject(params)) return params
  throw new UsageError(`the params must be a JSON object, as in '{"device": "camera0"}'`)
}

/** The service ignores members that it does not know: a slip would have no effect, and nobody would notice. */
function unknownMembers(method: string, params: object): string[] {
  if (!Object.hasOwn(paramNames, method)) return []
  const known = paramNames[method as keyof Methods]
  const find = (value: object, before: string): string[] => {
    const names = known.flatMap((name) => (name.startsWith(before) ? [name.slice(before.length)] : []))
    // An object whose members are free.
    if (before !== '' && names.length === 0) return []
    return Object.entries(value).flatMap(([name, inner]) => {
      if (names.includes(name)) return isObject(inner) ? find(inner, `${before}${name}.`) : []
      const here = names.filter((each) => !each.includes('.'))
      const all = here.length === 0 ? 'it has none' : `it has ${here.join(', ')}`
      const nearest = hintOf(name, here) || `; ${all}`
      return [`warning: ${JSON.stringify(before + name)} is not a param of ${method} and has no effect${nearest}`]
    })
  }
  return find(params, '')
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

async function hint(client: Pick<CameraServiceClient, 'call'>, method: string): Promise<string> {
  const { methods } = await client.call('rpc.discover')
  const names = methods.flatMap((each) => {
    const { name } = Object(each) as { name?: unknown }
    return typeof name === 'string' ? [name] : []
  })
  return `${hintOf(method, names)}; camera-service call rpc.discover lists all`
}
