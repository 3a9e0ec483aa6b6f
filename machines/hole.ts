import { type EventObject, fromCallback, fromPromise, type NonReducibleUnknown } from 'xstate'

/** Placeholder for an effect that `actors/` provides. If it is not provided, it fails with its name. */
export const promiseHole = <Output, Input extends NonReducibleUnknown = NonReducibleUnknown>(name: string) =>
  fromPromise<Output, Input>(() => Promise.reject(new Error(`actor '${name}' was not provided`)))

export const callbackHole = <Input extends NonReducibleUnknown = NonReducibleUnknown>(name: string) =>
  fromCallback<EventObject, Input>(() => {
    throw new Error(`actor '${name}' was not provided`)
  })
