import { expect } from 'chai'
import {
  createLogging,
  inModule,
  type LogControl,
  type LogLevel,
  type LogModule,
} from '../../machines/domain/logLevels.js'
import type { Log } from '../../machines/domain/ports.js'
import { createStage, createWorld, noon } from './fakes.js'

describe('set_log_level', () => {
  const stage = createStage()
  afterEach(() => stage.end())

  /** A log whose levels a test can read. */
  function createControl(): LogControl {
    let level: LogLevel = 'info'
    const modules: Partial<Record<LogModule, LogLevel>> = {}
    return {
      levels: () => ({ level, modules: { ...modules } }),
      setLevel: (next) => {
        level = next
      },
      setModuleLevel: (module, next) => {
        if (next === undefined) delete modules[module]
        else modules[module] = next
      },
    }
  }
  const start = async () => {
    const world = createWorld()
    const logging = createLogging('info', createControl())
    const { port } = await stage.serve({ ...world.options(), logging })
    return { world, logging, port, admin: await stage.connect(port, { role: 'admin' }) }
  }

  it('sets the level of the service or of a module, and returns all of them', async () => {
    const { admin } = await start()
    expect((await admin.call('set_log_level', { level: 'warn' })).result).to.deep.equal({ level: 'warn', modules: {} })
    expect((await admin.call('set_log_level', { level: 'debug', module: 'streams' })).result).to.deep.equal({
      level: 'warn',
      modules: { streams: 'debug' },
    })
    await admin.call('set_log_level', { level: 'default', module: 'streams' })
    expect((await admin.call('set_log_level', { level: 'default' })).result).to.deep.equal({
      level: 'info',
      modules: {},
    })
  })

  it('stays when the configuration changes elsewhere, and ends when its level changes', async () => {
    const { admin, logging } = await start()
    await admin.call('set_log_level', { level: 'debug' })
    logging.configure('info')
    expect(logging.levels().level).to.equal('debug')
    logging.configure('error')
    expect(logging.levels().level).to.equal('error')
    logging.set('debug')
    logging.set('default')
    expect(logging.levels().level).to.equal('error')
  })

  it('finds the module in each line of its log, beside the other fields', () => {
    const lines: unknown[][] = []
    const write =
      (level: LogLevel): Log['info'] =>
      (...line) =>
        void lines.push([level, ...line])
    const log = { error: write('error'), warn: write('warn'), info: write('info'), debug: write('debug') } as Log
    for (const level of ['error', 'warn', 'info', 'debug'] as const) inModule(log, 'api')[level]('x', { camera: 'a' })
    const fields = { camera: 'a', module: 'api' }
    expect(lines).to.deep.equal(['error', 'warn', 'info', 'debug'].map((level) => [level, 'x', fields]))
  })

  it('says which modules there are, and is for administrators of all cameras only', async () => {
    const { admin, port, world } = await start()
    const { error } = await admin.call('set_log_level', { level: 'debug', module: 'ffmpeg' })
    expect(error?.code).to.equal(-32602)
    expect(JSON.stringify(error)).to.contain('media_server')
    const operator = await stage.connect(port, { role: 'operator' })
    expect((await operator.call('set_log_level', { level: 'debug' })).error).to.deep.include({ code: -32002 })
    const limited = await stage.connect(port, { role: `admin/ann/${noon + 60_000}/camera1` })
    expect((await limited.call('set_log_level', { level: 'debug' })).error?.data).to.include({
      reason: 'limited_to_cameras',
    })
    await admin.call('set_log_level', { level: 'warn' })
    expect(world.audited.filter(({ action, result }) => action === 'set_log_level' && result === 'ok')).to.have.length(
      1,
    )
  })
})
