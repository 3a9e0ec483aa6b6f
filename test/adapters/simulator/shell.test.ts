import { expect } from 'chai'
import { expand, splitWords } from '../../../adapters/simulator/paths/shell.js'

describe('simulator: command lines', () => {
  const lines: [line: string, words: string[]][] = [
    ['', []],
    ['  \t ', []],
    ['ffmpeg -i x', ['ffmpeg', '-i', 'x']],
    [`sh -c 'echo "a  b" | cat'`, ['sh', '-c', 'echo "a  b" | cat']],
    ['a "b \\"c\\" \\$d" e', ['a', 'b "c" $d', 'e']],
    ['a\\ b c\\\\d', ['a b', 'c\\d']],
    [`''x"" ""`, ['x', '']],
    ['"a\\n"', ['a\\n']],
  ]
  for (const [line, words] of lines)
    it(`splits ${JSON.stringify(line)}`, () => expect(splitWords(line)).to.deep.equal(words))

  for (const line of [`a 'b`, 'a "b', 'a\\'])
    it(`refuses ${JSON.stringify(line)}`, () => expect(() => splitWords(line)).to.throw(/^Unterminated/))

  it('replaces variables, and unknown ones by nothing', () => {
    const all = { MTX_PATH: 'cam 0', RTSP_PORT: '8554' }
    const filled = ['x:$RTSP_PORT/$MTX_PATH', `\${MTX_PATH}x`, '$NOPE.', '$', '$ 5', 'a$'].map((word) =>
      expand(word, all),
    )
    expect(filled).to.deep.equal(['x:8554/cam 0', 'cam 0x', '.', '$', '$ 5', 'a$'])
  })
})
