import { createHash } from 'node:crypto'
import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { allowList } from '../../machines/domain/address.js'
import { milliseconds } from './config/duration.js'
import type { GlobalConf, Permission } from './config/fields.js'

/** What a client wants to do, and the credentials that it gave. */
export interface Access {
  action: 'publish' | 'read' | 'api'
  /** Empty for `api`. */
  path: string
  protocol: 'rtsp' | ''
  /** The id of the session; of the connection for DESCRIBE. */
  id: string | null
  ip: string
  query: string
  userAgent: string
  user: string
  password: string
}

/** `askCredentials`: the client gave no credentials, so it may try again with some. */
export class Refused extends Error {
  constructor(
    message: string,
    readonly askCredentials: boolean,
  ) {
    super(message)
  }
}

/** Resolves with the user's name. Rejects with Refused. */
export async function authorise(conf: GlobalConf, access: Access): Promise<string> {
  const parameters = new URLSearchParams(access.query)
  const byQuery = access.protocol === 'rtsp' ? (parameters.get('token') ?? parameters.get('jwt') ?? '') : ''
  const token = conf.authMethod === 'internal' ? '' : access.password || byQuery
  try {
    return await (conf.authMethod === 'internal' ? byUsers(conf, access) : byCallback(conf, access, token))
  } catch (error) {
    throw new Refused(
      error instanceof Error ? error.message : String(error),
      access.user === '' && access.password === '' && token === '',
    )
  }
}

function byUsers(conf: GlobalConf, access: Access): string {
  const isAllowed = conf.authInternalUsers.some(
    ({ user, pass, ips, permissions }) =>
      allowList(ips)(access.ip) &&
      permits(permissions, access) &&
      (user === 'any' || (isSecret(user, access.user) && isSecret(pass, access.password))),
  )
  if (!isAllowed) throw new Error('authentication failed')
  return access.user
}

const isSecret = (expected: string, given: string): boolean =>
  expected.startsWith('sha256:')
    ? createHash('sha256').update(given).digest('base64') === expected.slice('sha256:'.length)
    : expected === given

const permits = (permissions: Permission[], { action, path }: Access): boolean =>
  permissions.some((one) => one.action === action && (action === 'api' || one.path === '' || matches(one.path, path)))

function matches(expected: string, path: string): boolean {
  if (!expected.startsWith('~')) return expected === path
  try {
    return new RegExp(expected.slice(1)).test(path)
  } catch {
    return false
  }
}

/** Asks the callback. Any status from 200 to 299 grants access. */
async function byCallback(conf: GlobalConf, access: Access, token: string): Promise<string> {
  if (permits(conf.authHTTPExclude, access)) return ''
  const { ip, user, password, action, path, protocol, id, query, userAgent } = access
  const body = JSON.stringify({ ip, user, password, token, action, path, protocol, id, query, userAgent })
  const status = await post(conf.authHTTPAddress, body, milliseconds(conf.readTimeout))
  if (status < 200 || status > 299) throw new Error(`server replied with code ${status}`)
  return user
}

const post = (address: string, body: string, timeout: number): Promise<number> =>
  new Promise((resolve, reject) => {
    const request = (address.startsWith('https:') ? requestHttps : requestHttp)(
      address,
      { method: 'POST', headers: { 'content-type': 'application/json' }, timeout, agent: false },
      (response) => {
        response.resume()
        resolve(response.statusCode ?? 0)
      },
    )
    request.on('timeout', () => request.destroy(new Error('timed out')))
    request.on('error', (error) => reject(new Error(`HTTP request failed: ${error.message}`)))
    request.end(body)
  })

/** Returns the credentials of a header `Authorization: Basic …`; both are empty when there are none. */
export function basicCredentials(header = ''): { user: string; password: string } {
  const text = /^Basic\s+(.+)$/i.exec(header)?.[1]
  const [user = '', ...rest] = text ? Buffer.from(text, 'base64').toString('utf8').split(':') : []
  return { user, password: rest.join(':') }
}
