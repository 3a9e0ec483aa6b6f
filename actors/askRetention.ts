import { type ActorRefFrom, waitFor } from 'xstate'
import { dependencyFailed, reasonOf, ServiceError } from '../machines/domain/errors.js'
import type { Fact, RetentionFact, Told } from '../machines/domain/facts.js'
import type { Reason } from '../machines/domain/reason.js'
import {
  type Cleanup,
  type RetentionAsk,
  type RetentionPolicy,
  type RetentionView,
  undatedReason,
} from '../machines/domain/retention.js'
import { type retentionMachine, retentionView } from '../machines/retention.js'
import { mostKept, type RetentionEvent } from '../machines/retentionSetup.js'
import type { Survey } from './effects/retention.js'
import type { Facts } from './facts.js'

type RetentionActor = ActorRefFrom<typeof retentionMachine>

interface RetentionAskPorts {
  /** `undefined` while the service starts. */
  actor: () => RetentionActor | undefined
  facts: Facts
  survey: Survey
  /** The policy until the actor has started. */
  policy: RetentionPolicy
}

/** Limit in ms, long enough to delete thousands of files one after the other. */
const patience = 30 * 60_000

export function createRetentionAsk({ actor, facts, survey, policy: first }: RetentionAskPorts): RetentionAsk {
  const needActor = () => {
    const found = actor()
    if (found?.getSnapshot().status !== 'active') throw dependencyFailed('storage', 'retention is not running')
    return found
  }
  /**
   * Waits until the actor accepts the event. `can` and `send` run in one tick. A sweep is refused while files are
   * withheld from deletion, because that may last for ever.
   */
  const send = async (event: RetentionEvent): Promise<RetentionActor> => {
    for (;;) {
      const found = needActor()
      if (found.getSnapshot().can(event)) {
        found.send(event)
        return found
      }
      const { suspension } = retentionView(found.getSnapshot())
      if (found.getSnapshot().hasTag('withheld') && suspension) throw withheld(suspension)
      await waitFor(found, (snapshot) => snapshot.can(event) || snapshot.hasTag('withheld'), {
        timeout: patience,
      }).catch((error: unknown) => {
        throw dependencyFailed('storage', reasonOf(error))
      })
    }
  }
  const view = (): RetentionView => {
    const found = actor()
    return found ? retentionView(found.getSnapshot()) : { policy: first }
  }
  return {
    view,

    async setPolicy(policy, by) {
      const found = await send({ type: 'policy.set', policy, by })
      const { context } = await waitFor(found, (snapshot) => !snapshot.hasTag('changing'), { timeout: patience })
      if (context.policy !== policy) throw dependencyFailed('storage', context.reason ?? 'the policy cannot be saved')
      return policy
    },

    async cleanUp({ dryRun, by, cameras, acceptsLoss = false }) {
      if (dryRun) {
        const { policy, wrongTimes } = view()
        const plan = survey({ policy, by, ...(wrongTimes && { wrongTimes }), ...(cameras && { cameras }) })
        const { files, undated } = await plan.catch((error: unknown) => {
          throw dependencyFailed('storage', reasonOf(error))
        })
        return {
          dryRun,
          files: files.map(({ kind, name, bytes }) => ({ kind, name, bytes })),
          freed: files.reduce((sum, { bytes }) => sum + bytes, 0),
          kept: undated.slice(0, mostKept).map(({ name }) => ({ name, reason: undatedReason })),
        }
      }
      const files: Cleanup['files'] = []
      const ended = new AbortController()
      const isMine = (fact: Fact): fact is RetentionFact => 'by' in fact && fact.by === by
      const swept = facts.next((fact): fact is Swept => fact.type === 'retention.swept' && isMine(fact), ended.signal)
      swept.catch(() => {})
      const unsubscribe = facts.subscribe((fact) => {
        if (fact.type === 'file.deleted' && isMine(fact))
          files.push({ kind: fact.kind, name: fact.name, bytes: fact.bytes })
      })
      try {
        const found = await send({
          type: 'retention.sweep',
          by,
          ...(cameras && { cameras }),
          ...(acceptsLoss && { acceptsLoss }),
        })
        return await outcome(found, swept, files, ended.signal)
      } finally {
        unsubscribe()
        ended.abort()
      }
    },
  }
}

const withheld = ({ code, details }: Reason) =>
  new ServiceError('invalidState', {
    reason: code,
    state: 'suspended',
    allowed_states: ['not suspended'],
    details,
  })

type Swept = Extract<RetentionFact, { type: 'retention.swept' }>

/** Also resolves when the service ends, because an interrupted sweep emits no fact. */
async function outcome(
  actor: RetentionActor,
  swept: Promise<Told<Swept>>,
  files: Cleanup['files'],
  signal: AbortSignal,
): Promise<Cleanup> {
  const gone = waitFor(actor, (snapshot) => snapshot.status !== 'active', { timeout: patience, signal }).then(
    () => undefined,
    () => undefined,
  )
  const fact = await Promise.race([swept, gone])
  const before = `${files.length} files were deleted before`
  if (fact === undefined) throw dependencyFailed('storage', `the service ended; ${before}`)
  const { freed, kept, reason } = fact
  if (reason !== undefined) throw dependencyFailed('storage', `the cleanup ended early: ${reason}; ${before}`)
  return { dryRun: false, files, freed, kept }
}
