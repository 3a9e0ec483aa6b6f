import { expect } from 'chai'
import { createActor, fromPromise, setup } from 'xstate'
import type { By } from '../../machines/domain/by.js'
import type { AddedStream, ExternalState, ExternalStream } from '../../machines/domain/external.js'
import type { ExternalFact } from '../../machines/domain/facts.js'
import type { CameraEntry } from '../../machines/domain/ports.js'
import { because, Failure } from '../../machines/domain/reason.js'
import type { CameraView } from '../../machines/domain/views.js'
import {
  type ExternalStreamsEvent,
  type ExternalStreamsInput,
  type ExternalStreamsMessage,
  externalStreamsMachine,
  listStreams,
} from '../../machines/externalStreams.js'
import { later, turn } from '../support/later.js'

const by: By = { user: 'ann', request: '1', session: 's1' }
const gate: AddedStream = { url: 'rtsp://ann:secret@10.0.0.7/live', name: 'Gate', type: 'generic_rtsp', addedAt: 1 }
const plain = 'rtsp://10.0.0.7/live'
const add = (changes: Partial<AddedStream> = {}, who = by): ExternalStreamsEvent => ({
  type: 'stream.add',
  stream: { ...gate, ...changes },
  by: who,
})
const remove = (url = plain): ExternalStreamsEvent => ({ type: 'stream.remove', url, by })
const setInterval = (interval: number): ExternalStreamsEvent => ({ type: 'interval.set', interval, by })
const refused = (...reason: Parameters<typeof because>): ExternalFact => ({
  type: 'externalStream.refused',
  reason: because(...reason),
  by,
})

