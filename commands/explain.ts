import type { CameraServiceClient } from '../rpc/client/index.js'
import { explanationText } from './explanationText.js'
import type { CommandOf } from './line/command.js'
import type { Outcome } from './outcome.js'

/** `explain camera0|recording camera0|mediamtx|storage|discovery`: asks the service. */
export async function explain(
  { subject, json }: Pick<CommandOf<'explain'>, 'subject' | 'json'>,
  client: Pick<CameraServiceClient, 'call'>,
): Promise<Outcome> {
  const explanation = await client.call('explain', subject)
  return { status: 0, out: json ? JSON.stringify(explanation, null, 2) : explanationText(explanation) }
}
