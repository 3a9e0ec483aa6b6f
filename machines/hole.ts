import { type EventObject, fromCallback, fromPromise, type NonReducibleUnknown } from 'xstate'

/** An effect that a machine names and `actors/` supplies with `.provide`. If it is missing, it fails by name. */
export const promiseHole = <Output, Input extends NonReducibleUnknown = NonReducibleUnknown>(name: string) =>
  fromPromise<Output, Input>(() => Promise.reject(new Error(`actor '${name}' was not provided`)))

export const callbackHole = <Input extends NonReducibleUnknown = NonReducibleUnknown>(name: string) =>
  fromCallback<EventObject, Input>(() => {
    throw new Error(`actor '${name}' was not provided`)
  })
