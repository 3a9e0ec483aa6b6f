import { expect } from 'chai'
import type { RecordingFile } from '../../machines/domain/files.js'
import { because } from '../../machines/domain/reason.js'
import { isOutgrown, limitsAfter, stallOf } from '../../machines/domain/segmentLimits.js'

/** Just below 4 GiB, which is the most that FAT takes. */
const full = 4_294_000_000
const file = (bytes: number, duration: number, fallback = false) => ({ bytes, duration, fallback }) as RecordingFile

describe('the files of a recording on a file system that takes no large ones', () => {
  it('are three quarters as long as the full one, in whole seconds, from then on', () => {
    expect(limitsAfter({}, [file(full, 101_000), file(5_000, 9_000)])).to.deep.equal({ main: 75_000 })
    expect(limitsAfter({ main: 75_000 }, [file(full, 41_000, true)])).to.deep.equal({ main: 75_000, fallback: 30_000 })
  })

  it('do not become longer again, and not shorter than ten seconds', () => {
    expect(limitsAfter({ main: 60_000 }, [file(full, 101_000)])).to.deep.equal({ main: 60_000 })
    expect(limitsAfter({ main: 60_000 }, [file(full, 12_000)])).to.deep.equal({ main: 10_000 })
  })

  it('are full when the next part does not fit any more; a larger file shows that there is no limit', () => {
    const limits = { main: 60_000 }
    for (const [bytes, isFull] of [
      [4_244_000_000, false],
      [4_246_000_000, true],
      [4_294_967_295, true],
      [4_294_967_296, false],
    ] as const)
      expect(limitsAfter(limits, [file(bytes, 20_000)]) !== limits, String(bytes)).to.equal(isFull)
  })

  it('follow a full one after a pause, in which the media server noticed the error', () => {
    expect([1_999, 2_000].map((nextAt) => isOutgrown(full, 1_000, nextAt))).to.deep.equal([false, true])
    expect(isOutgrown(1_000, 1_000, 9_000)).to.equal(false)
  })

  it('do not grow for lack of data, or because they are full: then it is said how long the next ones are', () => {
    expect(stallOf(1_000, 100_000)).to.deep.equal(because('no_data'))
    expect(stallOf(full, 101_000).code).to.equal('file_too_large')
    expect(stallOf(full, 101_000).details).to.include('at most 75 s;')
    expect(stallOf(full, 400_000).details).to.include('at most 5 minutes;')
  })
})
