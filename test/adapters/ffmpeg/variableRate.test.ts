import { expect } from 'chai'
import { quiet, run } from '../../../adapters/ffmpeg/run.js'
import { findVariableRate } from '../../../adapters/ffmpeg/variableRate.js'
import { fake, folder, runWith } from './support.js'

describe('the option for a variable frame rate', () => {
  it('is one that the installed ffmpeg accepts', async () => {
    const source = ['-f', 'lavfi', '-i', 'nullsrc', '-frames:v', '1']
    const { code } = await run('ffmpeg', [...quiet, ...source, ...(await findVariableRate()), '-f', 'null', '-'])
    expect(code).to.equal(0)
  })

  it('has its earlier name with an ffmpeg before 5.1', async () => {
    const { dir, remove } = await folder()
    await fake(dir, 'ffmpeg', 'case "$*" in *fps_mode*) echo "Unrecognized option" >&2; exit 1;; esac')
    expect(await findVariableRate(runWith(dir))).to.deep.equal(['-vsync', 'vfr'])
    await remove()
  })
})
