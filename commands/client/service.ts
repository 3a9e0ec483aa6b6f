import { STATUS_CODES } from 'node:http'
import type { createConnection } from 'node:net'
import WebSocket from 'ws'
import { type ErrorData, errorKinds, suggestionKeyOf } from '../../machines/domain/errors.js'
import {
  CallTimedOut,
  type CameraServiceClient,
  ConnectionLost,
  type ConnectionState,
  connectCameraService,
  RpcError,
  SessionEnded,
  type WebSocketConstructor,
} from '../../rpc/client/index.js'
import { CommandError, noPermission, type Outcome, unavailable } from '../outcome.js'
import { causeOf } from './causes.js'
import { forPerson, suggestionFor } from './words.js'

/**
 * How the certificate of the service is checked: by `ca`, the PEM of the issuer, or by `createConnection` itself, and
 * then `refusal` is the reason why a connection was not made.
 */
export interface Tls {
  ca?: string
  createConnection?: typeof createConnection
  refusal?(): Error | undefined
}

/** A service that a command is connected to. */
export interface Service {
  client: CameraServiceClient
  /** Of its WebSocket. */
  url: string
  tls: Tls
  /** Calls the listener when the state of the connection changes. */
  onState(listener: (state: ConnectionState, reason?: Error) => void): void
}

/** No service answers at the address. */
export class NotRunning extends CommandError {
  override readonly name = 'NotRunning'
  constructor(message: string) {
    super(message, unavailable)
  }
}

/** Connects and authenticates. Rejects with NotRunning, or with CommandError if the service refuses the credential. */
export async function connectTo({
  url,
  credential,
  tls,
}: {
  url: string
  credential: string | (() => Promise<string>)
  tls: Tls
}): Promise<Service> {
  const listeners: ((state: ConnectionState, reason?: Error) => void)[] = []
  /** The client only learns that the connection was closed. */
  let cause: Error | undefined
  const Socket = class extends WebSocket {
    constructor(address: string) {
      const { ca, createConnection } = tls
      super(address, { ...(ca !== undefined && { ca }), ...(createConnection && { createConnection }) })
      this.once('error', (error) => {
        cause ??= error
      })
    }
  } as unknown as WebSocketConstructor
  const onState = (state: ConnectionState, reason?: Error) => {
    for (const listener of listeners) listener(state, reason)
  }
  const options = { url, credential, WebSocket: Socket, timeout: 10_000, onState }
  const client = await connectCameraService(options).catch((error: unknown) => {
    const refusal = tls.refusal?.()
    if (refusal) throw refusal
    if (error instanceof RpcError)
      throw new CommandError(`the running service cannot be asked: ${sentence(error)}`, statusOf(error))
    // A limit of the client closes the socket, which is no cause.
    const isOwn = cause === undefined || /closed before the connection/.test(cause.message)
    const { what, todo } = causeOf(isOwn ? error : cause, url)
    throw new NotRunning(`the service does not answer at ${url}: ${what}; ${todo}`)
  })
  return { client, url, tls, onState: (listener) => void listeners.push(listener) }
}

/**
 * Closes the client after `ask`. An error of the service becomes an exit status and a sentence, in the words of the
 * command line or of the API.
 */
export async function askService(
  client: CameraServiceClient,
  ask: (client: CameraServiceClient) => Promise<Outcome>,
  words: Words = 'command line',
): Promise<Outcome> {
  try {
    return await ask(client)
  } catch (error) {
    const outcome = refusalOf(error, words)
    if (outcome === undefined) throw error
    return outcome
  } finally {
    client.close()
  }
}

/** The outcome for an error of the service or of the connection; `undefined` for any other. */
export function refusalOf(error: unknown, words: Words = 'command line'): Outcome | undefined {
  if (error instanceof RpcError) return { status: statusOf(error), err: `camera-service: ${sentence(error, words)}` }
  if (error instanceof SessionEnded)
    return { status: noPermission, err: `camera-service: ${error.message}; get a new token` }
  if (error instanceof ConnectionLost || error instanceof CallTimedOut)
    return { status: unavailable, err: `camera-service: ${error.message}; check that the service runs` }
  return undefined
}

type Words = 'command line' | 'API'

/** What is wrong and what to do. */
function sentence({ method, code, message, data }: RpcError, words: Words = 'command line'): string {
  if (words === 'API') {
    // The details name the parameter already.
    const isAboutData = suggestionKeyOf(code, data) === 'invalidParams'
    return sentencesOf(message, data.details, isAboutData ? undefined : withData(data))
  }
  // The person has not called a method.
  return personal(code, message.replace(`${method}: `, ''), data)
}

/** The suggestion, with what it refers to: nobody sees the data here. */
const withData = ({ suggestion, ...data }: RpcError['data']): string | undefined => {
  const members: Record<string, unknown> = data
  return typeof suggestion === 'string'
    ? suggestion.replace(/data\.(\w+)/g, (name, member) =>
        members[member] === undefined ? name : `${name} (${[members[member]].flat().join(', ')})`,
      )
    : undefined
}

const personal = (code: number, message: string, data: Readonly<Record<string, unknown>>): string => {
  const { details } = isSaidTwice(code, data) ? {} : data
  return sentencesOf(
    forPerson(message),
    typeof details === 'string' ? forPerson(details) : undefined,
    suggestionFor(code, data),
  )
}

/** The message says already that there is no such thing. */
const isSaidTwice = (code: number, data: ErrorData): boolean =>
  code === errorKinds.notFound.code && data.details === errorKinds.notFound.details(data)

const sentencesOf = (...parts: unknown[]): string => parts.filter((part) => typeof part === 'string').join('; ')

const statusOf = ({ code }: RpcError): number => (code === -32001 || code === -32002 ? noPermission : 1)

/** The outcome of a refused HTTP request: its body is JSON in the form of the errors of the API. */
export function httpRefusal(status: number, body: string): Outcome {
  const text = `HTTP ${status} ${STATUS_CODES[status] ?? ''}`
  const { code = 0, message, data = {} } = errorIn(body) ?? { message: text }
  return {
    status: status === 401 || status === 403 ? noPermission : 1,
    err: `camera-service: ${personal(code, message, data)}`,
  }
}

function errorIn(body: string): { code?: number; message: string; data?: Record<string, unknown> } | undefined {
  try {
    const { error = undefined } = Object(JSON.parse(body))
    return typeof error?.message === 'string' ? error : undefined
  } catch {
    return undefined
  }
}
