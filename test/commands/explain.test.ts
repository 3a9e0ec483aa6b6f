import { expect } from 'chai'
import { askService } from '../../commands/client/service.js'
import { explain } from '../../commands/explain.js'
import { entryText, type HistoryEntry } from '../../commands/explanationText.js'
import { history } from '../../commands/history.js'
import { parseArguments } from '../../commands/line/arguments.js'
import { UsageError } from '../../commands/line/command.js'
import { failure } from '../../commands/outcome.js'
import { connectCameraService } from '../../rpc/client/index.js'
import { createStage, createWorld, type World } from '../rpc/fakes.js'
import { until } from '../rpc/wait.js'

describe('commands: explain and history', () => {
  const stage = createStage()
  let world: World
  let printed: string[]
  let connect: () => ReturnType<typeof connectCameraService>
  beforeEach(async () => {
    world = createWorld()
    printed = []
    const { port } = await stage.serve(world.options())
    connect = () => connectCameraService({ url: `ws://127.0.0.1:${port}/ws`, credential: 'admin' })
  })
  afterEach(() => stage.end())
  const ports = {
    signal: new AbortController().signal,
    print: (text: string) => void printed.push(text),
  }
  const said = async (subject: object, json = false) =>
    askService(await connect(), (client) => explain({ subject, json } as never, client))
  type Request = Parameters<typeof history>[0]
  const journal = async (request: Request, { signal } = ports) =>
    askService(await connect(), (client) => history(request, { ...ports, signal }, client))

  it('round the numbers of evidence, and name their units', () => {
    const evidence = { percent: 100 / 3, available: 1_234_567_890, away: 125_000, pid: 4_711, by_ms: -3_600_000 }
    const entry = { seq: 1, at: '2026-01-02T03:04:05.000Z', actor: 'storage', event: 'measured', text: 'measured' }
    expect(entryText({ ...entry, evidence } as HistoryEntry)).to.match(
      / \[percent=33\.3 %, available=1\.2 GB, away=2 min 5 s, pid=4711, by=-1 h\]$/,
    )
  })

  it('explain a camera in words', async () => {
    const { status, out = '' } = await said({ device: 'camera1' })
    expect(status).to.equal(0)
    expect(out.split('\n').slice(0, 4)).to.deep.equal([
      'camera1 is unplugged',
      '  state     unplugged, since 2025-06-01 11:59:55.000Z',
      '  reason    unplugged',
      '  evidence  reason=unplugged, details="the camera was unplugged", udev_action=remove',
    ])
    expect(out).to.match(
      /causes {4}2025-06-01 11:59:55.000Z {2}#1 camera:camera1 {2}→ unplugged {2}\(the device is gone/,
    )
  })

  it('explain as JSON', async () => {
    const { out = '' } = await said({ component: 'storage' }, true)
    expect(JSON.parse(out)).to.deep.include({ subject: 'storage', state: 'ok' })
  })

  it('fail with the sentence of the service', async () => {
    const { status, err } = await said({ device: 'camera9' })
    expect([status, err]).to.deep.equal([
      1,
      'camera-service: Camera not found; camera-service cameras lists all cameras',
    ])
  })

  it('refuse the history of a camera or an actor that never was', async () => {
    const { status, err } = await journal({ filter: { device: 'camera9' }, follow: false, json: false }).catch(failure)
    expect(status).to.equal(1)
    expect(err).to.equal('camera-service: Camera not found; camera-service cameras lists all cameras')
    const other = await journal({ filter: { actor: 'disk' }, follow: false, json: false }).catch(failure)
    expect(other).to.deep.include({
      status: 1,
      err: 'camera-service: Actor not found; camera-service call get_actors lists all running actors',
    })
  })

  it('print the journal, oldest entry first', async () => {
    const command = { filter: {}, follow: false, json: false }
    expect(await journal(command)).to.deep.equal({ status: 0 })
    expect(printed.map((line) => /#\d+ \S+/.exec(line)?.[0])).to.deep.equal(['#1 camera:camera1', '#2 storage'])
  })

  it('follow the journal until they are interrupted', async () => {
    const ending = new AbortController()
    const command = { filter: { limit: 1 }, follow: true, json: true }
    const ended = journal(command, { ...ports, signal: ending.signal })
    await until('a line', () => printed.length === 1)
    world.entries.push({ seq: 3, at: 0, actor: 'link', to: 'down', event: 'start' })
    await until('a line', () => printed.length === 2)
    ending.abort()
    expect(await ended).to.deep.equal({ status: 0 })
    expect(printed.map((line) => JSON.parse(line).seq)).to.deep.equal([2, 3])
  })
})

describe('arguments of explain and history', () => {
  const read = (...argv: string[]) => parseArguments(argv) as unknown as Record<string, unknown>
  const fault = (...argv: string[]) => {
    try {
      return JSON.stringify(read(...argv))
    } catch (error) {
      return error instanceof UsageError ? error.message : String(error)
    }
  }

  it('name what to explain', () => {
    expect(read('explain', 'camera0').subject).to.deep.equal({ device: 'camera0' })
    expect(read('explain', 'recording', 'camera0', '--json')).to.deep.include({
      subject: { recording: 'camera0' },
      json: true,
    })
    expect(read('explain', 'mediamtx').subject).to.deep.equal({ component: 'mediamtx' })
    for (const words of [[], ['door'], ['camera0', 'camera1'], ['recording'], ['mediamtx', 'camera0']])
      expect(fault('explain', ...words)).to.match(
        words.length === 0
          ? /^explain needs one of/
          : new RegExp(`^explain does not know "${words.join(' ')}": explain`),
      )
  })

  it('select entries', () => {
    const argv = ['history', 'camera0', '--since', '2026-01-02T03:00:00Z', '--limit=5', '--follow']
    expect(read(...argv)).to.deep.include({
      filter: { device: 'camera0', since: '2026-01-02T03:00:00Z', limit: 5 },
      follow: true,
    })
    expect(fault('history', 'door')).to.match(/the id of a camera/)
    expect(fault('history', '--limit', '0')).to.match(/from 1 to 1000/)
    expect(fault('history', '--since', 'noon')).to.match(/must be a time/)
    expect(fault('serve', '--follow')).to.equal('--follow is only for history')
  })
})
