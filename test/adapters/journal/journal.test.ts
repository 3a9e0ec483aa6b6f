import { appendFile, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { openJournal, type Sink } from '../../../adapters/journal/journal.js'
import type { Journal } from '../../../machines/domain/journal.js'

const day = 86_400_000

describe('adapters: journal', () => {
  let dir: string
  let now = Date.UTC(2026, 0, 2)
  const lines: string[] = []
  beforeEach(async () => {
    dir = join(await mkdtemp(join(tmpdir(), 'journal-')), 'journal')
    lines.length = 0
  })
  afterEach(() => rm(join(dir, '..'), { recursive: true, force: true }))

  const open = (changes: Partial<Parameters<typeof openJournal>[0]> = {}) => {
    const note = (message: string) => void lines.push(message)
    const log = { error: note, warn: note, info: note, debug: note }
    const size = { maxSize: 80_000, maxAge: 30 * day, version: '1.2.3' }
    return openJournal({ dir, ...size, clock: { now: () => now }, log, pause: 5, ...changes })
  }
  const write = (journal: Journal, count: number, actor = 'storage') => {
    for (let index = 0; index < count; index += 1)
      journal.append({ at: now, actor, from: 'ok', to: 'warning', event: 'disk.measured' })
  }
  const eventsOf = async (journal: Journal) =>
    (await journal.read({ limit: 1_000 })).entries.map(({ seq, event }) => `${seq} ${event}`)
  const files = async () => (await readdir(dir)).sort()
  const sizeOfAll = async () =>
    (await Promise.all((await files()).map(async (name) => (await stat(join(dir, name))).size))).reduce((a, b) => a + b)

  it('continues after a restart, and says that the service restarted', async () => {
    const first = await open()
    write(first, 1)
    await first.close()
    const second = await open()
    expect(await eventsOf(second)).to.deep.equal(['4 started', '3 stopped', '2 disk.measured', '1 started'])
    expect(second.recent().at(-1)?.evidence).to.deep.equal({ version: '1.2.3', previous_run: 'stopped' })
    await second.close()
  })

  it('says that the last run ended without a stop, and drops the line that was cut off', async () => {
    const first = await open()
    write(first, 2)
    await first.close()
    const [name = ''] = await files()
    const text = await readFile(join(dir, name), 'utf8')
    const kept = text.split('\n').slice(0, 2).join('\n')
    await writeFile(join(dir, name), `${kept}\n{"seq":3,"at":17673`)
    const second = await open()
    expect(await eventsOf(second)).to.deep.equal(['3 started', '2 disk.measured', '1 started'])
    expect(second.recent().at(-1)?.evidence?.previous_run).to.equal('ended without a stop')
    await second.close()
    const whole = (await readFile(join(dir, name), 'utf8')).trim().split('\n')
    expect(whole.map((line) => JSON.parse(line).seq)).to.deep.equal([1, 2, 3, 4])
  })

  it('says until when the last run was alive, by the marks on its file', async () => {
    const first = await open({ markEvery: 5 })
    const path = join(dir, 'journal-000001.jsonl')
    const marked = async () => {
      const time = () =>
        stat(path).then(
          ({ mtimeMs }) => mtimeMs,
          () => 0,
        )
      while ((await time()) !== now) await new Promise((resolve) => setImmediate(resolve))
    }
    // Only a mark sets the time of the file to that of the clock.
    await marked()
    now += 60_000
    await marked()
    const text = await readFile(path, 'utf8')
    await first.close()
    await writeFile(path, text)
    await utimes(path, now / 1_000, now / 1_000)
    const second = await open()
    const { evidence } = second.recent().at(-1) ?? {}
    expect(evidence?.last_alive).to.equal(new Date(now).toISOString())
    await second.close()
  })

  it('leaves out lines that are no entries', async () => {
    await (await open()).close()
    const [name = ''] = await files()
    await appendFile(join(dir, name), 'no entry\n{"seq":"7"}\n[]\n')
    const second = await open()
    expect(await eventsOf(second)).to.deep.equal(['3 started', '2 stopped', '1 started'])
    await second.close()
  })

  it('stays below its size, and keeps the newest entries', async () => {
    const journal = await open({ maxSize: 16_000, most: 10 })
    for (let round = 0; round < 40; round += 1) {
      write(journal, 10)
      await journal.read({ limit: 1_000 })
    }
    const { entries } = await journal.read({ limit: 1_000 })
    expect(entries[0]?.seq).to.equal(401)
    expect(entries.map(({ seq }) => seq)).to.deep.equal(entries.map((_, index) => 401 - index))
    expect(entries.length).to.be.within(60, 200)
    await journal.close()
    expect(await sizeOfAll()).to.be.at.most(16_000)
    expect((await files()).length).to.be.greaterThan(2)
  })

  it('removes entries that are too old', async () => {
    const first = await open({ maxSize: 8_000 })
    write(first, 20)
    await first.close()
    for (const name of await files()) await utimes(join(dir, name), now / 1_000, now / 1_000)
    const before = await files()
    now += 31 * day
    const second = await open({ maxSize: 8_000 })
    write(second, 1)
    expect(await eventsOf(second)).to.deep.equal(['24 disk.measured', '23 started'])
    await second.close()
    expect((await files()).filter((name) => before.slice(0, -1).includes(name))).to.deep.equal([])
    now -= 31 * day
  })

  it('reads pages from memory and from the disk, with filters', async () => {
    const journal = await open({ most: 5 })
    for (let index = 0; index < 600; index += 1) write(journal, 1, index % 2 ? 'camera:camera0/demand' : 'link')
    const seen: number[] = []
    for (let before: number | undefined; ; ) {
      const query = { actor: 'camera:camera0', limit: 70, ...(before !== undefined && { before }) }
      const { entries, next } = await journal.read(query)
      seen.push(...entries.map(({ seq }) => seq))
      if (next === undefined) break
      before = next
    }
    expect(seen).to.deep.equal(Array.from({ length: 300 }, (_, index) => 601 - 2 * index))
    const { entries } = await journal.read({ after: 599, limit: 10 })
    expect(entries.map(({ seq }) => seq)).to.deep.equal([601, 600])
    await journal.close()
  })

  it('goes on in memory while the disk is full, says so once, and writes the rest afterwards', async () => {
    let isFull = true
    const { open: openFile } = await import('node:fs/promises')
    const sink = async (path: string): Promise<Sink> => {
      const file = await openFile(path, 'a', 0o600)
      return {
        appendFile: async (data) => {
          if (isFull) throw Object.assign(new Error('full'), { code: 'ENOSPC' })
          await file.appendFile(data)
        },
        truncate: (length) => file.truncate(length),
        utimes: (atime, mtime) => file.utimes(atime, mtime),
        sync: () => file.sync(),
        close: () => file.close(),
      }
    }
    const journal = await open({ open: sink, most: 3, maxSize: 1_000_000 })
    // A page beyond the memory writes first.
    for (let round = 0; round < 3; round += 1) {
      write(journal, 300)
      await journal.read({ limit: 1_000 })
    }
    expect(lines).to.deep.equal(['the journal cannot be written and is kept in memory'])
    expect(journal.recent().at(-1)?.seq).to.equal(901)
    isFull = false
    const { entries } = await journal.read({ limit: 1_000 })
    expect(entries.length).to.equal(901)
    expect(lines[1]).to.equal('the journal is written again')
    await journal.close()
  })

  it('works without a usable folder', async () => {
    await writeFile(dir, 'a file, no folder')
    const journal = await open()
    write(journal, 1)
    expect(await eventsOf(journal)).to.deep.equal(['2 disk.measured', '1 started'])
    await journal.close()
    expect(lines).to.include('the journal cannot be written and is kept in memory')
  })
})
