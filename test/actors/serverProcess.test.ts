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
    clock: { monotonic: () => 0 },
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

describe('the effect that ends the media server', () => {
  for (const [input, grace] of [
    [{ isSilent: false }, Number.POSITIVE_INFINITY],
    [{ isSilent: false, until: 9_500 }, 5_500],
    [{ isSilent: true, until: 9_500 }, 500],
    [{ isSilent: true }, 500],
    [{ isSilent: false, until: 3_500 }, 0],
  ] as const)
    it(`gives it ${grace} ms before it is killed: ${JSON.stringify(input)}, at 3 s`, async () => {
      const graces: unknown[] = []
      const quiet = () => {}
      const { endServer } = serverProcessEffects({
        server: { end: async (grace?: number) => void graces.push(grace) } as ServerProcess,
        clock: { monotonic: () => 3_000 },
        log: { error: quiet, warn: quiet, info: quiet, debug: quiet },
      })
      createActor(endServer, { input }).start()
      await turn()
      expect(graces).to.deep.equal([grace])
    })
})
