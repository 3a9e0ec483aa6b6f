/** The user, the RPC request and the session that caused an event. The facts that follow hold the same object. */
export interface By {
  user: string
  request: string
  session: string
}

/** The author of a change that no client asked for. */
export const nobody: By = { user: '', request: '', session: '' }
