import type { SessionExpired } from './contract.js'

/** The service refused a call, or the call failed there. */
export class RpcError extends Error {
  readonly code: number
  /** The fields that the API documents for the error: `reason`, `details`, `suggestion` and more. */
  readonly data: Readonly<Record<string, unknown>>
  /** A stable code: `token_expired`, `invalid_params` … */
  readonly reason: string
  constructor(
    readonly method: string,
    { code, message, data = {} }: { code: number; message: string; data?: Record<string, unknown> },
  ) {
    super(`${method}: ${message}`)
    this.name = 'RpcError'
    this.code = code
    this.data = data
    this.reason = typeof data.reason === 'string' ? data.reason : ''
  }
}

/** The connection is gone. A call in progress may have been carried out; the client never sends it again. */
export class ConnectionLost extends Error {
  /** The WebSocket's close code; 1006 if there was none. */
  readonly code: number
  constructor(reason: string, code = 1006) {
    super(reason)
    this.name = 'ConnectionLost'
    this.code = code
  }
}

/** The service ended the session, and the client has no other credential to authenticate with. */
export class SessionEnded extends ConnectionLost {
  constructor(readonly reason: SessionExpired['reason']) {
    super(`the session has ended: ${reason}`, 4401)
    this.name = 'SessionEnded'
  }
}

/** No reply in time. The call may be carried out all the same. */
export class CallTimedOut extends Error {
  constructor(
    readonly method: string,
    readonly timeout: number,
  ) {
    super(`${method}: no answer within ${timeout} ms`)
    this.name = 'CallTimedOut'
  }
}
