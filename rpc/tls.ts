import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createSecureContext, type SecureContextOptions } from 'node:tls'
import { reasonOf } from '../machines/domain/errors.js'
import type { Dispose, Log } from '../machines/domain/ports.js'
import type { CertifiedClient } from './clientCertificates.js'

/** Paths of PEM files. */
export interface TlsFiles {
  certFile: string
  keyFile: string
  /** Authorities that may sign the certificates of clients. */
  clientCaFile?: string
  /** `optional`: a client without a certificate may authenticate otherwise. `required`: it is refused. */
  clientCertificate: 'none' | 'optional' | 'required'
  clients: readonly CertifiedClient[]
}

export interface Tls {
  context: SecureContextOptions
  /**
   * Calls `changed` with each new pair of certificate and key. A pair that cannot be used leaves the old one in use and
   * is logged once.
   */
  watch(changed: (context: SecureContextOptions) => void): Dispose
}

/**
 * The files are read this often (ms). File watchers would be faster but cannot replace it: they report nothing on
 * network file systems, and nothing when the target of a link changes.
 */
const pollInterval = 2_000

const readFaults: Record<string, string> = {
  ENOENT: 'it does not exist',
  EACCES: 'the service has no permission',
  EISDIR: 'it is a folder',
}

const read = (key: string, path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    throw new Error(`server.tls.${key} cannot be read: ${readFaults[code] ?? 'reading failed'}`)
  }
}

/** The result of `make`, or an error with this message. */
const orFail = <T>(message: string, make: () => T): T => {
  try {
    return make()
  } catch (error) {
    throw new Error(message, { cause: error })
  }
}

const readFiles = ({ certFile, keyFile, clientCaFile }: TlsFiles) => ({
  cert: read('cert_file', certFile),
  key: read('key_file', keyFile),
  ...(clientCaFile !== undefined && { ca: read('client_ca_file', clientCaFile) }),
})

const contextOf = (pem: ReturnType<typeof readFiles>): SecureContextOptions => {
  const certificate = orFail('server.tls.cert_file holds no certificate', () => new X509Certificate(pem.cert))
  const key = orFail('server.tls.key_file holds no private key that opens without a passphrase', () =>
    createPrivateKey(pem.key),
  )
  if (!certificate.checkPrivateKey(key)) throw new Error('server.tls.key_file is not the key of server.tls.cert_file')
  const { ca } = pem
  if (ca !== undefined) orFail('server.tls.client_ca_file holds no certificate', () => new X509Certificate(ca))
  const context: SecureContextOptions = { ...pem, minVersion: 'TLSv1.2' }
  try {
    createSecureContext(context)
  } catch (error) {
    throw new Error(`server.tls.cert_file cannot be used: ${reasonOf(error)}`)
  }
  return context
}

/** Throws one sentence that names the configuration key at fault if the files cannot be used. */
export const checkTls = (files: TlsFiles): void => void contextOf(readFiles(files))

/** Reads the files. Throws as `checkTls`. */
export const openTls = ({ files, log }: { files: TlsFiles; log: Log }): Tls => {
  const pem = readFiles(files)
  const context = contextOf(pem)
  return {
    context,
    watch: (changed) => {
      let last = JSON.stringify(pem)
      const look = () => {
        let content = 'unreadable'
        try {
          const found = readFiles(files)
          content = JSON.stringify(found)
          if (content === last) return
          changed(contextOf(found))
          log.info('the certificate of the server was read again', {
            valid_to: new X509Certificate(found.cert).validTo,
          })
        } catch (error) {
          if (content !== last)
            log.warn('the new certificate of the server cannot be used; the old one stays', { reason: reasonOf(error) })
        }
        last = content
      }
      const timer = setInterval(look, pollInterval).unref()
      return () => clearInterval(timer)
    },
  }
}
