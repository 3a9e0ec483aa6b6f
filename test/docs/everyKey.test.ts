import { expect } from 'chai'
import { parseConfiguration } from '../../config/load.js'
import { settings } from '../../config/schema.js'
import { everyKey } from '../../docs/generate/everyKey.js'

const load = (text: string) => {
  const { config, warnings } = parseConfiguration({ env: {}, file: text })
  return { config, warnings }
}
const installed = { ...load('').config, data_dir: '/var/lib/camera-service' }

describe('the configuration that is installed', () => {
  it('has the defaults as it is, and with each # before a key removed', () => {
    const text = everyKey()
    const all = text.slice(0, text.indexOf('\n# RTSP and virtual')).replaceAll(/^( *)#([a-z_0-9]+:)/gm, '$1$2')
    expect(load(text)).to.deep.equal({ config: installed, warnings: [] })
    expect(load(all)).to.deep.equal({ config: installed, warnings: [] })
    const keys = all.match(/^ *[a-z_0-9]+: \S/gm) ?? []
    expect(keys).to.have.length(settings.size - 1)
  })

  it('has examples of cameras that are accepted', () => {
    const text = everyKey().replaceAll(/^#(cameras:| {2})/gm, '$1')
    expect(load(text).config.cameras).to.have.length(2)
  })
})
