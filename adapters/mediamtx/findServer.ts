import { execFile } from 'node:child_process'
import { get } from 'node:http'
import { join } from 'node:path'
import { attempt } from '../attempt.js'
import { findOnPath, isProgram } from '../programs.js'
import { isObject } from './api.js'

/** The server at an address: `locked` is a MediaMTX that requires credentials, `other` is another program. */
export type Answerer = 'mediamtx' | 'locked' | 'other' | 'nobody'

export interface Address {
  host: string
  port: number
}

/** Requests the info, or the paths if there is no info (before 1.15.2). `credentials`: `user:password`. */
export async function whoAnswers(
  address: Address & { credentials?: string },
  signal: AbortSignal,
  limit = 2_000,
): Promise<Answerer> {
  const info = await ask(address, '/v3/info', signal, limit)
  if (info === 'nobody' || info === 'other') return info
  if (info.status === 401) return 'locked'
  if (info.status === 200 && typeof info.body.version === 'string') return 'mediamtx'
  const paths = await ask(address, '/v3/paths/list?itemsPerPage=1', signal, limit)
  if (paths === 'nobody' || paths === 'other') return 'other'
  return paths.status === 200 && Array.isArray(paths.body.items) ? 'mediamtx' : 'other'
}

type Reply = { status: number; body: Record<string, unknown> }

function ask(
  { host, port, credentials }: Parameters<typeof whoAnswers>[0],
  path: string,
  signal: AbortSignal,
  limit: number,
): Promise<Reply | 'nobody' | 'other'> {
  return new Promise((resolve, reject) => {
    let connected = false
    const failed = (error: NodeJS.ErrnoException) => {
      if (signal.aborted) return reject(signal.reason)
      // The server accepted the connection and then sent nothing, or no HTTP.
      resolve(connected ? 'other' : error.code === 'HPE_INVALID_CONSTANT' ? 'other' : 'nobody')
    }
    const request = get(
      { host, port, path, signal, agent: false, ...(credentials !== undefined && { auth: credentials }) },
      (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => {
          text += chunk
          if (text.length > 100_000) request.destroy(new Error('too long'))
        })
        response.on('error', failed)
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: objectOf(text) }))
      },
    )
    request.on('socket', (socket) => socket.once('connect', () => (connected = true)))
    const timer = setTimeout(() => request.destroy(new Error('no answer in time')), limit)
    request.on('close', () => clearTimeout(timer))
    request.on('error', failed)
  })
}

function objectOf(text: string): Record<string, unknown> {
  const value: unknown = attempt(() => JSON.parse(text))
  return isObject(value) ? value : {}
}

/** Looks for the program `mediamtx` on the PATH, then in the data directory. `where`: a phrase for messages. */
export async function findProgram(path: string, dataDir: string): Promise<{ file: string; where: string } | undefined> {
  const installed = await findOnPath('mediamtx', path)
  if (installed !== undefined) return { file: installed, where: 'on the PATH' }
  const own = join(dataDir, 'bin', 'mediamtx')
  return (await isProgram(own)) ? { file: own, where: 'in the data directory' } : undefined
}

/** Resolves with `undefined` if the program does not print a version, or was built without one. */
export const programVersion = (file: string, signal: AbortSignal): Promise<[number, number, number] | undefined> =>
  new Promise((resolve, reject) => {
    execFile(file, ['--version'], { timeout: 5_000, killSignal: 'SIGKILL', signal }, (_error, stdout) => {
      if (signal.aborted) return reject(signal.reason)
      const [, major, minor, patch] = /^v(\d+)\.(\d+)\.(\d+)/.exec(stdout) ?? []
      resolve(major === undefined || major === '0' ? undefined : [Number(major), Number(minor), Number(patch)])
    })
  })
