import { expect } from 'chai'
import { disturbed, type Happened, type Played, samplesOf } from './losses.js'
import { plan } from './plan.js'
import { brokenBy, tablesOf } from './report.js'

/** Times in seconds here, for people. */
const played = (name: string, from: number, to: number, frames = 1): Played => ({
  ...{ name, frames, isCut: name.startsWith('cut') || frames === 0 },
  from: from * 1_000,
  to: to * 1_000,
})
const killed = (target: Happened['kills'][number]['target'], at: number, camera = 'camera0') => ({
  ...{ target, camera },
  at: at * 1_000,
})
const frame = 100
const seconds = (ms: number | undefined) => (ms === undefined ? undefined : Math.round(ms / 100) / 10)
const lossesOf = (incidents: Happened[], files: Map<string, Played[]>) =>
  samplesOf(incidents, files, frame).map(({ incident, camera, lost, unplayed, afterReady, unplayable, resumed }) => ({
    ...{ incident, camera, unplayable, resumed },
    lost: seconds(lost),
    unplayed: seconds(unplayed),
    ...(afterReady !== undefined && { afterReady: seconds(afterReady) }),
  }))

describe('the losses of kills', () => {
  it('are the time from the last playable frame to the first one of the next file', () => {
    const service: Happened = { kills: [killed('service', 10)], readyAt: 10_500, stuck: [] }
    const files = new Map([
      ['camera0', [played('a', 0, 9.8), played('b', 11.2, 20)]],
      // The media server still closed this file: nothing before the kill is lost.
      ['camera1', [played('c', 0, 10.1), played('d', 10.4, 20)]],
    ])
    expect(lossesOf([service], files)).to.deep.equal([
      { incident: 0, camera: 'camera0', lost: 1.4, unplayed: 0.2, afterReady: 0.7, unplayable: 0, resumed: true },
      { incident: 0, camera: 'camera1', lost: 0.3, unplayed: 0, afterReady: 0, unplayable: 0, resumed: true },
    ])
  })

  it('belong to the incident before them, and to the recordings that it concerns', () => {
    const incidents: Happened[] = [
      { kills: [killed('ffmpeg', 10, 'camera1')], stuck: [] },
      { kills: [killed('server', 20), killed('ffmpeg', 20.5, 'camera1')], stuck: [] },
    ]
    const files = new Map([
      // Between the kills of the second incident it was recorded again.
      ['camera0', [played('a', 0, 19.9), played('b', 20.4, 30)]],
      ['camera1', [played('c', 0, 10), played('d', 10.9, 19.8), played('e', 20.3, 20.4), played('f', 21, 30)]],
    ])
    const losses = lossesOf(incidents, files)
    expect(losses.map(({ incident, camera, lost, resumed }) => [incident, camera, lost, resumed])).to.deep.equal([
      [1, 'camera0', 0.5, true],
      [0, 'camera1', 0.9, true],
      [1, 'camera1', 1.1, true],
    ])
    expect(disturbed(incidents, files, { frame, limit: 1_000 })).to.deep.equal([])
  })

  it('are no frame between two files that follow each other', () => {
    const server: Happened = { kills: [killed('server', 10)], stuck: [] }
    const files = new Map([['camera0', [played('a', 0, 4.95), played('b', 5, 10), played('c', 11, 20)]]])
    expect(lossesOf([server], files).map(({ lost }) => lost)).to.deep.equal([1])
  })

  it('report a camera that a kill of another one disturbed', () => {
    const incidents: Happened[] = [{ kills: [killed('ffmpeg', 10, 'camera1')], stuck: [] }]
    const files = new Map([['camera0', [played('a', 0, 10), played('b', 12, 20)]]])
    expect(disturbed(incidents, files, { frame, limit: 1_000 })).to.deep.equal([
      'camera0: 2000 ms are missing without a kill that concerns it',
    ])
    expect(lossesOf(incidents, files)).to.deep.equal([])
  })

  it('break the promises: a file that cannot be played, a recording that does not continue, and slowness', () => {
    const incidents: Happened[] = [
      { kills: [killed('service', 10)], readyAt: 11_000, stuck: [] },
      { kills: [killed('server', 20)], stuck: [{ camera: 'camera0', details: 'it waits' }] },
    ]
    const files = new Map([['camera0', [played('a', 0, 9), played('cut', 14, 19), played('broken', 19.5, 19.5, 0)]]])
    const samples = samplesOf(incidents, files, frame)
    expect(brokenBy({ incidents, samples }, 0)).to.deep.equal([
      'incident 1 (service), camera0: the last 1.0 s before the kill cannot be played',
      'incident 1 (service), camera0: recorded again only 3.0 s after the service was ready',
      'incident 2 (media server), camera0: the recording did not continue',
      'incident 2 (media server), camera0: 1 files cannot be played',
    ])
    expect(brokenBy({ incidents, samples }, 1_000).length).to.equal(2)
    const lines = tablesOf({ incidents, samples }).split('\n')
    expect(lines.filter((line) => /^\| (service|media server) /.test(line))).to.deep.equal([
      '| service | 1 | 1 | 5.0 s | 5.0 s | 0 | 0 | 100 % |',
      '| media server | 1 | 1 | 0.0 s | 0.0 s | 2 | 1 | 0 % |',
      '| service | 1.0 s | 1.0 s | 3.0 s | 3.0 s |',
    ])
  })
})

describe('the plan of kills', () => {
  it('has as many of each target as asked, is random, and is the same for the same seed', () => {
    const incidents = plan(1, 100, 4)
    const single = incidents.filter(({ kills }) => kills.length === 1).map(({ kills: [{ target }] }) => target)
    const count = (target: string) => single.filter((one) => one === target).length
    expect(['service', 'server', 'ffmpeg', 'group'].map(count)).to.deep.equal([100, 100, 100, 20])
    expect(incidents.length - single.length).to.equal(20)
    expect(plan(1, 100, 4)).to.deep.equal(incidents)
    expect(plan(2, 100, 4)).not.to.deep.equal(incidents)
    const cameras = new Set(incidents.flatMap(({ kills }) => kills.map(({ camera }) => camera)))
    expect([...cameras].sort()).to.deep.equal([0, 1, 2, 3])
  })
})
