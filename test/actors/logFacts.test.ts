import { expect } from 'chai'
import { logFacts } from '../../actors/logFacts.js'
import type { Fact } from '../../machines/domain/facts.js'
import { because } from '../../machines/domain/reason.js'

/** Tells the facts. Returns the level and the fields of each log line. */
function linesOf(facts: Fact[]): [level: string, fields: unknown][] {
  const lines: [string, unknown][] = []
  const at = (level: string) => (_: string, fields?: object) => void lines.push([level, fields])
  const tell = logFacts({ error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') })
  for (const [seq, fact] of facts.entries()) tell({ ...fact, seq, at: 0 })
  return lines
}
const scan = (found: number, changes: object = {}): Fact => ({
  type: 'discovery.ended',
  found,
  took: 1,
  errors: [],
  ...changes,
})

describe('log lines of facts', () => {
  it('of scheduled scans are details if nothing is found, or the same as before', () => {
    const facts = [scan(0), scan(2), scan(2), scan(0), scan(0, { errors: ['x'] }), scan(0, { errors: ['x'] }), scan(0)]
    expect(linesOf(facts).map(([level]) => level)).to.deep.equal([
      'debug',
      'info',
      'debug',
      'info',
      'info',
      'debug',
      'info',
    ])
    const by = { user: 'ann', request: 'a-1', session: 'a' }
    expect(linesOf([scan(0, { askers: [by] })])[0]?.[0], 'a client asked for it').to.equal('info')
  })

  it('of a jump of the clock are warnings with both times, and say what to do', () => {
    const from = Date.UTC(2026, 0, 2)
    const [line] = linesOf([{ type: 'system.clock_jumped', from, to: from + 86_400_000, by: 86_400_000 }])
    const times = { from: '2026-01-02T00:00:00.000Z', to: '2026-01-03T00:00:00.000Z', by_ms: 86_400_000 }
    expect(line?.[0]).to.equal('warn')
    expect(line?.[1]).to.deep.include(times)
    expect(line?.[1]).to.have.property('details').that.contains('check the time synchronisation of the host')
  })

  it('have the code and the sentence of a reason, and a rounded percentage', () => {
    expect(
      linesOf([
        { type: 'storage.warning', percent: 81.23456, available: 5, reason: because('storage_warning', 'it fills up') },
        { type: 'link.down', reason: because('server_unreachable', 'it is off') },
        { type: 'system.stopping', reason: 'SIGTERM' },
      ]),
    ).to.deep.equal([
      ['warn', { percent: 81.2, available: 5, reason: 'storage_warning', details: 'it fills up' }],
      ['warn', { reason: 'server_unreachable', details: 'it is off' }],
      ['debug', { reason: 'SIGTERM' }],
    ])
  })
})
