import { Agent } from 'node:http'
import type { Method } from 'got'
import { type Exchange, TooLarge } from './exchange.js'

// A connection for each call, because a reused one is reset at the first call after a restart of the server.
const agent = new Agent({ keepAlive: false })

/** For a media server on another host. Loads got with the first call, which needs 10 MB of memory. */
export const exchangeFar: Exchange = async ({ method, url, body, signal, timeout, most }) => {
  const { got } = await import('got')
  const call = got(url, {
    method: method as Method,
    signal,
    ...(body !== undefined && { json: body }),
    retry: { limit: 0 },
    throwHttpErrors: false,
    followRedirect: false,
    // A small compressed answer could be a large one in memory.
    decompress: false,
    timeout: { request: timeout },
    agent: { http: agent },
  })
  let isTooLarge = false
  // got has no limit of its own: an answer that never ends would fill the memory until the timeout.
  void call.on('downloadProgress', ({ transferred }) => {
    if (isTooLarge || transferred <= most) return
    isTooLarge = true
    call.cancel()
  })
  const answer = await call.catch((error: unknown) => {
    throw isTooLarge ? new TooLarge() : error
  })
  return { status: answer.statusCode, text: answer.rawBody.toString('utf8') }
}
