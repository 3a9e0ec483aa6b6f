import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { expect } from 'chai'
import { createStreamScan } from '../../../adapters/rtsp/scan.js'
import { planTargets } from '../../../adapters/rtsp/scanTargets.js'
import type { AddressCheck, ScanAnswer, ScanPlan } from '../../../machines/domain/external.js'
import { turn } from '../../support/later.js'
import { freePort } from '../../support/ports.js'
import { type Answer, type FakeServer, startFake } from './fake.js'

const never = new AbortController().signal
const sdp = (kind = 'video') => `v=0\r\nm=${kind} 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:trackID=0\r\n`
const anywhere: AddressCheck = { refusal: async () => undefined }
const generic = (
  ports: number[],
  paths: string[] = ['/live'],
  also: Partial<NonNullable<ScanPlan['generic']>> = {},
): ScanPlan => ({
  generic: { ranges: [], hosts: ['127.0.0.1'], ports, paths, ...also },
})

describe('a scan with another plan', () => {
  it('calls the new addresses only', () => {
    const scan = createStreamScan({ plan: generic([1]), addresses: anywhere, hostLimit: 1_000, concurrency: 1 })
    const portsOf = () => [...scan.plan({ skydio: false, generic: true }).targets].map(({ port }) => port)
    expect(portsOf()).to.deep.equal([1])
    scan.use(generic([2, 3]))
    expect(portsOf()).to.deep.equal([2, 3])
    scan.use({})
    expect(scan.plan({ skydio: false, generic: true }).missing).to.have.length(1)
  })
})

describe('the plan of a scan', () => {
  const hostsOf = (ranges: string[], hosts: string[] = []) => [
    ...new Set(
      [
        ...planTargets({ generic: { ranges, hosts, ports: [554], paths: ['/x'] } }, { skydio: false, generic: true })
          .targets,
      ].map(({ host }) => host),
    ),
  ]

  it('holds the known hosts, then each address of the ranges once, without network and broadcast', () => {
    expect(hostsOf(['192.168.42.0/29'])).to.deep.equal([
      '192.168.42.1',
      '192.168.42.2',
      '192.168.42.3',
      '192.168.42.4',
      '192.168.42.5',
      '192.168.42.6',
    ])
    expect(hostsOf(['10.0.0.6/31', '10.0.0.6/32', '255.255.255.254/32'])).to.deep.equal([
      '10.0.0.6',
      '10.0.0.7',
      '255.255.255.254',
    ])
    expect(hostsOf(['10.0.0.9/30'], ['10.0.0.10', 'fd00::1'])).to.deep.equal(['10.0.0.10', 'fd00::1', '10.0.0.9'])
    expect(
      planTargets(generic([1, 2], ['/a'], { ranges: ['172.16.0.0/16'] }), { skydio: false, generic: true }).total,
    ).to.equal((65_534 + 1) * 2)
  })

  it('holds both lenses of a Skydio with their names', () => {
    const plan = {
      ranges: [],
      hosts: ['192.168.42.10'],
      eoPort: 5554,
      irPort: 6554,
      eoPath: '/subject',
      irPath: '/infrared',
      both: true,
    }
    const both = { skydio: true, generic: false }
    const urls = (skydio: NonNullable<ScanPlan['skydio']>) =>
      [...planTargets({ skydio }, both).targets].flatMap(({ candidates }) => candidates)
    expect(urls(plan)).to.deep.equal([
      {
        url: 'rtsp://192.168.42.10:5554/subject',
        name: 'Skydio_EO_192.168.42.10_eo_/subject',
        type: 'skydio_stanag4609',
        sensor: 'eo',
      },
      {
        url: 'rtsp://192.168.42.10:6554/infrared',
        name: 'Skydio_IR_192.168.42.10_ir_/infrared',
        type: 'skydio_stanag4609',
        sensor: 'ir',
      },
    ])
    expect(urls({ ...plan, both: false })).to.have.length(1)
    expect([...planTargets({ skydio: { ...plan, irPort: 5554 } }, both).targets]).to.have.length(1)
  })

  it('is empty and says why if the configuration disables everything', () => {
    const { total, targets, missing } = planTargets({}, { skydio: true, generic: true })
    expect([total, [...targets].length]).to.deep.equal([0, 0])
    expect(missing.join())
      .to.contain('external_discovery.skydio.enabled')
      .and.to.contain('external_discovery.generic_uav.enabled')
  })
})

