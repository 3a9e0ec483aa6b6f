import { X509Certificate } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import * as Type from 'typebox'
import type { Log } from '../../machines/domain/ports.js'
import type { RunningAddress } from '../../machines/domain/runningAddress.js'
import { codeOf } from '../errorCode.js'
import { writeAtomically } from './atomic.js'
import { shapeCheck } from './shapeCheck.js'

const listener = { host: Type.String(), port: Type.Integer({ minimum: 1, maximum: 65_535 }) }

const Content = Type.Object({
  config: Type.String(),
  api: Type.Object({ ...listener, path: Type.String(), certFile: Type.String() }),
  health: Type.Optional(Type.Object(listener)),
  tokens: Type.Object({ issuer: Type.String(), audience: Type.String(), ownKey: Type.Boolean() }),
  fingerprint: Type.Optional(Type.String()),
})
/** `fingerprint`: SHA-256 of the certificate that the service had at its start. */
export type FoundAddress = RunningAddress & { fingerprint?: string }
const hasShape = shapeCheck(Content)

const name = 'address.json'

/**
 * Returns a function that writes the address to `dir`, the data directory's `run`. It never rejects: without the file,
 * commands read the configuration. It resolves with a function that removes the file.
 */
export const createAddressFile =
  ({ dir, log }: { dir: string; log: Log }) =>
  async (address: RunningAddress): Promise<() => Promise<void>> => {
    const path = join(dir, name)
    const remove = () => rm(path, { force: true }).catch(() => {})
    try {
      const { certFile } = address.api
      const fingerprint = certFile && new X509Certificate(await readFile(certFile)).fingerprint256
      const content: FoundAddress = { ...address, ...(fingerprint && { fingerprint }) }
      await writeAtomically(path, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o640, hasReserve: false })
    } catch (error) {
      log.warn(`run/${name} cannot be written (${codeOf(error)}): commands on this host use the configuration file`)
      // That of an earlier run would lead them astray.
      await remove()
    }
    return remove
  }

/** The address of the service that runs with this data directory; `undefined`: none is known to this user. */
export async function findAddress(dataDir: string): Promise<FoundAddress | undefined> {
  try {
    const content: unknown = JSON.parse(await readFile(join(dataDir, 'run', name), 'utf8'))
    return hasShape(content) ? content : undefined
  } catch {
    return undefined
  }
}
