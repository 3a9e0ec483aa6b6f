import { type ActorRefFrom, type AnyActorRef, waitFor } from 'xstate'
import { dependencyFailed, notFound, reasonOf, ServiceError } from '../machines/domain/errors.js'
import { discoveryDisabled, type ExternalAsk, type ExternalStream } from '../machines/domain/external.js'
import type { DiscoveryFact, ExternalFact, Fact, Told } from '../machines/domain/facts.js'
import type { WallClock } from '../machines/domain/ports.js'
import type { Reason } from '../machines/domain/reason.js'
import { readStreamUrl, shownUrl, streamIdentity, streamKey } from '../machines/domain/streamUrl.js'
import type { externalDiscoveryMachine } from '../machines/externalDiscovery.js'
import { type ExternalStreamsEvent, type externalStreamsMachine, listStreams } from '../machines/externalStreams.js'
import { type Directory, type FleetActor, findCamera } from './directory.js'
import type { Facts } from './facts.js'
import { outcomeOf } from './outcome.js'

interface ExternalAskPorts {
  fleet: FleetActor
  facts: Facts
  directory: Pick<Directory, 'cameras'>
  clock: WallClock
  /** Limit of one scan, in ms. */
  scanLimit: number
}

/** The part of an actor that a request uses. */
interface Askable<Event> extends Pick<AnyActorRef, 'subscribe'> {
  getSnapshot(): { can(event: Event): boolean }
  send(event: Event): void
}

type Ended = Extract<DiscoveryFact, { type: 'discovery.ended' }>

/**
 * Limits in ms: for a change and all earlier ones, for a new camera to appear, for a removed camera to close its files.
 */
const changeLimit = 5 * 60_000
const appearLimit = 10_000
const leaveLimit = 30_000

/** `leave`: a client disconnected; ends a scan that no other client waits for. */
export function createExternalAsk({
  fleet,
  facts,
  directory,
  clock,
  scanLimit,
}: ExternalAskPorts): ExternalAsk & { leave(session: string): void } {
  const findDiscovery = () =>
    fleet.system.get('externalDiscovery') as ActorRefFrom<typeof externalDiscoveryMachine> | undefined
  const findStreams = () =>
    fleet.system.get('externalStreams') as ActorRefFrom<typeof externalStreamsMachine> | undefined

  const needActors = () => {
    const [discovery, streams] = [findDiscovery(), findStreams()]
    if (!discovery || !streams) throw notRunning()
    if (!discovery.getSnapshot().hasTag('enabled')) throw discoveryDisabled()
    return { discovery, streams }
  }

  const outcomeAfter = async <Event, F extends Fact>(
    actor: Askable<Event>,
    event: Event,
    isIt: (fact: Fact) => fact is F,
    limit: number,
  ): Promise<Told<F>> => {
    if (!actor.getSnapshot().can(event)) throw tooManyChanges()
    const request = {
      actor,
      send: () => actor.send(event),
      gone: { complete: new Error('the service is stopping'), error: new Error('an internal error occurred') },
    }
    return outcomeOf(facts, request, isIt, limit).catch((error: unknown) => {
      throw dependencyFailed('external_discovery', reasonOf(error))
    })
  }

  const change = async (event: ExternalStreamsEvent, url = '') => {
    const isOutcome = (fact: Fact): fact is ExternalFact => 'by' in fact && fact.by === event.by
    const fact = await outcomeAfter(needActors().streams, event, isOutcome, changeLimit)
    if (fact.type === 'externalStream.refused') throw refusalOf(fact.reason, url)
  }

  const found = () => findDiscovery()?.getSnapshot().context.found ?? []
  const list = (): ExternalStream[] => {
    const streams = findStreams()?.getSnapshot()
    return streams ? listStreams(streams, { found: found(), cameras: directory.cameras(), now: clock.now() }) : []
  }
  const cameraOf = (url: string) => directory.cameras().find(({ identity }) => identity.key === streamIdentity(url))

  return {
    view() {
      const discovery = findDiscovery()?.getSnapshot()
      if (!discovery?.hasTag('enabled')) return { enabled: false, scanning: false, interval: 0, streams: [] }
      const { interval } = discovery.context
      return { enabled: true, scanning: discovery.hasTag('scanning'), interval, streams: list() }
    },

    async discover({ skydio, generic, force, includeOffline, by }) {
      const { at, took, errors } = await outcomeAfter(
        needActors().discovery,
        { type: 'discovery.start', wish: { skydio, generic, force }, by },
        (fact): fact is Ended => fact.type === 'discovery.ended' && fact.askers?.includes(by) === true,
        2 * scanLimit + 5_000,
      )
      const isWanted = ({ type, status }: ExternalStream) =>
        (type === 'skydio_stanag4609' ? skydio : generic) && (status === 'DISCOVERED' || includeOffline)
      // Found streams come first in the list.
      return { streams: list().slice(0, found().length).filter(isWanted), at, took, errors }
    },

    async add({ url: text, name, type, by }) {
      const { url } = readStreamUrl(text)
      await change({ type: 'stream.add', stream: { url, name, type, addedAt: clock.now() }, by }, url)
      // Waits until the fleet has spawned the camera.
      await waitFor(fleet, (snapshot) => snapshot.hasTag('ready'), { timeout: appearLimit }).catch(() => {})
      needActors()
      const key = streamKey(url)
      const added = list().find((stream) => streamKey(stream.url) === key)
      if (!added) throw removedAgain()
      return added
    },

    async remove(url, by) {
      await change({ type: 'stream.remove', url, by }, url)
      const leaving = cameraOf(url)
      if (!leaving) return
      await waitFor(findCamera(fleet, leaving.id), ({ status }) => status !== 'active', { timeout: leaveLimit }).catch(
        () => {},
      )
    },

    scanEvery: (interval, by) => change({ type: 'interval.set', interval, by }),

    leave(session) {
      findDiscovery()?.send({ type: 'client.left', session })
    },
  }
}

