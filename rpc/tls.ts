import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync, watch } from 'node:fs'
import { dirname } from 'node:path'
import { createSecureContext, type SecureContextOptions } from 'node:tls'
import { reasonOf } from '../machines/domain/errors.js'
import type { Dispose, Log } from '../machines/domain/ports.js'
import type { CertifiedClient } from './clientCertificates.js'

/** Paths of PEM files. `optional`: who shows no certificate may authenticate otherwise; `required`: nobody else gets in. */
export interface TlsFiles {
  certFile: string
  keyFile: string
  /** Who may sign the certificates of clients. */
  clientCaFile?: string
  clientCertificate: 'none' | 'optional' | 'required'
  clients: readonly CertifiedClient[]
}

/** The files are read so often, whatever the file system tells of them (ms). */
const pollEvery = 10_000
/** Two files are not replaced at once: what does not fit is looked at again after this time before it is a fault (ms). */
const settleTime = 500

const reasons: Record<string, string> = {
  ENOENT: 'it does not exist',
  EACCES: 'it may not be read',
  EISDIR: 'it is a folder',
}

const read = (key: string, path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new Error(
      `${key} cannot be read: ${reasons[String((error as NodeJS.ErrnoException).code)] ?? 'reading failed'}`,
    )
  }
}

/** The result, or an error that says so of the key. */
const orSay = <T>(words: string, make: () => T): T => {
  try {
    return make()
  } catch (error) {
    throw new Error(words, { cause: error })
  }
}

/** What stands in the files; throws one sentence that names the key of the configuration. */
const readFiles = ({ certFile, keyFile, clientCaFile }: TlsFiles) => ({
  cert: read('server.tls.cert_file', certFile),
  key: read('server.tls.key_file', keyFile),
  ...(clientCaFile === undefined ? {} : { ca: read('server.tls.client_ca_file', clientCaFile) }),
})

/** The same as a server takes it, once it is known to fit together. */
const contextOf = (files: ReturnType<typeof readFiles>): SecureContextOptions => {
  const certificate = orSay('server.tls.cert_file holds no certificate', () => new X509Certificate(files.cert))
  const key = orSay('server.tls.key_file holds no private key that opens without a passphrase', () =>
    createPrivateKey(files.key),
  )
  if (!certificate.checkPrivateKey(key)) throw new Error('server.tls.key_file is not the key of server.tls.cert_file')
  if (files.ca !== undefined)
    orSay('server.tls.client_ca_file holds no certificate', () => new X509Certificate(files.ca ?? ''))
  const options: SecureContextOptions = { ...files, minVersion: 'TLSv1.2' }
  try {
    createSecureContext(options)
  } catch (error) {
    throw new Error(`server.tls.cert_file cannot be used: ${reasonOf(error)}`)
  }
  return options
}

export interface Tls {
  context: SecureContextOptions
  /**
   * Tells of each new certificate that comes to stand in the files. A pair that does not fit, or cannot be read, leaves
   * the old one in use and is logged once.
   */
  watch(changed: (context: SecureContextOptions) => void): Dispose
}

/** What the server speaks TLS with. Throws one sentence that names the key of the configuration which is at fault. */
export const openTls = ({ files, log, settle = settleTime }: { files: TlsFiles; log: Log; settle?: number }): Tls => {
  const begun = readFiles(files)
  const context = contextOf(begun)
  let current = JSON.stringify(begun)

  return {
    context,
    watch: (changed) => {
      let doubted: string | undefined
      let blamed: string | undefined
      let timer: NodeJS.Timeout | undefined
      const lookLater = () => {
        timer ??= setTimeout(look, settle).unref()
      }
      const doubt = (content: string, reason: string) => {
        if (blamed === content) return
        if (doubted === content) {
          blamed = content
          log.warn('the new certificate of the server cannot be used; the old one stays', { reason })
        } else {
          doubted = content
          lookLater()
        }
      }
      const look = () => {
        timer = undefined
        let content = 'unreadable'
        try {
          const found = readFiles(files)
          content = JSON.stringify(found)
          if (content === current) return
          changed(contextOf(found))
          current = content
          log.info('the certificate of the server was read again', {
            valid_to: new X509Certificate(found.cert).validTo,
          })
        } catch (error) {
          doubt(content, reasonOf(error))
        }
      }
      const watchers = foldersOf(files).flatMap((folder) => {
        try {
          const watcher = watch(folder, { persistent: false }, lookLater)
          // Looking from time to time has to do.
          watcher.on('error', () => watcher.close())
          return [watcher]
        } catch {
          return []
        }
      })
      const poll = setInterval(look, pollEvery).unref()
      return () => {
        clearInterval(poll)
        clearTimeout(timer)
        for (const watcher of watchers) watcher.close()
      }
    },
  }
}

/** Folders are watched: a file that is replaced is another one than was watched. */
const foldersOf = ({ certFile, keyFile, clientCaFile = certFile }: TlsFiles) => [
  ...new Set([certFile, keyFile, clientCaFile].map((file) => dirname(file))),
]
