import { assign, emit, enqueueActions, sendParent, setup } from 'xstate'
import type { By } from './domain/by.js'
import {
  type ConfigOrigin,
  type ConfigPlan,
  ConfigRefusal,
  type ConfigRequest,
  type HealthScope,
  type LiveSettings,
  type Tuning,
} from './domain/configuration.js'
import type { ConfigFact } from './domain/facts.js'
import { because, type Reason, reasonFrom } from './domain/reason.js'
import { callbackHole, promiseHole } from './hole.js'

/** The text of the version that was confirmed last, and the settings that follow from it. */
interface Confirmed {
  text: string
  settings: LiveSettings
}

/** A change that is not confirmed yet. */
export interface PendingChange {
  plan: ConfigPlan
  request: ConfigRequest
}

/** `unconfirmed`: a change that an earlier run of the machine could not finish. */
export interface ConfigurationInput extends Confirmed {
  unconfirmed?: PendingChange
}

export type ConfigurationEvent =
  | { type: 'config.request'; request: ConfigRequest }
  /** The file may have changed. */
  | { type: 'file.changed' }
  /** From the parent: the cameras have the settings, or their orders to reconnect. */
  | { type: 'settings.applied'; scope: HealthScope }
  /** `fault` is absent if the service is as healthy as before the change. */
  | { type: 'health.judged'; fault?: Reason | undefined }

/** Sent to the parent. */
export type ConfigurationMessage =
  /** These settings are in force now. The parent replies with `settings.applied`. */
  | { type: 'settings.changed'; by?: By | undefined; settings: LiveSettings }
  /** Before a change touches anything, and after it was accepted, refused or reverted: what a restart begins with. */
  | ({ type: 'change.pending' } & PendingChange)
  | ({ type: 'change.settled' } & Confirmed)

interface ConfigurationContext extends Confirmed {
  /** Number of the version in force; 0: none is kept. */
  version: number
  /** The first request is in progress; the others wait. */
  requests: ConfigRequest[]
  plan?: ConfigPlan | undefined
  scope?: HealthScope | undefined
  /** After a rollback: the file still holds the change. */
  fileDiffers?: boolean
  /** Why the file, or the last change, is not in force, or not kept. */
  reason?: Reason | undefined
}

/** Maximum number of pending requests. */
const mostRequests = 16

/** A version to keep. */
export interface VersionToKeep {
  text: string
  origin: ConfigOrigin
  by?: By
  limit: number
}

/** `expected`: the text that the file must have; absent: any. */
export interface Application {
  text?: string
  expected?: string
  tuning: Tuning
}

