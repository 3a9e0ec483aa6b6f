import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createSecureContext, type SecureContextOptions } from 'node:tls'
import { reasonOf } from '../machines/domain/errors.js'
import { FileFault } from '../machines/domain/fileFault.js'
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

/** The configuration keys of the files, for messages. */
interface KeyNames {
  cert: string
  key: string
  ca: string
}

const ownNames: KeyNames = {
  cert: 'server.tls.cert_file',
  key: 'server.tls.key_file',
  ca: 'server.tls.client_ca_file',
}

const read = (key: string, path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    const rule = `cannot be read: ${readFaults[code] ?? 'reading failed'}`
    throw new FileFault(rule, { name: key, key, path, code })
  }
}

const refuse = (key: string, rule: string) => new FileFault(rule, { name: key, key })

/** The result of `make`, or a fault with this rule. */
const orFail = <T>(key: string, rule: string, make: () => T): T => {
  try {
    return make()
  } catch {
    throw refuse(key, rule)
  }
}

type Files = Pick<TlsFiles, 'certFile' | 'keyFile' | 'clientCaFile'>

const readFiles = ({ certFile, keyFile, clientCaFile }: Files, names = ownNames) => ({
  cert: read(names.cert, certFile),
  key: read(names.key, keyFile),
  ...(clientCaFile !== undefined && { ca: read(names.ca, clientCaFile) }),
})

const certificateIn = (pem: string, key: string) => orFail(key, 'holds no certificate', () => new X509Certificate(pem))
const privateKeyIn = (pem: string, key: string) =>
  orFail(key, 'holds no private key that opens without a passphrase', () => createPrivateKey(pem))

const contextOf = (pem: ReturnType<typeof readFiles>, names = ownNames): SecureContextOptions => {
  const certificate = certificateIn(pem.cert, names.cert)
  const key = privateKeyIn(pem.key, names.key)
  if (!certificate.checkPrivateKey(key)) throw refuse(names.key, `is not the key of ${names.cert}`)
  if (pem.ca !== undefined) certificateIn(pem.ca, names.ca)
  const context: SecureContextOptions = { ...pem, minVersion: 'TLSv1.2' }
  try {
    createSecureContext(context)
  } catch (error) {
    throw refuse(names.cert, `cannot be used: ${reasonOf(error)}`)
  }
  return context
}

const faultsOf = (...checks: (() => unknown)[]): FileFault[] =>
  checks.flatMap((check) => {
    try {
      check()
      return []
    } catch (error) {
      if (error instanceof FileFault) return error
      throw error
    }
  })

/** All faults of the files, each with its configuration key. Without one, `openTls` can use them. */
export function tlsFaults({ certFile, keyFile, clientCaFile: ca }: Files, names = ownNames): FileFault[] {
  const faults = faultsOf(
    () => certificateIn(read(names.cert, certFile), names.cert),
    () => privateKeyIn(read(names.key, keyFile), names.key),
    () => ca !== undefined && certificateIn(read(names.ca, ca), names.ca),
  )
  if (faults.length > 0) return faults
  return faultsOf(() =>
    contextOf(readFiles({ certFile, keyFile, ...(ca !== undefined && { clientCaFile: ca }) }, names), names),
  )
}

/** Reads the files. Throws a FileFault if they cannot be used. */
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
