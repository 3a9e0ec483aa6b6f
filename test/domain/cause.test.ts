import { expect } from 'chai'
import { moreExact } from '../../machines/domain/cause.js'
import { because, type ReasonCode } from '../../machines/domain/reason.js'

describe('the cause of an interruption', () => {
  const cases: [known: ReasonCode, found: ReasonCode, cause: ReasonCode, why: string][] = [
    ['server_closed', 'pipeline_killed', 'pipeline_killed', 'the process says more than its connection'],
    ['pipeline_killed', 'server_ended', 'server_ended', 'the process ended with its media server'],
    ['server_closed', 'server_unreachable', 'server_unreachable', 'it does not answer at all'],
    ['server_unreachable', 'server_hung', 'server_hung', 'it was killed for it'],
    ['pipeline_restarted', 'unplugged', 'unplugged', 'the stream stalled because the camera was gone'],
    ['no_data', 'no_frames', 'no_frames', 'nothing is written because nothing comes'],
    ['no_data', 'server_closed', 'no_data', 'the media server closes a stream without data'],
    ['no_data', 'storage_full', 'storage_full', 'nothing is written because there is no room'],
    ['no_data', 'server_hung', 'server_hung', 'nothing is written because nobody writes'],
    ['no_data', 'server_ended', 'no_data', 'its end would have been noticed before'],
    ['no_frames', 'storage_full', 'no_frames', 'the disk has nothing to do with the camera'],
    ['pipeline_restarted', 'server_ended', 'pipeline_restarted', 'it stalled before'],
    ['pipeline_restarted', 'server_hung', 'server_hung', 'nobody took its frames'],
    ['server_closed', 'no_longer_used', 'server_closed', 'a process that ends normally is no cause'],
    ['unplugged', 'server_ended', 'unplugged', 'the first of two causes stays'],
    ['storage_full', 'server_closed', 'storage_full', 'a symptom replaces no cause'],
  ]
  for (const [known, found, cause, why] of cases)
    it(`of ${known}, then ${found} is ${cause}: ${why}`, () => {
      expect(moreExact(because(known), because(found)).code).to.equal(cause)
    })

  it('is not hidden by what was seen of it before', () => {
    const seen: ReasonCode[] = [
      ...(['no_data', 'server_closed', 'stream_lost', 'stream_not_found', 'not_started_in_time'] as const),
      ...(['timed_out', 'no_longer_used', 'pipeline_replaced', 'failed', 'no_frames', 'pipeline_failed'] as const),
      ...(['pipeline_killed', 'pipeline_restarted', 'device_gone', 'device_error'] as const),
    ]
    for (const code of seen) expect(moreExact(because(code), because('unplugged')).code, code).to.equal('unplugged')
  })

  it('of a file that does not grow is a media server that hangs, by all that is seen of it', () => {
    for (const code of ['server_unreachable', 'server_hung', 'breaker_open', 'server_error'] as const)
      for (const known of ['no_data', 'no_frames', 'pipeline_restarted'] as const)
        expect(moreExact(because(known), because(code)).code, known).to.equal(code)
  })

  it('of a process that ended is the end of its media server, which may have been noticed by a restart', () => {
    for (const code of ['server_ended', 'server_hung', 'server_restarted'] as const)
      for (const known of ['pipeline_killed', 'pipeline_failed', 'server_unreachable', 'breaker_open'] as const)
        expect(moreExact(because(known), because(code)).code, known).to.equal(code)
  })

  it('stays as it is known if nothing more is found', () => {
    expect(moreExact(because('no_data'), undefined).code).to.equal('no_data')
  })
})
