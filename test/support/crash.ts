import { type AnyStateMachine, assign, createMachine } from 'xstate'

const throws = assign(() => {
  throw new Error('a bug')
})

/** The same machine with a bug: the event `crash` makes an action throw. */
export function crashing<Machine extends AnyStateMachine>(machine: Machine): Machine {
  const config = { ...machine.config, on: { ...machine.config.on, crash: { actions: throws } } }
  return createMachine(config as never, machine.implementations as never) as unknown as Machine
}

/** What makes it crash. */
export const crash = { type: 'crash' } as never
