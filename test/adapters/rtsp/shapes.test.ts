import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { expect } from 'chai'
import { createParser } from '../../../adapters/rtsp/message.js'
import { createStreamReader } from '../../../adapters/rtsp/reader.js'
import type { SourceDescription } from '../../../machines/domain/ports.js'
import { log, never } from '../ffmpeg/support.js'
import { bodyOf, type Shape, shapes } from './shapes.js'

/** Plays a camera: each request gets the next raw answer. `{cseq}` and `{length}` are filled in. */
async function play({ answers }: Shape) {
  const sockets = new Set<Socket>()
  const asked: string[] = []
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    let next = 0
    const parser = createParser({
      onRequest: ({ method, headers }) => {
        asked.push(`${method} ${headers.authorization?.split(' ')[0] ?? ''}`.trim())
        const text = answers[Math.min(next++, answers.length - 1)] ?? ''
        socket.write(
          text.replaceAll('{cseq}', headers.cseq ?? '').replaceAll('{length}', String(Buffer.byteLength(bodyOf(text)))),
        )
      },
    })
    socket.on('data', (chunk) => parser.push(chunk))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return {
    asked,
    port: address && typeof address === 'object' ? address.port : 0,
    stop: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

describe('cameras that answer in their own way', () => {
  it('are at least 40 shapes', () => expect(shapes.length).to.be.at.least(40))

  for (const shape of shapes)
    it(shape.what, async () => {
      const camera = await play(shape)
      try {
        const reader = createStreamReader({ host: '127.0.0.1', port: 1, log, describeTimeout: 20_000 })
        const found: SourceDescription = await reader.describe(`rtsp://ann:secret@127.0.0.1:${camera.port}/live`, never)
        expect(found).to.deep.equal(shape.expected)
        if (shape.scheme) expect(camera.asked.at(-1)).to.equal(`DESCRIBE ${shape.scheme}`)
      } finally {
        await camera.stop()
      }
    })
})
