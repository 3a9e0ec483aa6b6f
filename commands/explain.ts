import type { CommandOf } from '../config/arguments.js'
import type { Configuration } from '../config/schema.js'
import { explanationText } from './explanationText.js'
import { askService, connectLocally } from './localClient.js'
import type { CommandPorts, Outcome } from './outcome.js'

/** `explain camera0|recording camera0|mediamtx|storage|discovery`: asks the running service. */
export const explain = async (
  config: Configuration,
  { subject, json }: CommandOf<'explain'>,
  ports: CommandPorts,
  connect = connectLocally,
): Promise<Outcome> =>
  askService(await connect(config, ports), async (client) => {
    const explanation = await client.call('explain', subject)
    return { status: 0, out: json ? JSON.stringify(explanation, null, 2) : explanationText(explanation) }
  })
