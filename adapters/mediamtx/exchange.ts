/** One request to MediaMTX's control API. */
export interface Question {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** With `user:password@` if the server requires them. */
  url: URL
  body?: object
  signal: AbortSignal
  /** Limit for the whole call, in ms. */
  timeout: number
  /** Limit of the answer, in bytes. */
  most: number
}

export interface Answer {
  status: number
  text: string
}

/**
 * Sends a request, without retries, redirects and decompression. Rejects with `TooLarge`, or with an error that has
 * Node's code (`ETIMEDOUT` after `timeout`), or with any error after the signal.
 */
export type Exchange = (question: Question) => Promise<Answer>

/** The answer is larger than `most`. */
export class TooLarge extends Error {
  override readonly name = 'TooLarge'
}