describe('a scan', () => {
  let ends: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const end of ends.splice(0)) await end()
    ends = []
  })

  const fake = async (answer: (path: string, method: string) => Answer): Promise<FakeServer> => {
    const server = await startFake(({ method, url }) => answer(url.replace(/^rtsps?:\/\/[^/]+/, ''), method))
    ends.push(server.stop)
    return server
  }
  const camera = (paths: string[]) =>
    fake((path, method) =>
      method === 'OPTIONS' ? { status: 200 } : paths.includes(path) ? { status: 200, body: sdp() } : { status: 404 },
    )
  const silent = async (opened: (socket: Socket) => void = () => {}): Promise<number> => {
    const server: Server = createServer((socket) => opened(socket.on('error', () => {})))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    ends.push(async () => server.close())
    const address = server.address()
    return address && typeof address === 'object' ? address.port : 0
  }
  const scan = async (
    plan: ScanPlan,
    { addresses = anywhere, hostLimit = 1_000, concurrency = 8, signal = never } = {},
  ) => {
    const made = createStreamScan({ plan, addresses, hostLimit, concurrency })
    const answers: ScanAnswer[] = []
    await made.run(made.plan({ skydio: true, generic: true }).targets, (answer) => answers.push(answer), signal)
    return answers.map(({ target, found, reason, answered }) => ({
      port: target.port,
      found: found.map(({ url }) => url.replace(/.*\d/, '')),
      reason,
      answered,
    }))
  }

  it('asks for all paths over one connection, and finds those with video', async () => {
    const server = await camera(['/live', '/video'])
    expect(await scan(generic([server.port], ['/stream', '/live', '/video']))).to.deep.equal([
      {
        port: server.port,
        found: ['/live', '/video'],
        reason: 'there is no stream at this path (404)',
        answered: true,
      },
    ])
    expect(server.asked.map((line) => line.replace(/ .*\d/, ' '))).to.deep.equal([
      'OPTIONS /stream',
      'DESCRIBE /stream',
      'DESCRIBE /live',
      'DESCRIBE /video',
    ])
    await server.idle()
  })

  it('finds no stream unless OPTIONS and DESCRIBE succeed and there is video', async () => {
    const ports = await Promise.all([
      silent(),
      freePort(),
      fake(() => ({ status: 454 })).then(({ port }) => port),
      fake((_, method) => (method === 'OPTIONS' ? { status: 200 } : { status: 200, body: sdp('audio') })).then(
        ({ port }) => port,
      ),
      fake((_, method) =>
        method === 'OPTIONS' ? { status: 200 } : { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } },
      ).then(({ port }) => port),
      fake((_, method) => (method === 'OPTIONS' ? { status: 200 } : { status: 302 })).then(({ port }) => port),
    ])
    const answers = await scan(generic(ports), { hostLimit: 300 })
    const byPort = ports.map((port) => answers.find((answer) => answer.port === port))
    expect(byPort.map((answer) => answer?.found)).to.deep.equal([[], [], [], [], [], []])
    expect(byPort.map((answer) => answer?.reason)).to.deep.equal([
      'the camera did not answer in time',
      `the connection was refused, because no program listens on port ${ports[1]} of the camera: ` +
        'check the port and the address of its URL',
      'the camera answers with an error (454)',
      'the camera offers no video',
      'the camera refuses the connection (401)',
      'the camera redirects to another address, which is not followed (302)',
    ])
  })

  it('reconnects to a server that closes after each answer, and skips a path that makes it close', async () => {
    let asked = 0
    const server = await startFake(({ method, url }, socket) => {
      if (method === 'OPTIONS') return { status: 200 }
      asked += 1
      if (url.endsWith('/poison')) {
        socket.destroy()
        return undefined
      }
      setImmediate(() => socket.end())
      return url.endsWith('/live') ? { status: 200, body: sdp() } : { status: 404 }
    })
    ends.push(server.stop)
    const [answer] = await scan(generic([server.port], ['/a', '/poison', '/b', '/live']))
    expect(answer?.found).to.deep.equal(['/live'])
    expect(asked).to.be.at.most(6)
  })

  it('ends at the time limit of one address, whatever the number of paths', async () => {
    const server = await fake((_, method) => (method === 'OPTIONS' ? { status: 200 } : undefined))
    const [answer] = await scan(generic([server.port], ['/a', '/b', '/c', '/d']), { hostLimit: 200 })
    expect(answer).to.include({ reason: 'the camera did not answer in time', answered: true })
    expect(server.asked.filter((line) => line.startsWith('DESCRIBE'))).to.have.length(1)
  })

  it('does not connect to refused addresses', async () => {
    const server = await camera(['/live'])
    const addresses: AddressCheck = {
      refusal: async (_, port) => (port === server.port ? 'must not lead back to this service' : undefined),
    }
    expect(await scan(generic([server.port]), { addresses })).to.deep.equal([
      { port: server.port, found: [], reason: 'must not lead back to this service', answered: false },
    ])
    expect(server.asked).to.deep.equal([])
  })

  it('keeps to the limit of concurrency', async () => {
    // Each address is checked as its scan begins; a refusal ends it.
    const refusals: ((rule: string) => void)[] = []
    const addresses: AddressCheck = { refusal: () => new Promise((resolve) => refusals.push(resolve)) }
    const scanned = scan(generic([1, 2, 3, 4, 5, 6, 7, 8, 9]), { addresses, concurrency: 3 })
    for (let ended = 0; ended < 9; ended += 1) {
      await turn()
      expect(refusals, `after ${ended} addresses`).to.have.length(Math.min(9, ended + 3))
      refusals[ended]?.('refused')
    }
    expect(await scanned).to.have.length(9)
  })

  it('rejects on abort, and leaves no connection', async () => {
    const server = await fake((_, method) => (method === 'OPTIONS' ? { status: 200 } : undefined))
    const ended = new AbortController()
    const outcome = scan(generic([server.port]), { hostLimit: 60_000, signal: ended.signal }).then(
      () => 'ended',
      (error: Error) => error.message,
    )
    await server.next('DESCRIBE')
    ended.abort(new Error('enough'))
    expect(await outcome).to.equal('enough')
    await server.idle()
  })
})
