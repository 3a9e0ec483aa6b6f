import { expect } from 'chai'
import { createActor } from 'xstate'
import { serverProcessEffects } from '../../actors/effects/service.js'
import type { ServerProcess } from '../../machines/domain/ports.js'
import { turn } from '../support/later.js'

const choice = { kind: 'managed', why: '' } as const

/** Runs the effect on a server whose `start` is given. Returns its warnings. */
async function warningsOf(start: ServerProcess['start']): Promise<unknown[]> {
  const warnings: unknown[] = []
  const quiet = () => {}
  const warn = (message: string, fields?: object) => void warnings.push([message, fields])
  const { runServer } = serverProcessEffects({
    server: { start } as ServerProcess,
    log: { error: quiet, warn, info: quiet, debug: quiet },
  })
  createActor(runServer, { input: { choice } }).start()
  await turn()
  return warnings
}

describe('the effect that runs the media server', () => {
  it('distinguishes a server that did not start from one that ended', async () => {
    const reason = 'port 8554 is in use'
    expect(await warningsOf(async () => Promise.reject(new Error(reason)))).to.deep.equal([
      ['the media server did not start', { reason }],
    ])
    const ended = await warningsOf(async (_, exited) => {
      setImmediate(exited, 'it was ended by SIGKILL')
      return { pid: 7 }
    })
    expect(ended).to.deep.equal([['the media server ended', { reason: 'it was ended by SIGKILL' }]])
  })
})
