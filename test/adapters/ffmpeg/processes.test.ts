import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { expect } from 'chai'
import { MARK } from '../../../adapters/ffmpeg/command.js'
import { createProcessTable } from '../../../adapters/ffmpeg/processes.js'
import { systemClock, until } from './support.js'

describe('the processes of pipelines, as publishers', () => {
  const mark = `publishers-${process.pid}`
  const children: ChildProcess[] = []
  let server: Server
  before(async () => {
    server = createServer((socket) => socket.on('error', () => {}).resume()).listen(0, '127.0.0.1')
    await once(server, 'listening')
  })
  after(() => server.close())
  afterEach(async () => {
    for (const child of children.splice(0)) await end(child)
  })
  const end = async (child: ChildProcess) => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  const start = (program: string, ...args: string[]) => {
    const env = { ...process.env, [MARK]: `${mark}/camera0` }
    const child = spawn(program, args, { env, stdio: 'ignore' })
    children.push(child)
    return child
  }
  /** Resolves when ffmpeg writes. */
  const capture = async () => {
    const input = ['-nostdin', '-re', '-f', 'lavfi', '-i', 'testsrc=size=64x64:rate=5', '-f', 'mpegts']
    const child = start('ffmpeg', ...input, `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`)
    await once(server, 'connection')
    return child
  }
  const table = (mayBeHidden = false) =>
    createProcessTable({ mark, clock: systemClock, mayBeHidden: () => mayBeHidden })

  it('are admitted once each, for their camera', async () => {
    const { admit } = table()
    expect(admit('camera0'), 'before the start').to.equal(false)
    const first = await capture()
    expect([admit('camera1'), admit('camera0'), admit('camera0')]).to.deep.equal([false, true, false])
    await end(first)
    expect(admit('camera0'), 'after the end').to.equal(false)
    await capture()
    expect([admit('camera0'), admit('camera0')]).to.deep.equal([true, false])
  })

  it('are not admitted before they are connected, nor while they wait for the device', async () => {
    const { admit, presence } = table()
    start('ffmpeg', '-nostdin', '-re', '-f', 'lavfi', '-i', 'testsrc=size=64x64:rate=5', '-f', 'null', '-')
    start('sleep', '30')
    await until('ffmpeg', () => presence('camera0') === 'running')
    expect(admit('camera0')).to.equal(false)
  })

  it('are seen as waiting while their command starts ffmpeg again', async () => {
    const { presence } = table()
    const command = start('sleep', '30')
    await until('the command', () => presence('camera0') === 'waiting')
    const child = await capture()
    await until('ffmpeg', () => presence('camera0') === 'running')
    await end(child)
    await until('the end of ffmpeg', () => presence('camera0') === 'waiting')
    await end(command)
    await until('the end of all', () => presence('camera0') === 'gone')
  })

  it('of another user are admitted if the media server may hide them, until one was visible', async () => {
    const { admit } = table(true)
    expect([admit('camera0'), admit('camera0')]).to.deep.equal([true, true])
    const child = await capture()
    expect([admit('camera0'), admit('camera0'), admit('camera1')]).to.deep.equal([true, false, true])
    await end(child)
    expect(admit('camera0')).to.equal(false)
  })
})
