import type { CameraServiceClient } from '../../rpc/client/index.js'
import type { CommandOf } from '../line/command.js'
import type { Outcome } from '../outcome.js'

/** `completion cameras|media`: what the script for bash asks for, one word per line. */
export async function completionWords(
  { what }: Pick<CommandOf<'completion'>, 'what'>,
  client: Pick<CameraServiceClient, 'call'>,
): Promise<Outcome> {
  const words = what === 'cameras' ? await cameraIds(client) : await fileNames(client)
  // A word with a space or a sign of the shell would be cut or executed.
  return { status: 0, out: words.filter((word) => /^[\w.+-]+$/.test(word)).join('\n') }
}

async function cameraIds(client: Pick<CameraServiceClient, 'call'>): Promise<string[]> {
  const { cameras } = await client.call('get_camera_list')
  return cameras.map(({ id }) => id)
}

/** Recordings and snapshots: the newest of each. */
async function fileNames(client: Pick<CameraServiceClient, 'call'>): Promise<string[]> {
  const lists = await Promise.all([
    client.call('list_recordings', { limit: 100 }),
    client.call('list_snapshots', { limit: 100 }),
  ])
  return lists.flatMap(({ files }) => files.map(({ filename }) => filename))
}
