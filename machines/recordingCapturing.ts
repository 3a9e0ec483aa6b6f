import type { Segment } from './domain/files.js'

/** Emits the fact of an interruption. `closes`: the files are closed now. */
const tells = (closes: boolean) => ({ type: 'tellInterruption', params: { closes } }) as const
const interrupted = ['beginGap', tells(false)] as const
export const paused = ['beginGap', tells(true)] as const
/** Closes the files, to continue in a new one. */
const pauses = <const Actions extends readonly unknown[]>(actions: Actions) =>
  ({ target: '#recording.holding.closing.pausing', actions: [...actions, ...paused] }) as const
const tellMissed = { type: 'tellCamera', params: { type: 'stream.missed' } } as const
const added = {
  type: 'addSegment',
  params: ({ event }: { event: { segment: Segment } }) => event.segment,
} as const
const outgrown = {
  type: 'isOutgrown',
  params: ({ event }: { event: { segment: Segment } }) => event.segment,
} as const
const removed = {
  type: 'noteRemoval',
  params: ({ event }: { event: { withFolder?: true } }) => event,
} as const
const gapEnds = {
  type: 'endGap',
  params: ({ event }: { event: { segment: Segment } }) => ({ at: event.segment.startedAt }),
} as const
const grew = <Type extends 'noteGrowth' | 'endGap'>(type: Type) =>
  ({ type, params: ({ event }: { event: { at: number; bytes?: number } }) => event }) as const

/** The inside of `capturing` in the statechart `recording.ts`: a file grows, or the recording is interrupted. */
export const captures = {
  initial: 'growing',
  states: {
    growing: {
      tags: 'growing',
      after: {
        stallLimit: [
          { guard: 'isTooLarge', ...pauses(['noteStall']) },
          { target: 'interrupted', actions: ['noteStall', ...interrupted] },
        ],
      },
      on: {
        'segment.grew': { target: 'growing', reenter: true, actions: grew('noteGrowth') },
        'segment.added': [
          { guard: outgrown, ...pauses(['noteStall', added]) },
          { target: 'growing', reenter: true, actions: [added, grew('noteGrowth')] },
        ],
        // The media server goes on writing to the deleted file.
        'segment.deleted': pauses([removed]),
        'stream.changed': pauses(['takeReason']),
        'stream.lost': { target: 'interrupted.unexplained', actions: ['takeReason', 'beginGap', tellMissed] },
      },
    },
    interrupted: {
      initial: 'stalled',
      states: {
        stalled: {
          on: {
            'segment.grew': {
              target: '#capturing',
              actions: [grew('endGap'), 'tellResumption'],
            },
          },
        },
        // The media server only says that the stream ended. The camera or the link reports the cause a moment later.
        unexplained: {
          always: { guard: 'isExplained', target: 'lost', actions: tells(false) },
          after: { explanationLimit: { target: 'lost', actions: tells(false) } },
          on: {
            'stream.held': { target: 'stalled', actions: tells(false) },
            'segment.added': { target: '#capturing', actions: [tells(false), added, gapEnds, 'tellResumption'] },
            'stream.lost': { actions: 'explain' },
          },
        },
        // The last bytes of a lost stream are not a resumption, unlike a new file or a held stream.
        lost: { on: { 'stream.held': 'stalled' } },
      },
      on: {
        'segment.added': { target: '#capturing', actions: [added, gapEnds, 'tellResumption'] },
        'stream.lost': { target: '.lost', actions: 'explain' },
      },
      after: { interruptionLimit: '#recording.holding.closing.pausing' },
    },
  },
} as const
