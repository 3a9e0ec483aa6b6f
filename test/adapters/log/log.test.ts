import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fstatSync } from 'node:fs'
import { PassThrough, Writable } from 'node:stream'
import { expect } from 'chai'
import fc from 'fast-check'
import { createLog, type LogOptions } from '../../../adapters/log/log.js'
import { inModule } from '../../../machines/domain/logLevels.js'
import { masked } from '../../../machines/domain/masked.js'

const clock = { now: () => Date.UTC(2026, 0, 2, 3, 4, 5, 6) }
const time = '2026-01-02T03:04:05.006Z'
const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJ1c2VyX2lkIjoiYW5uIn0.c2lnbmF0dXJl'

describe('log', () => {
  /** A log whose lines are collected. `about`: properties of its stream. */
  const open = (options: Partial<LogOptions> = {}, about: { isTTY?: boolean; fd?: number } = {}) => {
    const written: string[] = []
    const write = (chunk: unknown, _encoding: string, done: () => void) => {
      written.push(String(chunk))
      done()
    }
    const log = createLog({
      level: 'debug',
      format: 'json',
      stream: Object.assign(new Writable({ write }), about),
      clock,
      env: {},
      ...options,
    })
    const lines = async () => {
      await log.close()
      return written.join('').split('\n').slice(0, -1)
    }
    return { log, lines, values: async () => (await lines()).map((line) => JSON.parse(line)) }
  }

  it('writes a JSON line for each message', async () => {
    const { log, lines } = open()
    log.info('the service listens', { port: 8002 })
    log.error('gone', { camera: 'camera0' })
    expect(await lines()).to.deep.equal([
      `{"time":"${time}","level":"info","message":"the service listens","port":8002}`,
      `{"time":"${time}","level":"error","message":"gone","camera":"camera0"}`,
    ])
  })

  it('takes another level while it is open', async () => {
    const { log, values } = open({ level: 'warn' })
    log.debug('a')
    log.setLevel('debug')
    log.debug('b')
    log.setLevel('error')
    log.warn('c')
    expect((await values()).map(({ message }) => message)).to.deep.equal(['b'])
  })

  it('takes a level for one module, which then differs from that of the others', async () => {
    const { log, values } = open({ level: 'info' })
    const media = inModule(log, 'media_server')
    media.debug('a')
    log.setModuleLevel('media_server', 'debug')
    media.debug('b', { path: 'camera0' })
    inModule(log, 'api').debug('c')
    log.debug('d')
    log.setLevel('error')
    media.debug('e')
    log.info('f')
    expect(log.levels()).to.deep.equal({ level: 'error', modules: { media_server: 'debug' } })
    log.setModuleLevel('media_server', undefined)
    media.warn('g')
    expect(log.levels().modules).to.deep.equal({})
    expect((await values()).map(({ message, module }) => `${module} ${message}`)).to.deep.equal([
      'media_server b',
      'media_server e',
    ])
  })

  it('writes only warnings while it is hushed, and keeps the other lines for a report', async () => {
    const { log, values } = open()
    const speak = log.hush()
    log.info('a')
    log.warn('b')
    speak()
    log.info('c')
    expect((await values()).map(({ message }) => message)).to.deep.equal(['b', 'c'])
    expect(log.recent().map((line) => JSON.parse(line).message)).to.deep.equal(['a', 'b', 'c'])
  })

  it('colours the level on a terminal only, unless NO_COLOR is set', async () => {
    const lineOf = async (isTTY: boolean, env = {}) => {
      const { log, lines } = open({ format: 'text', env }, { isTTY })
      log.warn('slow', { camera: 'camera0' })
      return (await lines())[0]
    }
    expect(await lineOf(true)).to.equal(`${time} \u001b[33mwarn\u001b[0m  slow camera=camera0`)
    expect(await lineOf(true, { NO_COLOR: '1' })).to.equal(`${time} warn  slow camera=camera0`)
    expect(await lineOf(false)).to.equal(`${time} warn  slow camera=camera0`)
  })

  it('writes messages of its level and above', async () => {
    const { log, values } = open({ level: 'warn' })
    log.debug('a')
    log.info('b')
    log.warn('c')
    log.error('d')
    expect((await values()).map(({ message }) => message)).to.deep.equal(['c', 'd'])
  })

  it('renames fields that would replace message, level or time', async () => {
    const { log, values } = open()
    log.info('true', { message: 'false', level: 'error', time: 1, stack: 's', splat: [1], label: 'x' })
    expect(await values()).to.deep.equal([
      {
        time,
        level: 'info',
        message: 'true',
        message_: 'false',
        level_: 'error',
        time_: 1,
        stack: 's',
        splat: [1],
        label: 'x',
      },
    ])
  })

  it('writes readable text', async () => {
    const { log, lines } = open({ format: 'text' })
    log.warn('a camera\nis gone\u001b[2J\u009b', {
      camera: 'camera0',
      name: 'Front\ndoor',
      modes: [1, 2],
      error: new Error('no data'),
    })
    expect(await lines()).to.deep.equal([
      `${time} warn  a camera\\u000ais gone\\u001b[2J\\u009b ` +
        'camera=camera0 name="Front\\ndoor" modes=[1,2] error="no data"',
    ])
  })

  it('chooses the format for a terminal, the journal and other streams', async () => {
    const terminal = open({ format: 'auto', env: { NO_COLOR: '1' } }, { isTTY: true })
    terminal.log.info('x')
    expect(await terminal.lines()).to.deep.equal([`${time} info  x`])

    const journal = open({ format: 'auto', env: { JOURNAL_STREAM: '8:12345' } })
    for (const level of ['error', 'warn', 'info', 'debug'] as const) journal.log[level]('x')
    expect((await journal.lines()).map((line) => line.slice(0, 4))).to.deep.equal(['<3>{', '<4>{', '<6>{', '<7>{'])

    const { dev, ino } = fstatSync(2)
    const ours = open({ format: 'auto', env: { JOURNAL_STREAM: `${dev}:${ino}` } }, { fd: 2 })
    ours.log.info('x')
    expect((await ours.lines())[0]).to.match(/^<6>/)

    const piped = open({ format: 'auto', env: { JOURNAL_STREAM: '1:1' } }, { fd: 2 })
    piped.log.info('x')
    expect((await piped.lines())[0]).to.match(/^\{/)
  })

  describe('masks', () => {
    const secrets: [string, unknown][] = [
      ['a URL', 'cannot open rtsp://ann:hush@192.0.2.1/live'],
      ['a URL whose password is not escaped', 'rtsp://ann:hu/sh@hush@192.0.2.1/live'],
      ['a user alone', 'https://hush@example.org/'],
      ['an upper-case URL', 'RTSPS://ann:hush@example.org'],
      ['two URLs', 'rtsp://a:hush@b rtsp://c:hush@d'],
      ['a query', '/files/x.mp4?token=hush&y=1'],
      ['another query', 'access_token=hush;password=hush'],
      ['a signed URL', 'GET /camera0/index.m3u8?sig=hush&x=1'],
      ['one within a text', 'path=camera0 query="a=1&sig=hush"'],
      ['an API key', `shown was csk_hush${'A'.repeat(39)}`],
      ['a header', 'Authorization: Digest username="ann", response="hush"'],
      ['a bearer', 'got Bearer hush-hush'],
      ['JSON as text', '{"auth_token":"hush","jwt_secret_key": "hu\\"hush"}'],
      ['a key', { password: 'hush' }],
      ['keys below', { a: [{ b: { jwtSecret: ['hush'], auth_token: 'hush', Authorization: 'hush', api_key: 5 } }] }],
      ['an error', new Error('rtsp://ann:hush@b failed')],
      ['its cause', new Error('x', { cause: new Error('token=hush') })],
      [
        'its own fields',
        Object.assign(new Error('x'), { password: 'hush', options: { url: new URL('http://a:hush@b/') } }),
      ],
      [
        'a map',
        new Map<string, unknown>([
          ['token', 'hush'],
          ['u', 'http://a:hush@b'],
        ]),
      ],
      ['a set', new Set(['http://a:hush@b'])],
      ['bytes', Buffer.from('hush')],
    ]
    for (const [what, secret] of secrets) {
      it(what, async () => {
        const { log, lines } = open()
        log.info('x', { field: secret })
        if (typeof secret === 'string') log.info(secret)
        const text = open({ format: 'text' })
        text.log.info('x', { field: secret })
        const written = [...(await lines()), ...(await text.lines())].join('\n')
        expect(written).not.to.contain('hush')
        expect(written).to.match(/\*\*\*|bytes/)
      })
    }

    it('a JWT anywhere in a text, even if truncated', () => {
      for (const text of [jwt, `x ${jwt} y`, `{"a":"${jwt}"}`, jwt.slice(0, 50)])
        expect(masked(text)).not.to.contain('eyJ')
    })

    it('nothing else', () => {
      for (const text of [
        'rtsp://192.0.2.1:8554/camera0',
        'ann@example.org',
        'a token is needed',
        'the password is wrong',
        'camera0 at 12:30',
      ]) {
        expect(masked(text)).to.equal(text)
      }
      expect(masked({ token_expired: true, secret: undefined, error: { code: 5 } })).to.deep.equal({
        token_expired: true,
        secret: undefined,
        error: { code: 5 },
      })
    })

    it('in linear time', () => {
      const before = process.cpuUsage()
      for (const piece of ['token', '"token', 'a://', 'a://a:', 'eyJa.', '"a-', 'Bearer ', 'authorization:'])
        masked(piece.repeat(100_000))
      expect(process.cpuUsage(before).user, 'µs').to.be.lessThan(2_000_000)
    })
  })

  it('writes any value, and never throws', async () => {
    const circle: Record<string, unknown> = { a: 1 }
    circle.self = circle
    const trap = {
      get broken() {
        throw new Error('no')
      },
      toJSON() {
        throw new Error('no')
      },
    }
    const { log, values } = open()
    log.info('x', {
      circle,
      trap,
      big: 10n,
      sign: Symbol('s'),
      run: () => {},
      date: new Date(Number.NaN),
      none: null,
      deep: { a: { b: { c: { d: { e: { f: 1 } } } } } },
    })
    log.info(
      'y',
      new Proxy(
        {},
        {
          ownKeys: () => {
            throw new Error('no')
          },
        },
      ),
    )
    log.info('z', { list: Array(1000).fill(0), text: 'x'.repeat(20_000) })
    const [x, , z] = await values()
    expect(x).to.include({ big: 10, sign: '[symbol]', run: '[function]', date: 'Invalid Date', none: null })
    expect(x.circle).to.deep.equal({ a: 1, self: '[circular]' })
    expect(x.trap.broken).to.equal('[unreadable]')
    expect(z.list).to.have.length(101)
    expect(z.text.length).to.be.lessThan(9000)
  })

  it('writes one line of JSON for any message and fields', async () => {
    const { log, values } = open()
    let count = 0
    fc.assert(
      fc.property(fc.string(), fc.dictionary(fc.string(), fc.anything()), (message, fields) => {
        count += 1
        log.info(message, fields)
      }),
    )
    expect(await values()).to.have.length(count)
  })

  it('continues if its stream breaks', async () => {
    const broken = new Writable({
      write: (_chunk, _encoding, done) => done(Object.assign(new Error('broken pipe'), { code: 'EPIPE' })),
    })
    const { log } = open({ stream: broken })
    const closed = new Promise((resolve) => broken.once('close', resolve))
    log.info('a')
    await closed
    log.info('b')
    await log.close()

    const throwing = Object.assign(new PassThrough(), {
      write: () => {
        throw new Error('no')
      },
    })
    const other = createLog({ level: 'info', format: 'json', stream: throwing, clock, env: {} })
    expect(() => other.info('a')).not.to.throw()
  })

  it('continues if its clock fails', () => {
    const log = createLog({
      level: 'info',
      format: 'json',
      stream: new PassThrough(),
      env: {},
      clock: { now: () => Number.NaN },
    })
    expect(() => log.info('a')).not.to.throw()
  })

  it('drops lines after close, and can be closed twice', async () => {
    const { log, lines } = open()
    log.info('a')
    await Promise.all([log.close(), log.close()])
    log.info('b')
    expect(await lines()).to.have.length(1)
  })

  it('does not end the process if the reading process ends', async () => {
    const script = `
      import { createLog } from ${JSON.stringify(new URL('../../../adapters/log/log.ts', import.meta.url).href)}
      const log = createLog({ level: 'info', format: 'json' })
      log.info('first')
      process.stdin.once('data', () => {
        let count = 0
        const timer = setInterval(() => {
          log.info('after', { count })
          if (++count === 20) { clearInterval(timer); log.close().then(() => process.exit(7)) }
        }, 5)
      })`
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    await once(child.stdout, 'data')
    child.stdout.destroy()
    child.stdin.write('go\n')
    const [code] = await once(child, 'exit')
    expect(code).to.equal(7)
  })

  it('writes all lines before it is closed', async () => {
    const slow: string[] = []
    const stream = new Writable({
      highWaterMark: 1,
      write: (chunk, _encoding, done) =>
        setImmediate(() => {
          slow.push(String(chunk))
          done()
        }),
    })
    const log = createLog({ level: 'info', format: 'json', stream, clock, env: {} })
    for (let i = 0; i < 50; i++) log.info(`line ${i}`)
    await log.close()
    expect(slow.filter(Boolean)).to.have.length(50)
  })
})
