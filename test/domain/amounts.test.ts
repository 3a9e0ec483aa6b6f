import { expect } from 'chai'
import { bytesText, percentText, rateText, rounded, spanText } from '../../machines/domain/amounts.js'

describe('amounts in sentences', () => {
  it('are rounded and have a unit', () => {
    expect([0, 999, 10_000, 65_536, 1_234_567_890].map(bytesText)).to.deep.equal([
      '0 B',
      '999 B',
      '10.0 KB',
      '65.5 KB',
      '1.2 GB',
    ])
    expect([100 / 3, 100, 0.04].map(percentText)).to.deep.equal(['33.3 %', '100 %', '0 %'])
    expect([15, 1e6 / 66_733].map(rateText)).to.deep.equal(['15', '14.99'])
  })

  it('that were measured have two decimals, or two digits if they are small', () => {
    expect([12.3456, 1.234, 0.1234, 0.001234, -0.5678].map(rounded)).to.deep.equal([12.35, 1.23, 0.12, 0.0012, -0.57])
  })

  it('have the two largest units of a time', () => {
    const times = [0, 350.4, 2_340, 9_999, 10_000, 59_999, 65_000, 3_600_000, 7_500_000, 442_800_000, -90_000]
    expect(times.map(spanText)).to.deep.equal([
      ...[
        '0 ms',
        '350 ms',
        '2.3 s',
        '10 s',
        '10 s',
        '1 min',
        '1 min 5 s',
        '1 h',
        '2 h 5 min',
        '5 d 3 h',
        '-1 min 30 s',
      ],
    ])
  })
})
