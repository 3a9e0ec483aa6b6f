import { mkdir, rm, rmdir, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { reasonOf } from '../../machines/domain/errors.js'
import { type Api, type ApiOptions, createApi, isObject, Refused } from './api.js'
import type { Address } from './findServer.js'
import { type PathDefaults, recordBody } from './pathBody.js'
import { sleep } from './wait.js'

export interface ExternalOptions extends ApiOptions {
  rtsp: Address
  recordingsDir: string
  pathDefaults: PathDefaults
  /** How often the server has asked us who may read; absent: it need not ask. */
  questions?: () => number
}

/** Not a camera's name, so `sync` leaves it alone. */
const NAME = 'camera-service-check'
const FILE = `${NAME}_2000-01-01_00-00-00-000000.mp4`

/**
 * What an external MediaMTX must bring, one sentence for each thing that is missing; empty when all is well. The recordings
 * folder is shared when the server lists a file that we put there: a path is added for that, and removed again. Rejects only
 * with the signal's reason.
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
    problems.push(...(await seesFile(api, pathDefaults, signal)))
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

async function seesFile(api: Api, pathDefaults: PathDefaults, signal: AbortSignal): Promise<string[]> {
  await api({
    method: 'POST',
    path: `/v3/config/paths/replace/${NAME}`,
    body: { source: 'publisher', record: false, ...recordBody(pathDefaults) },
    signal,
  })
  const answer = await api({ method: 'GET', path: `/v3/recordings/get/${NAME}`, signal })
  const segments = isObject(answer) && Array.isArray(answer.segments) ? answer.segments.filter(isObject) : []
  const [start] = segments.map((segment) => String(segment.start))
  if (start === undefined)
    return ['the recordings folder is not shared: the media server does not see what is written there']
  if (Date.parse(start) !== Date.UTC(2000, 0, 1))
    return ['the media server does not run in UTC (set TZ=UTC for it): the times of recordings would be wrong']
  return []
}

const remedy =
  'set authMethod to http and authHTTPAddress to the address of this service there (see docs/security.md), and mediamtx.auth_port here'

/** A stranger wants to read, and must be refused at our word. */
async function asksUs(
  { rtsp, timeout, questions }: { rtsp: Address; timeout: number; questions: () => number },
  signal: AbortSignal,
): Promise<string[]> {
  const before = questions()
  let status = await describe(rtsp, timeout, signal)
  // 200 to a new path means accepted, not applied.
  for (let tries = 0; status === 400 && tries < 10; tries++) {
    await sleep(50, signal)
    status = await describe(rtsp, timeout, signal)
  }
  if (questions() > before) return []
  if (status === 401)
    return [
      `the media server does not ask this service who may read, so that the URLs it gives out open nothing: ${remedy}`,
    ]
  return [`the media server lets everybody read, whatever a URL of this service says: ${remedy}`]
}

/** The status of a DESCRIBE of the path that is there for this check; 0: no answer. */
const describe = ({ host, port }: Address, timeout: number, signal: AbortSignal): Promise<number> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host, port, signal, timeout })
    let text = ''
    const end = () => {
      socket.destroy()
      if (signal.aborted) reject(signal.reason)
      else resolve(Number(/^RTSP\/1\.\d (\d{3})/.exec(text)?.[1] ?? 0))
    }
    socket.once('connect', () =>
      socket.write(
        `DESCRIBE rtsp://${host.includes(':') ? `[${host}]` : host}:${port}/${NAME} RTSP/1.0\r\nCSeq: 1\r\n\r\n`,
      ),
    )
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      if (text.includes('\r\n')) end()
    })
    socket.once('timeout', end)
    socket.once('error', end)
    socket.once('close', end)
  })

/** The code alone of a system error, whose message holds the path. */
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
