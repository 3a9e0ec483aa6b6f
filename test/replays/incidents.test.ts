import { readdirSync, readFileSync } from 'node:fs'
import { expect } from 'chai'
import type { TraceRecord } from '../../actors/trace/records.js'
import { replay } from '../../actors/trace/replay.js'
import { readBundle } from '../../machines/domain/bundle.js'
import { fleetMachine } from '../../machines/fleet.js'

const folder = new URL('./', import.meta.url)
const files = readdirSync(folder).filter((name) => name.endsWith('.jsonl'))

/** Any file of this folder is a test: `camera-service replay BUNDLE --make-test test/replays/NAME.jsonl`. */
describe('recorded incidents are replayed to the same states', () => {
  it('of at least thirteen kinds', () => expect(files.length).to.be.greaterThan(12))

  for (const file of files)
    it(file.replace('.jsonl', '').replaceAll('-', ' '), () => {
      const { trace } = readBundle(readFileSync(new URL(file, folder), 'utf8'))
      const { difference, events } = replay(fleetMachine, trace as TraceRecord[])
      expect(difference).to.equal(undefined)
      expect(events).to.be.greaterThan(20)
    })
})
