import { expect } from 'chai'
import type { SavedPicture } from '../../machines/domain/ports.js'
import { because, Failure } from '../../machines/domain/reason.js'
import {
  failures,
  oldestAllowed,
  type SnapshotContext,
  type SnapshotWish,
  taken,
} from '../../machines/snapshotContext.js'
import { isAbsence, isServerLoss } from '../../machines/snapshotWaking.js'

const wish = (user: string, maxAge: number, fleeting = false) =>
  ({
    by: { user, request: '1', session: 's' },
    maxAge,
    options: { format: 'jpg', quality: 90, ...(fleeting && { fleeting }) },
  }) as SnapshotWish
const context = {
  camera: 'camera0',
  wishes: [wish('ann', 3_000), wish('bob', 500)],
  late: [wish('eve', 0, true)],
  passedOver: [{ tier: 0, reason: because('not_a_usb_camera') }],
} as unknown as SnapshotContext
const picture: SavedPicture = { filename: 'a.jpg', file: '/s/a.jpg', bytes: 9, width: 4, height: 3 }

describe('a shared snapshot', () => {
  it('may be as old as the strictest caller allows', () => {
    expect(oldestAllowed(context)).to.equal(500)
  })

  it('has its age when it was on disk, never below zero', () => {
    const age = (capturedAt: number) =>
      taken(context, { tier: 2, capturedAt, file: '/t' }, { wish: wish('ann', 0), picture, finishedAt: 5_000 })
    expect(age(4_200)).to.deep.include({ type: 'snapshot.taken', age: 800, capturedAt: 4_200, filename: 'a.jpg' })
    expect(age(5_300)).to.deep.include({ age: 0 })
    expect(age(4_200)).not.to.have.property('skippedFrames')
  })

  it('tells how many dark frames were skipped, also none', () => {
    for (const skippedFrames of [0, 7]) {
      const captured = { tier: 1, capturedAt: 1, file: '/t', skippedFrames } as const
      const fact = taken(context, captured, { wish: wish('ann', 0), picture, finishedAt: 2 })
      expect(fact).to.deep.include({ skippedFrames, passedOver: context.passedOver })
    }
  })

  it('is a still for a caller that keeps no file', () => {
    const captured = { tier: 2, capturedAt: 1, file: '/t' } as const
    const fact = taken(context, captured, { wish: wish('eve', 0, true), picture, finishedAt: 2 })
    expect(fact.type).to.equal('still.taken')
  })

  it('fails for each caller, the late ones included', () => {
    expect(failures(context, because('timed_out')).map(({ type, by }) => `${type} ${by.user}`)).to.deep.equal([
      'snapshot.failed ann',
      'snapshot.failed bob',
      'still.failed eve',
    ])
  })
})

describe('a stream that is woken for a snapshot', () => {
  it('is waited for while its media server is away, by the reason', () => {
    const losses = ['server_unreachable', 'server_closed', 'server_restarted', 'breaker_open'] as const
    for (const code of losses) expect(isServerLoss(new Failure(code)), code).to.equal(true)
    for (const code of ['timed_out', 'device_busy'] as const)
      expect(isServerLoss(new Failure(code)), code).to.equal(false)
  })

  it('is asked for again while its network camera does not answer', () => {
    for (const code of ['unreachable', 'source_closed', 'timed_out'] as const)
      expect(isAbsence(new Failure(code)), code).to.equal(true)
    expect(isAbsence(new Failure('device_busy'))).to.equal(false)
  })
})
