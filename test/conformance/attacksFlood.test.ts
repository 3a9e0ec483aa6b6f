import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { expect } from 'chai'
import { type Service, sideBySide, startService, virtual } from '../e2e/service.js'
import { type Client, createStage } from '../rpc/fakes.js'
import { emitted, within } from '../rpc/wait.js'
import { get, handshake, open, raw } from './attacksTools.js'

const hello = `GET /ws HTTP/1.1\r\nHost: x\r\n${handshake}`

const topics = [
  'camera.connected',
  'camera.disconnected',
  'camera.status_change',
  'recording.start',
  'recording.stop',
  'snapshot.taken',
  'system.health',
]

// All attackers run at the same time, each from its own address.
describe('attacks by load', function () {
  this.timeout(240_000)
  const stage = createStage(200_000)
  let service: Service
  let honest: Client
  let mostFiles = 0
  let watching: NodeJS.Timeout | undefined
  let failure: unknown

  const filesOf = async () => (await readdir(`/proc/${service.pid}/fd`)).length
  const residentOf = async () =>
    Number(/VmRSS:\s+(\d+) kB/.exec(await readFile(`/proc/${service.pid}/status`, 'utf8'))?.[1]) / 1024
  const connect = (localAddress: string, token?: string) =>
    stage.connect(service.ports.rpc, { localAddress, ...(token !== undefined && { role: token }) })
  const openFrom = (localAddress: string): Socket => {
    const socket = open(service.ports.rpc, { localAddress })
    stage.ends.push(() => socket.destroy())
    return socket
  }

  /** Calls as an honest client all the time, and notes the most open descriptors. */
  const watch = async () => {
    const { error } = await within('an honest client gets a reply', honest.call('get_camera_list'), 100_000)
    if (error !== undefined) throw new Error(`an honest client was refused: ${error.message}`)
    mostFiles = Math.max(mostFiles, await filesOf())
    watching = setTimeout(() => watch().catch(noteFailure), 25)
  }
  const noteFailure = (error: unknown) => {
    failure ??= error
  }

  before(async () => {
    const env = {
      CAMERA_SERVICE_SERVER_PING_INTERVAL: '1s',
      CAMERA_SERVICE_SERVER_PONG_WAIT: '8s',
      CAMERA_SERVICE_SERVER_MAX_SEND_BUFFER: '64K',
      CAMERA_SERVICE_SERVER_MAX_UNAUTHENTICATED_PER_ADDRESS: '20',
      CAMERA_SERVICE_SERVER_MAX_CONNECTIONS_PER_ADDRESS: '100',
      CAMERA_SERVICE_SECURITY_RATE_LIMIT_REQUESTS: '100000',
    }
    service = await startService({ kind: 'embedded', cameras: [virtual('door')], env })
    honest = await connect('127.0.0.1', await service.token('viewer'))
    await watch()
  })
  after(async () => {
    clearTimeout(watching)
    await stage.end()
    await service?.end()
  })

  sideBySide({
    '10,000 attempts to connect, half of them silent': async () => {
      for (let wave = 0; wave < 50; wave++) {
        const sockets = Array.from({ length: 200 }, (_, index) => {
          const socket = openFrom('127.0.1.1')
          if (index % 2 === 0) socket.write(hello)
          return socket
        })
        // Each wave waits for a reply or an end of every connection.
        await Promise.all(
          sockets.map((socket, index) =>
            within(
              'a reply to a connection, or its end',
              emitted(socket, index % 2 === 0 ? 'data' : 'connect', 'close'),
              100_000,
            ),
          ),
        )
      }
      expect((await get(service.ports.rpc, '/ws', { localAddress: '127.0.1.2' })).status).to.equal(426)
    },

    'requests that never end, byte by byte': async () => {
      const heads = [
        'GET /ws HTTP/1.1\r\nHost: x\r\nX-',
        'POST /files/recordings/x.mp4 HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n',
        'G',
        '',
      ]
      const sockets = Array.from({ length: 40 }, (_, index) => {
        const socket = openFrom('127.0.2.1')
        socket.write(heads[index % heads.length] ?? '')
        return socket
      })
      const drip = setInterval(() => {
        for (const socket of sockets) if (socket.writable) socket.write('x')
      }, 100)
      stage.ends.push(() => clearInterval(drip))
      const ends = Promise.all(sockets.map((socket) => socket.closed || emitted(socket, 'close')))
      await within('all connections are cut', ends, 100_000)
    },

    'a client that subscribes to everything, sends requests and never reads': async () => {
      const deaf = await connect('127.0.3.1', await service.token('admin'))
      expect((await deaf.call('subscribe_events', { topics })).error).to.equal(undefined)
      deaf.socket.pause()
      const cut = emitted(deaf.socket, 'close')
      const request = '{"jsonrpc":"2.0","id":1,"method":"rpc.discover"}'
      await service.until('the service drops the client', async () => {
        for (let more = 0; more < 20; more++) deaf.socket.send(request)
        return service.log.some((line) => line.includes('does not read'))
      })
      deaf.socket.resume()
      await within('the connection is cut', cut, 100_000)
    },

    'clients that vanish without closing': async () => {
      const [gone, half] = [openFrom('127.0.4.1'), openFrom('127.0.4.1')]
      for (const socket of [gone, half]) {
        socket.write(hello)
        await once(socket, 'data')
      }
      // One replies to no ping and never closes; the other has closed only its half.
      const ends = [emitted(gone, 'close'), emitted(half, 'close')]
      half.end()
      await within('both connections are cut', Promise.all(ends), 100_000)
    },

    'frames of 16 MB, whole and in fragments': async () => {
      const token = await service.token('viewer')
      const [whole, pieces] = [await connect('127.0.5.1', token), await connect('127.0.5.1', token)]
      const big = 'x'.repeat(16 * 1024 * 1024)
      whole.socket.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping', params: { big } }))
      for (let piece = 0; piece < 64; piece++) pieces.socket.send(big.slice(0, 256 * 1024), { fin: false })
      await Promise.all([whole.closed, pieces.closed])
      // The close frame (1009) may be lost behind data that the service no longer reads, so its log decides.
      const isTooLarge = (line: string) => line.includes('Max payload size exceeded') && line.includes('127.0.5.1')
      await service.until('both frames are refused', () => service.log.filter(isTooLarge).length === 2)
    },

    'JSON of a hundred thousand levels, in every member': async () => {
      const client = await connect('127.0.6.1', await service.token('admin'))
      const depth = 100_000
      for (const deep of [
        `${'['.repeat(depth)}${']'.repeat(depth)}`,
        `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`,
      ]) {
        const call = (method: string, params: string) =>
          `{"jsonrpc":"2.0","id":1,"method":"${method}","params":${params}}`
        const frames: [frame: string, code: number][] = [
          [deep, -32600],
          [call('get_camera_status', deep), -32602],
          [call('get_camera_status', `{"device":${deep}}`), -32602],
          [call('subscribe_events', `{"topics":["system.health"],"filters":${deep}}`), -32602],
          [call('authenticate', `{"auth_token":${deep}}`), -32001],
          [`{"jsonrpc":"2.0","id":${deep},"method":"ping"}`, -32600],
          [`{"jsonrpc":${deep},"id":1,"method":"ping"}`, -32600],
          [`{"jsonrpc":"2.0","id":1,"method":${deep}}`, -32600],
        ]
        for (const [frame, code] of frames) {
          const replies = await client.answersTo(frame)
          expect(
            // An array is a batch with one wrong member.
            replies.flat().map(({ error }) => error?.code),
            frame.slice(0, 80),
          ).to.deep.equal([code])
        }
      }
    },

    'keys of prototypes, at every depth': async () => {
      const [client, nobody] = [await connect('127.0.7.1', await service.token('viewer')), await connect('127.0.7.1')]
      const flags = '"isAdmin":true,"authenticated":true,"enabled":true,"closed":true'
      const poison = `{"role":"admin","caller":{"role":"admin"},"device":"camera0",${flags}}`
      for (const key of ['"__proto__"', '"constructor"', '"prototype"', '"\\u005f_proto__"']) {
        for (const value of [
          poison,
          `{"prototype":${poison}}`,
          `{"__proto__":${poison}}`,
          `{"constructor":{"prototype":${poison}}}`,
        ]) {
          for (let depth = 0; depth < 4; depth++) {
            const nest = `${'{"filters":'.repeat(depth)}{${key}:${value}}${'}'.repeat(depth)}`
            for (const who of [client, nobody]) {
              const answers = await who.answersTo(
                `{"jsonrpc":"2.0","id":"k","method":"get_status","params":${nest},${key}:${value}}`,
              )
              expect(answers[0]?.error?.code, nest).to.equal(who === client ? -32002 : -32001)
            }
            const params = `{"topics":["system.health"],"filters":${nest}}`
            const [answer] = await client.answersTo(
              `{"jsonrpc":"2.0","id":"k","method":"subscribe_events","params":${params},${key}:${value}}`,
            )
            expect(answer?.error?.code, nest).to.equal(-32602)
          }
        }
      }
      const fresh = await connect('127.0.7.2')
      expect((await fresh.call('get_camera_list')).error?.data.reason).to.equal('auth_required')
      expect((await client.call('get_status')).error?.data).to.include({ required_role: 'admin', have_role: 'viewer' })
      expect((await client.call('get_camera_status')).error?.data.param).to.equal('device')
    },

    'headers that are too long, too many, or split': async () => {
      const { rpc } = service.ports
      const from = { localAddress: '127.0.8.1' }
      const status = async (head: string) => /^HTTP\/1\.1 (\d{3})/.exec(await raw(rpc, head, from))?.[1] ?? 'cut'
      // Little more than the 16 KiB that are allowed: a reply may be lost behind data that the service does not read.
      const long = 'x'.repeat(17 * 1024)
      const tooLong = [
        `GET /ws HTTP/1.1\r\nHost: x\r\nX-Long: ${long}\r\n\r\n`,
        `GET /files/recordings/x.mp4 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${long}\r\n\r\n`,
        `GET /${long} HTTP/1.1\r\nHost: x\r\n\r\n`,
        `GET /ws HTTP/1.1\r\nHost: x\r\n${'X-Many: x\r\n'.repeat(2_500)}\r\n`,
      ]
      for (const head of tooLong) expect(await status(head), head.slice(0, 60)).to.equal('431')
      // Two requests that a proxy would take for one.
      const smuggled = 'GET /files/recordings/y.mp4 HTTP/1.1\r\nHost: x\r\n\r\n'
      const lengths = `Content-Length: ${smuggled.length}\r\nTransfer-Encoding: chunked`
      const both = `POST /ws HTTP/1.1\r\nHost: x\r\n${lengths}\r\n\r\n0\r\n\r\n${smuggled}`
      expect(await status(both)).to.equal('400')
      expect(await status('GET /ws HTTP/1.1\r\nHost: x\r\nX-A: b\rSet-Cookie: a\r\n\r\n')).to.equal('400')
      expect(await status('GET /ws HTTP/1.1\r\nHost : x\r\n\r\n')).to.equal('400')
      expect(await status('GET /ws HTTP/9.9\r\n\r\n')).to.equal('400')
      expect(await status('\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03')).to.equal('400')
    },

    'guesses of a token': async () => {
      const good = await service.token('viewer')
      const [guesser, neighbour] = [await connect('127.0.9.1'), await connect('127.0.9.1', good)]
      const guess = async () => (await guesser.call('authenticate', { auth_token: `guess-${Math.random()}` })).error
      const showing = (token: string) => ({ headers: { Authorization: `Bearer ${token}` }, localAddress: '127.0.9.1' })
      /** During a pause no guess of the address is checked, and a valid credential is accepted in every way. */
      const duringPause = async () => {
        const [second, elsewhere] = [await connect('127.0.9.1'), await connect('127.0.9.2')]
        return {
          guess: (await second.call('authenticate', { auth_token: 'guess' })).error?.code,
          valid: (await second.call('authenticate', { auth_token: good })).error,
          download: (await get(service.ports.rpc, '/files/recordings/x.mp4', showing('guess'))).status,
          validDownload: (await get(service.ports.rpc, '/files/recordings/x.mp4', showing(good))).status,
          neighbour: (await neighbour.call('get_camera_list')).error,
          elsewhere: (await elsewhere.call('authenticate', { auth_token: good })).error,
        }
      }
      const free: (string | undefined)[] = []
      for (let count = 0; count < 5; count++) free.push(String((await guess())?.data.reason))
      expect(free).to.deep.equal(Array(5).fill('auth_failed'))
      // Each further guess doubles the pause: at last it is long enough for all the checks, however busy the host is.
      for (;;) {
        const asked = performance.now()
        const error = await guess()
        if (error?.code !== -32040) continue
        expect(error.data.reason).to.equal('too_many_failed_authentications')
        const pause = Number(error.data.retry_after_ms)
        expect(pause).to.be.at.least(1)
        const seen = await duringPause()
        if (performance.now() - asked >= pause) continue
        expect(seen).to.deep.equal({
          guess: -32040,
          valid: undefined,
          download: 429,
          validDownload: 404,
          neighbour: undefined,
          elsewhere: undefined,
        })
        break
      }
      expect((await guesser.call('authenticate', { auth_token: good })).error).to.equal(undefined)
    },
  })

  it('do not affect other clients, and leave nothing behind', async () => {
    clearTimeout(watching)
    if (failure !== undefined) throw failure
    // 100 and the spare 64 of the flooding address, at most 100 of the others.
    expect(mostFiles).to.be.below(400)
    const fresh = await connect('127.0.10.1', await service.token('admin'))
    expect((await fresh.call('get_system_status')).result.status).to.equal('ready')
    await stage.end()
    await service.until('the descriptors are closed', async () => (await filesOf()) < 60, 100_000)
    expect(await residentOf()).to.be.below(250)
    expect(service.log.filter((line) => line.includes('"level":"error"'))).to.deep.equal([])
    const sessions = async () => (await service.call<{ sessions: unknown[] }>('list_sessions')).sessions
    await service.until('only our own session is left', async () => (await sessions()).length === 1, 100_000)
  })
})
