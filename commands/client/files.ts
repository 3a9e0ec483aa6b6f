import { basename } from 'node:path'
import { bytesText, count } from '../../machines/domain/amounts.js'
import { type CameraServiceClient, RpcError } from '../../rpc/client/index.js'
import type { CommandOf } from '../line/command.js'
import type { Outcome } from '../outcome.js'
import type { ClientPorts } from './open.js'
import { demandFree } from './saved.js'
import { clean, clockText, table, timeText } from './screen.js'
import type { Service } from './service.js'
import { transfer } from './transfer.js'

type Calling = Pick<CameraServiceClient, 'call'>
type Place = Pick<Service, 'url' | 'tls'>
type FilePorts = Pick<ClientPorts, 'screen' | 'signal' | 'clock' | 'output'>

/** A snapshot may have to wake the camera (ms). */
const snapshotLimit = 60_000

/** `snapshot ID [-o FILE]`. */
export async function snapshot(
  { device, output, force, json }: Pick<CommandOf<'snapshot'>, 'device' | 'output' | 'force' | 'json'>,
  ports: FilePorts,
  client: Calling,
  service: Place,
  send = transfer,
): Promise<Outcome> {
  const { screen, signal } = ports
  // Before there is a snapshot that nobody gets.
  if (output !== undefined) await demandFree(output, force)
  screen.progress?.(`${device}: taking a snapshot`)
  const format = output !== undefined && /\.png$/i.test(output) ? { format: 'png' as const } : {}
  const taken = await client
    .call('take_snapshot', { device, ...format }, { timeout: snapshotLimit, signal })
    .finally(() => screen.progress?.(''))
  const { filename, width, height, file_size, download_url, age_ms } = taken
  if (output !== undefined) await send(service, { path: download_url, name: filename, to: output, force }, ports)
  if (json) return { status: 0, out: JSON.stringify({ ...taken, ...(output !== undefined && { output }) }, null, 2) }
  const where = output === undefined || output === '-' ? clean(filename) : output
  const age = age_ms < 1000 ? '' : `, ${Math.round(age_ms / 1000)} s old`
  const line = `${where}  ${width}x${height}, ${bytesText(file_size)}${age}`
  return output === '-' ? { status: 0, err: line } : { status: 0, out: line }
}

/** `download NAME [-o FILE]`: a recording or a snapshot. */
export async function download(
  { file, output, force, json }: Pick<CommandOf<'download'>, 'file' | 'output' | 'force' | 'json'>,
  ports: FilePorts,
  client: Calling,
  service: Place,
  send = transfer,
): Promise<Outcome> {
  const info = await infoOf(client, file, ports.signal)
  // The name comes from the service: it must not lead out of this folder.
  const name = basename(info.filename)
  const to = output ?? name
  await demandFree(to, force)
  const bytes = await send(service, { path: info.download_url, name, to, force }, ports)
  if (json) return { status: 0, out: JSON.stringify({ ...info, output: to, downloaded: bytes }, null, 2) }
  const line = `${to === '-' ? clean(name) : to}  ${bytesText(bytes)}`
  return to === '-' ? { status: 0, err: line } : { status: 0, out: line }
}

/** Recordings first: a name may lack its extension. */
async function infoOf(client: Calling, filename: string, signal: AbortSignal) {
  const ofSnapshot = () => client.call('get_snapshot_info', { filename }, { signal })
  if (/\.(jpe?g|png)$/i.test(filename)) return ofSnapshot()
  try {
    return await client.call('get_recording_info', { filename }, { signal })
  } catch (error) {
    // The first error is the better one, unless it is a snapshot after all.
    if (!(error instanceof RpcError) || error.code === -32002) throw error
    return await ofSnapshot().catch(() => {
      throw error
    })
  }
}

/** `recordings`: a table, newest first. */
export async function recordings(
  { limit, json }: Pick<CommandOf<'recordings'>, 'limit' | 'json'>,
  { screen }: Pick<ClientPorts, 'screen'>,
  client: Calling,
): Promise<Outcome> {
  const result = await client.call('list_recordings', { limit })
  if (json) return { status: 0, out: JSON.stringify(result, null, 2) }
  const { files, total, files_unreadable: unreadable } = result
  const notes = [
    ...(unreadable ? [`some files cannot be read: ${clean(unreadable.details ?? unreadable.reason)}`] : []),
    ...(total > files.length ? [`${files.length} of ${count(total, 'recording')}: --limit N shows more`] : []),
    ...(total === 0 ? ['there are no recordings: camera-service record ID makes one'] : []),
  ]
  const rows = files.map((file) => [
    file.device,
    timeText(file.created_time),
    file.duration === undefined ? '-' : clockText(file.duration),
    bytesText(file.file_size),
    [file.protected && 'protected', file.truncated && 'truncated'].filter(Boolean).join(', ') || '-',
    file.filename,
  ])
  return {
    status: 0,
    ...(rows.length > 0 && { out: table(screen, ['CAMERA', 'BEGAN', 'LENGTH', 'SIZE', 'NOTES', 'NAME'], rows) }),
    ...(notes.length > 0 && { err: notes.join('\n') }),
  }
}
