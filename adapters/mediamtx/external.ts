import { mkdir, rm, rmdir, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import pRetry from 'p-retry'
import { hostInUrl } from '../../machines/domain/address.js'
import { reasonOf } from '../../machines/domain/errors.js'
import { ConnectionError } from '../rtsp/connectionEnd.js'
import { guard, openConnection } from '../rtsp/session.js'
import { type Api, type ApiOptions, createApi, isObject, Refused, Unreachable } from './api.js'
import type { Address } from './findServer.js'
import { type PathDefaults, recordBody } from './pathBody.js'

export interface ExternalOptions extends ApiOptions {
  rtsp: Address
  recordingsDir: string
  pathDefaults: PathDefaults
  /** Returns the number of authentication requests so far. Absent: the media server need not send any. */
  questions?: () => number
}

/** Not the name of a camera, so `sync` ignores this path. */
const NAME = 'camera-service-check'
const FILE = `${NAME}_2000-01-01_00-00-00-000000.mp4`

/** One sentence for each problem of an external media server. */
export interface ExternalProblems {
  /** It does not answer, which says nothing about its configuration. */
  silent: string[]
  misconfigured: string[]
}

/**
 * Checks an external MediaMTX. The check adds a path and a recording, and removes both. Rejects only with the signal's
 * reason.
 */
export async function checkExternal(options: ExternalOptions, signal: AbortSignal): Promise<ExternalProblems> {
  const { apiUrl, timeout, rtsp, recordingsDir, pathDefaults, questions } = options
  const api = createApi({ apiUrl, timeout })
  const silent: string[] = []
  const misconfigured: string[] = []
  const answers = await connects(rtsp, timeout, signal)
  if (!answers) silent.push(`nothing answers at the RTSP port ${rtsp.port} (mediamtx.rtsp_port)`)
  try {
    await api({ method: 'GET', path: '/v3/config/paths/list?itemsPerPage=1', signal })
  } catch (error) {
    signal.throwIfAborted()
    const problem = `the API cannot be used: ${reasonOf(error)}`
    ;(error instanceof Refused ? misconfigured : silent).push(problem)
    return { silent, misconfigured }
  }
  const folder = join(recordingsDir, NAME)
  try {
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, FILE), '')
    misconfigured.push(...(await seesFile(api, pathDefaults, timeout, signal)))
    if (questions && answers) misconfigured.push(...(await asksUs({ rtsp, timeout, questions }, signal)))
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof Unreachable) silent.push(`the check was interrupted: ${error.message}`)
    else
      misconfigured.push(
        error instanceof Refused
          ? `paths cannot be set: ${error.message}`
          : `the recordings folder cannot be tested: ${shortReasonOf(error)}`,
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
  return { silent, misconfigured }
}

/**
 * MediaMTX answers 200 to a change of its paths before it applies the change, and answers 400 for the path until then.
 * Repeats `attempt` while it fails with 400, for at most `limit` ms.
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

/** The folder is shared if the server lists a recording that this service has written. */
async function seesFile(api: Api, pathDefaults: PathDefaults, timeout: number, signal: AbortSignal): Promise<string[]> {
  const body = { source: 'publisher', record: false, ...recordBody(pathDefaults) }
  await api({ method: 'POST', path: `/v3/config/paths/replace/${NAME}`, body, signal })
  const list = () => api({ method: 'GET', path: `/v3/recordings/get/${NAME}`, signal })
  const answer = await whenApplied(list, timeout, signal)
  const segments = isObject(answer) && Array.isArray(answer.segments) ? answer.segments.filter(isObject) : []
  const [start] = segments.map((segment) => String(segment.start))
  if (start === undefined)
    return ['the recordings folder is not shared: the media server does not find files that this service writes']
  if (Date.parse(start) !== Date.UTC(2000, 0, 1))
    return ['the media server does not run in UTC (set TZ=UTC for it): the times of recordings would be wrong']
  return []
}

const remedy =
  'in its configuration, set authMethod to http and authHTTPAddress to the address of this service ' +
  '(see docs/security.md); in this one, set mediamtx.auth_port'

/** Reads without a credential. The server must send an authentication request, which this service refuses. */
async function asksUs(
  { rtsp, timeout, questions }: { rtsp: Address; timeout: number; questions: () => number },
  signal: AbortSignal,
): Promise<string[]> {
  const before = questions()
  const status = await whenApplied(() => describe(rtsp, timeout, signal), timeout, signal)
  if (questions() > before) return []
  if (status === 401)
    return [
      'the media server does not use this service for authentication, ' +
        `so the URLs of this service do not work: ${remedy}`,
    ]
  return [`the media server allows every client to read, without authentication by this service: ${remedy}`]
}

/**
 * Resolves with the status of a DESCRIBE of the test path; 0 if there is no answer. Rejects with `Refused` for a 400.
 */
async function describe({ host, port }: Address, timeout: number, signal: AbortSignal): Promise<number> {
  const connection = openConnection({ host, port })
  const disarm = guard({ connection, signal, limit: timeout })
  const url = `rtsp://${hostInUrl(host)}:${port}/${NAME}`
  try {
    const { status } = await connection.request({ method: 'DESCRIBE', url })
    if (status === 400) throw new Refused(status, true, `path '${NAME}' is not configured`)
    return status
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof ConnectionError) return 0
    throw error
  } finally {
    disarm()
    connection.fail(new ConnectionError('source_closed'))
  }
}

/** Returns the code of a system error instead of its message, which contains a path. */
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
