import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { codeFile, serviceScript } from '../../commands/launch/script.js'

describe('the launcher', () => {
  const dir = mkdtempSync(join(tmpdir(), 'launch-'))
  const said: unknown[] = []
  const text = (word: string) =>
    writeFileSync(
      join(dir, 'service.cjs'),
      `(function (exports, require, module, __filename, __dirname) { process.emit('launchTest', '${word}') })`,
    )
  const run = () => {
    serviceScript(dir).run()
    return said.at(-1)
  }
  const listener = (word: unknown) => void said.push(word)
  before(() => void process.on('launchTest' as 'message', listener))
  after(() => {
    process.off('launchTest' as 'message', listener)
    rmSync(dir, { recursive: true })
  })

  it("runs the text without V8's code", () => {
    text('one')
    expect(run()).to.equal('one')
  })

  it("uses V8's code of the same text, and never that of another text of the same length", () => {
    text('one')
    const script = serviceScript(dir)
    script.run()
    expect(script.isFast).to.equal(false)
    writeFileSync(join(dir, 'service.code'), codeFile(script))
    expect(serviceScript(dir).isFast).to.equal(true)
    text('two')
    expect(serviceScript(dir).isFast).to.equal(false)
    expect(run()).to.equal('two')
  })

  it('runs the text if the code is damaged', () => {
    text('six')
    // Not by the launcher: V8 remembers scripts of the same text.
    const hash = createHash('sha256')
      .update(readFileSync(join(dir, 'service.cjs')))
      .digest()
    writeFileSync(join(dir, 'service.code'), Buffer.concat([hash, Buffer.from('no code')]))
    const script = serviceScript(dir)
    expect(script.isFast).to.equal(false)
    script.run()
    expect(said.at(-1)).to.equal('six')
  })
})
