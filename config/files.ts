/** The files that the configuration names, and how their faults are reported. Pure. */
import type { FileFault, NamedFile } from '../machines/domain/fileFault.js'
import { type Fault, faultLine, type Loaded } from './load.js'
import { shown, text } from './raw.js'
import type { Configuration } from './schema.js'

/** The password files of the cameras that are not ignored. */
export const passwordFiles = ({ cameras }: Pick<Configuration, 'cameras'>): NamedFile[] =>
  cameras.flatMap(({ enabled, source }, index) =>
    enabled && source.kind === 'rtsp' && source.passwordFile !== undefined
      ? { key: `cameras[${index}].password_file`, path: source.passwordFile }
      : [],
  )

/** The private keys of certificates. */
export const privateKeys = ({ server, mediamtx }: Configuration): NamedFile[] =>
  [
    { key: 'server.tls.key_file', path: server.tls.key_file },
    { key: 'mediamtx.tls_key_file', path: mediamtx.tls_key_file },
  ].filter(({ path }) => path !== '')

/** What is wrong with the files that the configuration names. */
export interface FileReport {
  /** The service does not start. */
  faults: Fault[]
  /** A camera cannot be used; the service starts. */
  ofCameras: Fault[]
  warnings: string[]
}

/** `credentials`: `$CREDENTIALS_DIRECTORY`, if systemd runs this process as the service. */
export function fileReport(
  loaded: Loaded,
  found: Record<'refused' | 'ofCameras' | 'open', readonly FileFault[]>,
  credentials: string | undefined,
): FileReport {
  const place = (fault: FileFault) => placed(loaded, fault)
  const isFault = (fault: FileFault) => !isElsewhere(fault, credentials) && fault.about.code !== 'open'
  const isRefused = (fault: FileFault) => !isElsewhere(fault, credentials)
  const elsewhere = [...found.refused, ...found.ofCameras].filter((fault) => isElsewhere(fault, credentials))
  const open = [...found.ofCameras.filter(({ about }) => about.code === 'open'), ...found.open]
  return {
    faults: found.refused.filter(isRefused).map(place),
    ofCameras: found.ofCameras.filter(isFault).map(place),
    warnings: [
      ...open.map((fault) => faultLine(place(fault))),
      ...elsewhere.map((fault) => faultLine({ ...place(fault), rule: uncheckable })),
    ],
  }
}

const uncheckable = 'cannot be checked here: systemd makes this file when it starts the service (LoadCredential)'

/** A credential of systemd exists only for the running service. */
const isElsewhere = ({ about: { path = '', code = '' } }: FileFault, credentials: string | undefined): boolean =>
  path.startsWith('/run/credentials/') &&
  !(credentials && path.startsWith(`${credentials}/`)) &&
  ['ENOENT', 'EACCES'].includes(code)

/** The fault as those of other values: with the value as written, and its origin. */
function placed(loaded: Loaded, { rule, message, about: { key = '' } }: FileFault): Fault {
  const isOfKey = /(?:file|_key)$/.test(key)
  const written = writtenAt(loaded, key)
  const value = written === undefined ? '' : shown(text(String(written)), key)
  return { key, value, rule: isOfKey ? rule : message, origin: originAt(loaded, key) }
}

/** The value at `cameras[0].password_file` as written. */
function writtenAt({ written }: Loaded, place: string): unknown {
  const [base = '', index, name] = place.split(/\[(\d+)\]\.?/)
  const value = written.get(base)
  if (index === undefined || name === undefined) return value
  const item: unknown = Array.isArray(value) ? value[Number(index)] : undefined
  return typeof item === 'object' && item !== null ? (item as Record<string, unknown>)[name] : undefined
}

/** Of a place in a list, with its own line; unless the list comes from another source than the file. */
function originAt({ origins }: Loaded, place: string): string {
  if (place === '') return 'environment CREDENTIALS_DIRECTORY'
  const base = origins.get(place.replace(/\[.*/s, '')) ?? 'default'
  return base.startsWith('environment') ? base : (origins.get(place) ?? base)
}
