import { assign, enqueueActions, setup } from 'xstate'
import type { By } from './domain/by.js'
import { type CameraId, isCameraId } from './domain/camera.js'
import type { SimulationFact } from './domain/facts.js'
import { reasonFrom } from './domain/reason.js'
import { type Act, actOf, type Done, isDiskAction, nextDue, noScenario, type Scenario } from './domain/simulation.js'
import { promiseHole } from './hole.js'

export type SimulationEvent =
  /** A client asks for a fault. */
  | { type: 'fault.cause'; act: Act; by: By }
  /** A client starts the scenario. `at`: monotonic time. */
  | { type: 'scenario.start'; at: number }

/** Sent to the parent. */
export type SimulationNews =
  /** A virtual camera is unplugged, or plugged in again. */
  | { type: 'device.simulate'; camera: CameraId; away: boolean }
  /** The measured usage of the disk was changed. */
  | { type: 'disk.simulated' }

/** An act, and where it comes from. */
type Wish = { act: Act } & ({ step: number } | { by: By })

interface SimulationContext {
  scenario: Scenario
  /** Monotonic time of the start of the scenario. */
  begunAt?: number
  /** How often each step was made. */
  made: readonly number[]
  wishes: readonly Wish[]
}

/** Limits the memory use. Clients wait for their faults. */
const mostWishes = 32

/**
 * Causes simulated faults one after the other: those of the scenario at their times, and those that clients ask for. A
 * step ends when the service has noticed it, so that a slow host changes the times but not the order. A fault that
 * cannot be caused is a fact, and the scenario goes on.
 */
export const simulationMachine = setup({
  types: {
    input: {} as Scenario | undefined,
    context: {} as SimulationContext,
    events: {} as SimulationEvent,
    emitted: {} as SimulationFact,
    tags: {} as 'held' | 'over',
  },
  actors: {
    /** Resolves with the monotonic time when the cameras of the scenario are connected, or do not come. */
    awaitReady: promiseHole<{ at: number }, { names: readonly string[] }>('awaitReady'),
    waitUntil: promiseHole<{ at: number }, { at: number }>('waitUntil'),
    causeFault: promiseHole<Done, { act: Act }>('causeFault'),
  },
  guards: {
    hasRoom: ({ context }) => context.wishes.length < mostWishes,
    hasWish: ({ context }) => context.wishes.length > 0,
    hasNoSteps: ({ context: { scenario } }) => scenario.steps.length === 0,
    isDone: ({ context: { scenario, made } }) => nextDue(scenario, made) === undefined,
    isBegun: ({ context }) => context.begunAt !== undefined,
    isHeld: ({ context: { scenario } }) => scenario.start === 'asked',
  },
  actions: {
    begin: assign({ begunAt: (_, { at }: { at: number }) => at }),
    keepWish: assign({
      wishes: ({ context: { wishes } }, { act, by }: { act: Act; by: By }) => [...wishes, { act, by }],
    }),
    takeStep: assign(({ context: { scenario, made, wishes } }) => {
      const due = nextDue(scenario, made)
      if (due === undefined) return {}
      const { index, count } = due
      return {
        made: scenario.steps.map((_, at) => (at === index ? count + 1 : (made[at] ?? 0))),
        wishes: [...wishes, { act: actOf(scenario, due), step: index + 1 }],
      }
    }),
    tellDone: enqueueActions(({ context: { wishes }, enqueue, self }, { camera, away }: Done) => {
      const [wish] = wishes
      const parent = self._parent
      if (wish === undefined) return
      if (parent && camera !== undefined && away !== undefined)
        enqueue.sendTo(parent, { type: 'device.simulate', camera, away })
      if (parent && isDiskAction(wish.act.action)) enqueue.sendTo(parent, { type: 'disk.simulated' })
      enqueue.emit({ type: 'simulation.step', ...wish, ...(camera !== undefined && { camera }) })
    }),
    tellFailed: enqueueActions(({ context: { wishes }, enqueue }, { error }: { error: unknown }) => {
      const [wish] = wishes
      // Clients name a camera by its id.
      const { camera = '' } = wish?.act ?? {}
      const about = isCameraId(camera) ? { camera } : {}
      if (wish) enqueue.emit({ type: 'simulation.step', ...wish, ...about, reason: reasonFrom(error) })
    }),
    dropWish: assign({ wishes: ({ context: { wishes } }) => wishes.slice(1) }),
  },
}).createMachine({
  id: 'simulation',
  context: ({ input = noScenario }) => ({ scenario: input, made: [], wishes: [] }),
  initial: 'choosing',
  on: {
    'fault.cause': {
      guard: 'hasRoom',
      target: '.choosing',
      actions: { type: 'keepWish', params: ({ event }) => event },
    },
  },
  states: {
    choosing: {
      always: [
        { guard: 'hasWish', target: 'acting' },
        { guard: 'hasNoSteps', target: 'over' },
        { guard: 'isDone', target: 'over' },
        { guard: 'isBegun', target: 'waiting' },
        { guard: 'isHeld', target: 'held' },
        { target: 'settling' },
      ],
    },
    held: {
      tags: 'held',
      on: {
        'scenario.start': { target: 'choosing', actions: { type: 'begin', params: ({ event }) => event } },
      },
    },
    settling: {
      invoke: {
        src: 'awaitReady',
        input: ({ context: { scenario } }) => ({ names: scenario.names }),
        onDone: { target: 'choosing', actions: { type: 'begin', params: ({ event }) => event.output } },
        onError: 'over',
      },
    },
    waiting: {
      invoke: {
        src: 'waitUntil',
        input: ({ context }) => ({ at: dueAt(context) }),
        onDone: { target: 'acting', actions: 'takeStep' },
        onError: 'over',
      },
    },
    acting: {
      on: {
        'fault.cause': { guard: 'hasRoom', actions: { type: 'keepWish', params: ({ event }) => event } },
      },
      invoke: {
        src: 'causeFault',
        input: ({ context: { wishes } }) => ({ act: wishes[0]?.act ?? { action: 'disk_ok' } }),
        onDone: {
          target: 'choosing',
          actions: [{ type: 'tellDone', params: ({ event }) => event.output }, 'dropWish'],
        },
        onError: {
          target: 'choosing',
          actions: [{ type: 'tellFailed', params: ({ event }) => event }, 'dropWish'],
        },
      },
    },
    over: { tags: 'over' },
  },
})

const dueAt = ({ scenario, made, begunAt = 0 }: SimulationContext): number =>
  begunAt + (nextDue(scenario, made)?.at ?? 0)
