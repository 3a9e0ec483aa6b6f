import { expect } from 'chai'
import { isDisplayName } from '../../machines/domain/displayName.js'

describe('a name for people', () => {
  it('has printable characters, and no space at its ends', () => {
    for (const text of ['Hof', 'Front door (2)', 'Haustür 🚜', 'x']) expect(isDisplayName(text), text).to.equal(true)
    for (const text of ['', ' ', ' Hof', 'Hof ', 'Hof\n2', 'Hof\u202e'])
      expect(isDisplayName(text), JSON.stringify(text)).to.equal(false)
  })

  it('has at most 64 characters, as people count them', () => {
    for (const character of ['x', '🚜'])
      expect([64, 65].map((length) => isDisplayName(character.repeat(length)))).to.deep.equal([true, false])
  })
})
