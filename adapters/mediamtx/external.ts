import { mkdir, rm, rmdir, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import pRetry from 'p-retry'
import { hostInUrl } from '../../machines/domain/address.js'
import { reasonOf } from '../../machines/domain/errors.js'
import { type Api, type ApiOptions, createApi, isObject, Refused } from './api.js'
import type { Address } from './findServer.js'
import { type PathDefaults, recordBody } from './pathBody.js'

export interface ExternalOptions extends ApiOptions {
  rtsp: Address
  recordingsDir: string
  pathDefaults: PathDefaults
  /** Returns the number of questions of the media server so far. Absent: it need not ask this service. */
  questions?: () => number
}

/** Not the name of a camera, so `sync` leaves this path alone. */
const NAME = 'camera-service-check'
const FILE = `${NAME}_2000-01-01_00-00-00-000000.mp4`

/**
 * Checks an external MediaMTX. Resolves with one sentence for each problem; empty when there is none. The check adds a
 * path and a recording of it, and removes both. Rejects only with the signal's reason.
 */
export async function checkExternal(options: ExternalOptions, signal: AbortSignal): Promise<string[]> {
  const { apiUrl, timeout, rtsp, recordingsDir, pathDefaults, questions } = options
  const api = createApi({ apiUrl, timeout })
  const problems: string[] = []
  const answers = await connects(rtsp, timeout, signal)
  if (!answers) problems.push(`nothing answers at the RTSP port ${rtsp.port} (mediamtx.rtsp_port)`)
  try {
    await api({ method: 'GET', path: '/v3/config/paths/list?itemsPerPage=1', signal })
  } catch (error) {
    signal.throwIfAborted()
    return [...problems, `the API cannot be used: ${reasonOf(error)}`]
  }
  const folder = join(recordingsDir, NAME)
  try {
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, FILE), '')
    problems.push(...(await seesFile(api, pathDefaults, timeout, signal)))
    if (questions && answers) problems.push(...(await asksUs({ rtsp, timeout, questions }, signal)))
  } catch (error) {
    signal.throwIfAborted()
    problems.push(
      error instanceof Refused
        ? `paths cannot be set: ${error.message}`
        : `the recordings folder cannot be tried: ${shortReasonOf(error)}`,
    )
  } finally {
    await rm(join(folder, FILE), { force: true }).catch(() => {})
    await rmdir(folder).catch(() => {})
    await api({
      method: 'DELETE',
      path: `/v3/config/paths/delete/${NAME}`,
      signal: AbortSignal.timeout(timeout),
    }).catch(() => {})
  }
  return problems
}

/**
 * MediaMTX answers 200 to a change of its paths before it applies it, and answers 400 for the path until then. Repeats
 * `attempt` while it is refused with 400, for `limit` ms at most.
 */
const whenApplied = <T>(attempt: () => Promise<T>, limit: number, signal: AbortSignal): Promise<T> =>
  pRetry(attempt, {
    retries: Number.POSITIVE_INFINITY,
    factor: 1,
    minTimeout: 50,
    maxRetryTime: limit,
    signal,
    shouldRetry: ({ error }) => error instanceof Refused && error.status === 400,
  })

/** The folder is shared if the server lists a recording that this service has put there. */
async function seesFile(api: Api, pathDefaults: PathDefaults, timeout: number, signal: AbortSignal): Promise<string[]> {
  const body = { source: 'publisher', record: false, ...recordBody(pathDefaults) }
  await api({ method: 'POST', path: `/v3/config/paths/replace/${NAME}`, body, signal })
  const list = () => api({ method: 'GET', path: `/v3/recordings/get/${NAME}`, signal })
  const answer = await whenApplied(list, timeout, signal)
  const segments = isObject(answer) && Array.isArray(answer.segments) ? answer.segments.filter(isObject) : []
  const [start] = segments.map((segment) => String(segment.start))
  if (start === undefined)
    return ['the recordings folder is not shared: the media server does not see what is written there']
  if (Date.parse(start) !== Date.UTC(2000, 0, 1))
    return ['the media server does not run in UTC (set TZ=UTC for it): the times of recordings would be wrong']
  return []
}

const remedy =
  'set authMethod to http and authHTTPAddress to the address of this service there (see docs/security.md), ' +
  'and mediamtx.auth_port here'

/** Tries to read without a credential. The server must ask this service about it, which refuses. */
async function asksUs(
  { rtsp, timeout, questions }: { rtsp: Address; timeout: number; questions: () => number },
  signal: AbortSignal,
): Promise<string[]> {
  const before = questions()
  const status = await whenApplied(() => describe(rtsp, timeout, signal), timeout, signal)
  if (questions() > before) return []
  if (status === 401)
    return [
      `the media server does not ask this service who may read, so that the URLs it gives out open nothing: ${remedy}`,
    ]
  return [`the media server lets everybody read, whatever a URL of this service says: ${remedy}`]
}

/** Resolves with the status of a DESCRIBE of the path of this check; 0: no answer. Rejects with `Refused` for a 400. */
const describe = ({ host, port }: Address, timeout: number, signal: AbortSignal): Promise<number> =>
  new Promise((resolve, reject) => {
    // Not by the option `signal`, whose listener Node keeps after the end of the socket.
    const socket = connect({ host, port, timeout })
    let text = ''
    const end = () => {
      socket.destroy()
      signal.removeEventListener('abort', end)
      const status = Number(/^RTSP\/1\.\d (\d{3})/.exec(text)?.[1] ?? 0)
      if (signal.aborted) reject(signal.reason)
      else if (status === 400) reject(new Refused(status, true, `path '${NAME}' is not configured`))
      else resolve(status)
    }
    socket.once('connect', () =>
      socket.write(`DESCRIBE rtsp://${hostInUrl(host)}:${port}/${NAME} RTSP/1.0\r\nCSeq: 1\r\n\r\n`),
    )
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      if (text.includes('\r\n')) end()
    })
    socket.once('timeout', end)
    socket.once('error', end)
    socket.once('close', end)
    signal.addEventListener('abort', end)
  })

/** The code of a system error instead of its message, which holds a path. */
const shortReasonOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : reasonOf(error)

const connects = ({ host, port }: Address, timeout: number, signal: AbortSignal): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host, port, signal, timeout })
    const end = (answered: boolean) => {
      socket.destroy()
      resolve(answered)
    }
    socket.once('connect', () => end(true))
    socket.once('timeout', () => end(false))
    socket.once('error', () => (signal.aborted ? reject(signal.reason) : end(false)))
  })
