import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { createConnection, Socket } from 'node:net'
import { type ConnectionOptions, connect } from 'node:tls'
import type { Configuration } from '../config/schema.js'
import { reasonOf } from '../machines/domain/errors.js'
import type { Tls } from './client/service.js'
import { UsageError } from './line/command.js'
import { CommandError } from './outcome.js'

/**
 * TLS of the service of this host: only the certificate of its configuration is trusted, and that of its start
 * (`atStart`, a fingerprint by SHA-256), since the file may have been renewed or lost meanwhile. The certificate names the host,
 * not the address that is used here, so only the certificate itself is compared.
 */
export async function localTls({ server: { tls } }: Configuration, atStart?: string): Promise<Tls> {
  if (tls.cert_file === '') return {}
  const own = await readCertificate(tls.cert_file).catch((error: unknown) => {
    if (atStart === undefined) throw error
    return undefined
  })
  const trusted = [atStart, own?.fingerprint256]
  let refusal: Error | undefined
  const connectOnlyTo = (options: ConnectionOptions): Socket => {
    const socket = connect({ ...options, rejectUnauthorized: false })
    // Before the first byte is sent.
    socket.prependOnceListener('secureConnect', () => {
      const shown = socket.getPeerX509Certificate()?.fingerprint256
      if (shown !== undefined && trusted.includes(shown)) return
      refusal = new CommandError(
        'the program at the address of the service does not have the certificate of server.tls.cert_file, and was not ' +
          'asked: check which program listens there; a changed certificate takes some seconds',
        1,
      )
      socket.destroy(refusal)
    })
    return socket
  }
  return { createConnection: connectOnlyTo as typeof createConnection, refusal: () => refusal }
}

/** The first certificate of the file: that of the service. */
async function readCertificate(path: string): Promise<X509Certificate> {
  try {
    return new X509Certificate(await readFile(path))
  } catch (error) {
    throw new UsageError(`server.tls.cert_file cannot be read: ${reasonOf(error)}`)
  }
}
