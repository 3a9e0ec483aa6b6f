import { Agent, type ClientRequest, request } from 'node:http'
import { type Answer, type Exchange, type Question, TooLarge } from './exchange.js'

/** A changed setting must not be sent twice, so each change has a connection of its own. */
const single = new Agent({ keepAlive: false })
/** The server is asked every second: a connection for each question would be half of the cost. */
const kept = new Agent({ keepAlive: true, maxFreeSockets: 2 })

/** For a media server on this host: got would add 10 MB of memory, and none of its features serves here. */
export const exchangeNear: Exchange = (question) => {
  if (question.method !== 'GET') return exchange(question, single).answer
  const { call, answer } = exchange(question, kept)
  return answer.catch((error: NodeJS.ErrnoException) => {
    // The connection was of a server that has ended meanwhile. Nothing is known about the one that is there now.
    if (!call.reusedSocket || error.code !== 'ECONNRESET' || question.signal.aborted) throw error
    return exchange(question, single).answer
  })
}

function exchange(
  { method, url, body, signal, timeout, most }: Question,
  agent: Agent,
): { call: ClientRequest; answer: Promise<Answer> } {
  const content = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
  const headers = {
    accept: 'application/json',
    ...(content && { 'content-type': 'application/json', 'content-length': content.length }),
  }
  const call = request(url, { method, agent, signal, headers })
  const limit = setTimeout(() => call.destroy(Object.assign(new Error('timeout'), { code: 'ETIMEDOUT' })), timeout)
  const answer = new Promise<Answer>((resolve, reject) => {
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
  return { call, answer: answer.finally(() => clearTimeout(limit)) }
}
