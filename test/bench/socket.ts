import WebSocket from 'ws'

/** Of a service; without `token`: of another server, which wants none. */
export interface Server {
  url: string
  token?: string
}

/** Opens a connection, and authenticates it if the server wants that. */
export async function openSocket({ url, token }: Server): Promise<WebSocket> {
  const socket = new WebSocket(url, { perMessageDeflate: false })
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  if (token !== undefined) await answer(socket, requestText(1, 'authenticate', { auth_token: token }))
  return socket
}

export const requestText = (id: number, method: string, params: object): string =>
  JSON.stringify({ jsonrpc: '2.0', id, method, params })

/** The next message after a request. */
export const answer = (socket: WebSocket, request: string): Promise<string> =>
  new Promise((resolve) => {
    socket.once('message', (data) => resolve(String(data)))
    socket.send(request)
  })
