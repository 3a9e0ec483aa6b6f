import { expect } from 'chai'
import { logFacts } from '../../actors/logFacts.js'
import type { Fact } from '../../machines/domain/facts.js'
import { because } from '../../machines/domain/reason.js'

/** Tells the facts. Returns the level, the sentence and the fields of each log line. */
function linesOf(facts: Fact[]): [level: string, message: string, fields: unknown][] {
  const lines: [string, string, unknown][] = []
  const at = (level: string) => (message: string, fields?: object) => void lines.push([level, message, fields])
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
    const times = { from: '2026-01-02T00:00:00.000Z', to: '2026-01-03T00:00:00.000Z', by: 86_400_000 }
    expect(line?.[0]).to.equal('warn')
    expect(line?.[1]).to.contain('set forward by 1 d,').and.to.contain('check the time synchronisation of the host')
    expect(line?.[2]).to.deep.equal({ event: 'system.clock_jumped', ...times })
  })

  it('are sentences with their reason, and have the event, its code and a rounded percentage as fields', () => {
    const camera = 'camera0'
    expect(
      linesOf([
        { type: 'storage.warning', percent: 81.23456, available: 5, reason: because('storage_warning', 'it fills up') },
        { type: 'link.up', version: 'v1.20.1', paths: 1 },
        { type: 'link.down', reason: because('server_unreachable', 'it is off') },
        { type: 'camera.connected', camera, name: 'Front Door' },
        { type: 'camera.statusChanged', camera, name: 'Front Door', from: 'CONNECTED', to: 'DISCONNECTED' },
        { type: 'retention.swept', files: 2, freed: 5_000_000, kept: [{ name: 'x', reason: 'EIO' }] },
        { type: 'simulation.step', act: { action: 'jump_clock', by: 5 } },
        { type: 'simulation.step', act: { action: 'unplug', camera: 'front' }, camera },
        { type: 'simulation.step', act: { action: 'plug', camera: 'front' }, reason: because('unplugged', 'no port') },
        { type: 'system.stopping', reason: 'SIGTERM' },
      ]).map(([level, message, fields]) => [level, message, JSON.stringify(fields)]),
    ).to.deep.equal([
      [
        'warn',
        'less room for recordings: it fills up',
        '{"event":"storage.warning","percent":81.2,"available":5,"reason":"storage_warning"}',
      ],
      ['info', 'the media server v1.20.1 answers, with 1 path', '{"event":"link.up","version":"v1.20.1","paths":1}'],
      ['warn', 'the media server is down: it is off', '{"event":"link.down","reason":"server_unreachable"}'],
      [
        'info',
        'camera0 (Front Door) is connected',
        '{"event":"camera.connected","camera":"camera0","name":"Front Door"}',
      ],
      [
        'debug',
        'the status of camera0 changed from CONNECTED to DISCONNECTED',
        '{"event":"camera.statusChanged","camera":"camera0","name":"Front Door","from":"CONNECTED","to":"DISCONNECTED"}',
      ],
      [
        'info',
        '2 files were deleted by retention, which freed 5.0 MB; 1 could not be deleted',
        '{"event":"retention.swept","files":2,"freed":5000000,"kept":[{"name":"x","reason":"EIO"}]}',
      ],
      ['info', 'simulated: jump clock', '{"event":"simulation.step","action":"jump_clock","by":5}'],
      [
        'info',
        'simulated: unplug of camera0',
        '{"event":"simulation.step","action":"unplug","name":"front","camera":"camera0"}',
      ],
      [
        'warn',
        'not simulated: plug of front: no port',
        '{"event":"simulation.step","action":"plug","name":"front","reason":"unplugged"}',
      ],
      ['debug', 'the service stops: SIGTERM', '{"event":"system.stopping","reason":"SIGTERM"}'],
    ])
  })
})
