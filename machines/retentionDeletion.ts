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
          always: [
            { guard: 'isClockSuspect', target: 'byClock' },
            { guard: 'isTooMuch', target: 'byExcess' },
          ],
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
          always: [
            { guard: 'isLost', target: 'byLoss' },
            { guard: 'isClockSuspect', target: 'byClock' },
          ],
        },
      },
    },
  },
} as const
