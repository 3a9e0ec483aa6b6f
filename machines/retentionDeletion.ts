/** Whether files are deleted, and if not, why: the region of the machine in `retention.ts`. */
export const deletion = {
  initial: 'active',
  states: {
    active: {
      always: [
        { guard: 'isLost', target: 'suspended.byLoss' },
        { guard: 'isClockSuspect', target: 'suspended.byClock' },
        { guard: 'isTooMuch', target: 'suspended.byExcess' },
      ],
    },
    suspended: {
      tags: 'suspended',
      initial: 'byClock',
      always: { guard: 'isNotSuspended', target: 'active', actions: 'tellResumed' },
      states: {
        byLoss: {
          entry: 'tellSuspended',
          // There was no sweep yet that could find too many files.
          always: { guard: 'isClockSuspect', target: 'byClock' },
        },
        byClock: {
          entry: 'tellSuspended',
          always: [
            { guard: 'isLost', target: 'byLoss' },
            { guard: 'isTooMuch', target: 'byExcess' },
          ],
        },
        byExcess: {
          entry: 'tellSuspended',
          // The list of protected recordings is read once, before the first sweep.
          always: { guard: 'isClockSuspect', target: 'byClock' },
        },
      },
    },
  },
} as const
