import { expect } from 'chai'
import { because } from '../../machines/domain/reason.js'
import { lacksAfter, needs, withGap } from '../../machines/domain/recording.js'

describe('what a recording lacks', () => {
  const lacks = {
    camera: because('unplugged'),
    storage: because('storage_full'),
    server: because('server_unreachable'),
  }

  it('changes with the events of one condition, and leaves the others', () => {
    const other = because('storage_read_only')
    for (const [type, key, reason] of [
      ['camera.lost', 'camera', other],
      ['camera.ready', 'camera', undefined],
      ['storage.blocked', 'storage', other],
      ['storage.freed', 'storage', undefined],
      ['server.lost', 'server', other],
      ['server.restored', 'server', undefined],
    ] as const)
      expect(lacksAfter(lacks, { type, reason: other }), type).to.deep.equal({ ...lacks, [key]: reason })
    expect(lacksAfter(lacks, { type: 'recording.stop' })).to.equal(lacks)
  })

  it('is waited for in a fixed order, the most lasting condition first', () => {
    expect(needs).to.deep.equal(['camera', 'storage', 'server'])
  })
})

describe('the gaps of a recording', () => {
  it('are the newest thousand', () => {
    let gaps: ReturnType<typeof withGap> = []
    for (let n = 0; n < 1_002; n += 1) gaps = withGap(gaps, { from: n, to: n + 1, reason: because('unplugged') })
    expect([gaps.length, gaps[0]?.from, gaps.at(-1)?.from]).to.deep.equal([1_000, 2, 1_001])
  })
})
