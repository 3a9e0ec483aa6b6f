import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmod, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { maskedLine } from '../../machines/domain/mask.js'
import type { Log } from '../../machines/domain/ports.js'
import { bytesOf } from '../bytesOf.js'

/** The release with which this service is tested. */
export const MEDIAMTX_VERSION = 'v1.20.1'

export interface DownloadOptions {
  /** The program is written to `<dataDir>/bin/mediamtx`. */
  dataDir: string
  log: Log
  signal: AbortSignal
  /** Base address of the releases; the project's own by default. */
  releases?: string
  version?: string
  /** Node's name of the CPU, such as `x64`. */
  arch?: string
}

const MAX_BYTES = 200_000_000
const run = promisify(execFile)

/**
 * Downloads the official release for this CPU, verifies its published SHA-256 and unpacks the program. Resolves with
 * the path of the program. Rejects with one sentence, without changes.
 */
export async function downloadMediamtx({ dataDir, log, signal, ...rest }: DownloadOptions): Promise<string> {
  const { releases = ['https:/', 'github.com', 'bluenviron', 'mediamtx', 'releases', 'download'].join('/') } = rest
  const { version = MEDIAMTX_VERSION, arch = process.arch } = rest
  const archive = `mediamtx_${version}_linux_${cpu(arch)}.tar.gz`
  const base = `${releases}/${version}`
  const sums = (await fetchAll(`${base}/checksums.sha256`, signal)).toString('utf8')
  const expected = sumOf(sums, archive)
  if (expected === undefined) throw new Error(`MediaMTX ${version} has no release for this CPU (${arch})`)
  log.info('downloading MediaMTX', { version, archive })
  const content = await fetchAll(`${base}/${archive}`, signal)
  const sum = createHash('sha256').update(content).digest('hex')
  if (sum !== expected)
    throw new Error(`the download of MediaMTX ${version} is damaged: its SHA-256 is not the published one`)

  const bin = join(dataDir, 'bin')
  await mkdir(bin, { recursive: true })
  const folder = await mkdtemp(join(bin, '.download-'))
  try {
    await writeFile(join(folder, 'archive.tar.gz'), content)
    await run('tar', ['-xzf', 'archive.tar.gz', 'mediamtx'], { cwd: folder, signal })
    await chmod(join(folder, 'mediamtx'), 0o755)
    const { stdout } = await run(join(folder, 'mediamtx'), ['--version'], { timeout: 10_000, signal })
    await rename(join(folder, 'mediamtx'), join(bin, 'mediamtx'))
    log.info('MediaMTX is installed', { version: stdout.trim() })
    return join(bin, 'mediamtx')
  } catch (error) {
    signal.throwIfAborted()
    const code = error instanceof Error && 'code' in error ? error.code : 'unknown'
    throw new Error(`the download of MediaMTX ${version} could not be unpacked, or does not run here (${code})`)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function cpu(arch: string): string {
  if (arch === 'x64') return 'amd64'
  if (arch === 'arm')
    return 'arm_version' in process.config.variables && String(process.config.variables.arm_version) === '6'
      ? 'armv6'
      : 'armv7'
  return arch
}

function sumOf(sums: string, archive: string): string | undefined {
  const line = sums.split('\n').find((text) => text.trim().split(/\s+\*?/)[1] === archive)
  return /^[0-9a-f]{64}\b/i.exec(line?.trim() ?? '')?.[0].toLowerCase()
}

async function fetchAll(url: string, signal: AbortSignal): Promise<Buffer> {
  const { host } = new URL(url)
  // Aborts a download that stalls, but not a slow one.
  const stalled = new AbortController()
  let timer = setTimeout(() => {}, 0)
  const moved = () => {
    clearTimeout(timer)
    timer = setTimeout(() => stalled.abort(new Error('no data for 30 s')), 30_000)
  }
  try {
    moved()
    const answer = await fetch(url, { signal: AbortSignal.any([signal, stalled.signal]) })
    if (!answer.ok || !answer.body) throw new Error(`status ${answer.status}`)
    return await bytesOf(answer.body, MAX_BYTES, 'the file is far too large', moved)
  } catch (error) {
    signal.throwIfAborted()
    throw new Error(
      `MediaMTX cannot be downloaded from ${host} (${maskedLine(whyOf(error))}): ` +
        'without it the service uses its built-in simulator',
    )
  } finally {
    clearTimeout(timer)
  }
}

/** Returns the reason from the cause of the error, because the message is only "fetch failed". */
function whyOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN' || code === 'ENETUNREACH') return 'no internet connection'
  if (code === 'ECONNREFUSED') return 'connection refused'
  return cause instanceof Error ? cause.message : String(cause)
}
