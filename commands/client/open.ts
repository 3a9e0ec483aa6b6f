import { readFile } from 'node:fs/promises'
import type { CameraServiceClient } from '../../rpc/client/index.js'
import { type Asking, UsageError } from '../line/command.js'
import type { CommandPorts, Outcome } from '../outcome.js'
import type { Screen } from './screen.js'
import { askService, connectTo, type Service } from './service.js'
import { targetOf } from './target.js'

/** What the commands of a client need of the process. */
export interface ClientPorts extends CommandPorts {
  /** Prints a line on standard output. */
  print(text: string): void
  /** Standard output, for the bytes of a file. */
  output: NodeJS.WritableStream
  /** Reads standard input. */
  stdin(): Promise<string>
  /** Aborted by Ctrl-C, SIGTERM, or the end of the reader of a pipe. */
  signal: AbortSignal
  screen: Screen
}

/** Connects to the service that the command line, the environment or a profile names. */
export async function openService(request: Asking, ports: ClientPorts): Promise<Service> {
  const { url, token, caFile } = await targetOf(request, ports)
  if (url !== undefined && token !== undefined) {
    const tls = caFile === undefined ? {} : { ca: await readCertificate(caFile) }
    return connectTo({ url, credential: token, tls })
  }
  const [{ localConfiguration }, { localTls, localUrl, openLocally }] = await Promise.all([
    import('./localConfiguration.js'),
    import('../localClient.js'),
  ])
  const config = localConfiguration(request, ports.env)
  if (token !== undefined) return connectTo({ url: localUrl(config), credential: token, tls: localTls })
  return openLocally(config, ports)
}

const readCertificate = (path: string): Promise<string> =>
  readFile(path, 'utf8').catch(() => {
    throw new UsageError(`the file ${path} of ca_file in the profile cannot be read`)
  })

/** Runs a command of a client on the service that it names. */
export async function withService(
  request: Asking,
  ports: ClientPorts,
  ask: (client: CameraServiceClient, service: Service) => Promise<Outcome>,
  open = openService,
): Promise<Outcome> {
  const service = await open(request, ports)
  return askService(service.client, (client) => ask(client, service))
}
