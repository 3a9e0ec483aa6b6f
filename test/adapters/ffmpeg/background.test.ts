import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { inBackground } from '../../../adapters/ffmpeg/background.js'
import { folder } from './support.js'

describe('a command in the background', () => {
  it('has the lowest priority for processor and disk, and leaves out what is not installed', async () => {
    const { dir, remove } = await folder()
    const install = async (program: string) => {
      await writeFile(join(dir, program), '#!/bin/sh\n')
      await chmod(join(dir, program), 0o755)
    }
    try {
      expect(await inBackground(dir)).to.deep.equal([])
      await install('ionice')
      expect(await inBackground(dir)).to.deep.equal([join(dir, 'ionice'), '-t', '-c', '3'])
      await install('nice')
      await install('setpriv')
      expect(await inBackground(dir)).to.deep.equal([
        ...[join(dir, 'setpriv'), '--pdeathsig', 'TERM', '--'],
        ...[join(dir, 'nice'), '-n', '19'],
        ...[join(dir, 'ionice'), '-t', '-c', '3'],
      ])
    } finally {
      await remove()
    }
  })
})
