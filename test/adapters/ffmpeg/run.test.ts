import { expect } from 'chai'
import { behindStreams, run } from '../../../adapters/ffmpeg/run.js'
import { failure } from './support.js'

describe('run', () => {
  it('resolves with any exit code and the output', async () => {
    expect(await run('sh', ['-c', 'echo out; echo err >&2; exit 3'])).to.deep.equal({
      code: 3,
      stdout: 'out\n',
      stderr: 'err\n',
    })
  })

  it('writes bytes to stdin when they are available, and kills the program if they fail', async () => {
    expect((await run('cat', [], { stdin: Promise.resolve(Buffer.from('late')) })).stdout).to.equal('late')
    expect(await failure(run('cat', [], { stdin: Promise.reject(new Error('no keyframe')) }))).to.equal('no keyframe')
  })

  it('keeps a limited part of the output', async () => {
    const { stdout } = await run('sh', ['-c', 'head -c 1000000 /dev/zero'])
    expect(stdout).to.have.length(262_144)
  })

  it('schedules a program behind the streams', async () => {
    // The program reads its input first, so that its priority is set by then.
    const { stdout } = await behindStreams(run)('sh', ['-c', 'read line; cut -d" " -f19 /proc/self/stat'], {
      stdin: Buffer.from('go\n'),
    })
    expect(Number(stdout)).to.be.at.least(5)
  })

  it('kills a program at the time limit and on abort', async () => {
    expect(await failure(run('sleep', ['60'], { timeout: 50 }))).to.equal('timed_out: timed out after 0.1 s')
    const ended = new AbortController()
    const failed = failure(run('sleep', ['60'], { signal: ended.signal }))
    ended.abort(new Error('unplugged'))
    expect(await failed).to.equal('unplugged')
    expect(await failure(run('sleep', ['60'], { signal: ended.signal }))).to.equal('unplugged')
  })

  it('rejects with the name of the program if it is missing', async () =>
    expect(await failure(run('no-such-program', []))).to.equal('program_missing: no-such-program is not installed'))
})
