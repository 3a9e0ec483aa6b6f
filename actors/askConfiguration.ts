import { type ActorRefFrom, waitFor } from 'xstate'
import { type configurationMachine, configurationView } from '../machines/configuration.js'
import {
  type ConfigAsk,
  type ConfigFault,
  type ConfigHistory,
  type ConfigOutcome,
  ConfigRefusal,
  type ConfigRequest,
  type ConfigRules,
} from '../machines/domain/configuration.js'
import { dependencyFailed, notFound, reasonOf, ServiceError } from '../machines/domain/errors.js'
import type { ConfigFact, Fact } from '../machines/domain/facts.js'
import type { Reason } from '../machines/domain/reason.js'
import type { Facts } from './facts.js'
import { outcomeOf } from './outcome.js'

interface ConfigurationAskPorts {
  /** `undefined` while the service starts. */
  actor: () => ActorRefFrom<typeof configurationMachine> | undefined
  facts: Facts
  rules: ConfigRules
  history: Pick<ConfigHistory, 'list'>
  /** The text until the actor has started. */
  text: string
}

/** Limit in ms, against bugs only: 16 changes may wait for each other, and each for `config.rollback_timeout`. */
const patience = 6 * 3_600_000

export function createConfigurationAsk({
  actor,
  facts,
  rules,
  history,
  text: first,
}: ConfigurationAskPorts): ConfigAsk {
  const present = () => {
    const found = actor()
    return found ? configurationView(found.getSnapshot()) : { version: 0, changing: false, text: first }
  }
  const needActor = () => {
    const found = actor()
    if (found?.getSnapshot().status !== 'active') throw notRunning()
    return found
  }

  const change = async (request: Extract<ConfigRequest, { origin: 'client' }>): Promise<ConfigOutcome> => {
    const found = needActor()
    const event = { type: 'config.request', request } as const
    if (!found.getSnapshot().can(event)) throw tooManyChanges()
    const asking = {
      actor: found,
      send: () => found.send(event),
      gone: { complete: new Error('the service is stopping'), error: new Error('an internal error occurred') },
    }
    const isOutcome = (fact: Fact): fact is ConfigFact => isConfigFact(fact) && fact.by === request.by
    const fact = await outcomeOf(facts, asking, isOutcome, patience).catch((error: unknown) => {
      throw dependencyFailed('configuration', reasonOf(error))
    })
    if (fact.type === 'config.refused') throw refusalOf(fact.reason, fact.faults, request)
    if (fact.type === 'config.rolledBack') throw rolledBack(fact.reason, fact.fileDiffers)
    const { version, changes, needsRestart, warnings } = fact
    return { version, changes, needsRestart, warnings }
  }

  return {
    view() {
      const { text, ...view } = present()
      return { ...view, ...rules.describe(text) }
    },
    async versions() {
      const versions = await history.list().catch((error: unknown) => {
        throw dependencyFailed('storage', reasonOf(error))
      })
      return versions.map(({ text: _text, ...version }) => version)
    },
    plan(patch) {
      const { text, version } = present()
      try {
        const { changes, needsRestart, warnings } = rules.compare(text, rules.patch(text, patch))
        return { version, changes, needsRestart, warnings }
      } catch (error) {
        throw error instanceof ConfigRefusal ? invalid(error.faults) : error
      }
    },
    set: (patch, by) => change({ origin: 'client', by, patch }),
    restore: (version, by) => change({ origin: 'client', by, version }),
    async reload() {
      const found = actor()
      if (!found) return
      found.send({ type: 'config.request', request: { origin: 'signal' } })
      // A machine that ends or crashes meanwhile reads nothing any more.
      await waitFor(found, (snapshot) => snapshot.hasTag('idle') && !snapshot.context.requests.length).catch(() => {})
    },
  }
}

const isConfigFact = (fact: Fact): fact is ConfigFact => fact.type.startsWith('config.')

function refusalOf({ code, details }: Reason, faults: readonly ConfigFault[], request: ConfigRequest): ServiceError {
  switch (code) {
    case 'config_invalid':
      return invalid(faults)
    case 'config_no_file':
      return new ServiceError('unsupported', {
        reason: code,
        feature: 'set_config',
        details,
        suggestion: 'Start the service with --config FILE, or set CAMERA_SERVICE_CONFIG',
      })
    case 'config_version_unknown':
      return notFound('Version', 'version' in request ? String(request.version) : '')
    case 'config_conflict':
      return invalidState('changed', 'in force', details, 'Correct the file, or call rollback_config', code)
    case 'config_read_only':
      return new ServiceError('dependencyFailed', {
        reason: code,
        dependency: 'configuration',
        detail: `${details}; nothing was changed`,
        suggestion:
          'Let the service write the folder of the file (with systemd: ReadWritePaths= in a drop-in), or edit the ' +
          'file and reload the service',
      })
    default:
      return dependencyFailed('configuration', { code, details: `${details}; nothing was changed` })
  }
}

/** Names the first fault as `param` and `rule`; the details name all of them. */
function invalid(faults: readonly ConfigFault[]): ServiceError {
  const [{ key, rule } = { key: 'patch', rule: 'is invalid' }] = faults
  return new ServiceError('invalidParams', {
    reason: 'config_invalid',
    param: key || 'patch',
    rule,
    details: new ConfigRefusal(faults).message,
    faults: faults.map(({ key, value, rule }) => ({ key, value, rule })),
  })
}

const rolledBack = ({ code, details }: Reason, fileDiffers: boolean) =>
  new ServiceError('dependencyFailed', {
    reason: code,
    dependency: 'configuration',
    detail: `the change was reverted${fileDiffers ? ', but the file still holds it' : ''}: ${details}`,
    suggestion: 'Correct the change; get_camera_list returns the state of each camera',
  })

const invalidState = (state: string, allowed: string, details: string, suggestion: string, reason = 'invalid_state') =>
  new ServiceError('invalidState', { reason, state, allowed_states: [allowed], details, suggestion })

const notRunning = () =>
  invalidState('not running', 'running', 'the service is starting or stopping', 'Try again when the service runs')

const tooManyChanges = () =>
  invalidState('busy', 'ready', 'too many changes of the configuration are pending', 'Wait for the earlier replies')
