import { once } from 'node:events'
import { expect } from 'chai'
import WebSocket from 'ws'
import type { Inspection } from '../../machines/domain/inspection.js'
import { inspectTo } from '../../rpc/http/inspect.js'
import type { RpcOptions } from '../../rpc/options.js'
import { createStage, createWorld, noon, type World } from './fakes.js'
import { until, within } from './wait.js'

/** An inspection with one present actor. */
const fakeInspection = () => {
  const followers = new Set<(message: string) => void>()
  const inspection: Inspection = {
    follow(receive) {
      receive('"present"')
      followers.add(receive)
      return () => followers.delete(receive)
    },
    resume: (missed) => [`"missed ${missed}"`, '"present again"'],
  }
  const tell = (message: string) => {
    for (const receive of followers) receive(message)
  }
  return { inspection, followers, tell }
}

describe('rpc: inspection', () => {
  const stage = createStage()
  let world: World
  let fake: ReturnType<typeof fakeInspection>
  beforeEach(() => {
    world = createWorld()
    fake = fakeInspection()
  })
  afterEach(() => stage.end())

  const serve = (changes: Partial<RpcOptions> = {}) =>
    stage.serve(
      world.options(
        {},
        { inspection: fake.inspection, inspect: { allowedIps: ['127.0.0.1'], maxClients: 2 }, ...changes },
      ),
    )
  const receive = (port: number, query = '', options: WebSocket.ClientOptions = {}) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/inspect/ws${query}`, options)
    stage.ends.push(() => socket.terminate())
    socket.on('error', () => {})
    const got: string[] = []
    socket.on('message', (data) => got.push(String(data)))
    const first = within('the first message', once(socket, 'message'))
    first.catch(() => {})
    const closed = within('the close', once(socket, 'close')).then(([code]) => code as number)
    closed.catch(() => {})
    return { socket, got, first, closed }
  }
  /** The status and text of the refusal. */
  const refusal = async (port: number, query = '', options: WebSocket.ClientOptions = {}) => {
    const { socket } = receive(port, query, options)
    const [, response] = await within('the refusal', once(socket, 'unexpected-response'))
    let text = ''
    for await (const chunk of response) text += chunk
    return { status: response.statusCode as number, text }
  }
  const bearer = (token: string) => ({ headers: { Authorization: `Bearer ${token}` } })

  it('sends the present actors and what follows to an administrator, by header or by the query', async () => {
    const { port } = await serve()
    const one = receive(port, '', bearer('admin'))
    const other = receive(port, '?token=admin')
    await Promise.all([one.first, other.first])
    fake.tell('"news"')
    await within('the news', Promise.all([once(one.socket, 'message'), once(other.socket, 'message')]))
    expect([one.got, other.got]).to.deep.equal([
      ['"present"', '"news"'],
      ['"present"', '"news"'],
    ])
    expect(world.audited.map(({ action, result, user }) => [action, result, user])).to.deep.equal([
      ['GET /inspect/ws', 'ok', 'a-admin'],
      ['GET /inspect/ws', 'ok', 'a-admin'],
    ])
  })

  it('refuses everybody else, says why, and audits wrong and insufficient credentials', async () => {
    const { port } = await serve()
    const all = await Promise.all(
      ['', '?token=nonsense', '?token=operator', '?token=admin/eve/9999999999999/camera0', '?token=a&token=b'].map(
        (query) => refusal(port, query),
      ),
    )
    expect(all.map(({ status }) => status)).to.deep.equal([401, 401, 403, 403, 400])
    expect(all[0]?.text).to.include('Bearer')
    expect(all[2]?.text).to.include('the role admin is required')
    expect(all[3]?.text).to.include('limited to specific cameras')
    expect(all[4]?.text).to.include('more than one token')
    expect(world.audited.map(({ reason }) => reason)).to.have.members([
      'auth_failed',
      'permission_denied',
      'limited_to_cameras',
    ])
    expect(JSON.stringify([world.audited, world.logged])).not.to.include('nonsense')
    expect(fake.followers.size).to.equal(0)
  })

  it('refuses addresses that are not allowed, foreign pages, and one receiver too many', async () => {
    const elsewhere = await serve({ inspect: { allowedIps: ['192.0.2.0/24'], maxClients: 2 } })
    const { status, text } = await refusal(elsewhere.port, '', bearer('admin'))
    expect([status, text]).to.deep.equal([
      403,
      'Permission denied: this address is not in inspect.allowed_ips. ' +
        'Connect from an allowed address, or add this one to inspect.allowed_ips.',
    ])
    const { port } = await serve()
    expect(await receive(port, '?token=admin', { origin: 'http://evil.example' }).closed).to.equal(4403)
    const two = [receive(port, '?token=admin'), receive(port, '?token=admin')]
    await Promise.all(two.map(({ first }) => first))
    expect(await refusal(port, '?token=admin')).to.deep.equal({
      status: 503,
      text: 'there are 2 receivers (inspect.max_clients) already',
    })
    two[0]?.socket.close()
    await two[0]?.closed
    await receive(port, '?token=admin').first
  })

  it('does not exist without the setting; with it, a plain GET gets a 426', async () => {
    const off = await serve({ inspection: undefined, inspect: undefined })
    expect((await refusal(off.port, '', bearer('admin'))).status).to.equal(404)
    const get = (port: number) => fetch(`http://127.0.0.1:${port}/inspect/ws`)
    expect((await get(off.port)).status).to.equal(404)
    const on = await serve()
    expect((await get(on.port)).status).to.equal(426)
  })

  it('ends when the credential is revoked, and when the service stops', async () => {
    const { port, server } = await serve()
    const revoked = receive(port, '?token=admin/ann')
    await revoked.first
    await world.options().credentials.revoke({ kind: 'token', id: 'admin/ann' }, noon + 3_600_000)
    expect(await revoked.closed).to.equal(4401)
    const last = receive(port, `?token=admin/bob/${noon + 1_000_000}`)
    await last.first
    const stopped = server.stop('the test is over')
    expect(await last.closed).to.equal(1001)
    await stopped
    await until('nobody follows', () => fake.followers.size === 0)
  })

  it('drops messages for a receiver that does not read, then tells how many, and shows the present actors', () => {
    const sent: string[] = []
    const flushed: (() => void)[] = []
    const socket = {
      readyState: 1,
      OPEN: 1,
      bufferedAmount: 0,
      send: (message: string, done: () => void) => {
        sent.push(message)
        flushed.push(done)
      },
      on: () => {},
    }
    inspectTo(socket as never, fake.inspection)
    socket.bufferedAmount = 5 * 1024 * 1024
    for (let count = 0; count < 3; count += 1) fake.tell('"late"')
    socket.bufferedAmount = 10
    flushed.at(-1)?.()
    fake.tell('"late"')
    expect(sent).to.deep.equal(['"present"'])
    socket.bufferedAmount = 0
    flushed.at(-1)?.()
    fake.tell('"news"')
    expect(sent).to.deep.equal(['"present"', '"missed 4"', '"present again"', '"news"'])
  })
})
