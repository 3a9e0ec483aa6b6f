import { expect } from 'chai'
import { endsWithParent } from '../../adapters/programs.js'
import { fake, folder } from './ffmpeg/support.js'

describe('a command that ends with its parent', () => {
  for (const [what, script, words] of [
    ['begins with setpriv where it works', 'exit 0', 4],
    ['is the plain command where a sandbox forbids setpriv', 'echo "activate capabilities" >&2; exit 127', 0],
  ] as const)
    it(what, async () => {
      const { dir, remove } = await folder()
      await fake(dir, 'setpriv', script)
      expect(await endsWithParent(`${dir}:${process.env.PATH}`)).to.have.length(words)
      await remove()
    })

  it('is the plain command without setpriv', async () => {
    expect(await endsWithParent('/nowhere')).to.deep.equal([])
  })
})
