import { expect } from 'chai'
import { createActor, SimulatedClock } from 'xstate'
import { cameraEffects, sourceEffects } from '../../actors/effects/camera.js'
import type { RtspDevice } from '../../machines/domain/camera.js'
import type { AddressCheck } from '../../machines/domain/external.js'
import { because } from '../../machines/domain/reason.js'
import { sourceMachine } from '../../machines/source.js'
import { turn } from '../support/later.js'

const added: RtspDevice = { kind: 'rtsp', name: 'drone', url: 'rtsp://ann:secret@drone.example:8554/live', added: true }
const configured: RtspDevice = { kind: 'rtsp', name: 'yard', url: 'rtsp://127.0.0.1:8554/live' }
const refused = 'its address must not lead back to this service'

/** A host name that resolves to this service after `turnBack`. */
function arrange() {
  const asked: string[] = []
  const described: string[] = []
  let refusal: string | undefined
  const addresses: AddressCheck = {
    refusal: async (host, port) => {
      asked.push(`${host}:${port}`)
      return refusal
    },
  }
  const describe = async (url: string) => {
    described.push(url)
    return { codec: 'H264' }
  }
  const reached: string[] = []
  const reach = async (url: string) => void reached.push(url)
  const unused = () => Promise.reject(new Error('not here'))
  const ports = {
    addresses,
    reader: { describe, hold: unused, keyframe: unused, address: () => '', reach },
    probe: { capabilities: async () => ({ formats: [{ fourcc: 'H264', description: '', sizes: [] }] }) },
    defaults: {
      width: 640,
      height: 480,
      fps: 25,
      codec: { profile: 'baseline', level: '3.0', pixelFormat: 'yuv420p', preset: 'ultrafast', bitrate: '600k' },
    },
    clock: { now: () => 0 },
  }
  // These tests do not use the other ports.
  const effects = cameraEffects(ports as unknown as Parameters<typeof cameraEffects>[0])
  const source = sourceMachine.provide({ actors: sourceEffects(ports) })
  const turnBack = () => {
    refusal = 'must not lead back to this service'
  }
  return { effects, source, asked, described, reached, turnBack }
}

describe('the source of an added stream', () => {
  const probe = (effects: ReturnType<typeof arrange>['effects'], device: RtspDevice) => {
    const actor = createActor(effects.probeDevice, { input: { id: 'camera0', device, settings: {} } })
    const outcome = new Promise<string>((resolve) => {
      actor.subscribe({
        complete: () => resolve('probed'),
        error: (error) => resolve(error instanceof Error ? error.message : String(error)),
      })
    })
    actor.start()
    return outcome
  }

  it('is probed only if its host name resolves to an allowed address', async () => {
    const { effects, asked, turnBack } = arrange()
    expect(await probe(effects, added)).to.equal('probed')
    turnBack()
    expect(await probe(effects, added)).to.equal(refused)
    expect(asked).to.deep.equal(['drone.example:8554', 'drone.example:8554'])
    expect(await probe(effects, configured), 'configured sources are not checked').to.equal('probed')
  })

  it('is lost at the first check after its host name changed', async () => {
    const { source, asked, described, turnBack } = arrange()
    const clock = new SimulatedClock()
    const { url } = added
    const actor = createActor(source, { clock, input: { url, added: true } }).start()
    const look = async () => {
      clock.increment(5_000)
      for (let turns = 0; turns < 3; turns += 1) await turn()
    }
    await look()
    expect(described).to.deep.equal([url])
    turnBack()
    await look()
    expect(actor.getSnapshot().output).to.deep.equal(because('address_refused', refused))
    expect([asked.length, described.length], 'one refusal is enough').to.deep.equal([2, 1])
  })

  it('is asked as its entry says', async () => {
    for (const [keepalive, asked] of [
      [undefined, ['DESCRIBE']],
      ['options', ['OPTIONS']],
      ['off', []],
    ] as const) {
      const { source, described, reached } = arrange()
      const clock = new SimulatedClock()
      const input = { url: configured.url, ...(keepalive && { keepalive }) }
      const actor = createActor(source, { clock, input }).start()
      clock.increment(5_000)
      for (let turns = 0; turns < 3; turns += 1) await turn()
      expect([...described.map(() => 'DESCRIBE'), ...reached.map(() => 'OPTIONS')]).to.deep.equal(asked)
      actor.stop()
    }
  })
})
