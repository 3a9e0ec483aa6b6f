import { expect } from 'chai'
import { createActor, toPromise } from 'xstate'
import { storageEffects } from '../../actors/effects/service.js'

describe('the measurement of the disk', () => {
  it('carries the monotonic time of its end', async () => {
    let time = 5
    const usage = { total: 100, used: 10, available: 90, percent: 10 }
    const { measureDisk } = storageEffects({
      storage: {
        usage: async () => {
          time = 7
          return usage
        },
        use: async () => {},
        keepReserve: async () => {},
      },
      clock: { monotonic: () => time },
      measureLimit: 1_000,
    })
    expect(await toPromise(createActor(measureDisk, { input: { folder: 'main' } }).start())).to.deep.equal({
      ...usage,
      at: 7,
    })
  })
})
