import { readFile } from 'node:fs/promises'
import type { CameraServiceClient } from '../../rpc/client/index.js'
import { type Asking, UsageError } from '../line/command.js'
import { CommandError, type CommandPorts, interrupted, type Outcome } from '../outcome.js'
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
  const [{ localService }, { localUrl, openLocally }, { localTls }] = await Promise.all([
    import('./localConfiguration.js'),
    import('../localClient.js'),
    import('../ownCertificate.js'),
  ])
  const { loaded, fingerprint } = await localService(request, ports)
  const { config } = loaded
  if (token === undefined) return openLocally({ config, fingerprint }, ports)
  return connectTo({ url: localUrl(config), credential: token, tls: await localTls(config, fingerprint) })
}

const readCertificate = (path: string): Promise<string> =>
  readFile(path, 'utf8').catch(() => {
    throw new UsageError(`the file ${path} of ca_file in the profile cannot be read`)
  })

/** These end in order when they are interrupted. The others, and every attempt to connect, end at once. */
const orderly = new Set(['record', 'snapshot', 'download', 'watch', 'history'])

/** Runs a command of a client on the service that it names. Rejects with CommandError when it is interrupted. */
export async function withService(
  request: Asking & { name: string },
  ports: ClientPorts,
  ask: (client: CameraServiceClient, service: Service) => Promise<Outcome>,
  open = openService,
): Promise<Outcome> {
  const { signal } = ports
  const ending = interruptionOf(signal)
  const service = await Promise.race([open(request, ports), ending])
  try {
    const asking = (client: CameraServiceClient) => {
      const asked = ask(client, service)
      return orderly.has(request.name) ? asked : Promise.race([asked, ending])
    }
    return await askService(service.client, asking, request.name === 'call' ? 'API' : 'command line')
  } catch (error) {
    // A call that was made with the signal.
    if (signal.aborted && error === signal.reason) return await ending
    throw error
  }
}

function interruptionOf(signal: AbortSignal): Promise<never> {
  const ending = new Promise<never>((_, reject) => {
    const end = () => reject(new CommandError('interrupted', interrupted))
    if (signal.aborted) end()
    signal.addEventListener('abort', end, { once: true })
  })
  // Most commands end before.
  ending.catch(() => {})
  return ending
}
