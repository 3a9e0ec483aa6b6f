import { type EventObject, fromCallback, type NonReducibleUnknown } from 'xstate'
import type { Dispose } from '../../machines/domain/ports.js'

/** A callback effect whose events to its machine are typed; what it returns ends it. */
export const callback = <Sent extends EventObject, Input extends NonReducibleUnknown = NonReducibleUnknown>(
  run: (scope: { input: Input; send: (event: Sent) => void }) => Dispose | undefined,
) => fromCallback<EventObject, Input>(({ input, sendBack }) => run({ input, send: sendBack }))
