import pLimit from 'p-limit'

/**
 * Changes of recordings that must not overlap: a deletion between the last check of the original and its replacement by
 * an indexed copy would bring the deleted file back.
 */
export const inTurn = pLimit(1)
