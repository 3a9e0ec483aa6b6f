import { execFile } from 'node:child_process'
import { type IncomingHttpHeaders, request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { program, type Service } from '../e2e/service.js'
import { emitted, within } from '../rpc/wait.js'

/** The local address: to the service each address is another client. */
interface From {
  localAddress?: string
}

/** The headers of a WebSocket handshake after those of the test, and the end of its head. */
export const handshake =
  'Connection: Upgrade\r\nUpgrade: websocket\r\n' +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n'

/** Sends the path unchanged; `fetch` would normalise it. */
export const get = (
  port: number,
  path: string,
  { headers = {}, localAddress = '127.0.0.1', method = 'GET' }: From & { headers?: object; method?: string } = {},
) =>
  new Promise<{ status: number; headers: IncomingHttpHeaders; body: string }>((resolve, reject) => {
    const options = {
      host: '127.0.0.1',
      port,
      path,
      method,
      localAddress,
      agent: false as const,
      headers: { ...headers },
    }
    const sent = request(options, async (response) => {
      let body = ''
      response.setEncoding('latin1')
      for await (const chunk of response) body += chunk
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body })
    })
    sent.on('error', reject).end()
  })

export const open = (port: number, { localAddress = '127.0.0.1' }: From = {}): Socket =>
  connect({ host: '127.0.0.1', port, localAddress })
    .on('error', () => {})
    .resume()

/** The whole reply to some bytes, until the server closes. */
export const raw = async (port: number, bytes: string | Buffer, from: From = {}): Promise<string> => {
  const socket = open(port, from)
  let answer = ''
  socket.on('data', (data) => {
    answer += data.toString('latin1')
  })
  socket.write(bytes)
  await within('the server closes the connection', emitted(socket, 'close'), 30_000)
  return answer
}

/** The status of a connection that was closed without a reply. */
export const hungUp = 0

/** The status of a DESCRIBE. `password`: a credential, sent as players send it. */
export const describeRtsp = (
  url: string,
  { password, localAddress = '127.0.0.1' }: From & { password?: string } = {},
) =>
  new Promise<number>((resolve) => {
    const socket = connect({ host: '127.0.0.1', port: Number(new URL(url).port), localAddress })
    const authorization =
      password === undefined ? '' : `Authorization: Basic ${Buffer.from(`any:${password}`).toString('base64')}\r\n`
    socket.on('error', () => {}).on('close', () => resolve(hungUp))
    socket.write(`DESCRIBE ${url} RTSP/1.0\r\nCSeq: 1\r\nAccept: application/sdp\r\n${authorization}\r\n`)
    socket.once('data', (data) => {
      resolve(Number(/^RTSP\/1\.0 (\d{3})/.exec(data.toString('latin1'))?.[1]))
      socket.destroy()
    })
  })

/** Runs a command of the program beside the service. */
export const command = ({ dataDir }: Service, ...args: string[]) =>
  new Promise<{ code: number; err: string }>((resolve) => {
    const own = Object.entries(process.env).filter(
      ([name]) => !name.startsWith('CAMERA_SERVICE_') && name !== 'NODE_OPTIONS',
    )
    const env = { ...Object.fromEntries(own), CAMERA_SERVICE_DATA_DIR: dataDir }
    execFile(process.execPath, [program, ...args], { env, timeout: 30_000 }, (error, _, err) =>
      resolve({ code: error ? Number(error.code) : 0, err }),
    )
  })

export const sigOf = (url: string): string => new URL(url, 'http://host').searchParams.get('sig') ?? ''

export const claimsOf = (token: string): { jti: string; exp: number } =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())

/** Altered signatures; `other`: a valid one of another subject. */
export const forgeries = (sig: string, other: string): Record<string, string> => {
  const [payload = '', seal = ''] = sig.split('.')
  const [otherPayload = '', otherSeal = ''] = other.split('.')
  const grant: unknown[] = JSON.parse(Buffer.from(payload, 'base64url').toString())
  const rewritten = (...changes: [index: number, value: unknown][]) => {
    const changed = [...grant]
    for (const [index, value] of changes) changed[index] = value
    return Buffer.from(JSON.stringify(changed)).toString('base64url')
  }
  return {
    'another seal': `${payload}.${seal.startsWith('A') ? 'B' : 'A'}${seal.slice(1)}`,
    'a shorter seal': `${payload}.${seal.slice(0, -1)}`,
    'no seal': `${payload}.`,
    'no seal at all': payload,
    'the seal of another': `${payload}.${otherSeal}`,
    'the payload of another': `${otherPayload}.${seal}`,
    'a day more': `${rewritten([2, Number(grant[2]) + 86_400])}.${seal}`,
    'another user': `${rewritten([1, 'admin'])}.${seal}`,
    'no credential': `${rewritten([3, 0])}.${seal}`,
    padded: `${payload}=.${seal}`,
    'a seal in another way of writing': `${payload}.${seal}=`,
    'three parts': `${payload}.${seal}.${seal}`,
    nothing: '',
    overlong: `${payload}.${seal}${'A'.repeat(6_000)}`,
  }
}
