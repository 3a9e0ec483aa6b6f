import { Agent, request } from 'node:http'
import { type Exchange, TooLarge } from './exchange.js'

// A connection for each call, because a reused one is reset at the first call after a restart of the server.
const agent = new Agent({ keepAlive: false })

/** For a media server on this host: got would add 10 MB of memory, and none of its features serves here. */
export const exchangeNear: Exchange = ({ method, url, body, signal, timeout, most }) => {
  let limit: NodeJS.Timeout | undefined
  const answered = new Promise<{ status: number; text: string }>((resolve, reject) => {
    const content = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
    const headers = {
      accept: 'application/json',
      ...(content && { 'content-type': 'application/json', 'content-length': content.length }),
    }
    const call = request(url, { method, agent, signal, headers })
    limit = setTimeout(() => call.destroy(Object.assign(new Error('timeout'), { code: 'ETIMEDOUT' })), timeout)
    call.on('error', reject)
    call.on('response', (response) => {
      const chunks: Buffer[] = []
      let bytes = 0
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes > most) call.destroy(new TooLarge())
        else chunks.push(chunk)
      })
      // After `destroy`, the reason is on the call, which emits it first only before the answer.
      response.on('error', (error) => reject(call.errored ?? error))
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
      )
    })
    call.end(content)
  })
  return answered.finally(() => clearTimeout(limit))
}
