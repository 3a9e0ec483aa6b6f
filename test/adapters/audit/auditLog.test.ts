import {
  appendFile,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import sinon from 'sinon'
import { type AuditOptions, openAuditLog } from '../../../adapters/audit/auditLog.js'
import { verifyAudit } from '../../../adapters/audit/verify.js'
import type { AuditEntry } from '../../../machines/domain/access.js'

const secret = new TextEncoder().encode('a secret of the log and nothing else, 32 bytes')
const noon = Date.UTC(2025, 5, 1, 12)

const entry = (changes: Partial<AuditEntry> = {}): AuditEntry => ({
  event: 'change',
  action: 'start_recording',
  result: 'ok',
  user: 'ann',
  role: 'operator',
  address: '192.0.2.7',
  session: 's1',
  request: 's1-1',
  subject: 'camera0',
  ...changes,
})

describe('the audit log', () => {
  let root: string
  let dir: string
  let headDir: string
  let logged: string[]

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'audit-'))
    dir = join(root, 'audit')
    headDir = root
    logged = []
  })
  afterEach(() => rm(root, { recursive: true }))

  const note =
    (level: string) =>
    (message: string, fields: object = {}) =>
      void logged.push(`${level}: ${message} ${JSON.stringify(fields)}`)
  const log = { error: note('error'), warn: note('warn'), info: () => {}, debug: () => {} }
  const begin = (options: Partial<AuditOptions> = {}) =>
    openAuditLog({ dir, headDir, secret, log, clock: { now: () => noon }, maxSize: 1_000_000, maxFiles: 5, ...options })
  const verdict = () => verifyAudit({ dir, headDir, secret })
  const file = (number = 1) => join(dir, `audit-00000${number}.jsonl`)
  const head = () => join(headDir, 'audit_head.json')
  const lines = async (number = 1) => (await readFile(file(number), 'utf8')).split('\n').slice(0, -1)
  const change = async (edit: (lines: string[]) => string[], number = 1) =>
    writeFile(
      file(number),
      edit(await lines(number))
        .map((line) => `${line}\n`)
        .join(''),
    )
  /** Opens the log, writes entries up to `count`, and closes it. The first one of a new log notes its begin. */
  const life = async (count: number, options: Partial<AuditOptions> = {}) => {
    const audit = await begin(options)
    for (let index = 1; index < count; index += 1) audit.write(entry({ request: `r${index}` }))
    await audit.close()
  }
  const reasons = async () => {
    const audit = await begin()
    const { records } = await audit.read({ limit: 1000 })
    await audit.close()
    return records.flatMap(({ action, reason }) => (action === 'audit log' ? [reason] : [])).reverse()
  }

  it('holds one line for each entry, in order, without gaps, across restarts', async () => {
    await life(3)
    await life(3)
    const held = (await lines()).map((line) => JSON.parse(line))
    expect(held.map(({ seq }) => seq)).to.deep.equal([1, 2, 3, 4, 5])
    expect(held[1]).to.deep.include({ ...entry(), request: 'r1', at: '2025-06-01T12:00:00.000Z' })
    expect(await verdict()).to.deep.equal({ good: true, entries: 5 })
    expect((await stat(file())).mode & 0o777).to.equal(0o600)
    expect(logged).to.deep.equal([])
  })

  it('fails verification when it was deleted with its head, also after a restart', async () => {
    const gone = 'audit_head.json is missing, and so is every file of the log'
    await life(3)
    await rm(dir, { recursive: true })
    await rm(head())
    expect(await verdict()).to.deep.equal({ good: false, entries: 0, fault: gone })
    await life(3, { isNew: false })
    expect(await verdict()).to.have.property('good', false)
    expect(await reasons()).to.deep.equal([
      'the log begins again: audit_head.json was missing; no file of the log is left',
    ])
  })

  it('writes its head before its first entry', async () => {
    const audit = await begin()
    expect(await verdict()).to.have.property('good', true)
    await audit.close()
  })

  it('writes one line for an entry, whatever the user is called', async () => {
    const audit = await begin()
    const user = `a\n{"seq":9}\u2028\u202e\u009b${'x'.repeat(9_000)}`
    audit.write(entry({ user }))
    const { records } = await audit.read({ limit: 1 })
    await audit.close()
    const [, line = ''] = await lines()
    expect(line).to.match(/^[\x20-\x7e…]+$/)
    expect(line.length).to.be.lessThan(1_000)
    expect(records[0]?.user.slice(0, 20)).to.equal(user.slice(0, 20))
    expect(await verdict()).to.deep.equal({ good: true, entries: 2 })
  })

  const attacks: [what: string, attack: () => Promise<unknown>, fault: string | RegExp][] = [
    [
      'an altered line',
      () => change((all) => all.map((line, index) => (index === 3 ? line.replace('ann', 'bob') : line))),
      'audit-000001.jsonl line 4: was altered, or a line before it (entry 4)',
    ],
    [
      'a missing line',
      () => change((all) => all.toSpliced(3, 1)),
      'audit-000001.jsonl line 4: holds entry 5 instead of 4',
    ],
    [
      'a missing first line',
      () => change((all) => all.slice(1)),
      'audit-000001.jsonl line 1: holds entry 2 instead of 1',
    ],
    [
      'swapped lines',
      () => change((all) => [all[1] ?? '', all[0] ?? '', ...all.slice(2)]),
      'audit-000001.jsonl line 1: holds entry 2 instead of 1',
    ],
    [
      'a line twice',
      () => change((all) => [...all.slice(0, 3), all[2] ?? '', ...all.slice(3)]),
      'audit-000001.jsonl line 4: holds entry 3 instead of 4',
    ],
    ['words between the lines', () => change((all) => ['# mine', ...all]), 'audit-000001.jsonl line 1: is no entry'],
    ['a cut-off end', () => change((all) => all.slice(0, -1)), 'audit-000001.jsonl ends with entry 9 instead of 10'],
    ['an end cut off in a line', () => truncate(file(), 2_000), /^audit-000001.jsonl line \d: is no entry$/],
    ['an emptied file', () => truncate(file(), 0), 'audit-000001.jsonl ends with entry 0 instead of 10'],
    ['a removed file', () => rm(file()), 'audit-000001.jsonl is missing'],
    [
      'a line added at the end',
      () => appendFile(file(), `{"seq":11,"at":"x","mac":"${'0'.repeat(64)}"}\n`),
      'audit-000001.jsonl line 11: was altered, or a line before it (entry 11)',
    ],
    ['a file added', () => writeFile(file(7), ''), 'audit-000007.jsonl is not of the log'],
    ['a removed head', () => rm(head()), 'audit_head.json is missing'],
    [
      'an altered head',
      async () => writeFile(head(), (await readFile(head(), 'utf8')).replace('"seq":10', '"seq":5')),
      'audit_head.json was altered, or written with another key',
    ],
  ]
  for (const [what, attack, fault] of attacks) {
    it(`fails verification after ${what}, also after a restart`, async () => {
      await life(10)
      await attack()
      const before = await verdict()
      expect(before.good).to.equal(false)
      if (!before.good)
        expect(before.fault).to.match(
          typeof fault === 'string' ? new RegExp(`^${fault.replace(/[.()]/g, '\\$&')}$`) : fault,
        )
      await life(3)
      expect((await verdict()).good).to.equal(false)
    })
  }

  it('fails verification with a renamed file, and with another key', async () => {
    await life(20, { maxSize: 1_500 })
    await rename(file(2), file(3))
    expect(await verdict()).to.have.property('good', false)
    expect(await verifyAudit({ dir, headDir, secret: new Uint8Array(32) })).to.have.property('good', false)
  })

  it('begins again when its head is missing, keeps the older entries, and notes the break', async () => {
    await life(4)
    await rm(head())
    await life(2)
    expect(await verdict()).to.deep.include({ good: false, entries: 2 })
    expect((await readdir(dir)).sort()).to.deep.equal([
      'audit-000002.jsonl',
      'unproven-2025-06-01T12-00-00-000Z-audit-000001.jsonl',
    ])
    expect((await lines(2)).map((line) => JSON.parse(line).seq)).to.deep.equal([5, 6])
    expect(logged[0]).to.match(/^error: audit log: the log begins again: audit_head.json was missing/)
  })

  it('notes at the start what was altered', async () => {
    await life(10)
    await change((all) => all.slice(0, -2))
    expect(await reasons()).to.deep.equal([
      'the log begins',
      'found altered: audit-000001.jsonl was cut off before entry 10',
    ])
  })

  describe('after a crash', () => {
    /** The disk as it is while the head still lags behind. */
    const crash = async (count: number) => {
      const audit = await begin()
      await audit.read({ limit: 1 })
      await audit.close()
      const old = await readFile(head(), 'utf8')
      await life(count)
      await writeFile(head(), old)
    }

    it('accepts lines that its head does not name yet', async () => {
      await crash(4)
      expect(await verdict()).to.deep.equal({ good: true, entries: 4 })
      await life(2)
      expect(await verdict()).to.deep.equal({ good: true, entries: 5 })
      expect(await reasons()).to.deep.equal(['the log begins'])
    })

    it('accepts files that its head does not name yet', async () => {
      const audit = await begin({ maxSize: 1_000 })
      await audit.read({ limit: 1 })
      await audit.close()
      const old = await readFile(head(), 'utf8')
      await life(12, { maxSize: 1_000, maxFiles: 50 })
      const files = (await readdir(dir)).length
      expect(files).to.be.greaterThan(3)
      await writeFile(head(), old)
      await life(2, { maxSize: 1_000, maxFiles: 50 })
      expect(await verdict()).to.deep.equal({ good: true, entries: 13 })
    })

    it('accepts the first file after a missing head', async () => {
      await life(4)
      await rm(head())
      const audit = await begin()
      const old = await readFile(head(), 'utf8')
      audit.write(entry())
      await audit.close()
      await writeFile(head(), old)
      expect(await reasons()).to.deep.equal([
        'the log begins again: audit_head.json was missing; ' +
          'the older entries are kept as unproven-2025-06-01T12-00-00-000Z-…',
      ])
      expect((await lines(2)).map((line) => JSON.parse(line).seq)).to.deep.equal([5, 6])
    })

    it('cuts off half a line, and notes it', async () => {
      await life(4)
      await appendFile(file(), '{"seq":5,"at":"2025-06')
      expect(await verdict()).to.deep.equal({ good: true, entries: 4 })
      expect(await reasons()).to.deep.equal([
        'the log begins',
        '22 bytes of an entry that was not written completely were cut off',
      ])
      expect(await verdict()).to.deep.equal({ good: true, entries: 5 })
    })

    it('cuts off what a file system leaves of unsynced lines', async () => {
      await life(4)
      await appendFile(file(), `${'\0'.repeat(300)}\n"}\n`)
      await life(1)
      expect(await verdict()).to.deep.equal({ good: true, entries: 5 })
    })

    it('does not mistake a cut for a crash', async () => {
      await life(6)
      await truncate(file(), (await stat(file())).size - 10)
      await life(2)
      expect(await verdict()).to.have.property('good', false)
    })

    it('fails verification with a line after the head that is not of the chain', async () => {
      await crash(5)
      await change((all) => all.toSpliced(3, 1))
      expect(await verdict()).to.deep.equal({
        good: false,
        entries: 3,
        fault: 'audit-000001.jsonl line 4: holds entry 5 instead of 4',
      })
      await life(2)
      expect(await verdict()).to.have.property('good', false)
    })
  })

  describe('read', () => {
    it('returns the newest entries first, page by page, over all files', async () => {
      await life(200, { maxSize: 5_000, maxFiles: 100 })
      const audit = await begin({ maxFiles: 100 })
      const seqs: number[] = []
      let before: number | undefined
      do {
        const { records, total, next } = await audit.read({ limit: 7, ...(before !== undefined && { before }) })
        expect(total).to.equal(200)
        seqs.push(...records.map(({ seq }) => seq))
        before = next
      } while (before !== undefined)
      await audit.close()
      expect(seqs).to.deep.equal(Array.from({ length: 200 }, (_, index) => 200 - index))
    })

    it('finds any entry of a large file', async () => {
      await life(5_000, { maxSize: 100_000_000 })
      const audit = await begin()
      for (const before of [2, 3, 500, 2_500, 4_999, 5_001, 9_999]) {
        const { records } = await audit.read({ limit: 3, before })
        const newest = Math.min(before - 1, 5_000)
        expect(records.map(({ seq }) => seq)).to.deep.equal([newest, newest - 1, newest - 2].filter((seq) => seq > 0))
      }
      await audit.close()
    })

    it('filters by user and action, and includes the latest entries', async () => {
      const audit = await begin()
      for (let index = 0; index < 50; index += 1)
        audit.write(entry({ user: index % 10 === 0 ? 'bob' : 'ann', action: index % 5 === 0 ? 'stop' : 'start' }))
      const bob = await audit.read({ limit: 3, user: 'bob' })
      expect(bob.records.map(({ seq }) => seq)).to.deep.equal([42, 32, 22])
      expect(
        (await audit.read({ limit: 3, user: 'bob', before: bob.next ?? 0 })).records.map(({ seq }) => seq),
      ).to.deep.equal([12, 2])
      expect((await audit.read({ limit: 100, user: 'ann', action: 'stop' })).records).to.have.length(5)
      await audit.close()
    })
  })

  it('rotates by size, deletes the oldest file, and can be verified from there', async () => {
    await life(100, { maxSize: 2_000, maxFiles: 3 })
    const names = await readdir(dir)
    expect(names).to.have.length(3)
    for (const name of names) expect((await stat(join(dir, name))).size).to.be.lessThan(2_001)
    const { good, entries } = await verdict()
    expect({ good, entries }).to.deep.equal({
      good: true,
      entries:
        (await Promise.all(names.map((name) => readFile(join(dir, name), 'utf8')))).join('').split('\n').length - 1,
    })
    const oldest = names.sort()[0] ?? ''
    await rm(join(dir, oldest))
    expect(await verdict()).to.deep.equal({ good: false, entries: 0, fault: `${oldest} is missing` })
  })

  it('can be verified while it is written and rotated', async () => {
    const audit = await begin({ maxSize: 20_000, maxFiles: 3 })
    let done = false
    const writing = (async () => {
      while (!done) {
        for (let index = 0; index < 50; index += 1) audit.write(entry())
        await audit.read({ limit: 1 })
      }
    })()
    for (let index = 0; index < 20; index += 1) expect(await verdict()).to.have.property('good', true)
    done = true
    await writing
    await audit.close()
    expect((await verdict()).good).to.equal(true)
  })

  describe('on a full disk', () => {
    /** Takes half of what is written when it is full. */
    const disk = { full: false }
    const openFull: AuditOptions['open'] = async (path, flags) => {
      if (disk.full && flags === 'ax') throw Object.assign(new Error('no room'), { code: 'ENOSPC' })
      const handle = await open(path, flags)
      return {
        appendFile: async (text) => {
          await handle.appendFile(disk.full ? String(text).slice(0, 50) : text)
          if (disk.full) throw Object.assign(new Error('no room'), { code: 'ENOSPC' })
        },
        truncate: (size) => handle.truncate(size),
        sync: () => handle.sync(),
        close: () => handle.close(),
      }
    }
    afterEach(() => {
      disk.full = false
    })

    it('waits for room, logs this once, and notes how many entries were lost', async () => {
      const clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
      try {
        const audit = await begin({ open: openFull, maxWaiting: 10 })
        await audit.read({ limit: 1 })
        disk.full = true
        for (let index = 0; index < 30; index += 1) audit.write(entry({ request: `r${index}` }))
        for (let index = 0; index < 3; index += 1) {
          await audit.read({ limit: 1 })
          clock.tick(1_000)
        }
        disk.full = false
        await audit.read({ limit: 1 })
        clock.tick(1_000)
        const { records } = await audit.read({ limit: 100 })
        audit.write(entry({ request: 'later' }))
        await audit.close()
        const [loss, ...rest] = records
        expect(rest.map(({ request }) => request)).to.deep.equal([
          ...Array.from({ length: 10 }, (_, index) => `r${9 - index}`),
          undefined,
        ])
        expect(loss).to.deep.include({
          action: 'audit log',
          result: 'failed',
          reason: '20 entries were lost while the log could not be written (ENOSPC)',
        })
        expect(logged).to.deep.equal(['error: the audit log cannot be written: entries wait {"reason":"ENOSPC"}'])
        expect(await verdict()).to.deep.equal({ good: true, entries: 13 })
      } finally {
        clock.restore()
      }
    })

    it('closes, and logs how many entries are lost', async () => {
      const audit = await begin({ open: openFull })
      await audit.read({ limit: 1 })
      disk.full = true
      audit.write(entry())
      await audit.close()
      expect(logged.at(-1)).to.equal(
        'error: audit entries are lost: the log could not be written {"entries":1,"reason":"ENOSPC"}',
      )
      await life(1)
      expect(await verdict()).to.deep.equal({ good: true, entries: 2 })
    })
  })

  it('continues while its head cannot be written, and writes it later', async () => {
    const clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      headDir = join(root, 'state')
      await mkdir(headDir)
      const audit = await begin()
      await audit.read({ limit: 1 })
      await rename(headDir, `${headDir}.away`)
      for (let index = 0; index < 3; index += 1) {
        audit.write(entry())
        await audit.read({ limit: 1 })
        clock.tick(1_000)
      }
      await audit.read({ limit: 1 })
      await rename(`${headDir}.away`, headDir)
      clock.tick(1_000)
      await audit.read({ limit: 1 })
      expect(await verdict()).to.deep.equal({ good: true, entries: 4 })
      expect(logged).to.deep.equal(['error: the audit log cannot be synced to the disk {"reason":"ENOENT"}'])
      await audit.close()
    } finally {
      clock.restore()
    }
  })

  describe('with repeated entries', () => {
    const refused = (changes: Partial<AuditEntry> = {}) =>
      entry({
        event: 'refusal',
        action: 'authenticate',
        result: 'refused',
        user: '',
        reason: 'auth_failed',
        ...changes,
      })
    let clock: sinon.SinonFakeTimers
    beforeEach(() => {
      clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    })
    afterEach(() => clock.restore())

    it('counts similar entries per minute', async () => {
      const audit = await begin()
      for (let index = 0; index < 10_000; index += 1) audit.write(refused({ request: `r${index}` }))
      clock.tick(60_000)
      audit.write(refused())
      audit.write(refused({ address: '192.0.2.8' }))
      clock.tick(60_000)
      clock.tick(60_000)
      audit.write(refused())
      const { records } = await audit.read({ limit: 100 })
      await audit.close()
      const seen = records.reverse().slice(1)
      expect(seen.map(({ address, count, request }) => [address, count, request])).to.deep.equal([
        ['192.0.2.7', undefined, 'r0'],
        ['192.0.2.7', 9_999, 'r9999'],
        ['192.0.2.8', undefined, 's1-1'],
        ['192.0.2.7', 1, 's1-1'],
        ['192.0.2.7', undefined, 's1-1'],
      ])
    })

    it('cannot be filled by varied requests, nor from many addresses', async () => {
      const audit = await begin()
      for (let index = 0; index < 5_000; index += 1) audit.write(refused({ action: `method${index}` }))
      for (let index = 0; index < 5_000; index += 1) audit.write(refused({ address: `2001:db8::${index}` }))
      clock.tick(60_000)
      const { records } = await audit.read({ limit: 1000 })
      await audit.close()
      expect(records.length).to.be.lessThan(70)
      expect(records.reduce((sum, { count = 1 }) => sum + count, -1)).to.equal(10_000)
    })

    it('writes the refusals of users, whatever unauthenticated clients do', async () => {
      const audit = await begin()
      for (let from = 1; from <= 4; from += 1)
        for (let index = 0; index < 22; index += 1)
          audit.write(refused({ address: `127.0.0.${from}`, action: `method${index}` }))
      for (let index = 0; index < 4; index += 1)
        audit.write(
          refused({ user: 'op1', address: '192.0.2.9', action: `forbidden${index}`, reason: 'permission_denied' }),
        )
      const { records } = await audit.read({ limit: 1000, user: 'op1' })
      expect(records.map(({ action, count }) => [action, count])).to.deep.equal(
        [3, 2, 1, 0].map((index) => [`forbidden${index}`, undefined]),
      )
      for (let index = 0; index < 500; index += 1)
        audit.write(refused({ user: 'op1', address: `[2001:db8:${index}::1]`, action: `x${index}` }))
      audit.write(refused({ user: 'op2', action: 'delete_recording' }))
      await audit.close()
      const last = (await lines()).map((line) => JSON.parse(line))
      expect(last.find(({ user, action }) => user === 'op1' && action === 'various')).to.deep.include({
        address: '',
        count: 484,
      })
      expect(last.some(({ user, action }) => user === 'op2' && action === 'delete_recording')).to.equal(true)
    })

    it('counts the addresses of one network together', async () => {
      const audit = await begin()
      for (let index = 0; index < 100; index += 1)
        audit.write(refused({ address: `[2001:db8::${index.toString(16)}:${index}]` }))
      audit.write(refused({ address: '[2001:db8:0:1::1]' }))
      await audit.close()
      const written = (await lines()).slice(1).map((line) => JSON.parse(line))
      expect(written.map(({ address, count }) => [address, count])).to.deep.equal([
        ['[2001:db8::0:0]', undefined],
        ['[2001:db8:0:1::1]', undefined],
        ['[2001:db8::63:99]', 99],
      ])
    })

    it('counts repeated successful authentications, too', async () => {
      const passed = (changes: Partial<AuditEntry> = {}) =>
        entry({
          event: 'authentication',
          action: 'authenticate',
          credential: 'token:a',
          subject: undefined,
          ...changes,
        } as Partial<AuditEntry>)
      const audit = await begin()
      for (let index = 0; index < 200; index += 1) audit.write(passed({ session: `s${index}` }))
      audit.write(passed({ credential: 'key:b' }))
      audit.write(passed({ user: 'bob' }))
      for (const subject of ['camera0', 'camera1', 'camera0']) audit.write(passed({ action: 'RTSP read', subject }))
      for (let index = 0; index < 3; index += 1) audit.write(entry())
      clock.tick(60_000)
      const { records } = await audit.read({ limit: 1000 })
      await audit.close()
      const seen = records.reverse().slice(1)
      expect(
        seen.map(({ user, action, credential, subject, count }) => [user, action, credential, subject, count]),
      ).to.deep.equal([
        ['ann', 'authenticate', 'token:a', undefined, undefined],
        ['ann', 'authenticate', 'key:b', undefined, undefined],
        ['bob', 'authenticate', 'token:a', undefined, undefined],
        ['ann', 'RTSP read', 'token:a', 'camera0', undefined],
        ['ann', 'RTSP read', 'token:a', 'camera1', undefined],
        ...Array.from({ length: 3 }, () => ['ann', 'start_recording', undefined, 'camera0', undefined]),
        ['ann', 'authenticate', 'token:a', undefined, 199],
        ['ann', 'RTSP read', 'token:a', 'camera0', 1],
      ])
    })

    it('writes its counts at the end', async () => {
      const audit = await begin()
      for (let index = 0; index < 5; index += 1) audit.write(refused())
      await audit.close()
      expect((await lines()).map((line) => JSON.parse(line).count)).to.deep.equal([undefined, undefined, 4])
    })
  })
})
