import { mayUse } from '../../machines/domain/access.js'
import type { CameraServiceClient } from '../../rpc/client/index.js'
import { CommandError, type CommandPorts } from '../outcome.js'
import type { LocalService } from './localConfiguration.js'

type Calling = Pick<CameraServiceClient, 'call'>

const listOf = (ids: readonly string[]): string =>
  ids.length === 0 ? 'there are no cameras' : `the cameras are ${ids.join(', ')}`

async function idsOf(client: Calling): Promise<string[]> {
  const { cameras } = await client.call('get_camera_list')
  return cameras.map(({ id }) => id)
}

/** Rejects with the ids that exist if `device` is none of them: nothing would ever come of it. */
export async function demandKnown(client: Calling, device: string): Promise<void> {
  const ids = await idsOf(client)
  if (!ids.includes(device)) throw new CommandError(`there is no camera ${device}: ${listOf(ids)}`, 1)
}

/**
 * Warns of ids and patterns that fit none of the cameras of the running service; says nothing if none runs. A camera may
 * come later, so that this is no error.
 */
export async function warnUnknown(
  cameras: readonly string[],
  { loaded: { config }, fingerprint, isRunning }: LocalService,
  ports: Pick<CommandPorts, 'env' | 'clock' | 'log'>,
): Promise<void> {
  if (!isRunning) return
  const { connectLocally } = await import('../localClient.js')
  const client = await connectLocally({ config, fingerprint }, ports).catch(() => undefined)
  try {
    const ids = client && (await idsOf(client).catch(() => undefined))
    if (ids === undefined) return
    const unknown = cameras.filter((each) => !ids.some((id) => mayUse({ cameras: [each] }, id)))
    if (unknown.length === 0) return
    const what = unknown.length === 1 ? 'is no camera' : 'are no cameras'
    ports.log.warn(`warning: ${unknown.join(', ')} ${what} of the running service yet; ${listOf(ids)}`)
  } finally {
    client?.close()
  }
}
