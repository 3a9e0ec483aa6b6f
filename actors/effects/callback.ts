import { type EventObject, fromCallback, type NonReducibleUnknown } from 'xstate'
import type { Dispose } from '../../machines/domain/ports.js'

/** Creates a callback effect that sends typed events to its machine. `run` returns the disposer. */
export const callback = <Sent extends EventObject, Input extends NonReducibleUnknown = NonReducibleUnknown>(
  run: (scope: { input: Input; send: (event: Sent) => void }) => Dispose | undefined,
) => fromCallback<EventObject, Input>(({ input, sendBack }) => run({ input, send: sendBack }))
