import type { SnapshotFrom } from 'xstate'
import { configurationSetup } from './configurationSetup.js'
import type { ConfigView } from './domain/configuration.js'

/**
 * Changes the configuration while the service runs. Requests run one after the other: the whole configuration is read
 * and validated, then applied, then confirmed. If the service is not as healthy as before within the time limit, the
 * change is reverted. A refused change leaves everything as it was. If the machine crashes during a change, it is
 * started again with the confirmed version and that change, and reverts it.
 */
export const configurationMachine = configurationSetup.createMachine({
  id: 'configuration',
  context: ({ input: { unconfirmed, ...confirmed } }) => ({
    ...confirmed,
    version: 0,
    requests: unconfirmed ? [unconfirmed.request] : [],
    plan: unconfirmed?.plan,
  }),
  invoke: { src: 'watchFile', onError: { actions: { type: 'noteFailure', params: ({ event }) => event } } },
  on: {
    'config.request': { guard: 'hasRoom', actions: { type: 'addRequest', params: ({ event }) => event } },
    'file.changed': { actions: 'addReload' },
  },
  initial: 'starting',
  states: {
    starting: {
      invoke: {
        src: 'keepVersion',
        input: ({ context: { text, settings } }) => ({ text, origin: 'start', limit: settings.history }),
        onDone: {
          target: 'idle',
          actions: { type: 'takeVersion', params: ({ event }) => ({ version: event.output }) },
        },
        onError: { target: 'idle', actions: { type: 'noteFailure', params: ({ event }) => event } },
      },
    },
    idle: {
      tags: 'idle',
      always: [
        { guard: 'isInterrupted', target: 'rollingBack', actions: 'noteInterruption' },
        { guard: 'isFileChange', target: 'debouncing' },
        { guard: 'hasRequest', target: 'reading' },
      ],
    },
    // Editors write a file in several steps.
    debouncing: {
      tags: 'changing',
      after: { debounce: 'reading' },
      on: { 'file.changed': { target: 'debouncing', reenter: true } },
    },
    reading: {
      tags: 'changing',
      invoke: {
        src: 'planChange',
        input: ({ context: { requests, text } }) => ({ request: requests[0] ?? { origin: 'file' }, text }),
        onDone: { target: 'applying', actions: { type: 'keepPlan', params: ({ event }) => ({ plan: event.output }) } },
        onError: {
          target: 'idle',
          actions: [{ type: 'tellRefused', params: ({ event }) => event }, 'dropRequest'],
        },
      },
    },
    applying: {
      tags: 'changing',
      entry: 'sendPending',
      initial: 'writing',
      states: {
        writing: {
          invoke: {
            src: 'applyChange',
            input: ({ context: { plan, settings } }) => ({
              ...(plan?.writes && { text: plan.text }),
              ...(plan?.expects !== undefined && { expected: plan.expects }),
              tuning: (plan?.settings ?? settings).tuning,
            }),
            onDone: [{ guard: 'changesNothing', target: '#configuration.keeping' }, { target: 'telling' }],
            onError: {
              target: '#configuration.idle',
              actions: [{ type: 'tellRefused', params: ({ event }) => event }, 'dropRequest', 'sendSettled'],
            },
          },
        },
        telling: {
          entry: ['clearReason', 'sendSettings'],
          on: {
            'settings.applied': {
              target: '#configuration.confirming',
              actions: { type: 'keepScope', params: ({ event }) => event },
            },
          },
          after: { applyLimit: { target: '#configuration.rollingBack', actions: 'noteUnanswered' } },
        },
      },
    },
    confirming: {
      tags: 'changing',
      invoke: {
        src: 'watchHealth',
        input: ({ context: { scope } }) => scope ?? { cameras: [], server: false },
        onError: { target: 'rollingBack', actions: { type: 'noteFailure', params: ({ event }) => event } },
      },
      after: { rollbackTimeout: 'rollingBack' },
      initial: 'waiting',
      states: {
        waiting: {
          on: {
            'health.judged': [
              {
                guard: { type: 'isFault', params: ({ event }) => event },
                actions: { type: 'noteFault', params: ({ event }) => event },
              },
              { guard: 'concernsNobody', target: '#configuration.keeping' },
              { target: 'settling' },
            ],
          },
        },
        // A camera that has just connected may be refused by the media server a moment later.
        settling: {
          after: { settle: '#configuration.keeping' },
          on: {
            'health.judged': {
              guard: { type: 'isFault', params: ({ event }) => event },
              target: 'waiting',
              actions: { type: 'noteFault', params: ({ event }) => event },
            },
          },
        },
      },
    },
    keeping: {
      tags: 'changing',
      invoke: {
        src: 'keepVersion',
        input: ({ context: { plan, text, settings, requests } }) => ({
          text: plan?.text ?? text,
          origin: requests[0]?.origin ?? 'file',
          limit: (plan?.settings ?? settings).history,
          ...(requests[0]?.by && { by: requests[0].by }),
        }),
        onDone: {
          target: 'idle',
          actions: [
            { type: 'takeVersion', params: ({ event }) => ({ version: event.output }) },
            'acceptPlan',
            'tellOutcome',
            'dropRequest',
            'sendSettled',
          ],
        },
        // The change is in force, although it cannot be kept as a version.
        onError: {
          target: 'idle',
          actions: [
            'forgetVersion',
            'acceptPlan',
            { type: 'noteFailure', params: ({ event }) => event },
            'tellOutcome',
            'dropRequest',
            'sendSettled',
          ],
        },
      },
    },
    rollingBack: {
      tags: 'changing',
      initial: 'restoring',
      states: {
        restoring: {
          invoke: {
            src: 'revertChange',
            // Somebody may have edited the file meanwhile.
            input: ({ context: { plan, text, settings } }) => ({
              ...(plan?.writes && { text, expected: plan.text }),
              tuning: settings.tuning,
            }),
            onDone: { target: 'telling', actions: { type: 'noteFile', params: ({ event }) => event.output } },
            onError: { target: 'telling', actions: { type: 'noteFile', params: { fileDiffers: true } } },
          },
        },
        telling: {
          entry: 'sendPrevious',
          on: { 'settings.applied': 'done' },
          after: { applyLimit: 'done' },
        },
        done: { type: 'final' },
      },
      onDone: { target: 'idle', actions: ['tellRolledBack', 'dropRequest', 'sendSettled'] },
    },
  },
})

/** The present version, and why the last change is not in force. */
export const configurationView = ({
  context: { version, reason, text },
  tags,
}: SnapshotFrom<typeof configurationMachine>): Pick<ConfigView, 'version' | 'changing' | 'reason'> & {
  text: string
} => ({ version, text, changing: tags.has('changing'), ...(reason && { reason }) })
