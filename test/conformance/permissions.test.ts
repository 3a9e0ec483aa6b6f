import { expect } from 'chai'
import { createStreamReader } from '../../adapters/rtsp/reader.js'
import { type Role, roles } from '../../machines/domain/access.js'
import { methods } from '../../rpc/methods/index.js'
import { type Client, describeService, type Service, startService, virtual } from '../e2e/service.js'
import { connect } from '../support/client.js'
import { createMatrix, type Identity } from './permissionsCells.js'
import { cameras, enter, furnish, type House, settings, stir, type Visitor } from './permissionsHouse.js'
import { methodRows } from './permissionsMethods.js'
import { hlsRows, httpRows, notificationRow, rtspRows, silent } from './permissionsWays.js'

/** `=`: limited by ids, `*`: by patterns; no mark: every camera. */
const rights: Record<string, readonly string[] | undefined> = { '=': cameras.own, '*': ['cam*0', '*2'], '': undefined }
const byToken = roles.flatMap((role) =>
  Object.keys(rights).map((mark) => ({ title: `${role}${mark}`, role, limited: mark !== '' })),
)
const identities: readonly Identity[] = [
  { title: 'none', role: 'none', limited: false },
  ...byToken,
  { title: 'key=', role: 'operator', limited: true },
]

describeService('permissions', (kind) => {
  let service: Service
  let house: House
  const visitors = new Map<string, Visitor>()
  const clients: Client[] = []
  const leave: (() => void)[] = []

  const credentialOf = async ({ title, role }: Identity): Promise<string> => {
    if (role === 'none') return ''
    if (title !== 'key=') return house.token(role, rights[title.slice(role.length)])
    return (await house.call<{ api_key: string }>('create_api_key', { user: title, role, cameras: cameras.own }))
      .api_key
  }

  before(async () => {
    service = await startService({ kind, cameras: ['yard', 'secluded'].map(virtual), env: settings, file: '' })
    const { ports, dataDir, call } = service
    house = {
      dataDir,
      base: `http://127.0.0.1:${ports.rpc}`,
      call,
      token: (role: Role, own) => service.token(role, undefined, own),
      connect: async (listener) => {
        const client = await connect(`ws://127.0.0.1:${ports.rpc}/ws`, listener)
        clients.push(client)
        return client
      },
      until: service.until,
      visitor: ({ title }) => {
        const visitor = visitors.get(title)
        if (visitor === undefined) throw new Error(`${title} is not connected`)
        return visitor
      },
    }
    await furnish(house)
    for (const identity of identities)
      visitors.set(identity.title, await enter(house, identity, await credentialOf(identity)))
    // A caller limited to the other camera, and a reader of each camera: lists contain them.
    const password = await house.token('viewer', cameras.other)
    await enter(house, { title: 'neighbour', role: 'viewer', limited: true }, password)
    for (const [camera, token] of [
      [cameras.own[0], await house.token('viewer', cameras.own)],
      [cameras.other[0], password],
    ] as const) {
      const reader = createStreamReader({
        host: '127.0.0.1',
        port: ports.rtsp,
        credentials: { user: 'anybody', password: token },
        log: silent,
        startTimeout: 60_000,
      })
      leave.push(await reader.hold(camera, () => {}, AbortSignal.timeout(60_000)))
    }
  })
  after(async () => {
    for (const each of leave) each()
    for (const client of clients) client.close()
    await service?.end()
    if (service) console.log(matrix.print())
  })

  const here = () => house
  const byMethod = methodRows(here)
  const byHttp = httpRows(here)
  const byStream = [
    ...rtspRows(here, () => service.ports.rtsp),
    ...(kind === 'managed' ? hlsRows(here, () => service.ports.hls) : []),
  ]
  const notified = notificationRow(here)
  const matrix = createMatrix(identities, [...byMethod, ...byHttp, ...byStream, notified])

  describe('each method', () => {
    for (const row of byMethod) it(row.title, () => matrix.verify(row))
  })

  describe('each way to files, pictures and streams', () => {
    // The media server delays refusals, so all rows run at the same time.
    let streams: Promise<void>[] = []
    before(() => {
      streams = byStream.map((row) => matrix.verify(row))
      for (const stream of streams) stream.catch(() => {})
    })
    for (const row of byHttp) it(row.title, () => matrix.verify(row))
    byStream.forEach((row, at) => {
      it(row.title, () => streams[at])
    })
  })

  describe('at the end', () => {
    it(notified.title, async () => {
      await stir(house, [...visitors.values()])
      await matrix.verify(notified)
    })

    it('leaves no cell unverified', () => {
      expect(matrix.unverified()).to.deep.equal([])
      expect(byMethod.map(({ title }) => title)).to.deep.equal(methods.map(({ name }) => name))
    })
  })
})
