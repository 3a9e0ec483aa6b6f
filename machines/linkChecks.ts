/** States of `mediamtxLink` that ask the media server. */
import type { DoneActorEvent, ErrorActorEvent } from 'xstate'
import type { ServerInfo } from './domain/mediaServer.js'
import type { Reason } from './domain/reason.js'

export const failed = ({ event }: { event: ErrorActorEvent }) => event
/** Asks the media server again and again, until it answers. */
export const asking = <const More extends readonly unknown[]>(...more: More) =>
  ({
    asking: {
      invoke: {
        src: 'askInfo',
        onDone: {
          target: '#syncing',
          actions: { type: 'keepInfo', params: ({ event }: { event: DoneActorEvent<ServerInfo> }) => event.output },
        },
        onError: [...more, { target: 'waiting', actions: { type: 'noteFailure', params: failed } }],
      },
    },
    waiting: { after: { retry: 'asking' }, on: { 'link.check': 'asking' } },
  }) as const

/** A new reason why the server is down: the parent, the cameras and the clients get it, too. */
export const downAnew = { target: '#mediamtxLink.down', reenter: true } as const

/** Its process has ended: no check is needed. */
export const ended = {
  target: '#mediamtxLink.down',
  actions: { type: 'keepEnd', params: ({ event }: { event: { reason: Reason } }) => event },
} as const
