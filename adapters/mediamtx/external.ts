import { mkdir, rm, rmdir, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { reasonOf } from '../../machines/domain/errors.js'
import { type Api, type ApiOptions, createApi, isObject, Refused } from './api.js'
import type { Address } from './findServer.js'
import { type PathDefaults, recordBody } from './pathBody.js'

export interface ExternalOptions extends ApiOptions {
  rtsp: Address
  recordingsDir: string
  pathDefaults: PathDefaults
}

/** Not a camera's name, so `sync` leaves it alone. */
const NAME = 'camera-service-check'
const FILE = `${NAME}_2000-01-01_00-00-00-000000.mp4`

/**
 * What an external MediaMTX must bring, one sentence for each thing that is missing; empty when all is well. The recordings
 * folder is shared when the server lists a file that we put there: a path is added for that, and removed again. Rejects only
 * with the signal's reason.
 */
export async function checkExternal({ apiUrl, timeout, rtsp, recordingsDir, pathDefaults }: ExternalOptions, signal: AbortSignal): Promise<string[]> {
  const api = createApi({ apiUrl, timeout })
  const problems: string[] = []
  if (!(await connects(rtsp, timeout, signal))) problems.push(`nothing answers at the RTSP port ${rtsp.port} (mediamtx.rtsp_port)`)
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
  } catch (error) {
    signal.throwIfAborted()
    problems.push(error instanceof Refused ? `paths cannot be set: ${error.message}` : `the recordings folder cannot be tried: ${shortReasonOf(error)}`)
  } finally {
    await rm(join(folder, FILE), { force: true }).catch(() => {})
    await rmdir(folder).catch(() => {})
    await api({ method: 'DELETE', path: `/v3/config/paths/delete/${NAME}`, signal: AbortSignal.timeout(timeout) }).catch(() => {})
  }
  return problems
}

async function seesFile(api: Api, pathDefaults: PathDefaults, signal: AbortSignal): Promise<string[]> {
  await api({ method: 'POST', path: `/v3/config/paths/replace/${NAME}`, body: { source: 'publisher', record: false, ...recordBody(pathDefaults) }, signal })
  const answer = await api({ method: 'GET', path: `/v3/recordings/get/${NAME}`, signal })
  const segments = isObject(answer) && Array.isArray(answer.segments) ? answer.segments.filter(isObject) : []
  const [start] = segments.map((segment) => String(segment.start))
  if (start === undefined) return ['the recordings folder is not shared: the media server does not see what is written there']
  if (Date.parse(start) !== Date.UTC(2000, 0, 1)) return ['the media server does not run in UTC (set TZ=UTC for it): the times of recordings would be wrong']
  return []
}

/** The code alone of a system error, whose message holds the path. */
const shortReasonOf = (error: unknown): string => (error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : reasonOf(error))

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
