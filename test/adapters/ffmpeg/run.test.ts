import { expect } from 'chai'
import { run } from '../../../adapters/ffmpeg/run.js'
import { failure } from './support.js'

describe('run', () => {
  it('answers any exit code with what was written', async () => {
    expect(await run('sh', ['-c', 'echo out; echo err >&2; exit 3'])).to.deep.equal({
      code: 3,
      stdout: 'out\n',
      stderr: 'err\n',
    })
  })

  it('feeds bytes that come later, and ends the child when they do not come', async () => {
    expect((await run('cat', [], { stdin: Promise.resolve(Buffer.from('late')) })).stdout).to.equal('late')
    expect(await failure(run('cat', [], { stdin: Promise.reject(new Error('no keyframe')) }))).to.equal('no keyframe')
  })

  it('keeps a bounded part of what a talker says', async () => {
    const { stdout } = await run('sh', ['-c', 'head -c 1000000 /dev/zero'], { maxOutput: 1_000 })
    expect(stdout).to.have.length(1_000)
  })

  it('kills what takes too long or is no longer wanted', async () => {
    expect(await failure(run('sleep', ['60'], { timeout: 50 }))).to.equal('timed out after 0.1 s')
    const ended = new AbortController()
    const failed = failure(run('sleep', ['60'], { signal: ended.signal }))
    ended.abort(new Error('unplugged'))
    expect(await failed).to.equal('unplugged')
    expect(await failure(run('sleep', ['60'], { signal: ended.signal }))).to.equal('unplugged')
  })

  it('names a program that is missing', async () =>
    expect(await failure(run('no-such-program', []))).to.equal('no-such-program is not installed'))
})
