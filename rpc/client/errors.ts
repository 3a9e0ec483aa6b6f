/** The service refused or failed a call. */
export class RpcError extends Error {
  readonly code: number
  /** What the error's table of the API documents: `reason`, `details`, `suggestion` and more. */
  readonly data: Readonly<Record<string, unknown>>
  /** Short and stable: `token_expired`, `invalid_params` … */
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

/** The connection is gone. Whether a call that was under way has been carried out is not known; it is never sent again by itself. */
export class ConnectionLost extends Error {
  /** Code of the closing, 1006 when there was none. */
  readonly code: number
  constructor(reason: string, code = 1006) {
    super(reason)
    this.name = 'ConnectionLost'
    this.code = code
  }
}

/** No answer in time. The call may be carried out all the same. */
export class CallTimedOut extends Error {
  constructor(
    readonly method: string,
    readonly timeout: number,
  ) {
    super(`${method}: no answer within ${timeout} ms`)
    this.name = 'CallTimedOut'
  }
}
