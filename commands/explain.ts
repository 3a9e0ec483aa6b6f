import type { CommandOf } from '../config/arguments.js'
import type { Configuration } from '../config/schema.js'
import { RpcError } from '../rpc/client/index.js'
import { explanationText } from './explanationText.js'
import { connectLocally } from './localClient.js'
import type { CommandPorts, Outcome } from './outcome.js'

/** `explain camera0|recording camera0|mediamtx|storage|discovery`: asks the running service. */
export async function explain(
  config: Configuration,
  { subject, json }: CommandOf<'explain'>,
  ports: CommandPorts,
  connect = connectLocally,
): Promise<Outcome> {
  const client = await connect(config, ports)
  try {
    const explanation = await client.call('explain', subject)
    return { status: 0, out: json ? JSON.stringify(explanation, null, 2) : explanationText(explanation) }
  } catch (error) {
    if (error instanceof RpcError) return { status: 1, err: `camera-service: ${sentence(error)}` }
    throw error
  } finally {
    client.close()
  }
}

/** What is wrong and what to do. */
export const sentence = ({ message, data }: RpcError): string =>
  [message, data.details, data.suggestion].filter((part) => typeof part === 'string').join('; ')
