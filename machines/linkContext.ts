import type { ServerInfo } from './domain/mediaServer.js'
import { because, type Reason } from './domain/reason.js'

export interface LinkInput {
  /** 0 to 2³²−1: the seed of the jitter. */
  seed: number
  /** ms from the opening of the breaker to its first trial call. */
  resetAfter: number
}

export interface LinkContext extends LinkInput {
  info?: ServerInfo
  paths: number
  reason?: Reason | undefined
  /** Why the server process ended. Absent: it runs, or it is none of ours. */
  end?: Reason | undefined
  /** Why paths are not as wanted though the server is up. */
  contest?: Reason | undefined
  failures: number
}

/** Returns why the media server does not answer. The end of its process says more than a check of it. */
export const reasonOf = ({ end, reason = because('server_unreachable') }: LinkContext): Reason => end ?? reason
