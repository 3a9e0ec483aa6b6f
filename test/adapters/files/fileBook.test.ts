import { appendFile, mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { openFileBook } from '../../../adapters/files/fileBook.js'
import { keptLog } from '../mediamtx/fakeServer.js'

describe('the book of files', () => {
  let dir = ''
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'book-'))
  })
  afterEach(() => rm(dir, { recursive: true }))
  const open = (file = join(dir, 'book')) => openFileBook({ file, log: keptLog() })
  const content = (book: Awaited<ReturnType<typeof open>>, folder: string) => Object.fromEntries(book.of(folder))

  it('keeps the last text of each file over a restart, by folder', async () => {
    const book = await open()
    book.note('/a', [
      ['one', '1'],
      ['two', ''],
    ])
    book.note('/b', [['one', '9']])
    book.note('/a', [
      ['one', undefined],
      ['drei und ä', '3 4'],
    ])
    await book.flush()
    const again = await open()
    expect([content(again, '/a'), content(again, '/b')]).to.deep.equal([{ two: '', 'drei und ä': '3 4' }, { one: '9' }])
  })

  it('skips a line that a power cut left, and goes on after it', async () => {
    const book = await open()
    book.note('/a', [['one', '1']])
    await book.flush()
    await appendFile(join(dir, 'book'), 'nonsense\n@/a\n+two')
    const again = await open()
    again.note('/a', [['three', '3']])
    await again.flush()
    expect(content(await open(), '/a')).to.deep.equal({ one: '1', three: '3' })
  })

  it('leaves out names that would break its lines', async () => {
    const book = await open()
    book.note('/a', [
      ['x\ty', '1'],
      ['x\n-z', '1'],
      ['z', '2'],
    ])
    book.note('/a\nb', [['z', '3']])
    await book.flush()
    expect(content(await open(), '/a')).to.deep.equal({ z: '2' })
  })

  it('stays as small as what it knows', async () => {
    const book = await open()
    book.note('/a', [['kept', 'x']])
    for (let round = 0; round < 12; round += 1) {
      book.note(
        '/a',
        Array.from({ length: 1_000 }, (_, n) => [`file ${n}`, `${round}`] as const),
      )
      await book.flush()
    }
    book.note(
      '/a',
      Array.from({ length: 1_000 }, (_, n) => [`file ${n}`, undefined] as const),
    )
    await book.flush()
    const lines = (await readFile(join(dir, 'book'), 'utf8')).split('\n').length
    expect(lines, '14,000 changes were noted').to.be.below(10_000)
    expect(content(await open(), '/a')).to.deep.equal({ kept: 'x' })
    expect((await stat(join(dir, 'book'))).mode & 0o777).to.equal(0o600)
  })

  it('is no obstacle if it cannot be read or written', async () => {
    const book = await open(join(dir, 'none', 'book'))
    book.note('/a', [['one', '1']])
    await book.flush()
    expect(content(book, '/a')).to.deep.equal({ one: '1' })
  })
})
