import { dependencyFailed } from '../machines/domain/errors.js'
import { Failure, reasonFrom } from '../machines/domain/reason.js'

/** The same result; a failure of the disk is the error `dependencyFailed` with its reason. */
export const fromDisk = <T>(result: Promise<T>): Promise<T> =>
  result.catch((error: unknown) => {
    throw error instanceof Failure ? dependencyFailed('storage', reasonFrom(error)) : error
  })
