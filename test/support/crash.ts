import { type AnyStateMachine, assign, createMachine } from 'xstate'

const throws = assign(() => {
  throw new Error('a bug')
})

/** Returns the machine with a bug: the event `crash` triggers an action that throws. */
export function crashing<Machine extends AnyStateMachine>(machine: Machine): Machine {
  const config = { ...machine.config, on: { ...machine.config.on, crash: { actions: throws } } }
  return createMachine(config as never, machine.implementations as never) as unknown as Machine
}

/** The event that makes the machine crash. */
export const crash = { type: 'crash' } as never
