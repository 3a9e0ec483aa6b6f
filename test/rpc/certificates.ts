import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const hasOpenssl = (): boolean => {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Creates a folder with a certificate authority. */
export const createAuthority = () => {
  const dir = mkdtempSync(join(tmpdir(), 'authority-'))
  const file = (name: string) => join(dir, name)
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: dir, stdio: 'ignore' })
  const newKey = (name: string) => [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-keyout',
    `${name}.key`,
  ]
  const selfSigned = (name: string, commonName: string) =>
    openssl('req', '-x509', ...newKey(name), '-out', `${name}.pem`, '-subj', `/CN=${commonName}`)
  selfSigned('ca', 'Test Authority')
  writeFileSync(file('san.cnf'), 'subjectAltName=IP:127.0.0.1,IP:127.0.0.2,DNS:localhost\n')
  return {
    dir,
    file,
    selfSigned,
    sign: (name: string, subject: string, days = 30) => {
      openssl('req', '-new', ...newKey(name), '-out', `${name}.csr`, '-subj', subject)
      const signed = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'san.cnf']
      openssl('x509', '-req', '-in', `${name}.csr`, ...signed, '-days', String(days), '-out', `${name}.pem`)
    },
    copy: (from: string, to: string) => copyFileSync(file(from), file(to)),
    read: (name: string) => readFileSync(file(name), 'utf8'),
    /** Certificate, key and trusted authority of a TLS client. */
    pair: (name: string) => ({
      cert: readFileSync(file(`${name}.pem`)),
      key: readFileSync(file(`${name}.key`)),
      ca: readFileSync(file('ca.pem')),
    }),
    remove: () => rmSync(dir, { recursive: true, force: true }),
  }
}
