import type { Session } from './session.js'
import { joined, type Message } from './textFrame.js'

/** Takes the reply of a request, if it has one, and what is to follow it. */
export type Answer = (reply: Message | undefined, afterReply: (() => void) | undefined) => void

/** The reply of a request that was sent alone. */
export const answerAlone =
  (session: Session): Answer =>
  (reply, afterReply) => {
    if (reply !== undefined) session.send(reply)
    afterReply?.()
  }

/**
 * One message with the replies of all members of a batch, in their order, when the last of them has its reply. A batch
 * of notifications gets none.
 */
export const answerTogether = (session: Session, size: number): ((place: number) => Answer) => {
  const replies: (Message | undefined)[] = []
  const following: ((() => void) | undefined)[] = []
  let open = size
  return (place) => (reply, afterReply) => {
    replies[place] = reply
    following[place] = afterReply
    open -= 1
    if (open > 0) return
    const given = replies.filter((each) => each !== undefined)
    if (given.length > 0) session.send(`[${given.map(joined).join(',')}]`)
    for (const act of following) act?.()
  }
}
