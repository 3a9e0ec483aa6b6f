import { expect } from 'chai'
import { commandsOf, documented, linesOf } from '../vm/guest/operate.js'
import { pageText } from './markdown.js'

const page = pageText('docs/operate.md')

describe('docs/operate.md', () => {
  it('has each line for which the virtual machine runs something else, or nothing', () => {
    const lines = linesOf(page)
    expect(Object.keys(documented).filter((line) => !lines.includes(line))).to.deep.equal([])
  })

  it('has commands that the virtual machine runs', () => {
    const runs = commandsOf(page).map(({ run }) => run)
    expect(runs).to.have.length.above(20)
    expect(runs).to.include('sudo camera-service explain camera0')
  })
})
