import { expect } from 'chai'
import type { AnyActorRef } from 'xstate'
import { because } from '../../machines/domain/reason.js'
import type { FleetContext } from '../../machines/fleetContext.js'
import { contendersOf } from '../../machines/fleetPriorities.js'

const camera = (tag: string | undefined, priority?: number, isBlocked = false) =>
  ({
    getSnapshot: () => ({
      context: { settings: { priority }, obstacles: isBlocked ? { storage: because('storage_full') } : {} },
      children:
        tag === undefined ? {} : { recording: { getSnapshot: () => ({ hasTag: (one: string) => one === tag }) } },
    }),
  }) as unknown as AnyActorRef
const contender = (one: AnyActorRef, usual?: number) => {
  const context = { told: { camera0: {} }, ...(usual !== undefined && { priority: usual }) }
  return contendersOf(context as unknown as FleetContext, { camera0: one })[0]
}

describe('the recordings that compete for a disk', () => {
  it('are those that would write if there were room', () => {
    for (const tag of ['starting', 'recording', 'waitingForStorage'])
      expect(contender(camera(tag))?.isWanted, tag).to.equal(true)
    for (const tag of ['stopping', 'stopped', 'suspended', 'failed', 'waitingForCamera', 'waitingForServer'])
      expect(contender(camera(tag))?.isWanted, tag).to.equal(false)
    expect(contender(camera(undefined))?.isWanted).to.equal(false)
  })

  it('have the priority of their camera, else the usual one, else none', () => {
    expect(contender(camera('recording', 7), 3)?.priority).to.equal(7)
    expect(contender(camera('recording'), 3)?.priority).to.equal(3)
    expect(contender(camera('recording'))?.priority).to.equal(0)
  })

  it('may be blocked already, and belong to running cameras only', () => {
    expect(contender(camera('recording', 1, true))?.isBlocked).to.equal(true)
    expect(contender(camera('recording', 1))?.isBlocked).to.equal(false)
    expect(contendersOf({ told: { camera0: {} } } as unknown as FleetContext, {})).to.deep.equal([])
  })
})
