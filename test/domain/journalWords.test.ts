import { expect } from 'chai'
import type { AnyStateMachine } from 'xstate'
import { machines } from '../../docs/generate/statecharts.js'
import { effectWords } from '../../machines/domain/effectWords.js'
import { entryInWords, eventInWords, withoutRepeats } from '../../machines/domain/explanationWords.js'
import type { JournalEntry } from '../../machines/domain/journal.js'
import { delayWords, eventWords } from '../../machines/domain/journalWords.js'

const eventsOf = ({ events }: AnyStateMachine) => events.filter((event) => !/^xstate\.|\*/.test(event))
const all = (of: (machine: AnyStateMachine) => string[]) => [...new Set(machines.flatMap(of))].sort()
const effects = all(({ implementations }) => Object.keys(implementations.actors))
const entry = (entry: Partial<JournalEntry>): JournalEntry => ({ seq: 1, at: 0, actor: 'it', event: 'start', ...entry })

describe('the words of the journal', () => {
  it('exist for each event of each machine, and for no others', () => {
    // The journal itself writes these.
    const own = ['start', 'stop', 'started', 'stopped']
    expect(Object.keys(eventWords)).to.have.members([...own, ...all(eventsOf)])
  })

  it('exist for each effect of each machine, and for no others', () => {
    expect(Object.keys(effectWords)).to.have.members(effects)
  })

  it('exist for each delay of each machine, and for no others', () => {
    const delays = all(({ id, implementations }) => Object.keys(implementations.delays).map((name) => `${id}.${name}`))
    const names = (key: string) => [key, key.slice(key.indexOf('.') + 1)]
    expect(delays.filter((key) => !names(key).some((name) => name in delayWords))).to.deep.equal([])
    const known = delays.flatMap(names)
    expect(Object.keys(delayWords).filter((key) => !known.includes(key))).to.deep.equal([])
  })

  it('contain no names of the code', () => {
    const sentences = [
      ...Object.keys(eventWords).map((event) => eventInWords(event)),
      ...effects.flatMap((effect) => ['done', 'failed'].map((outcome) => eventInWords(`${effect} ${outcome}`))),
      ...machines.flatMap(({ id, implementations }) =>
        Object.keys(implementations.delays).map((delay) => eventInWords(`after ${delay}`, id)),
      ),
    ]
    for (const sentence of sentences)
      expect(sentence)
        .to.match(/^[a-z][a-zH0-9_ :,.-]+$/)
        .and.not.match(/\w\.\w|[a-z][A-Z]/)
  })

  it('name the outcome of an effect that ended badly', () => {
    const words = (event: string, more: Partial<JournalEntry> = {}) => entryInWords(entry({ event, ...more }))
    const late = { reason: 'timed_out', details: 'the camera did not answer in time' }
    expect(words('snapshot done', { evidence: late })).to.equal(
      'the snapshot failed: the camera did not answer in time',
    )
    expect(words('source done', { evidence: late })).to.equal(
      'the network camera was lost: the camera did not answer in time',
    )
    const full = { machine: 'storage@1', evidence: { percent: 100, available: 0 } }
    expect(words('measureDisk done', { ...full, state: 'critical' })).to.equal(
      'the disk was measured: it is full (100 % used, 0 B free)',
    )
    expect(words('measureDisk done', { ...full, state: 'ok' })).to.match(/^the disk was measured: it has room/)
    expect(words('measureDisk done')).to.equal('the disk was measured')
    expect(words('waitUntil done')).to.equal('the time came')
    expect(words('after stallLimit')).to.equal('no data came for too long')
  })

  it('show entries of another version by their names', () => {
    expect(eventInWords('door.opened')).to.equal('the event door.opened came')
    expect(eventInWords('openDoor failed')).to.equal('the step openDoor failed')
    expect(eventInWords('after lunch')).to.equal('a time was over')
  })

  it('say what is passed on once', () => {
    expect(withoutRepeats(['b', 'b', 'a', 'b'])).to.deep.equal(['b', 'a', 'b'])
  })
})
