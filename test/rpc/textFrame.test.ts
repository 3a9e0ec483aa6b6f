import { once } from 'node:events'
import type { Socket } from 'node:net'
import { expect } from 'chai'
import WebSocket, { WebSocketServer } from 'ws'
import { textFrame } from '../../rpc/textFrame.js'
import { within } from './wait.js'

describe('text frame', () => {
  it('arrives as its text, whatever the length', async () => {
    const sockets: Socket[] = []
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
    await once(server, 'listening')
    server.on('connection', (_, request) => sockets.push(request.socket))
    const address = server.address()
    const client = new WebSocket(`ws://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`)
    try {
      const texts = [
        '',
        'x',
        'é'.repeat(62),
        'x'.repeat(125),
        'x'.repeat(126),
        'ü'.repeat(32_767),
        'x'.repeat(65_536),
        '🎥'.repeat(50_000),
      ]
      const received: string[] = []
      const all = new Promise<void>((resolve) => {
        client.on('message', (data) => {
          received.push(String(data))
          if (received.length === texts.length) resolve()
        })
      })
      await once(client, 'open')
      for (const text of texts) sockets[0]?.write(textFrame(text))
      await within('all texts arrive', all)
      expect(received).to.deep.equal(texts)
    } finally {
      client.terminate()
      server.close()
    }
  })
})
