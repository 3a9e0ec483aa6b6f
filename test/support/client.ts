import WebSocket from 'ws'

export interface Notification {
  method: string
  params: Record<string, unknown>
}

/** A minimal JSON-RPC 2.0 client: calls return promises, notifications go to a listener. */
export async function connect(url: string, onNotification: (notification: Notification) => void = () => {}) {
  const socket = new WebSocket(url)
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  const waiting = new Map<number, { resolve: (result: never) => void; reject: (error: Error) => void }>()
  let last = 0
  socket.on('message', (data) => {
    const message = JSON.parse(String(data))
    if (message.id === undefined) return onNotification(message)
    const call = waiting.get(message.id)
    waiting.delete(message.id)
    if (message.error) call?.reject(Object.assign(new Error(message.error.message), message.error))
    else call?.resolve(message.result as never)
  })
  socket.on('close', (code, reason) => {
    for (const call of waiting.values()) call.reject(new Error(`the connection was closed: ${code} ${reason}`))
    waiting.clear()
  })
  return {
    call<Result = Record<string, unknown>>(method: string, params: Record<string, unknown> = {}): Promise<Result> {
      const id = ++last
      socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }))
      return new Promise<Result>((resolve, reject) =>
        waiting.set(id, { resolve: resolve as (result: never) => void, reject }),
      )
    },
    close: () => socket.close(),
  }
}
