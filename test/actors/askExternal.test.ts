import { expect } from 'chai'
import { ServiceError } from '../../machines/domain/errors.js'
import type { CameraEntry } from '../../machines/domain/ports.js'
import { because } from '../../machines/domain/reason.js'
import { turn } from '../support/later.js'
import { endFleets, startExternal } from './externalFleet.js'

const by = { user: 'ann', request: '1', session: 's1' }
const gate = { url: 'rtsp://ann:secret@10.0.0.7/live', name: 'Gate', type: 'generic_rtsp' as const, by }
const plain = 'rtsp://10.0.0.7/live'
const refusal = async (promise: Promise<unknown>): Promise<ServiceError> => {
  const outcome = await promise.then(
    () => 'the call was not refused',
    (error: unknown) => error,
  )
  if (outcome instanceof ServiceError) return outcome
  throw new Error(String(outcome))
}

describe('requests for external streams', () => {
  afterEach(endFleets)

  describe('adding', () => {
    it('saves the stream, returns its camera, and shows no credentials', async () => {
      const { ask, saved, cameras } = await startExternal()
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

    it('returns the same stream for the same source, in any spelling of its URL', async () => {
      const { ask, saved, cameras } = await startExternal()
      await ask.add(gate)
      for (const url of [gate.url, plain, 'RTSP://0xa.7:554/live']) {
        expect(await ask.add({ ...gate, url, name: 'Other' })).to.include({ camera: 'camera0', name: 'Gate' })
      }
      expect([saved.length, cameras().length]).to.deep.equal([1, 1])
    })

    it('replaces the password of a stream', async () => {
      const { ask, saved, device } = await startExternal()
      await ask.add(gate)
      expect(await ask.add({ ...gate, url: 'rtsp://ann:better@10.0.0.7/live' })).to.include({ camera: 'camera0' })
      expect(saved.at(-1)?.streams.map(({ url }) => url)).to.deep.equal(['rtsp://ann:better@10.0.0.7/live'])
      expect(device('camera0')).to.deep.include({ url: 'rtsp://ann:better@10.0.0.7/live' })
    })

    it('adds each of many simultaneous streams once', async () => {
      const { ask, saved, cameras } = await startExternal()
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
      const { ask, saved } = await startExternal({ entries })
      expect((await refusal(ask.add({ ...gate, url: 'http://10.0.0.7/' }))).data).to.include({ param: 'stream_url' })
      expect((await refusal(ask.add({ ...gate, url: 'rtsp://127.0.0.1:8554/camera0' }))).data.rule).to.equal(
        'must not lead back to this service',
      )
      const configured = await refusal(ask.add({ ...gate, url: 'rtsp://10.0.0.20/a' }))
      expect(configured.data).to.include({
        param: 'stream_url',
        rule: 'must not be the URL of a configured camera',
        details: 'the stream is configured as yard',
        suggestion: 'Use the configured camera',
      })
      expect(saved).to.deep.equal([])
    })

    it('is refused for a name that cannot be resolved, in other words than for one that nobody could look up', async () => {
      const unknown = because('name_unknown', 'the name door.example is not known: check it')
      const unanswered = because('name_unanswered', 'the name yard.example could not be looked up: check DNS')
      const { ask, saved } = await startExternal({
        unresolved: { 'door.example': unknown, 'yard.example': unanswered },
      })
      const wrong = await refusal(ask.add({ ...gate, url: 'rtsp://ann:secret@door.example/a' }))
      expect([wrong.key, wrong.data]).to.deep.equal([
        'invalidParams',
        {
          reason: 'name_unknown',
          param: 'stream_url',
          rule: 'must contain a host that can be found',
          details: unknown.details,
          suggestion: 'Correct the host in the URL, or use the address of the camera',
        },
      ])
      const silent = await refusal(ask.add({ ...gate, url: 'rtsp://yard.example/a' }))
      expect([silent.key, silent.data]).to.deep.equal([
        'dependencyFailed',
        { reason: 'name_unanswered', dependency: 'external_discovery', detail: unanswered.details },
      ])
      expect(saved).to.deep.equal([])
    })

    it('is refused if the limit is reached', async () => {
      const { ask } = await startExternal({ maxStreams: 1 })
      await ask.add(gate)
      await ask.add(gate)
      const { key, data } = await refusal(ask.add({ ...gate, url: 'rtsp://10.0.0.8/' }))
      expect([key, data]).to.deep.equal([
        'invalidState',
        {
          reason: 'limit_reached',
          state: 'full',
          allowed_states: ['not full'],
          details: 'the limit of 1 added streams is reached',
          suggestion: 'Remove a stream, or raise external_discovery.max_streams',
        },
      ])
    })

    it('has no effect if it cannot be saved, and does not block the next change', async () => {
      const { ask, cameras, savingFails } = await startExternal()
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
      const { ask, fleet } = await startExternal()
      fleet.send({ type: 'system.stop', reason: 'SIGTERM' })
      const { key, data } = await refusal(ask.add(gate))
      expect([key, data.state]).to.deep.equal(['invalidState', 'not running'])
    })
  })

  describe('removing', () => {
    it('saves the list, and resolves when the camera is gone', async () => {
      const { ask, saved, cameras } = await startExternal({
        streams: [{ url: gate.url, name: 'Gate', type: 'generic_rtsp', addedAt: 1 }],
      })
      expect(cameras()).to.have.length(1)
      await ask.remove(plain, by)
      expect([cameras(), saved, ask.view().streams]).to.deep.equal([[], [{ streams: [] }], []])
      expect((await refusal(ask.remove(plain, by))).message).to.equal('Stream not found')
    })

    it('refuses an earlier addition whose camera does not exist yet', async () => {
      const { ask, cameras } = await startExternal()
      const added = refusal(ask.add({ ...gate, by: { ...by } }))
      await ask.remove(plain, { ...by })
      const { key, data } = await added
      expect([key, data.state, cameras()]).to.deep.equal(['invalidState', 'removed', []])
    })

    it('does not show a password in an error', async () => {
      const { ask } = await startExternal()
      expect(JSON.stringify((await refusal(ask.remove(gate.url, by))).data)).not.to.contain('secret')
    })

    it('changes nothing if it cannot be saved', async () => {
      const { ask, cameras, savingFails } = await startExternal()
      await ask.add(gate)
      savingFails(true)
      expect(await refusal(ask.remove(plain, by))).to.include({ key: 'dependencyFailed' })
      expect(cameras()).to.have.length(1)
    })
  })

  describe('the interval', () => {
    it('is saved and applies at once; later changes save an interval only if a client has set it', async () => {
      const { ask, saved } = await startExternal({ external: { interval: 60_000 } })
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
      const { ask, answer, asked } = await startExternal()
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

    it('joins the present scan, and probes targets that have just answered only if forced', async () => {
      const { ask, answer, asked, facts } = await startExternal()
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
      expect(asked().slice(6), 'only the target that did not answer').to.deep.equal([555])
      // At most one per second, so the first one of each scan.
      expect(facts.filter(({ type }) => type === 'discovery.progress')).to.have.length(4)
    })

    it('lists streams that do not answer if requested', async () => {
      const { ask, answer } = await startExternal()
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

    it('ends at its limit with the streams found so far, and names the configuration key', async () => {
      const { ask, answer } = await startExternal({ scanLimit: 100 })
      const found = ask.discover(request)
      await answer(554, 'H264')
      const { streams, errors } = await found
      expect(streams).to.have.length(1)
      expect(errors[0]).to.equal(
        'the scan timed out after 0.1 s with 1 of 3 addresses probed: ' +
          'raise external_discovery.scan_timeout or max_concurrent_scans',
      )
    })

    it('ends when the last waiting client disconnects', async () => {
      const { ask, isAborted } = await startExternal()
      const waiting = [ask.discover(request), ask.discover({ ...request, by: { ...by, session: 's2' } })]
      await turn()
      ask.leave('s1')
      expect(ask.view().scanning).to.equal(true)
      ask.leave('s2')
      expect([ask.view().scanning, isAborted()]).to.deep.equal([false, true])
      for (const { errors } of await Promise.all(waiting)) expect(errors).to.deep.equal(['the scan was cancelled'])
    })

    it('ends together with the next scan when the client of both disconnects', async () => {
      const { ask, isAborted } = await startExternal()
      const waiting = [ask.discover({ ...request, by: { ...by } }), ask.discover({ ...request, force: true })]
      await turn()
      ask.leave('s1')
      expect([ask.view().scanning, isAborted()]).to.deep.equal([false, true])
      for (const { errors } of await Promise.all(waiting)) expect(errors).to.deep.equal(['the scan was cancelled'])
    })

    it('continues a scheduled scan when a client that joined it disconnects', async () => {
      const { ask } = await startExternal({ external: { atStart: true } })
      const found = ask.discover(request)
      found.catch(() => {})
      await turn()
      ask.leave('s1')
      expect(ask.view().scanning).to.equal(true)
    })

    it('is refused if the service stops meanwhile', async () => {
      const { ask, fleet } = await startExternal()
      const found = refusal(ask.discover(request))
      fleet.send({ type: 'system.stop', reason: 'SIGTERM' })
      const { key, data } = await found
      expect([key, data.detail]).to.deep.equal(['dependencyFailed', 'the service is stopping'])
    })
  })

  it('are unsupported while discovery is disabled, and the list is empty', async () => {
    const { ask } = await startExternal({ external: { enabled: false } })
    expect(ask.view()).to.deep.equal({ enabled: false, scanning: false, interval: 0, streams: [] })
    const calls = [
      ask.add(gate),
      ask.remove(plain, by),
      ask.scanEvery(1, by),
      ask.discover({ skydio: true, generic: true, force: true, includeOffline: true, by }),
    ]
    for (const call of calls) expect(await refusal(call)).to.include({ key: 'unsupported' })
  })
})
