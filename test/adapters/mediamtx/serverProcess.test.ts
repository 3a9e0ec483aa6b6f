import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { endOrphans, MARK } from '../../../adapters/mediamtx/orphans.js'
import type { ServerChoice } from '../../../machines/domain/ports.js'
import { fakeServer, never, page, refusal, rejection } from './fakeServer.js'
import { arrangeProcess, hasMediamtx, isAlive } from './real.js'

/** A substitute for the simulator: reads the API's port from the file and answers like MediaMTX, depending on `how`. */
const simulator = (how: 'good' | 'mute' | 'deaf' | 'dying' | 'locked' | 'closing') => `
const { readFileSync, writeFileSync, writeSync } = require('node:fs')
const text = readFileSync(process.argv.at(-1), 'utf8')
const port = Number(/apiAddress: "127.0.0.1:(\\d+)"/.exec(text)[1])
const { TZ, MTX_API, CAMERA_SERVICE_SECURITY_JWT_SECRET_KEY: secret } = process.env
console.log('2026/01/01 00:00:00 INF zone ' + TZ + ', secret ' + secret + ', api ' + MTX_API)
console.log('2026/01/01 00:00:00 WAR [path camera0] rtsp://user:password@cam/1?x=1 is slow')
console.log('2026/01/01 00:00:00 WAR [path camera0] error writing packet to RTSP stream: stream is closed')
console.log('2026/01/01 00:00:00 WAR [path camera1] [RTSP source] switching to TCP because server requested it')
if ('${how}' === 'dying') {
  console.log('2026/01/01 00:00:00 ERR listen tcp 127.0.0.1:1: bind: address already in use')
  process.exit(1)
}
if ('${how}' === 'closing')
  process.on('SIGTERM', () => {
    // MediaMTX writes this line first, and dies if nothing can read it.
    writeSync(1, 'INF shutting down gracefully')
    writeFileSync('closed', '')
    process.exit()
  })
if ('${how}' === 'deaf') process.on('SIGINT', () => {})
if ('${how}' !== 'mute') {
  const status = '${how}' === 'locked' ? 401 : 200
  const headers = { 'content-type': 'application/json' }
  const info = '{"version":"v1.20.1","started":"x"}'
  const server = require('node:http').createServer((_, response) => response.writeHead(status, headers).end(info))
  server.listen(port, '127.0.0.1')
}
`
const run = (how: Parameters<typeof simulator>[0]) => [process.execPath, '-e', simulator(how), '--'] as const
const embedded: ServerChoice = { kind: 'embedded', why: '' }
const managed: ServerChoice = { kind: 'managed', why: '' }
const noPath = { ...process.env, PATH: '' }