/** The events, effects, guards and actions of the statechart in `configuration.ts`. */
export const configurationSetup = setup({
  types: {
    input: {} as ConfigurationInput,
    context: {} as ConfigurationContext,
    events: {} as ConfigurationEvent,
    emitted: {} as ConfigFact,
    tags: {} as 'idle' | 'changing',
  },
  actors: {
    watchFile: callbackHole('watchFile'),
    /** Reads and validates. Rejects with a Failure, for broken rules with ConfigRefusal. */
    planChange: promiseHole<ConfigPlan, { request: ConfigRequest; text: string }>('planChange'),
    /** Writes the file if there is a text, then tunes the parts outside of the machines. */
    applyChange: promiseHole<void, Application>('applyChange'),
    /** Tunes, then writes the file if there is a text. Resolves with whether the file still holds another text. */
    revertChange: promiseHole<{ fileDiffers: boolean }, Application>('revertChange'),
    /** Resolves with the number of the version. */
    keepVersion: promiseHole<number, VersionToKeep>('keepVersion'),
    watchHealth: callbackHole<HealthScope>('watchHealth'),
  },
  guards: {
    /** An earlier run of the machine left a change. */
    isInterrupted: ({ context }) => context.plan !== undefined,
    hasRoom: ({ context }) => context.requests.length < mostRequests,
    hasRequest: ({ context }) => context.requests.length > 0,
    isFileChange: ({ context }) => context.requests[0]?.origin === 'file',
    changesNothing: ({ context }) => context.plan?.changes.length === 0,
    concernsNobody: ({ context }) => context.scope?.cameras.length === 0,
    isFault: (_, { fault }: { fault?: Reason | undefined }) => fault !== undefined,
  },
  actions: {
    addRequest: assign({
      requests: ({ context }, { request }: { request: ConfigRequest }) => [...context.requests, request],
    }),
    /** One reading after the request in progress is enough. */
    addReload: assign({
      requests: ({ context: { requests } }): ConfigRequest[] =>
        requests.slice(1).some(({ origin }) => origin !== 'client') ? requests : [...requests, { origin: 'file' }],
    }),
    dropRequest: assign({
      requests: ({ context }) => context.requests.slice(1),
      plan: undefined,
      scope: undefined,
    }),
    keepPlan: assign({ plan: (_, { plan }: { plan: ConfigPlan }) => plan }),
    clearReason: assign({ reason: undefined }),
    keepScope: assign({ scope: (_, { scope }: { scope: HealthScope }) => scope }),
    forgetVersion: assign({ version: 0 }),
    noteFile: assign((_, { fileDiffers }: { fileDiffers: boolean }) => ({ fileDiffers })),
    takeVersion: assign({ version: (_, { version }: { version: number }) => version }),
    acceptPlan: assign(({ context: { plan } }) =>
      plan ? { text: plan.text, settings: plan.settings, reason: undefined } : {},
    ),
    noteFailure: assign({ reason: (_, { error }: { error: unknown }) => reasonFrom(error) }),
    noteFault: assign({ reason: (_, { fault }: { fault?: Reason | undefined }) => fault }),
    noteInterruption: assign({
      reason: because('crashed', 'the change was reverted, because an internal error interrupted it'),
    }),
    noteUnanswered: assign({ reason: because('config_unhealthy', 'the cameras could not be informed in time') }),
    sendPending: enqueueActions(
      ({
        context: {
          plan,
          requests: [request],
        },
        enqueue,
        self,
      }) => {
        if (plan && request && self._parent) enqueue.sendTo(self._parent, { type: 'change.pending', plan, request })
      },
    ),
    sendSettled: sendParent(
      ({ context: { text, settings } }): ConfigurationMessage => ({ type: 'change.settled', text, settings }),
    ),
    sendSettings: sendParent(
      ({ context: { plan, settings, requests } }): ConfigurationMessage => ({
        type: 'settings.changed',
        settings: plan?.settings ?? settings,
        by: requests[0]?.by,
      }),
    ),
    sendPrevious: sendParent(
      ({ context: { settings, requests } }): ConfigurationMessage => ({
        type: 'settings.changed',
        settings,
        by: requests[0]?.by,
      }),
    ),
    tellOutcome: emit(({ context }): ConfigFact => {
      const { plan, version } = context
      const { changes = [], needsRestart = [], warnings = [] } = plan ?? {}
      const type = changes.length === 0 ? 'config.unchanged' : 'config.changed'
      return { type, version, changes, needsRestart, warnings, ...authorOf(context) }
    }),
    tellRefused: enqueueActions(({ context, enqueue }, { error }: { error: unknown }) => {
      const reason = reasonFrom(error, 'config_unreadable')
      const faults = error instanceof ConfigRefusal ? error.faults : []
      // A client learns it from its reply; the file stays as it was.
      if (context.requests[0]?.origin !== 'client') enqueue.assign({ reason })
      enqueue.emit({ type: 'config.refused', reason, faults, ...authorOf(context) })
    }),
    tellRolledBack: emit(
      ({ context }): ConfigFact => ({
        type: 'config.rolledBack',
        reason: context.reason ?? because('config_unhealthy'),
        changes: context.plan?.changes ?? [],
        /** The service does not write over what somebody else has written. */
        fileDiffers: context.plan?.writes === false || context.fileDiffers === true,
        ...authorOf(context),
      }),
    ),
  },
  delays: {
    debounce: 300,
    /** For the fleet to inform the cameras: new ids are saved first. */
    applyLimit: 30_000,
    settle: ({ context }) => settleOf(context),
    /** A camera that is back in time must still stay for a moment. */
    rollbackTimeout: ({ context }) => timeoutOf(context) + settleOf(context),
  },
})

const timeoutOf = ({ plan, settings }: ConfigurationContext) => (plan?.settings ?? settings).rollbackTimeout

const settleOf = (context: ConfigurationContext) => Math.min(2_000, timeoutOf(context) / 2)

const authorOf = ({ requests: [request] }: ConfigurationContext) => ({
  origin: request?.origin ?? ('file' as const),
  ...(request?.by && { by: request.by }),
})
