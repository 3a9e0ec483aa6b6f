import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect } from 'chai'
import { fingerprintOf } from '../../actors/fingerprint.js'
import { replay } from '../../commands/replay.js'
import { supportBundle } from '../../commands/supportBundle.js'
import { loadConfiguration } from '../../config/load.js'
import { readBundle } from '../../machines/domain/bundle.js'
import { fleetMachine } from '../../machines/fleet.js'
import { createGate } from '../support/gate.js'

const incident = new URL('../replays/unplug-during-recording.jsonl', import.meta.url)

describe('command replay', () => {
  let dir: string
  let lines: string[]
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'camera-service-'))
    const [, ...rest] = (await readFile(incident, 'utf8')).trim().split('\n')
    lines = [JSON.stringify({ format: 1, service: '1.0', charts: fingerprintOf(fleetMachine) }), ...rest]
  })
  afterEach(() => rm(dir, { recursive: true, force: true }))

  const write = async (content: string | Buffer) => {
    const file = join(dir, 'bundle')
    await writeFile(file, content)
    return file
  }
  const run = async (content: string | Buffer, more: object = {}) =>
    replay({ name: 'replay', bundle: await write(content), force: false, ...more })

  it('exits with 0 and the states at the end if all states are equal, also of a compressed bundle', async () => {
    for (const content of [lines.join('\n'), gzipSync(lines.join('\n'))]) {
      const { status, out } = await run(content, { actor: 'storage' })
      expect(status).to.equal(0)
      expect(out).to.match(/^equal: \d+ events, 1 checkpoint, \d+ actors\n {2}storage: \{/)
    }
  })

  it('shows no states that nobody asked for', async () => {
    expect((await run(lines.join('\n'))).out).to.match(/^equal: \d+ events, 1 checkpoint, \d+ actors$/)
  })

  it('exits with 1 and both histories at the first difference', async () => {
    const changed = lines.map((line) => line.replace('"unplugged"', '"retired"'))
    const { status, out } = await run(changed.join('\n'))
    expect(status).to.equal(1)
    expect(out).to.match(/^difference at event \d+, after \d+ equal ones: camera:camera0 has another state after /)
    expect(out).to.match(/recorded: .*retired/)
    expect(out).to.match(/replayed: .*unplugged/)
    expect(out).to.contain('last states of camera:camera0, replayed:')
  })

  it('exits with 2 if the bundle has no such actor, or no such event', async () => {
    const none = await run(lines.join('\n'), { actor: 'camera:camera9' })
    expect(none.status).to.equal(2)
    expect(none.err).to.match(/^the bundle has no actor camera:camera9\. It has .*camera:camera0, .*storage/)
    expect((await run(lines.join('\n'), { actor: 'camera:camera0' })).status).to.equal(0)
    const late = await run(lines.join('\n'), { until: 99_999_999 })
    expect(late.status).to.equal(2)
    expect(late.err).to.match(/^the bundle has no event 99999999: its last one is \d+$/)
  })

  it('exits with 2 if the bundle is of other statecharts, and replays it with --force', async () => {
    const other = [JSON.stringify({ format: 1, service: '0.9', charts: 'other' }), ...lines.slice(1)].join('\n')
    const { status, err } = await run(other)
    expect([status, err]).to.deep.equal([2, err])
    expect(err).to.contain('of version 0.9 with other statecharts')
    expect((await run(other, { force: true })).status).to.equal(0)
  })

  it('exits with 2 if there is no bundle, or no trace in it', async () => {
    expect((await run('hello')).err).to.contain('this is not a support bundle')
    expect(await run(lines[0] ?? '')).to.deep.equal({
      status: 2,
      err: 'the bundle has no trace: no service ran when it was made. A trace ends with its run of the service',
    })
    const missing = await replay({ name: 'replay', bundle: join(dir, 'none'), force: false })
    expect([missing.status, missing.err]).to.deep.equal([2, missing.err])
    expect(missing.err).to.equal(`the bundle cannot be replayed: there is no file or folder of ${join(dir, 'none')}`)
  })

  it('makes a file for test/replays, up to an event', async () => {
    const makeTest = join(dir, 'test.jsonl')
    expect((await run(lines.join('\n'), { until: 50, makeTest })).status).to.equal(0)
    const written = await readFile(makeTest, 'utf8')
    const again = await run(lines.join('\n'), { until: 50, makeTest })
    expect([again.status, again.err]).to.deep.equal([2, `${makeTest} exists: name another file, or --force`])
    expect(JSON.parse(written.trim().split('\n').at(-1) ?? '').seq).to.equal(50)
    expect((await run(written)).out).to.contain('equal: 50 events')
  })

  it('gets the configuration and the journal, without secrets, if no service runs', async () => {
    const journal = join(dir, 'state', 'journal')
    await mkdir(journal, { recursive: true })
    const entry = { seq: 1, at: 5, actor: 'camera:camera0', event: 'start', to: 'probing' }
    const next = { ...entry, seq: 2, evidence: { line: 'rtsp://ann:hushhush@10.0.0.7/yard' } }
    await writeFile(join(journal, 'journal-000001.jsonl'), `${JSON.stringify(entry)}\n`)
    await writeFile(join(journal, 'journal-000002.jsonl'), `${JSON.stringify(next)}\n{"seq":3,"at":6,"act`)
    const env = {
      CAMERA_SERVICE_DATA_DIR: dir,
      CAMERA_SERVICE_SERVER_PORT: '1',
      CAMERA_SERVICE_SECURITY_JWT_SECRET_KEY: 'k1'.repeat(20),
    }
    const output = join(dir, 'bundle.jsonl')
    const ports = { env: {}, clock: { now: () => 0, monotonic: () => 0 }, log: createGate().log }
    const service = { source: { env }, loaded: loadConfiguration({ env }), isRunning: false }
    const { status, err } = await supportBundle(service, { output, force: false }, ports)
    const again = await supportBundle(service, { output, force: false }, ports).catch((error: Error) => error.message)
    expect(again).to.match(/exists already and is not replaced/)
    expect((await stat(output)).mode & 0o777).to.equal(0o600)
    expect([status, err]).to.deep.equal([
      0,
      `the support bundle is in ${output}; no service runs, so that it has only the configuration, the versions and 2 entries of the journal`,
    ])
    const text = await readFile(output, 'utf8')
    const found = readBundle(text).sections.find(({ section }) => section === 'journal') as { data: unknown[] }
    expect(found.data[0]).to.deep.equal(entry)
    expect(found.data[1]).to.deep.include({ seq: 2, actor: 'camera:camera0' })
    expect(text).not.to.contain('hushhush')
    expect(text).to.contain('server.port')
    expect(text).not.to.contain('k1k1')
    expect((await replay({ name: 'replay', bundle: output, force: false })).status).to.equal(2)
  })
})
