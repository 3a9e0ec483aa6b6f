import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { loadConfiguration } from '../../config/load.js'
import { settings } from '../../config/schema.js'
import { unusedHint, unusedKeys } from '../../config/unused.js'
import { configurationPage } from '../../docs/generate/configuration.js'

const path = (relative: string) => fileURLToPath(new URL(`../../${relative}`, import.meta.url))
const example = path('config/examples/camera-service.yml')

describe('documentation of the configuration', () => {
  it('includes an example that loads without a warning', () => {
    const { config, warnings } = loadConfiguration({ file: example, env: {} })
    expect(warnings).to.deep.equal([])
    expect(config.cameras.map(({ name }) => name)).to.deep.equal(['demo', 'yard', 'gate'])
  })

  it('includes an example whose commented keys are known', () => {
    const dir = mkdtempSync(join(tmpdir(), 'configuration-'))
    const file = join(dir, 'all.yml')
    writeFileSync(file, readFileSync(example, 'utf8').replace(/^( *)#(?=[a-z]| {2,}[a-z-])/gm, '$1'))
    try {
      const { config, warnings } = loadConfiguration({ file, env: {} })
      expect(warnings).to.deep.equal([])
      expect(config.server.public_host).to.equal('cameras.example.org')
      expect(config.server.tls.key_file).to.equal('/etc/camera-service/key.pem')
      expect(config.security.jwt_keys).to.have.length(1)
      expect(config.external_discovery.generic_uav.enabled).to.equal(true)
    } finally {
      rmSync(dir, { recursive: true })
    }
  })

  it('describes each key and its default', () => {
    for (const [key, { doc, written, reads }] of settings) {
      expect(doc, key).to.match(/^.{8,}[.:]/)
      expect(reads.allowed, key).not.to.equal('')
      expect(written, key).to.be.a('string')
    }
  })

  it('names no key that is both known and unused', () => {
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

  it('is up to date in docs/configuration.md', () => {
    expect(readFileSync(path('docs/configuration.md'), 'utf8')).to.equal(configurationPage())
  })
})
