import { expect } from 'chai'
import { createActor, fromCallback, fromPromise } from 'xstate'
import { createExternalAsk } from '../../actors/askExternal.js'
import { createDirectory, type FleetActor } from '../../actors/directory.js'
import { externalDiscoveryEffects, externalStreamsEffects } from '../../actors/effects/external.js'
import { createFacts } from '../../actors/facts.js'
import { createObserver } from '../../actors/observer.js'
import { cameraMachine } from '../../machines/camera.js'
import { discoveryMachine } from '../../machines/discovery.js'
import { ServiceError } from '../../machines/domain/errors.js'
import type {
  AddedStream,
  AddressCheck,
  ExternalState,
  ScanAnswer,
  ScanTarget,
  StreamScan,
} from '../../machines/domain/external.js'
import type { Fact } from '../../machines/domain/facts.js'
import type { CameraEntry, Log, Registry } from '../../machines/domain/ports.js'
import { because } from '../../machines/domain/reason.js'
import { type ExternalDiscoveryInput, externalDiscoveryMachine } from '../../machines/externalDiscovery.js'
import { externalStreamsMachine } from '../../machines/externalStreams.js'
import { fleetMachine } from '../../machines/fleet.js'
import { mediamtxLinkMachine } from '../../machines/mediamtxLink.js'
import { serverProcessMachine } from '../../machines/serverProcess.js'
import { storageMachine } from '../../machines/storage.js'
import { turn } from '../support/later.js'

const by = { user: 'ann', request: '1', session: 's1' }
const gate = { url: 'rtsp://ann:secret@10.0.0.7/live', name: 'Gate', type: 'generic_rtsp' as const, by }
const plain = 'rtsp://10.0.0.7/live'
const target = (port: number, named = false): ScanTarget => ({
  host: '10.0.0.9',
  port,
  named,
  candidates: [{ url: `rtsp://10.0.0.9:${port}/live`, name: `RTSP ${port}`, type: 'generic_rtsp' }],
})

const refusal = async (promise: Promise<unknown>): Promise<ServiceError> => {
  const outcome = await promise.then(
    () => 'the call was not refused',
    (error: unknown) => error,
  )
  if (outcome instanceof ServiceError) return outcome
  throw new Error(String(outcome))
}

