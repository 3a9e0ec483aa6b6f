import { expect } from 'chai'
import { type SinonFakeTimers, useFakeTimers } from 'sinon'
import { record, stop } from '../../commands/client/record.js'
import { askService } from '../../commands/client/service.js'
import type { CommandError } from '../../commands/outcome.js'
import { ConnectionLost, RpcError } from '../../rpc/client/index.js'
import { fakeClient, fakeScreen } from './fakeClient.js'

const started = {
  device: 'camera0',
  filename: 'camera0_a.mp4',
  files: ['camera0_a.mp4'],
  status: 'RECORDING',
  start_time: '2026-01-02T03:04:05.000Z',
  format: 'fmp4',
}
const ended = {
  device: 'camera0',
  filename: 'camera0_a.mp4',
  files: ['camera0_a.mp4'],
  status: 'STOPPED',
  duration: 30,
  file_size: 1_234_567,
  gaps: [],
  reason: 'duration_reached',
}
const refused = (data: Record<string, unknown>, code = -32050) =>
  new RpcError('start_recording', { code, message: 'Camera is not available', data })

describe('command record', () => {
  let timers: SinonFakeTimers
  beforeEach(() => {
    timers = useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout'] })
  })
  afterEach(() => timers.restore())

  const stage = (replies: Record<string, unknown> = {}) => {
    const fake = fakeClient({
      start_recording: started,
      stop_recording: ended,
      get_camera_status: { recording: { files: ['camera0_a.mp4'] } },
      get_recording_info: { file_size: 500_000 },
      ...replies,
    })
    const { shown, screen } = fakeScreen()
    const ending = new AbortController()
    let now = 0
    const clock = { now: () => now, monotonic: () => now }
    const ports = { screen, signal: ending.signal, clock }
    const run = (request: Partial<Parameters<typeof record>[0]> = {}) =>
      askService(fake.client, (client) =>
        record({ device: 'camera0', detach: false, json: false, ...request }, ports, client, fake.service),
      )
    /** All that was started by a resolved promise has happened. */
    const settled = () => new Promise((resolve) => setImmediate(resolve))
    const pass = async (ms: number) => {
      now += ms
      await timers.tickAsync(ms)
      await settled()
    }
    return { ...fake, shown, ending, run, settled, pass }
  }

  it('starts a recording, and says how to stop it', async () => {
    const { run, calls, shown } = stage()
    expect(await run()).to.deep.equal({
      status: 0,
      out: 'camera0_a.mp4',
      err: 'camera0 is recording; camera-service stop camera0 stops it',
    })
    expect(calls).to.deep.equal([{ method: 'start_recording', params: { device: 'camera0' } }])
    expect(shown).to.deep.equal(['camera0: starting the recording', ''])
  })

  it('does not wait with --detach', async () => {
    const { run, calls, listeners } = stage()
    expect(await run({ duration: 90, detach: true })).to.deep.include({
      status: 0,
      err: 'camera0 is recording; it ends in 1:30',
    })
    expect(calls[0]?.params).to.deep.equal({ device: 'camera0', duration: 90 })
    expect(listeners.size).to.equal(0)
  })

  it('shows time and bytes until the end, and prints the file', async () => {
    const { run, tell, shown, settled, pass, listeners } = stage()
    const done = run({ duration: 30 })
    await settled()
    await pass(1000)
    await pass(1000)
    expect(shown.slice(2)).to.deep.equal([
      'camera0: recording, 0:00 of 0:30',
      'camera0: recording, 0:01 of 0:30',
      'camera0: recording, 0:01 of 0:30, 500 KB',
      'camera0: recording, 0:02 of 0:30, 500 KB',
      'camera0: recording, 0:02 of 0:30, 500 KB',
    ])
    tell('recording.stop', ended)
    expect(await done).to.deep.equal({ status: 0, out: 'camera0_a.mp4  0:30, 1.2 MB' })
    expect(shown.at(-1), 'the line is removed').to.equal('')
    expect(listeners.size, 'subscriptions').to.equal(0)
  })

  it('fails if the recording ended before its time, with the reason', async () => {
    for (const [reason, details, why] of [
      ['requested', undefined, 'another client stopped it'],
      ['removed', 'the camera was removed', 'the camera was removed'],
    ] as const) {
      const { run, tell, settled } = stage()
      const done = run({ duration: 30 })
      await settled()
      tell('recording.stop', { ...ended, duration: 7, reason, details })
      expect(await done).to.deep.equal({
        status: 1,
        out: 'camera0_a.mp4  0:07, 1.2 MB',
        err: `camera-service: the recording of camera0 ended after 0:07 of 0:30: ${why}`,
      })
    }
  })

  it('says that the recording is interrupted, and that the connection is', async () => {
    const { run, tell, enter, shown, settled, pass } = stage()
    const done = run({ duration: 30 })
    await settled()
    tell('recording.progress', { status: 'INTERRUPTED', reason: 'unplugged', details: 'the camera was unplugged' })
    await pass(1000)
    expect(shown.at(-1)).to.match(/^camera0: interrupted \(the camera was unplugged\), 0:01 of 0:30/)
    tell('recording.progress', { status: 'RECORDING', resumed: true })
    await pass(1000)
    expect(shown.at(-1)).to.match(/^camera0: recording, 0:02/)
    enter('waiting', new ConnectionLost('gone'))
    await pass(1000)
    expect(shown.at(-1)).to.match(/^camera0: interrupted \(the connection was lost, connecting again\)/)
    enter('open')
    tell('recording.stop', ended)
    expect((await done).status).to.equal(0)
  })

  it('does not wait for ever for a service that is gone, with status 69', async () => {
    const { run, enter, settled, pass } = stage()
    const done = run({ duration: 30 }).catch((error: CommandError) => error)
    await settled()
    enter('waiting')
    await pass(10_000)
    enter('open')
    enter('waiting')
    await pass(59_000)
    let isOver = false
    void done.then(() => {
      isOver = true
    })
    await settled()
    expect(isOver).to.equal(false)
    await pass(1_000)
    expect(await done).to.include({ status: 69 })
    expect((await done) as CommandError)
      .to.have.property('message')
      .that.contains('it has not come back')
  })

  it('stops the recording at Ctrl-C, with status 130', async () => {
    const { run, ending, calls, settled } = stage()
    const done = run({ duration: 30 })
    await settled()
    ending.abort()
    expect(await done).to.deep.equal({ status: 130, out: 'camera0_a.mp4  0:30, 1.2 MB' })
    expect(calls.at(-1)).to.deep.equal({ method: 'stop_recording', params: { device: 'camera0' } })
  })

  it('stops a recording that starts while Ctrl-C comes', async () => {
    const { run, ending, calls } = stage({
      start_recording: async () => {
        ending.abort()
        return started
      },
    })
    expect((await run({ duration: 30 })).status).to.equal(130)
    expect(calls.map(({ method }) => method)).to.include('stop_recording')
  })

  it('prints the end that comes at the same moment as Ctrl-C', async () => {
    const { run, ending, tell, settled } = stage({
      stop_recording: () => {
        tell('recording.stop', ended)
        return refused({ reason: 'not_recording' })
      },
    })
    const done = run({ duration: 30 })
    await settled()
    ending.abort()
    expect(await done).to.deep.equal({ status: 0, out: 'camera0_a.mp4  0:30, 1.2 MB' })
  })

  it('says that the recording goes on if it cannot be stopped at Ctrl-C', async () => {
    const { run, ending, settled } = stage({ stop_recording: new ConnectionLost('the connection was closed (1006)') })
    const done = run({ duration: 30 })
    await settled()
    ending.abort()
    const { status, err } = await done
    expect(status).to.equal(130)
    expect(err).to.match(/closed \(1006\).*\. The recording goes on, and the service stops it in time$/)
  })

  it('fails with the reason if the recording fails, and names the files that exist', async () => {
    const { run, tell, settled } = stage()
    const done = run({ duration: 30 })
    await settled()
    tell('recording.error', { ...ended, status: 'ERROR', reason: 'storage_full', details: 'the disk is full' })
    expect(await done).to.deep.equal({
      status: 1,
      out: 'camera0_a.mp4  0:30, 1.2 MB',
      err:
        'camera-service: the recording of camera0 has failed: the disk is full; ' +
        'camera-service explain camera0 says more',
    })
  })

  it('learns after a gap that the recording has ended meanwhile', async () => {
    const fake = stage({ get_camera_status: { recording: undefined } })
    const done = fake.run({ duration: 30 }).catch((error: Error) => error.message)
    await fake.settled()
    fake.missed('recording.stop', 'restarted')
    expect(await done).to.match(/^the recording of camera0 ended while there was no connection: .*camera0_a\.mp4/)
  })

  it('goes on waiting after a gap in which the recording went on', async () => {
    const { run, missed, tell, settled } = stage()
    const done = run({ duration: 30 })
    await settled()
    missed('recording.stop', 'restarted')
    await settled()
    tell('recording.stop', ended)
    expect((await done).status).to.equal(0)
  })

  it('ignores the end of an earlier recording', async () => {
    const { run, tell, settled } = stage({
      start_recording: async () => {
        tell('recording.stop', { ...ended, files: ['earlier.mp4'] })
        return started
      },
    })
    const done = run({ duration: 30 })
    await settled()
    tell('recording.stop', ended)
    expect((await done).out).to.match(/^camera0_a/)
  })

  it('prints the refusal with its suggestion', async () => {
    const { run } = stage({ start_recording: refused({ details: 'it is unplugged', suggestion: 'Plug it in' }) })
    expect(await run({ duration: 30 })).to.deep.equal({
      status: 1,
      err: 'camera-service: Camera is not available; it is unplugged; Plug it in',
    })
  })

  it('exits with 77 without the right', async () => {
    const { run } = stage({ start_recording: refused({}, -32002) })
    expect((await run()).status).to.equal(77)
  })

  it('ends with the session', async () => {
    const { run, enter, settled } = stage()
    const done = run({ duration: 30 })
    await settled()
    enter('closed', new ConnectionLost('the session has ended: token_expired'))
    expect(await done).to.deep.include({ status: 69 })
  })

  it('prints JSON for programs', async () => {
    const { run, tell, settled } = stage()
    const done = run({ duration: 30, json: true })
    await settled()
    tell('recording.stop', ended)
    expect(JSON.parse((await done).out ?? '')).to.deep.equal(ended)
  })

  it('stop prints all files of a recording with a gap', async () => {
    const gap = { from: '2026-01-02T03:04:05Z', to: '2026-01-02T03:04:07Z', reason: 'unplugged' }
    const { client } = fakeClient({ stop_recording: { ...ended, files: ['a.mp4', 'b.mp4'], gaps: [gap] } })
    const { shown, screen } = fakeScreen()
    expect(await stop({ device: 'camera0', json: false }, { screen }, client)).to.deep.equal({
      status: 0,
      out: 'a.mp4\nb.mp4\n0:30, 1.2 MB, 1 gap',
    })
    expect(shown).to.deep.equal(['camera0: stopping the recording', ''])
  })
})
