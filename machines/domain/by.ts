/** The user, the RPC request and the session behind an event. Its facts repeat it, as the same object. */
export interface By {
  user: string
  request: string
  session: string
}
