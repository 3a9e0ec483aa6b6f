import { authFailed, type ServiceError } from '../../machines/domain/errors.js'

/** What whoever shows a credential is told when it is not good: never more than this one word. */
export const refusal: (reason: 'auth_required' | 'auth_failed' | 'token_expired' | 'revoked') => ServiceError =
  authFailed