function refusalOf(why: Reason, url: string): ServiceError {
  const { code, details } = why
  const invalidUrl = (rule: string, details: string, suggestion: string, reason = 'invalid_params') =>
    new ServiceError('invalidParams', { reason, param: 'stream_url', rule, details, suggestion })
  switch (code) {
    case 'address_refused':
      return invalidUrl(details, 'the address is not allowed', 'Use the address of a camera')
    case 'name_unknown': {
      const suggestion = 'Correct the host in the URL, or use the address of the camera'
      return invalidUrl('must contain a host that can be found', details, suggestion, code)
    }
    case 'name_unanswered':
      return dependencyFailed('external_discovery', why)
    case 'already_configured':
      return invalidUrl('must not be the URL of a configured camera', details, 'Use the configured camera')
    case 'limit_reached':
      return invalidState('full', 'not full', details, 'Remove a stream, or raise external_discovery.max_streams', code)
    case 'stream_unknown':
      return notFound('Stream', shownUrl(url))
    case 'not_written':
    case 'storage_full':
      return dependencyFailed('storage', `${details}; nothing was changed`)
    default:
      return dependencyFailed('external_discovery', details)
  }
}

const invalidState = (state: string, allowed: string, details: string, suggestion: string, reason = 'invalid_state') =>
  new ServiceError('invalidState', { reason, state, allowed_states: [allowed], details, suggestion })

const notRunning = () =>
  invalidState('not running', 'running', 'the service is starting or stopping', 'Try again when the service runs')

const removedAgain = () =>
  invalidState('removed', 'added', 'the stream was removed before its camera was ready', 'Add the stream again')

const tooManyChanges = () =>
  invalidState(
    'busy',
    'ready',
    'too many changes of external streams are pending',
    'Wait for the replies to earlier requests',
  )
