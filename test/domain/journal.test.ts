import { expect } from 'chai'
import { cameraOf, flappingOf, flappingText, type JournalEntry, matches } from '../../machines/domain/journal.js'

const entry = (changes: Partial<JournalEntry>) =>
  ({ seq: 5, at: 1_000, actor: 'camera:camera0', event: 'x', ...changes }) as JournalEntry
const lost = (at: number, changes: Partial<JournalEntry> = {}) =>
  entry({ at, from: 'online.life.available', to: 'draining.forReturn', ...changes })

describe('the journal', () => {
  it('finds the camera of an actor', () => {
    expect(['camera:camera7', 'camera:camera7/recording'].map(cameraOf)).to.deep.equal(['camera7', 'camera7'])
    for (const actor of ['camera:', 'camera:front', 'storage', 'link/camera:camera1'])
      expect(cameraOf(actor), actor).to.equal(undefined)
  })

  it('matches by actor with its children, time, number and right; no condition matches all', () => {
    expect(matches(entry({ seq: 1, at: 0 }), { limit: 1 })).to.equal(true)
    for (const [query, expected] of [
      [{ actor: 'camera:camera0' }, true],
      [{ actor: 'camera:camera' }, false],
      [{ actor: 'storage' }, false],
      [{ since: 1_000, until: 1_000 }, true],
      [{ since: 1_001 }, false],
      [{ until: 999 }, false],
      [{ after: 4, before: 6 }, true],
      [{ after: 5 }, false],
      [{ before: 5 }, false],
      [{ isVisible: () => false }, false],
    ] as const)
      expect(matches(entry({}), { limit: 1, ...query }), JSON.stringify(query)).to.equal(expected)
    expect(matches(entry({ actor: 'camera:camera0/recording' }), { limit: 1, actor: 'camera:camera0' })).to.equal(true)
  })

  it('finds the rhythm of a camera that was lost three times in ten minutes', () => {
    const now = 1_000_000
    const times = [now - 600_001, now - 600_000, now - 300_000, now - 290_000]
    const entries = times.map((at) => lost(at))
    expect(flappingOf(entries, 'camera0', now)).to.deep.equal({ disconnects: 3, window: 600_000, every: 300_000 })
    expect(flappingOf(entries, 'camera0', now + 1)).to.equal(undefined)
    expect(flappingOf(entries, 'camera1', now)).to.equal(undefined)
    const others = [lost(now, { evidence: { reason: 'adapted' } }), lost(now, { from: 'waiting' }), entry({ at: now })]
    expect(flappingOf([...entries.slice(2), ...others], 'camera0', now)).to.equal(undefined)
    expect(flappingText({ disconnects: 7, window: 600_000, every: 85_400 })).to.equal(
      '7 disconnects in 10 min, about every 85 s',
    )
  })
})