describe('server process', () => {
  const cleaners: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const clean of cleaners.splice(0).reverse()) await clean()
  })
  const arrange = async (options: Parameters<typeof arrangeProcess>[0] = {}) => {
    const arranged = await arrangeProcess(options)
    cleaners.push(arranged.clean)
    return arranged
  }
  const exits = () => {
    let tell = (_: string) => {}
    const reason = new Promise<string>((resolve) => (tell = resolve))
    return { reason, exited: (text: string) => tell(text) }
  }
  const unexpected = (reason: string) => {
    throw new Error(`unexpected exit: ${reason}`)
  }

  describe('choice', () => {
    it('follows the mode', async () => {
      const { make } = await arrange({ env: noPath })
      const why = async (modeFrom?: string) =>
        (await make({ mode: 'embedded', ...(modeFrom && { modeFrom }) }).choose(never())).why
      expect([await why(), await why('serve --simulate')]).to.deep.equal([
        'mediamtx.mode selects the built-in simulator',
        'serve --simulate selects the built-in simulator',
      ])
      expect(await make({ mode: 'external' }).choose(never())).to.have.property('kind', 'external')
      expect(await make({ mode: 'embedded' }).choose(never())).to.have.property('kind', 'embedded')
      expect((await rejection(make({ mode: 'managed' }).choose(never()))).message).to.equal(
        'mediamtx.mode is managed, but there is no program mediamtx on the PATH or in the data directory; ' +
          'make mediamtx downloads it',
      )
    })

    it('prefers a running server, then a program, then the simulator', async () => {
      const { make, options } = await arrange({ mode: 'auto', env: noPath })
      const answering = await fakeServer(({ path }) =>
        path === '/v3/info' ? { status: 404, text: '404 page not found' } : page([]),
      )
      cleaners.push(answering.close)
      const api = { host: '127.0.0.1', port: answering.port }
      expect(await make({ api }).choose(never())).to.deep.equal({
        kind: 'external',
        why: `a MediaMTX answers at 127.0.0.1:${answering.port}`,
      })
      const last = await make().choose(never())
      expect(last.kind).to.equal('embedded')
      expect(last.why).to.contain('the built-in simulator runs instead')
      await mkdir(join(options.dataDir, 'bin'), { recursive: true })
      await writeFile(join(options.dataDir, 'bin', 'mediamtx'), '#!/bin/sh\n')
      expect((await make().choose(never())).kind, 'not executable').to.equal('embedded')
      await chmod(join(options.dataDir, 'bin', 'mediamtx'), 0o755)
      expect((await make().choose(never())).why).to.contain('and the program mediamtx is in the data directory')
    })

    it('fails with the port and its key if another server is there', async () => {
      const { make } = await arrange({ mode: 'auto', env: noPath })
      const web = await fakeServer(() => ({ text: 'hello' }))
      const locked = await fakeServer(() => refusal('authentication error', 401))
      cleaners.push(web.close, locked.close)
      const choice = (port: number) => rejection(make({ api: { host: '127.0.0.1', port } }).choose(never()))
      expect((await choice(web.port)).message).to.equal(
        `port ${web.port} (mediamtx.api_port) is in use by a program that is not MediaMTX`,
      )
      expect((await choice(locked.port)).message).to.contain('requires credentials')
      const greeter = await listening((server) =>
        server.on('connection', (socket) => socket.on('error', () => {}).end('SSH-2.0-x\r\n')),
      )
      expect((await choice(greeter)).message).to.contain('is in use by a program that is not MediaMTX')
    })

    it('aborts with its signal', async () => {
      const { make } = await arrange({ mode: 'auto', env: noPath })
      const mute = await listening(() => {})
      expect(
        (await rejection(make({ api: { host: '127.0.0.1', port: mute } }).choose(AbortSignal.timeout(20)))).name,
      ).to.equal('TimeoutError')
    })
  })

  /** Another program that uses a port. */
  async function holder() {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const close = async () => void server.close()
    cleaners.push(close)
    return { port: (server.address() as AddressInfo).port, close }
  }

  async function listening(arm: (server: Server) => void): Promise<number> {
    const server = createServer()
    const sockets = new Set<{ destroy(): void }>()
    server.on('connection', (socket) => sockets.add(socket))
    arm(server)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    cleaners.push(async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    })
    const address = server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  describe('a child', () => {
    it('runs with its own file, in UTC, marked, without secrets, and writes to the log of the service', async () => {
      const { server, log, options } = await arrange({
        simulatorCommand: run('good'),
        env: { ...process.env, CAMERA_SERVICE_SECURITY_JWT_SECRET_KEY: 'k', MTX_API: 'no' },
      })
      const { pid } = await server.start(embedded, unexpected, never())
      const environment = (await readFile(`/proc/${pid}/environ`, 'utf8')).split('\0')
      expect(environment).to.include(`${MARK}=${options.mark}`)
      expect(log.lines).to.include('debug zone UTC, secret undefined, api undefined {"from":"media server"}')
      expect(log.lines).to.include('warn [path camera0] rtsp://***@cam/1?*** is slow {"from":"media server"}')
      expect(log.lines).to.include.members([
        'debug [path camera0] error writing packet to RTSP stream: stream is closed {"from":"media server"}',
        'debug [path camera1] [RTSP source] switching to TCP because server requested it {"from":"media server"}',
      ])
      const file = join(options.runDir, 'mediamtx', 'mediamtx.yml')
      expect((await stat(file)).mode & 0o777).to.equal(0o600)
      const text = await readFile(file, 'utf8')
      expect(text).to.contain('hls: false').and.to.contain('webrtc: false')
      await server.end()
      expect(await isAlive(pid)).to.equal(false)
    })

    it('reports an unexpected end once, and can be started again', async () => {
      const { server } = await arrange({ simulatorCommand: run('good') })
      const { reason, exited } = exits()
      const { pid } = await server.start(embedded, exited, never())
      expect((await rejection(server.start(embedded, unexpected, never()))).message).to.equal(
        'the media server is already running',
      )
      process.kill(pid, 'SIGKILL')
      expect(await reason, 'its last line has nothing to do with that').to.equal(
        'the media server was ended by SIGKILL',
      )
      const { reason: fault, exited: ended } = exits()
      const second = await server.start(embedded, ended, never())
      process.kill(second.pid, 'SIGSEGV')
      expect(await fault).to.equal('the media server was ended by SIGSEGV: [path camera0] rtsp://… is slow')
      expect(second.pid).to.not.equal(pid)
    })

    it('uses the service for authentication if configured, and allows it to use the API', async () => {
      const asked: unknown[] = []
      const { port, close } = await fakeServer(({ path, body }) => {
        asked.push([path, (body as { action: string }).action])
        return (body as { password: string }).password === 'right' ? {} : { status: 401 }
      })
      cleaners.push(close)
      const address = `http://127.0.0.1:${port}/media/auth?secret=x`
      const simulatorCommand = [
        process.execPath,
        '--import',
        createRequire(import.meta.url).resolve('tsx'),
        fileURLToPath(new URL('../../../adapters/simulator/main.ts', import.meta.url)),
      ] as const
      const { server, apiUrl, log } = await arrange({
        simulatorCommand,
        auth: () => ({ address, apiUser: 'me', apiPass: 'right' }),
      })
      await server.start(embedded, unexpected, never())
      expect(asked).to.deep.include(['/media/auth?secret=x', 'api'])
      expect((await fetch(`${apiUrl}/v3/paths/list`)).status).to.equal(401)
      expect(log.lines.join()).to.not.contain('secret=x')
    })

    it('reports why it did not start', async () => {
      const { make } = await arrange()
      const start = (simulatorCommand: readonly [string, ...string[]]) =>
        rejection(make({ simulatorCommand }).start(embedded, unexpected, never()))
      expect((await start(run('dying'))).message).to.equal(
        'the media server exited with code 1: listen tcp 127.0.0.1:1: bind: address already in use',
      )
      expect((await start(run('locked'))).message).to.equal('the media server denies this service access to its API')
      expect((await start(['/nonexistent'])).message).to.equal('the media server cannot be started (ENOENT)')
    })

    it('does not start on a port that is in use', async () => {
      const { make, options } = await arrange({ simulatorCommand: run('good') })
      const port = await listening(() => {})
      const start = (ports: Partial<typeof options.ports>) =>
        rejection(make({ ports: { ...options.ports, ...ports } }).start(embedded, unexpected, never()))
      expect((await start({ api: port })).message).to.equal(
        `the media server cannot start: port ${port} (mediamtx.api_port) is in use by another program`,
      )
      expect((await start({ rtsp: port })).message).to.contain(`port ${port} (mediamtx.rtsp_port)`)
      expect((await rejection(make({ host: '192.0.2.1' }).start(embedded, unexpected, never()))).message).to.contain(
        '192.0.2.1 (server.host) does not belong to this host',
      )
    })

    /** A substitute for the program mediamtx, in the data directory. */
    const arrangeManaged = async () => {
      const arranged = await arrange({ env: noPath })
      const bin = join(arranged.options.dataDir, 'bin')
      await mkdir(bin, { recursive: true })
      await writeFile(join(bin, 'mediamtx'), `#!${process.execPath}\n${simulator('good')}`, { mode: 0o755 })
      const configuration = () => readFile(join(arranged.options.runDir, 'mediamtx', 'mediamtx.yml'), 'utf8')
      const warnings = () => arranged.log.lines.filter((line) => line.startsWith('warn the media server'))
      return { ...arranged, configuration, warnings }
    }
    const remedy = 'free the port or configure another one, then restart the service'

    it('starts without HLS while its port is in use, says so once, and offers it again after its next start', async () => {
      const { make, options, configuration, warnings } = await arrangeManaged()
      const hls = await holder()
      const server = make({ ports: { ...options.ports, hls: hls.port } })
      await server.start(managed, unexpected, never())
      expect(server.offers()).to.deep.equal({ hls: false, webrtc: true })
      expect(await configuration())
        .to.contain('\nhls: false\n')
        .and.to.contain('\nwebrtc: true\n')
      const reason = `port ${hls.port} (mediamtx.hls_port) is in use by another program`
      const warning = { missing: 'HLS playback; clients get no HLS URLs', reason, remedy }
      expect(warnings()).to.deep.equal([`warn the media server starts without HLS ${JSON.stringify(warning)}`])
      await server.end()
      await hls.close()
      await server.start(managed, unexpected, never())
      expect(server.offers()).to.deep.equal({ hls: true, webrtc: true })
      expect(await configuration()).to.contain('\nhls: true\n')
      expect(warnings()).to.have.length(1)
    })

    it('starts without WebRTC while its TCP or UDP port is in use', async () => {
      const { make, options, configuration, warnings } = await arrangeManaged()
      const tcp = await holder()
      const udp = createSocket('udp4')
      cleaners.push(async () => udp.close())
      udp.bind(0, '127.0.0.1')
      await once(udp, 'listening')
      const missing = 'WebRTC playback; clients get no WebRTC URLs'
      for (const [ports, named] of [
        [{ webrtc: tcp.port }, `port ${tcp.port} (mediamtx.webrtc_port)`],
        [{ webrtcUdp: udp.address().port }, `port ${udp.address().port} (mediamtx.webrtc_udp_port)`],
      ] as const) {
        const server = make({ ports: { ...options.ports, ...ports } })
        await server.start(managed, unexpected, never())
        expect(server.offers(), named).to.deep.equal({ hls: true, webrtc: false })
        expect(await configuration(), named).to.contain('\nwebrtc: false\n')
        const warning = { missing, reason: `${named} is in use by another program`, remedy }
        expect(warnings().at(-1)).to.equal(`warn the media server starts without WebRTC ${JSON.stringify(warning)}`)
        await server.end()
      }
      expect(warnings()).to.have.length(2)
    })

    it('finds certificates by paths that are relative to our working directory, not to its own', async () => {
      const { make, options, configuration } = await arrangeManaged()
      const tls = { certFile: 'some/cert.pem', keyFile: '/etc/some.key' }
      await make({ media: { ...options.media, tls } }).start(managed, unexpected, never())
      for (const protocol of ['hls', 'webrtc'])
        expect(await configuration())
          .to.contain(`\n${protocol}Encryption: true\n`)
          .and.to.contain(`\n${protocol}ServerCert: "${resolve('some/cert.pem')}"\n`)
          .and.to.contain(`\n${protocol}ServerKey: "/etc/some.key"\n`)
    })

    it('is ended if its start is aborted', async () => {
      const { server, log, options } = await arrange({ simulatorCommand: run('mute') })
      const end = new AbortController()
      const starting = rejection(server.start(embedded, unexpected, end.signal))
      while (!log.lines.some((line) => line.includes('zone UTC')))
        await new Promise((resolve) => setTimeout(resolve, 5))
      end.abort(new Error('stopped'))
      expect((await starting).message).to.equal('stopped')
      expect(await endOrphans({ mark: options.mark, grace: 0, log })).to.equal(0)
    })

    it('is killed if it does not exit', async () => {
      const { server, log } = await arrange({ simulatorCommand: run('deaf'), grace: 100 })
      const { pid } = await server.start(embedded, unexpected, never())
      await server.end()
      expect(await isAlive(pid)).to.equal(false)
      expect(log.lines).to.include('warn the media server does not exit and is killed')
    })

    it('is killed earlier if little time is left', async () => {
      const { server } = await arrange({ simulatorCommand: run('deaf'), grace: 600_000 })
      const { pid } = await server.start(embedded, unexpected, never())
      await server.end(50)
      expect(await isAlive(pid)).to.equal(false)
    })

    describe('of a service that is killed', () => {
      /** Starts a server in a service that is then killed, and waits for the end of the server. */
      const outlive = async ({ log: _, ...options }: Awaited<ReturnType<typeof arrange>>['options']) => {
        const module = new URL('../../../adapters/mediamtx/serverProcess.ts', import.meta.url).href
        const service = `
          import { createServerProcess } from ${JSON.stringify(module)}
          const options = JSON.parse(process.argv.at(-1))
          const quiet = () => {}
          const log = { error: quiet, warn: quiet, info: quiet, debug: quiet }
          const server = createServerProcess({ ...options, log })
          const { signal } = new AbortController()
          const { pid } = await server.start({ kind: 'embedded', why: '' }, quiet, signal)
          console.log(pid)`
        const args = ['--import=tsx', '--input-type=module', '-e', service, '--', JSON.stringify(options)]
        const parent = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
        const [line] = await once(parent.stdout, 'data')
        const pid = Number(line)
        expect(await isAlive(pid)).to.equal(true)
        parent.kill('SIGKILL')
        while (await isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 10))
      }

      it('ends, too', async () => {
        const { options } = await arrange({ simulatorCommand: run('good') })
        await outlive(options)
      })

      it('can still write its last lines, and so closes its files', async () => {
        const { options } = await arrange({ simulatorCommand: run('closing') })
        await outlive(options)
        expect(await readdir(join(options.runDir, 'mediamtx'))).to.include('closed')
      })
    })
  })

  describe('orphans', () => {
    const orphan = async (mark: string, script = 'process.stdin.resume(); console.log("up")') => {
      const child = spawn(process.execPath, ['-e', script], {
        env: { ...process.env, [MARK]: mark },
        stdio: ['pipe', 'pipe', 'inherit'],
        detached: true,
      })
      cleaners.push(async () => child.kill('SIGKILL'))
      await once(child.stdout, 'data')
      return child
    }

    it('are ended before the choice, except those of other services', async () => {
      const { server, options, log } = await arrange({ mode: 'embedded' })
      const own = await orphan(options.mark)
      const other = await orphan(`${options.mark}2`)
      await server.choose(never())
      expect(own.pid && (await isAlive(own.pid))).to.equal(false)
      expect(other.exitCode ?? other.signalCode).to.equal(null)
      expect(log.lines).to.deep.equal([`warn ending processes left over from an earlier run {"pids":[${own.pid}]}`])
    })

    it('are not said to be of an earlier run after a start of this one', async () => {
      const { server, options, log } = await arrange({ simulatorCommand: run('good') })
      await server.start(embedded, unexpected, never())
      const { pid } = await orphan(options.mark)
      await server.end()
      expect(log.lines).to.include(`warn ending processes left over from the last media server {"pids":[${pid}]}`)
    })

    it('that are stopped are continued, so that they end before the kill', async () => {
      const { server, options, log } = await arrange({ mode: 'embedded' })
      const { pid = 0 } = await orphan(options.mark)
      process.kill(pid, 'SIGSTOP')
      await server.choose(never())
      expect(await isAlive(pid)).to.equal(false)
      expect(log.lines).to.deep.equal([`warn ending processes left over from an earlier run {"pids":[${pid}]}`])
    })

    it('that do not exit are killed', async () => {
      const { server, options } = await arrange({ simulatorCommand: run('good') })
      const stubborn = await orphan(
        options.mark,
        'process.on("SIGINT", () => {}); process.stdin.resume(); console.log("up")',
      )
      const gone = once(stubborn, 'exit')
      await server.start(embedded, unexpected, never())
      expect((await gone)[1]).to.equal('SIGKILL')
    })
  })

  describe('a real MediaMTX', () => {
    before(async function () {
      if (!(await hasMediamtx())) this.skip()
    })

    it('starts, listens on its ports, and ends', async () => {
      const { server, options, log } = await arrange()
      expect(await server.choose(never())).to.deep.equal({
        kind: 'managed',
        why: 'mediamtx.mode selects it, and the program is on the PATH',
      })
      const { pid } = await server.start(managed, unexpected, never())
      for (const port of ['rtsp', 'hls', 'webrtc'] as const)
        expect(log.lines.join('\n')).to.contain(`:${options.ports[port]}`)
      expect(log.lines.filter((line) => !line.startsWith('debug'))).to.deep.equal([])
      await server.end()
      expect(await isAlive(pid)).to.equal(false)
    })

    it('starts without HLS and WebRTC while their ports are in use', async () => {
      const { make, options, apiUrl } = await arrange()
      const [hls, webrtc] = [await holder(), await holder()]
      const server = make({ ports: { ...options.ports, hls: hls.port, webrtc: webrtc.port } })
      await server.start(managed, unexpected, never())
      expect(server.offers()).to.deep.equal({ hls: false, webrtc: false })
      const answer = await fetch(`${apiUrl}/v3/config/global/get`)
      expect(await answer.json()).to.deep.include({ rtsp: true, hls: false, webrtc: false })
    })

    it('is reported as killed, and can be started again', async () => {
      const { make, apiUrl } = await arrange()
      const server = make()
      const { reason, exited } = exits()
      const { pid } = await server.start(managed, exited, never())
      process.kill(pid, 'SIGKILL')
      expect(await reason).to.match(/^the media server was ended by SIGKILL/)
      await server.start(managed, unexpected, never())
      const answer = await fetch(`${apiUrl}/v3/config/paths/list`)
      // The file contains no camera paths, so that a refused path does not prevent the start.
      expect(await answer.json()).to.deep.include({ itemCount: 0 })
    })

    it('of an earlier run is ended, together with its child processes', async () => {
      const { server, make, log } = await arrange()
      const told: string[] = []
      const { pid } = await server.start(managed, (reason) => told.push(reason), never())
      const next = make({ mode: 'auto' })
      expect((await next.choose(never())).kind).to.equal('managed')
      expect(await isAlive(pid)).to.equal(false)
      expect(log.lines).to.include(`warn ending processes left over from an earlier run {"pids":[${pid}]}`)
      await next.start(managed, unexpected, never())
    })

    it('uses the service for authentication', async () => {
      const { port, close } = await fakeServer(({ body }) =>
        (body as { password: string }).password === 'right' ? {} : { status: 401 },
      )
      cleaners.push(close)
      const auth = { address: `http://127.0.0.1:${port}/?secret=x`, apiUser: 'me', apiPass: 'right' }
      const { server, apiUrl } = await arrange({ auth: () => auth })
      await server.start(managed, unexpected, never())
      expect((await fetch(`${apiUrl}/v3/paths/list`)).status).to.equal(401)
      const headers = { authorization: `Basic ${Buffer.from('me:right').toString('base64')}` }
      const { authMethod, authHTTPExclude } = (await (
        await fetch(`${apiUrl}/v3/config/global/get`, { headers })
      ).json()) as Record<string, unknown>
      expect([authMethod, authHTTPExclude]).to.deep.equal(['http', []])
    })

    it('listens on all addresses if configured', async () => {
      const { server } = await arrange({ host: '0.0.0.0' })
      await server.start(managed, unexpected, never())
    })
  })
})
