import { expect } from 'chai'
import type { CameraId } from '../../machines/domain/camera.js'
import { type Contender, whileRelaxed, whileStrained } from '../../machines/domain/priorities.js'

describe('priorities of recordings', () => {
  const camera = (
    id: CameraId,
    priority: number,
    state: 'runs' | 'waits' | 'idle' | 'idle and blocked',
  ): Contender => ({
    id,
    priority,
    isWanted: state === 'runs' || state === 'waits',
    isBlocked: state === 'waits' || state === 'idle and blocked',
  })

  it('block the lowest of the running recordings, one at a time, and never the highest', () => {
    const cameras = [camera('camera0', 10, 'runs'), camera('camera1', 90, 'runs'), camera('camera2', 50, 'runs')]
    expect(whileStrained(cameras)).to.deep.equal({ block: ['camera0'], allow: [] })
    const next = [camera('camera0', 10, 'waits'), camera('camera1', 90, 'runs'), camera('camera2', 50, 'runs')]
    expect(whileStrained(next)).to.deep.equal({ block: ['camera2'], allow: [] })
    const last = [camera('camera0', 10, 'waits'), camera('camera1', 90, 'runs'), camera('camera2', 50, 'waits')]
    expect(whileStrained(last)).to.deep.equal({ block: [], allow: [] })
  })

  it('block none of equal ones, nor anything while nothing is recorded', () => {
    const equal = [camera('camera0', 50, 'runs'), camera('camera1', 50, 'runs'), camera('camera2', 50, 'idle')]
    expect(whileStrained(equal)).to.deep.equal({ block: [], allow: [] })
    expect(whileStrained([camera('camera0', 1, 'idle'), camera('camera1', 2, 'idle')])).to.deep.equal({
      block: [],
      allow: [],
    })
  })

  it('of two equal low ones block the camera that came later, and refuse starts of lower cameras at once', () => {
    const cameras = [
      camera('camera2', 10, 'runs'),
      camera('camera10', 10, 'runs'),
      camera('camera1', 90, 'runs'),
      camera('camera3', 20, 'idle'),
    ]
    for (const inAnyOrder of [cameras, [...cameras].reverse()])
      expect(whileStrained(inAnyOrder)).to.deep.equal({ block: ['camera3', 'camera10'], allow: [] })
  })

  it('allow what is the highest now, when the higher recording has ended', () => {
    const cameras = [camera('camera0', 10, 'waits'), camera('camera1', 90, 'idle'), camera('camera2', 50, 'waits')]
    expect(whileStrained(cameras)).to.deep.equal({ block: [], allow: ['camera2'] })
  })

  it('allow the highest first, one recording at a time, with the cameras above it', () => {
    const cameras = [
      camera('camera0', 10, 'waits'),
      camera('camera1', 90, 'runs'),
      camera('camera2', 50, 'waits'),
      camera('camera3', 60, 'idle and blocked'),
      camera('camera4', 20, 'idle and blocked'),
    ]
    expect(whileRelaxed(cameras)).to.deep.equal({ allow: ['camera2', 'camera3'], isSettled: false })
    const next = [camera('camera0', 10, 'waits'), camera('camera4', 20, 'idle and blocked')]
    expect(whileRelaxed(next)).to.deep.equal({ allow: ['camera0', 'camera4'], isSettled: false })
    expect(whileRelaxed([camera('camera0', 10, 'runs')])).to.deep.equal({ allow: [], isSettled: true })
    expect(whileRelaxed([camera('camera4', 20, 'idle and blocked')])).to.deep.equal({
      allow: ['camera4'],
      isSettled: true,
    })
  })
})
