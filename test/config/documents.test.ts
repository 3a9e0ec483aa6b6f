import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { loadConfiguration } from '../../config/load.js'
import { settings } from '../../config/schema.js'
import { unusedHint, unusedKeys } from '../../config/unused.js'

const path = (relative: string) => fileURLToPath(new URL(`../../${relative}`, import.meta.url))
const example = path('config/examples/camera-service.yml')

describe('what is written of the configuration', () => {
  it('has an example that loads without a warning', () => {
    const { config, warnings } = loadConfiguration({ file: example, env: {} })
    expect(warnings).to.deep.equal([])
    expect(config.cameras.map(({ name }) => name)).to.deep.equal(['demo', 'yard', 'gate'])
  })

  it('has an example whose commented keys are keys', () => {
    const commented = readFileSync(example, 'utf8').replace(/^( *)# ([a-z_]+: \S+)$/gm, '$1$2')
    expect(commented).to.contain('\n  public_host: ')
    const { CAMERA_SERVICE_CONFIG: _, ...env } = { CAMERA_SERVICE_CONFIG: example }
    expect(loadConfiguration({ file: example, env }).warnings).to.deep.equal([])
  })

  it('has a doc line and a default for each key', () => {
    for (const [key, { doc, written, reads }] of settings) {
      expect(doc, key).to.match(/^.{8,}[.:]/)
      expect(reads.allowed, key).not.to.equal('')
      expect(written, key).to.be.a('string')
    }
  })

  it('has no key that is both known and without use', () => {
    for (const key of settings.keys()) expect(unusedHint(key), key).to.equal(undefined)
    for (const key of unusedKeys) {
      const named =
        unusedHint(key)
          ?.match(/use ([a-z_.]+)(?: and ([a-z_.]+))?/)
          ?.slice(1)
          .filter(Boolean) ?? []
      for (const each of named)
        expect(
          [...settings.keys()].some((known) => known === each || known.startsWith(`${each}.`)),
          each,
        ).to.equal(true)
    }
  })

  it('has a page that is fresh', () => {
    const { status, stderr } = spawnSync(
      process.execPath,
      ['--import', 'tsx', path('docs/generate/configuration.ts'), '--check'],
      {
        cwd: path('.'),
        encoding: 'utf8',
      },
    )
    expect(status, stderr).to.equal(0)
  }).timeout(20_000)
})