describe('external streams', () => {
  it('saves an added stream before it notifies the parent and emits the fact', async () => {
    const { send, saving, saved, messages, facts } = externalStreams({ hold: true })
    await send(add())
    expect([saved, messages, facts]).to.deep.equal([[{ streams: [gate] }], [], []])
    saving.resolve()
    await turn()
    expect(messages).to.deep.equal([{ type: 'streams.changed', streams: [gate] }])
    expect(facts).to.deep.equal([{ type: 'externalStream.added', url: plain, by }])
    expect(facts[0]?.by, 'the same object as in the event').to.equal(by)
  })

  it('does not save a known stream again, in any spelling of its URL', async () => {
    const { send, saved, messages, facts, checked } = externalStreams({ streams: [gate] })
    const urls = [gate.url, plain, 'rtsp://10.0.0.7:554/live']
    for (const url of urls) await send(add({ url, name: 'Other' }))
    const outcome = { type: 'externalStream.unchanged', by }
    expect(facts).to.deep.equal([plain, plain, urls[2]].map((url) => ({ ...outcome, url })))
    expect([saved, messages, checked]).to.deep.equal([[], [], []])
  })

  it('takes another limit and other configured cameras', async () => {
    const { actor, send, facts } = externalStreams({ maxStreams: 0 })
    const entry: CameraEntry = { name: 'gate', source: { kind: 'rtsp', url: plain }, enabled: true, settings: {} }
    actor.send({ type: 'streams.configured', entries: [entry], maxStreams: 1 })
    await send(add())
    await send(add({ url: 'rtsp://10.0.0.8/' }))
    expect(facts.map(({ type }) => type)).to.deep.equal(['externalStream.refused', 'externalStream.added'])
    expect(facts[0]).to.deep.equal(refused('already_configured', 'the stream is configured as gate'))
  })

  it('replaces the credentials of a known stream, and keeps its name and time', async () => {
    const { send, messages } = externalStreams({ streams: [gate] })
    const url = 'rtsp://ann:better@10.0.0.7/live'
    await send(add({ url, name: 'Other', addedAt: 9 }))
    expect(messages).to.deep.equal([{ type: 'streams.changed', streams: [{ ...gate, url }] }])
  })

  it('removes a stream in any spelling of its URL', async () => {
    const { send, saved, messages, facts } = externalStreams({ streams: [gate] })
    await send(remove('rtsp://bob:guess@10.0.0.7:554/live'))
    expect(saved).to.deep.equal([{ streams: [] }])
    expect(messages).to.deep.equal([{ type: 'stream.removed', key: 'rtsp://10.0.0.7:554/live', by }])
    expect(facts).to.deep.equal([{ type: 'externalStream.removed', url: 'rtsp://10.0.0.7:554/live', by }])
  })

  it('saves the interval with the streams after a client has set it', async () => {
    const { send, saved, messages, facts } = externalStreams()
    await send(add())
    await send(setInterval(5_000))
    await send(remove())
    expect(saved).to.deep.equal([
      { streams: [gate] },
      { streams: [gate], interval: 5_000 },
      { streams: [], interval: 5_000 },
    ])
    expect(messages[1]).to.deep.equal({ type: 'interval.changed', interval: 5_000 })
    expect(facts[1]).to.deep.equal({ type: 'externalDiscovery.intervalSet', interval: 5_000, by })
  })

  describe('refuses', () => {
    const refusals: Record<string, { options?: Options; event: ExternalStreamsEvent; fact: ExternalFact }> = {
      'a configured stream, enabled or not': {
        options: {
          entries: [
            {
              name: 'yard',
              source: { kind: 'rtsp', url: 'rtsp://x:y@10.0.0.7:554/live' },
              enabled: false,
              settings: {},
            },
          ],
        },
        event: add(),
        fact: refused('already_configured', 'the stream is configured as yard'),
      },
      'a stream above the limit': {
        options: { streams: [gate], maxStreams: 1 },
        event: add({ url: 'rtsp://10.0.0.8/' }),
        fact: refused('limit_reached', 'the limit of 1 added streams is reached'),
      },
      'an address that is not allowed': {
        options: { rule: 'must not lead back to this service' },
        event: add(),
        fact: refused('address_refused', 'must not lead back to this service'),
      },
      'the removal of an unknown stream': { event: remove(), fact: refused('stream_unknown') },
      'a change that cannot be saved': {
        options: { failure: new Error('the list cannot be written (ENOSPC)') },
        event: setInterval(1_000),
        fact: refused('not_written', 'the list cannot be written (ENOSPC)'),
      },
      'a change whose save fails with a code': {
        options: { failure: new Failure('storage_full') },
        event: add(),
        fact: refused('storage_full'),
      },
    }
    for (const [what, { options, event, fact }] of Object.entries(refusals)) {
      it(`${what}, and changes nothing`, async () => {
        const { actor, send, messages, facts } = externalStreams(options)
        const before = actor.getSnapshot().context
        await send(event)
        expect([facts, messages]).to.deep.equal([[fact], []])
        expect(actor.getSnapshot().context).to.deep.equal(before)
        expect(actor.getSnapshot().value).to.equal('ready')
      })
    }

    it('a change while 64 are pending', async () => {
      const { actor, send, saved, saving } = externalStreams({ hold: true })
      for (let n = 0; n < 64; n += 1) {
        expect(actor.getSnapshot().can(setInterval(n))).to.equal(true)
        await send(setInterval(n))
      }
      expect(actor.getSnapshot().can(setInterval(64))).to.equal(false)
      saving.resolve()
      await turn()
      await turn()
      expect(saved.map(({ interval }) => interval)).to.deep.equal(Array.from({ length: 64 }, (_, n) => n))
    })
  })

  it('performs changes in order, one after the other', async () => {
    const { actor, saving, saved, facts } = externalStreams({ hold: true, maxStreams: 1 })
    const others = ['2', '3', '4'].map((request) => ({ ...by, request }))
    actor.send(add())
    actor.send(add({ url: 'rtsp://10.0.0.8/' }, others[0]))
    actor.send({ ...remove(), by: others[1] ?? by })
    actor.send(add({ url: 'rtsp://10.0.0.8/' }, others[2]))
    await turn()
    expect(saved).to.have.length(1)
    saving.resolve()
    for (let n = 0; n < 3; n += 1) await turn()
    expect(facts.map(({ type, by }) => [type, by.request])).to.deep.equal([
      ['externalStream.added', '1'],
      ['externalStream.refused', '2'],
      ['externalStream.removed', '3'],
      ['externalStream.added', '4'],
    ])
  })

  it('never emits a password in a fact', async () => {
    const { send, facts } = externalStreams({ maxStreams: 1 })
    const second = 'rtsp://ann:secret@10.0.0.8/'
    for (const event of [add(), add(), add({ url: second }), remove(second), remove(gate.url)]) await send(event)
    expect(facts).to.have.length(5)
    expect(JSON.stringify(facts)).not.to.contain('secret')
  })

  describe('list:', () => {
    const key = 'rtsp://10.0.0.7:554/live'
    const found: ExternalStream = {
      url: plain,
      type: 'generic_rtsp',
      name: 'RTSP 554',
      status: 'DISCOVERED',
      discoveredAt: 2,
      lastSeen: 3,
    }
    /** The fields of a camera that the list uses. */
    const camera = (changes: object) =>
      ({
        id: 'camera3',
        status: 'CONNECTED',
        identity: { key: `rtsp:${key}` },
        cause: {},
        ...changes,
      }) as unknown as CameraView
    const list = (options: Options, streams: ExternalStream[], cameras: CameraView[]) =>
      listStreams(externalStreams(options).actor.getSnapshot(), { found: streams, cameras, now: 50 })

    it('returns a found stream with the name and the camera of the added one', () => {
      expect(list({ streams: [gate] }, [found], [camera({})])).to.deep.equal([
        { ...found, name: 'Gate', camera: 'camera3' },
      ])
    })

    it('returns a found stream with its configured camera', () => {
      const entries: CameraEntry[] = [
        { name: 'yard', source: { kind: 'rtsp', url: 'rtsp://x:y@10.0.0.7:554/live' }, enabled: true, settings: {} },
      ]
      expect(list({ entries }, [found], [camera({ identity: { key: 'rtsp:yard' } })])).to.deep.equal([
        { ...found, camera: 'camera3' },
      ])
    })

    it('returns an added stream that no scan found, with the state of its camera', () => {
      const added = { url: plain, type: 'generic_rtsp', name: 'Gate', discoveredAt: 1 }
      expect(list({ streams: [gate] }, [], [])).to.deep.equal([
        { ...added, status: 'ERROR', lastSeen: 1, reason: because('not_started') },
      ])
      const mode = { fourcc: 'H264', width: 640, height: 480, fps: 30 }
      expect(list({ streams: [gate] }, [], [camera({ mode, pipeline: { mode } })])).to.deep.equal([
        {
          ...added,
          status: 'DISCOVERED',
          lastSeen: 50,
          camera: 'camera3',
          codec: 'H264',
          width: 640,
          height: 480,
        },
      ])
      const away = camera({
        status: 'DISCONNECTED',
        connectedAt: 9,
        cause: { reason: because('unreachable', 'timed out') },
      })
      expect(list({ streams: [gate] }, [], [away])).to.deep.equal([
        { ...added, status: 'ERROR', lastSeen: 9, camera: 'camera3', reason: because('unreachable', 'timed out') },
      ])
    })
  })

  interface Options extends Partial<ExternalStreamsInput> {
    /** Saving waits until the test resolves it. */
    hold?: boolean
    failure?: Error
    /** The rule that every address violates. */
    rule?: string
  }

  /** The machine with a parent that collects its messages. */
  function externalStreams({ hold = false, failure, rule, ...input }: Options = {}) {
    const saved: ExternalState[] = []
    const checked: string[] = []
    const messages: ExternalStreamsMessage[] = []
    const facts: ExternalFact[] = []
    const saving = later<void>()
    if (!hold) saving.resolve()
    const streams = externalStreamsMachine.provide({
      actors: {
        checkAddress: fromPromise(async ({ input }) => {
          checked.push(input.url)
          return rule
        }),
        saveStreams: fromPromise(async ({ input }) => {
          if (failure) throw failure
          saved.push(input)
          await saving.promise
        }),
      },
    })
    const parent = createActor(
      setup({
        types: { events: {} as ExternalStreamsMessage, children: {} as { streams: 'streams' } },
        actors: { streams },
        actions: { note: (_, message: ExternalStreamsMessage) => void messages.push(message) },
      }).createMachine({
        invoke: {
          src: 'streams',
          id: 'streams',
          input: () => ({ streams: [], entries: [], maxStreams: 64, ...input }),
        },
        on: {
          'streams.changed': { actions: { type: 'note', params: ({ event }) => event } },
          'stream.removed': { actions: { type: 'note', params: ({ event }) => event } },
          'interval.changed': { actions: { type: 'note', params: ({ event }) => event } },
        },
      }),
    ).start()
    const actor = parent.getSnapshot().children.streams
    if (!actor) throw new Error('the machine was not invoked')
    actor.on('*', (fact) => facts.push(fact))
    return {
      actor,
      saved,
      checked,
      messages,
      facts,
      saving,
      async send(event: ExternalStreamsEvent) {
        actor.send(event)
        await turn()
      },
    }
  }
})
