import { hintOf } from '../../config/nearest.js'
import { reasonOf } from '../../machines/domain/errors.js'
import { type CameraServiceClient, type Methods, RpcError } from '../../rpc/client/index.js'
import { type CommandOf, UsageError } from '../line/command.js'
import { CommandError, type Outcome } from '../outcome.js'
import type { ClientPorts } from './open.js'

/** Methods such as stop_recording wait for the media server (ms). */
const limit = 120_000

/** `call METHOD JSON`: the result as JSON. */
export async function call(
  { method, params: text }: Pick<CommandOf<'call'>, 'method' | 'params'>,
  { stdin, signal }: Pick<ClientPorts, 'stdin' | 'signal'>,
  client: Pick<CameraServiceClient, 'call'>,
): Promise<Outcome> {
  const params = paramsIn(text === '-' ? await stdin() : (text ?? '{}'))
  try {
    const result = await client.call(method as keyof Methods, params as never, { timeout: limit, signal })
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
  if (typeof params === 'object' && params !== null && !Array.isArray(params)) return params
  throw new UsageError(`the params must be a JSON object, as in '{"device": "camera0"}'`)
}

async function hint(client: Pick<CameraServiceClient, 'call'>, method: string): Promise<string> {
  const { methods } = await client.call('rpc.discover')
  const names = methods.flatMap((each) => {
    const { name } = Object(each) as { name?: unknown }
    return typeof name === 'string' ? [name] : []
  })
  return `${hintOf(method, names)}; camera-service call rpc.discover lists all`
}
