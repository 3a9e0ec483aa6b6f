import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { createSystemdNotifier } from '../../../adapters/systemd/notify.js'

describe('systemd notifier', () => {
  let dir: string
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'notify-'))
  })
  afterEach(() => rm(dir, { recursive: true }))

  /** A systemd-notify that appends its arguments to a file, one line for each call. */
  const install = async (script = 'printf "%s|" "$@" >>"$NOTIFY_SOCKET"; echo >>"$NOTIFY_SOCKET"') => {
    const program = join(dir, 'systemd-notify')
    await writeFile(program, `#!/bin/sh\n${script}\n`)
    await chmod(program, 0o755)
  }
  const underSystemd = (more: NodeJS.ProcessEnv = {}) => {
    const logged: string[] = []
    const write = (message: string) => void logged.push(message)
    const env = { PATH: `${dir}:/usr/bin:/bin`, NOTIFY_SOCKET: join(dir, 'sent'), ...more }
    return {
      logged,
      notifier: createSystemdNotifier({ env, log: { error: write, warn: write, info: write, debug: write } }),
    }
  }
  const sent = async () => (await readFile(join(dir, 'sent'), 'utf8')).split('\n').filter(Boolean)

  it('sends ready, status, watchdog and stopping messages in order', async () => {
    await install()
    const { notifier, logged } = underSystemd()
    void notifier.ready('2 of 3 cameras')
    await notifier.status('3 of 3 cameras')
    await notifier.watchdog()
    await notifier.stopping()
    expect(await sent()).to.deep.equal([
      'READY=1|STATUS=2 of 3 cameras|',
      'STATUS=3 of 3 cameras|',
      'WATCHDOG=1|',
      'STOPPING=1|',
    ])
    expect(logged).to.deep.equal([])
  })

  it('sends only the newest of several waiting messages of one kind', async () => {
    await install()
    const { notifier } = underSystemd()
    void notifier.status('first')
    void notifier.watchdog()
    void notifier.status('second')
    void notifier.watchdog()
    await notifier.status('third')
    expect(await sent()).to.deep.equal(['WATCHDOG=1|', 'STATUS=third|'])
  })

  it('sends a reload with the time on the clock of systemd', async () => {
    await install()
    const { notifier } = underSystemd()
    const before = process.hrtime.bigint() / 1000n
    await notifier.reloading()
    await notifier.ready('done')
    const [reloading, ready] = await sent()
    const [, time] = /^RELOADING=1\|MONOTONIC_USEC=(\d+)\|$/.exec(reloading ?? '') ?? []
    expect(Number(time)).to.be.within(Number(before), Number(process.hrtime.bigint() / 1000n))
    expect(ready).to.equal('READY=1|STATUS=done|')
  })

  it('replaces line breaks in a status', async () => {
    await install()
    const { notifier } = underSystemd()
    await notifier.status('a camera named\nSTOPPING=1')
    expect(await sent()).to.deep.equal(['STATUS=a camera named STOPPING=1|'])
  })

  it('sets the interval to a third of the watchdog time-out, if systemd watches this process', () => {
    expect(underSystemd({ WATCHDOG_USEC: '30000000' }).notifier.interval).to.equal(10_000)
    expect(underSystemd({ WATCHDOG_USEC: '30000000', WATCHDOG_PID: String(process.pid) }).notifier.interval).to.equal(
      10_000,
    )
    expect(underSystemd({ WATCHDOG_USEC: '30000000', WATCHDOG_PID: '1' }).notifier).not.to.have.property('interval')
    expect(underSystemd().notifier).not.to.have.property('interval')
  })

  it('logs the first of several failures and never rejects', async () => {
    const { notifier, logged } = underSystemd()
    await install('exit 1')
    await notifier.watchdog()
    await notifier.watchdog()
    expect(logged).to.deep.equal(['systemd could not be notified'])
    await install()
    await notifier.watchdog()
    await install('exit 1')
    await notifier.watchdog()
    expect(logged).to.have.length(2)
  })

  it('logs a missing systemd-notify', async () => {
    const { notifier, logged } = underSystemd({ PATH: dir })
    await notifier.ready('up')
    expect(logged).to.have.length(1)
  })

  it('does nothing outside of a systemd unit', async () => {
    await install('touch "$(dirname "$0")/ran"')
    const { notifier, logged } = underSystemd({ NOTIFY_SOCKET: undefined, WATCHDOG_USEC: '30000000' })
    await notifier.ready('up')
    await notifier.watchdog()
    expect(notifier).not.to.have.property('interval')
    expect(await readFile(join(dir, 'ran')).catch(() => 'absent')).to.equal('absent')
    expect(logged).to.deep.equal([])
  })
})