describe('requests for external streams', () => {
  let ends: (() => void)[] = []
  afterEach(() => {
    for (const end of ends) end()
    ends = []
  })

  describe('adding', () => {
    it('saves the stream, returns its camera, and shows no credentials', async () => {
      const { ask, saved, cameras } = await asking()
      const added = await ask.add(gate)
      expect(added).to.deep.include({
        url: plain,
        name: 'Gate',
        type: 'generic_rtsp',
        camera: 'camera0',
        discoveredAt: 1_000,
      })
      expect(saved).to.deep.equal([
        { streams: [{ url: gate.url, name: 'Gate', type: 'generic_rtsp', addedAt: 1_000 }] },
      ])
      expect(cameras().map(({ id, kind, name }) => [id, kind, name])).to.deep.equal([['camera0', 'rtsp', 'Gate']])
      expect(JSON.stringify([added, ask.view()])).not.to.contain('secret')
    })

    it('returns the same stream for the same source, however its URL is written', async () => {
      const { ask, saved, cameras } = await asking()
      await ask.add(gate)
      for (const url of [gate.url, plain, 'RTSP://0xa.7:554/live']) {
        expect(await ask.add({ ...gate, url, name: 'Other' })).to.include({ camera: 'camera0', name: 'Gate' })
      }
      expect([saved.length, cameras().length]).to.deep.equal([1, 1])
    })

    it('replaces the password of a stream', async () => {
      const { ask, saved, device } = await asking()
      await ask.add(gate)
      expect(await ask.add({ ...gate, url: 'rtsp://ann:better@10.0.0.7/live' })).to.include({ camera: 'camera0' })
      expect(saved.at(-1)?.streams.map(({ url }) => url)).to.deep.equal(['rtsp://ann:better@10.0.0.7/live'])
      expect(device('camera0')).to.deep.include({ url: 'rtsp://ann:better@10.0.0.7/live' })
    })

    it('adds each of many simultaneous streams once', async () => {
      const { ask, saved, cameras } = await asking()
      const added = await Promise.all(
        [0, 1, 2, 0, 1, 2].map((n) => ask.add({ ...gate, url: `rtsp://10.0.0.${n}/`, by: { ...by } })),
      )
      expect(added.map(({ url }) => url)).to.deep.equal([0, 1, 2, 0, 1, 2].map((n) => `rtsp://10.0.0.${n}/`))
      expect(cameras().map(({ id }) => id)).to.deep.equal(['camera0', 'camera1', 'camera2'])
      expect(saved.at(-1)?.streams).to.have.length(3)
    })

    it('is refused for a URL that is not RTSP, leads back to the service, or is configured', async () => {
      const entries: CameraEntry[] = [
        { name: 'yard', source: { kind: 'rtsp', url: 'rtsp://x:y@10.0.0.20:554/a' }, enabled: false, settings: {} },
      ]
      const { ask, saved } = await asking({ entries })
      expect((await refusal(ask.add({ ...gate, url: 'http://10.0.0.7/' }))).data).to.include({ param: 'stream_url' })
      expect((await refusal(ask.add({ ...gate, url: 'rtsp://127.0.0.1:8554/camera0' }))).data.rule).to.equal(
        'must not lead back to this service',
      )
      const configured = await refusal(ask.add({ ...gate, url: 'rtsp://10.0.0.20/a' }))
      expect(configured.data).to.include({
        param: 'stream_url',
        rule: 'must not be the URL of a configured camera',
        details: 'the configuration has it as yard',
        suggestion: 'Use the configured camera',
      })
      expect(saved).to.deep.equal([])
    })

    it('is refused when the limit is reached', async () => {
      const { ask } = await asking({ maxStreams: 1 })
      await ask.add(gate)
      await ask.add(gate)
      const { key, data } = await refusal(ask.add({ ...gate, url: 'rtsp://10.0.0.8/' }))
      expect([key, data]).to.deep.equal([
        'invalidState',
        {
          reason: 'limit_reached',
          state: 'full',
          allowed_states: ['not full'],
          details: '1 streams are added already',
          suggestion: 'Remove a stream, or raise external_discovery.max_streams',
        },
      ])
    })

    it('is not made when it cannot be saved; the next one can be', async () => {
      const { ask, cameras, savingFails } = await asking()
      savingFails(true)
      const { key, data } = await refusal(ask.add(gate))
      expect([key, data.dependency, data.detail]).to.deep.equal([
        'dependencyFailed',
        'storage',
        'no room; nothing was changed',
      ])
      expect(cameras()).to.deep.equal([])
      savingFails(false)
      expect(await ask.add(gate)).to.include({ camera: 'camera0' })
    })

    it('is refused while the service stops', async () => {
      const { ask, fleet } = await asking()
      fleet.send({ type: 'system.stop', reason: 'SIGTERM' })
      const { key, data } = await refusal(ask.add(gate))
      expect([key, data.state]).to.deep.equal(['invalidState', 'not running'])
    })
  })

  describe('removing', () => {
    it('saves the list, and resolves when the camera is gone', async () => {
      const { ask, saved, cameras } = await asking({
        streams: [{ url: gate.url, name: 'Gate', type: 'generic_rtsp', addedAt: 1 }],
      })
      expect(cameras()).to.have.length(1)
      await ask.remove(plain, by)
      expect([cameras(), saved, ask.view().streams]).to.deep.equal([[], [{ streams: [] }], []])
      expect((await refusal(ask.remove(plain, by))).message).to.equal('Stream not found')
    })

    it('refuses the addition before it, if the camera of that is not there yet', async () => {
      const { ask, cameras } = await asking()
      const added = refusal(ask.add({ ...gate, by: { ...by } }))
      await ask.remove(plain, { ...by })
      const { key, data } = await added
      expect([key, data.state, cameras()]).to.deep.equal(['invalidState', 'removed', []])
    })

    it('does not show a password in a refusal', async () => {
      const { ask } = await asking()
      expect(JSON.stringify((await refusal(ask.remove(gate.url, by))).data)).not.to.contain('secret')
    })

    it('changes nothing when it cannot be saved', async () => {
      const { ask, cameras, savingFails } = await asking()
      await ask.add(gate)
      savingFails(true)
      expect(await refusal(ask.remove(plain, by))).to.include({ key: 'dependencyFailed' })
      expect(cameras()).to.have.length(1)
    })
  })

  describe('the interval', () => {
    it('is saved and applies at once; other changes save only an interval that a client has set', async () => {
      const { ask, saved } = await asking({ external: { interval: 60_000 } })
      expect(ask.view()).to.include({ interval: 60_000 })
      await ask.add(gate)
      await ask.scanEvery(0, by)
      expect(ask.view()).to.include({ interval: 0 })
      await ask.remove(plain, by)
      expect(saved.map(({ interval }) => interval)).to.deep.equal([undefined, 0, 0])
    })
  })

  describe('discovering', () => {
    const request = { skydio: false, generic: true, force: false, includeOffline: false, by }

    it('returns the found streams with their cameras', async () => {
      const { ask, answer, asked } = await asking()
      await ask.add({ ...gate, url: 'rtsp://10.0.0.9:554/live', name: 'Pond' })
      const found = ask.discover(request)
      expect(ask.view().scanning).to.equal(true)
      await answer(554, 'H264')
      await answer(555, 'H265')
      await answer(556, undefined, 'unreachable')
      const { streams, errors } = await found
      expect(streams.map(({ url, name, codec, camera }) => [url, name, codec, camera])).to.deep.equal([
        ['rtsp://10.0.0.9:554/live', 'Pond', 'H264', 'camera0'],
        ['rtsp://10.0.0.9:555/live', 'RTSP 555', 'H265', undefined],
      ])
      expect(errors).to.deep.equal(['10.0.0.9 port 556: unreachable'])
      expect(asked()).to.deep.equal([554, 555, 556])
      expect(ask.view()).to.include({ scanning: false })
    })

    it('joins the present scan, and asks targets that have just answered only by force', async () => {
      const { ask, answer, asked, facts } = await asking()
      const [one, two] = [ask.discover(request), ask.discover(request)]
      for (const port of [554, 555, 556]) await answer(port, 'H264')
      expect((await one).streams)
        .to.deep.equal((await two).streams)
        .and.to.have.length(3)
      expect((await ask.discover(request)).streams).to.have.length(3)
      expect(asked()).to.have.length(3)
      const forced = ask.discover({ ...request, force: true })
      await answer(554, 'H264')
      await answer(555, undefined, 'not found (404)', true)
      await answer(556, 'H264')
      expect((await forced).streams).to.have.length(2)
      const again = ask.discover(request)
      await answer(555, 'H264')
      expect((await again).streams).to.have.length(3)
      expect(asked().slice(6), 'only the one that was away').to.deep.equal([555])
      // At most one a second; each scan's first.
      expect(facts.filter(({ type }) => type === 'discovery.progress')).to.have.length(4)
    })

    it('lists streams that do not answer on request', async () => {
      const { ask, answer } = await asking()
      const first = ask.discover(request)
      for (const port of [554, 555, 556]) await answer(port, 'H264')
      await first
      const again = ask.discover({ ...request, force: true, includeOffline: true })
      await answer(554, undefined, 'timed out')
      for (const port of [555, 556]) await answer(port, 'H264')
      expect((await again).streams.map(({ status, reason }) => [status, reason])).to.deep.equal([
        ['ERROR', because('unreachable', 'timed out')],
        ['DISCOVERED', undefined],
        ['DISCOVERED', undefined],
      ])
    })

    it('ends at its limit with the streams found so far, and names the key to raise', async () => {
      const { ask, answer } = await asking({ scanLimit: 100 })
      const found = ask.discover(request)
      await answer(554, 'H264')
      const { streams, errors } = await found
      expect(streams).to.have.length(1)
      expect(errors[0]).to.equal(
        'the scan was ended after 0.1 s with 1 of 3 addresses asked: raise external_discovery.scan_timeout or max_concurrent_scans',
      )
    })

    it('ends when the last client that waits for it leaves', async () => {
      const { ask, isAborted } = await asking()
      const waiting = [ask.discover(request), ask.discover({ ...request, by: { ...by, session: 's2' } })]
      await turn()
      ask.leave('s1')
      expect(ask.view().scanning).to.equal(true)
      ask.leave('s2')
      expect([ask.view().scanning, isAborted()]).to.deep.equal([false, true])
      for (const { errors } of await Promise.all(waiting)) expect(errors).to.deep.equal(['the scan was cancelled'])
    })

    it('ends with the scan that follows when the client of both leaves', async () => {
      const { ask, isAborted } = await asking()
      const waiting = [ask.discover({ ...request, by: { ...by } }), ask.discover({ ...request, force: true })]
      await turn()
      ask.leave('s1')
      expect([ask.view().scanning, isAborted()]).to.deep.equal([false, true])
      for (const { errors } of await Promise.all(waiting)) expect(errors).to.deep.equal(['the scan was cancelled'])
    })

    it('goes on when a client leaves that only joined a scan of the interval', async () => {
      const { ask } = await asking({ external: { atStart: true } })
      const found = ask.discover(request)
      found.catch(() => {})
      await turn()
      ask.leave('s1')
      expect(ask.view().scanning).to.equal(true)
    })

    it('is refused when the service stops meanwhile', async () => {
      const { ask, fleet } = await asking()
      const found = refusal(ask.discover(request))
      fleet.send({ type: 'system.stop', reason: 'SIGTERM' })
      const { key, data } = await found
      expect([key, data.detail]).to.deep.equal(['dependencyFailed', 'the service is stopping'])
    })
  })

  it('are unsupported while discovery is disabled; the list is empty then', async () => {
    const { ask } = await asking({ external: { enabled: false } })
    expect(ask.view()).to.deep.equal({ enabled: false, scanning: false, interval: 0, streams: [] })
    const calls = [
      ask.add(gate),
      ask.remove(plain, by),
      ask.scanEvery(1, by),
      ask.discover({ skydio: true, generic: true, force: true, includeOffline: true, by }),
    ]
    for (const call of calls) expect(await refusal(call)).to.include({ key: 'unsupported' })
  })

  interface Options {
    entries?: CameraEntry[]
    streams?: AddedStream[]
    external?: Partial<ExternalDiscoveryInput>
    maxStreams?: number
    scanLimit?: number
  }

  /** The real fleet, with cameras whose probe never ends and a scan whose answers wait for the test. */
  async function asking({
    entries = [],
    streams = [],
    external = {},
    maxStreams = 64,
    scanLimit = 1_500,
  }: Options = {}) {
    const quiet = () => fromCallback(() => {}) as never
    const never = () => fromPromise<never>(() => new Promise(() => {})) as never
    const clock = { now: () => 1_000 }
    const log: Log = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} }
    const facts: Fact[] = []
    const bus = createFacts({ clock, log })
    bus.subscribe((fact) => facts.push(fact))
    const observer = createObserver({ facts: bus, clock, log })
    const saved: ExternalState[] = []
    const asked: number[] = []
    let fails = false
    let aborted = false
    const answers = new Map<number, (answer: Omit<ScanAnswer, 'target'>) => void>()
    const scan: StreamScan = {
      plan: () => ({ total: 3, targets: [target(554), target(555), target(556, true)], missing: [] }),
      async run(targets, report, signal) {
        signal.addEventListener('abort', () => {
          aborted = true
        })
        for (const each of targets) {
          asked.push(each.port)
          const answer = await new Promise<Omit<ScanAnswer, 'target'>>((resolve, reject) => {
            answers.set(each.port, resolve)
            signal.addEventListener('abort', () => reject(signal.reason))
          })
          report({ target: each, ...answer })
        }
      },
    }
    const addresses: AddressCheck = {
      refusal: async (host) => (host === '127.0.0.1' ? 'must not lead back to this service' : undefined),
    }
    const store = {
      save: async (state: ExternalState) => {
        if (fails) throw new Error('no room')
        saved.push(state)
      },
    }
    const fleet: FleetActor = createActor(
      fleetMachine.provide({
        actors: {
          loadRegistry: fromPromise<Registry>(async () => ({ next: 0, cameras: [], sharedSerials: [] })),
          saveRegistry: fromPromise(async () => {}) as never,
          camera: cameraMachine.provide({ actors: { probeDevice: never() } }),
          discovery: discoveryMachine.provide({
            actors: { watchDevices: quiet(), scanDevices: fromPromise(async () => []) as never },
          }),
          externalDiscovery: externalDiscoveryMachine.provide({
            actors: externalDiscoveryEffects({ scan, clock, scanLimit }),
          }),
          externalStreams: externalStreamsMachine.provide({
            actors: externalStreamsEffects({ store, addresses, log }),
          }),
          serverProcess: serverProcessMachine.provide({
            actors: { chooseServer: never(), runServer: quiet(), endServer: never() },
          }),
          link: mediamtxLinkMachine.provide({
            actors: { askInfo: never(), syncPaths: never(), watchBreaker: quiet() },
          }),
          storage: storageMachine.provide({ actors: { measureDisk: never() } }),
        },
      }),
      {
        systemId: 'fleet',
        input: {
          entries,
          streams,
          external: { enabled: true, interval: 0, atStart: false, skydio: false, generic: true, ...external },
          externalStreams: { maxStreams },
          demoWhenNone: false,
          pollEvery: 10_000,
          storage: { warnPercent: 80, blockPercent: 90 },
        },
        inspect: observer.inspect,
      },
    )
    fleet.start()
    ends.push(() => fleet.stop())
    const directory = createDirectory({ fleet, observer, startedAt: 0 })
    const ask = createExternalAsk({ fleet, facts: bus, directory, clock, scanLimit })
    for (let i = 0; i < 5; i += 1) await turn()
    return {
      ask,
      fleet,
      saved,
      facts,
      cameras: () => directory.cameras(),
      device: (id: string) => fleet.system.get(`camera:${id}`).getSnapshot().context.device,
      asked: () => asked,
      isAborted: () => aborted,
      savingFails: (does: boolean) => {
        fails = does
      },
      /** Answers for the target at this port, once the scan asks it. */
      async answer(port: number, codec: string | undefined, reason?: string, answered = codec !== undefined) {
        while (!answers.has(port)) await turn()
        const reply = answers.get(port)
        answers.delete(port)
        const found = codec === undefined ? [] : target(port).candidates.map((candidate) => ({ ...candidate, codec }))
        reply?.({ found, answered, ...(reason !== undefined && { reason }) })
        await turn()
      },
    }
  }
})
