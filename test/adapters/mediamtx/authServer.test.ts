import { request as ask } from 'node:http'
import { connect, type Socket } from 'node:net'
import { expect } from 'chai'
import { createMediaAuthServer, type MediaAuthServer, mediaAuthAddress } from '../../../adapters/mediamtx/authServer.js'
import { questionOf } from '../../../adapters/mediamtx/question.js'
import type { MediaQuestion } from '../../../machines/domain/access.js'
import { createGate } from '../../support/gate.js'
import { later, turn } from '../../support/later.js'

const question = (changes: Partial<MediaQuestion> = {}): MediaQuestion => ({
  action: 'read',
  path: 'camera0',
  protocol: 'rtsp',
  id: 'b8a1',
  ip: '192.0.2.7',
  user: '',
  password: '',
  token: '',
  query: '',
  userAgent: '',
  ...changes,
})
describe('an authentication request of the media server', () => {
  const whole = { ...question(), id: null }

  it('may have missing and unknown members', () => {
    const { token: _, userAgent: __, ...old } = whole
    expect(questionOf({ ...old, colour: 'red' })).to.deep.equal(whole)
    expect(questionOf({ action: 'api', ip: '::1' })).to.deep.include({ action: 'api', path: '', id: null })
  })

  it('is read with its address in canonical form', () => {
    expect(questionOf({ ...whole, ip: '::ffff:192.0.2.7' })?.ip).to.equal('192.0.2.7')
  })

  it('is rejected with a member of a wrong type, or without action or address', () => {
    for (const body of [null, [], 'x', 1, {}, { action: 'read' }, { ip: '::1' }, { action: '', ip: '::1' }])
      expect(questionOf(body), JSON.stringify(body)).to.equal(undefined)
    for (const name of Object.keys(whole)) {
      for (const value of [1, true, {}, ['camera0'], ...(name === 'id' ? [] : [null])])
        expect(questionOf({ ...whole, [name]: value }), name).to.equal(undefined)
    }
    expect(questionOf(JSON.parse('{"__proto__": {"action": "read", "ip": "::1"}}'))).to.equal(undefined)
  })
})

describe('the authentication server for the media server', () => {
  const secret = 'a secret'
  const servers: MediaAuthServer[] = []
  const sockets: Socket[] = []
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy()
    for (const server of servers.splice(0)) await server.stop()
  })

  const arrange = async (mayPass: (question: MediaQuestion) => Promise<boolean>, answerWithin?: number) => {
    const { log, lines } = createGate()
    const server = createMediaAuthServer({
      host: '127.0.0.1',
      port: 0,
      secret,
      access: { mayPass },
      log,
      ...(answerWithin !== undefined && { answerWithin }),
    })
    servers.push(server)
    const { port } = await server.start()
    const address = mediaAuthAddress({ host: '127.0.0.1', port, secret })
    const post = (body: unknown, to = address, method = 'POST') =>
      new Promise<number>((resolve, reject) => {
        const request = ask(to, { method, agent: false }, (response) => {
          response.resume()
          resolve(response.statusCode ?? 0)
        })
        request.on('error', reject)
        request.end(typeof body === 'string' ? body : JSON.stringify(body))
      })
    return { server, port, address, post, lines }
  }

  it('answers 200 or 401 to requests with the secret, 404 to others', async () => {
    const { post, address, server } = await arrange(async ({ path }) => path === 'camera0')
    expect(await post(question())).to.equal(200)
    expect(await post(question({ path: 'camera1' }))).to.equal(401)
    for (const to of [
      address.slice(0, -1),
      address.replace(/\?.*/, ''),
      address.replace('/media/auth', '/'),
      address.replace('=', '=x'),
    ])
      expect(await post(question(), to), to).to.equal(404)
    expect(await post(question(), address, 'PUT')).to.equal(404)
    expect(server.questions()).to.equal(2)
  })

  it('answers 401 to an invalid or too long body, and if the decision fails or is late', async () => {
    const { post, lines } = await arrange(async ({ path }) => {
      if (path === 'camera0') throw new Error('out of order')
      return path === 'camera1' ? later<boolean>().promise : true
    }, 20)
    for (const body of [
      '',
      '{',
      '[]',
      '{"action":1}',
      JSON.stringify(question({ path: 'x', query: 'x'.repeat(40_000) })),
      question(),
      question({ path: 'camera1' }),
    ])
      expect(await post(body), JSON.stringify(body).slice(0, 40)).to.equal(401)
    expect(lines.join('\n')).to.contain('out of order').and.contain('no decision within 0.02 s')
    expect(await post(question({ path: 'camera2' }))).to.equal(200)
  })

  it('answers many requests on one connection', async () => {
    const { port } = await arrange(async () => true)
    const body = JSON.stringify(question())
    const socket = connect(port, '127.0.0.1')
    sockets.push(socket)
    for (let n = 0; n < 50; n++) {
      socket.write(
        `POST /media/auth?secret=a%20secret HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      )
      const answer = await new Promise<string>((resolve) => socket.once('data', (data) => resolve(data.toString())))
      expect(answer).to.match(/^HTTP\/1\.1 200 /)
    }
  })

  it('answers while other clients connect and send nothing', async () => {
    const { port, post } = await arrange(async () => true)
    let closed = 0
    for (let n = 0; n < 200; n++) {
      const socket = connect(port, '127.0.0.1', () => socket.write('POST /media/auth HTTP/1.1\r\nX-A: '))
      socket.on('error', () => {}).resume()
      socket.on('close', () => closed++)
      sockets.push(socket)
    }
    const end = Date.now() + 5_000
    // Long before the time limit for headers.
    while (closed < 136 && Date.now() < end - 3_500) await turn()
    expect(closed).to.be.at.least(136)
    expect(await post(question())).to.equal(200)
    while (closed < 200 && Date.now() < end) await turn()
    expect(closed, 'closed without headers').to.equal(200)
  })

  it('reports why it cannot listen', async () => {
    const { port } = await arrange(async () => true)
    const { log } = createGate()
    const second = createMediaAuthServer({
      host: '127.0.0.1',
      port,
      secret,
      access: { mayPass: async () => true },
      log,
    })
    const failure = await second.start().catch((error: Error) => error.message)
    expect(failure).to.equal(`the stream authorisation cannot listen on 127.0.0.1:${port}: the port is in use`)
  })

  it('has an address that the media server can reach', () => {
    const at = (host: string) => mediaAuthAddress({ host, port: 9, secret: 'a&b' })
    expect([at('0.0.0.0'), at('::'), at('192.0.2.7')]).to.deep.equal([
      'http://127.0.0.1:9/media/auth?secret=a%26b',
      'http://[::1]:9/media/auth?secret=a%26b',
      'http://192.0.2.7:9/media/auth?secret=a%26b',
    ])
  })
})
