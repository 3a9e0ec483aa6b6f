import { expect } from 'chai'
import { createAddressCheck } from '../../../adapters/rtsp/addresses.js'
import { createStreamScan } from '../../../adapters/rtsp/scan.js'
import type { ScanAnswer } from '../../../machines/domain/external.js'
import { realVersion } from '../../contract/mediaServer/servers.js'
import { startSource } from '../../e2e/source.js'
import { freePort } from '../../support/ports.js'

const kinds = realVersion === undefined ? (['embedded'] as const) : (['embedded', 'managed'] as const)

describe(`a scan of real sources (${kinds.join(', ')})`, () => {
  it('finds their streams, and nothing at other paths or at our own ports', async () => {
    const sources = await Promise.all(kinds.map((kind) => startSource(kind, 'live')))
    try {
      const ports = sources.map(({ url }) => Number(new URL(url).port))
      const [ours = 0, ...others] = [...ports].reverse()
      const plan = {
        generic: {
          ranges: [],
          hosts: ['127.0.0.1'],
          ports: [await freePort(), ...ports],
          paths: ['/stream', '/live', '/video'],
        },
      }
      const run = async (places: { ports: number[] }[]) => {
        const scan = createStreamScan({
          plan,
          addresses: createAddressCheck({ places: () => places }),
          hostLimit: 3_000,
          concurrency: 4,
        })
        const answers: ScanAnswer[] = []
        await scan.run(
          scan.plan({ skydio: false, generic: true }).targets,
          (answer) => answers.push(answer),
          new AbortController().signal,
        )
        return answers
      }
      const found = (await run([])).flatMap((answer) => answer.found)
      expect(
        found
          .map(({ url, codec, width, height }) => ({ url, codec, width, height }))
          .sort((a, b) => a.url.localeCompare(b.url)),
      ).to.deep.equal(
        ports
          .map((port) => ({ url: `rtsp://127.0.0.1:${port}/live`, codec: 'H264', width: 320, height: 240 }))
          .sort((a, b) => a.url.localeCompare(b.url)),
      )
      const guarded = await run([{ ports: [ours] }])
      expect(guarded.flatMap((answer) => answer.found.map(() => answer.target.port)).sort()).to.deep.equal(
        others.sort(),
      )
      expect(guarded.find(({ target }) => target.port === ours)?.reason).to.equal('must not lead back to this service')
    } finally {
      await Promise.all(sources.map((source) => source.end()))
    }
  })
})
