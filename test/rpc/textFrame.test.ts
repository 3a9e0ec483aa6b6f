import { once } from 'node:events'
import type { Socket } from 'node:net'
import { expect } from 'chai'
import WebSocket, { WebSocketServer } from 'ws'
import { framePieces, joined, type Message } from '../../rpc/textFrame.js'
import { within } from './wait.js'

describe('text frame', () => {
  it('arrives as its text, whatever the length, also in pieces', async () => {
    const sockets: Socket[] = []
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
    await once(server, 'listening')
    server.on('connection', (_, request) => sockets.push(request.socket))
    const address = server.address()
    const client = new WebSocket(`ws://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`)
    try {
      const texts: Message[] = [
        '',
        'x',
        'é'.repeat(62),
        'x'.repeat(125),
        'x'.repeat(126),
        'ü'.repeat(32_767),
        'x'.repeat(65_536),
        '🎥'.repeat(50_000),
        ['', Buffer.from('x'), ''],
        ['é', Buffer.from('x'.repeat(121)), 'ü'],
        ['{"id":"', Buffer.from('ü'.repeat(2_000)), '🎥'],
        ['{"id":"', Buffer.from('x'.repeat(4_089)), ''],
        ['{"id":"', Buffer.from('x'.repeat(4_090)), ''],
        ['{"id":', Buffer.from('ü'.repeat(32_767)), '}'],
        ['{"id":', Buffer.from('🎥'.repeat(50_000)), '}'],
      ]
      const received: string[] = []
      const all = new Promise<void>((resolve) => {
        client.on('message', (data) => {
          received.push(String(data))
          if (received.length === texts.length) resolve()
        })
      })
      await once(client, 'open')
      for (const text of texts) for (const piece of framePieces(text)) sockets[0]?.write(piece)
      await within('all texts arrive', all)
      expect(received).to.deep.equal(texts.map(joined))
    } finally {
      client.terminate()
      server.close()
    }
  })
})
