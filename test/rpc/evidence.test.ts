import { expect } from 'chai'
import type { Caller } from '../../machines/domain/access.js'
import { evidenceFor } from '../../rpc/evidence.js'

const caller = (role: Caller['role'], cameras?: string[]): Caller =>
  ({ user: 'ann', role, ...(cameras && { cameras }), expiresAt: 0 }) as Caller
const busy = { errno: 'EBUSY', holder_pid: 4_711, holder_command: 'motion' }

describe('evidence for a caller', () => {
  it('names the holder of a device to administrators of all cameras only', () => {
    expect(evidenceFor(caller('admin'), busy)).to.deep.equal(busy)
    for (const other of [caller('admin', ['camera0']), caller('operator'), caller('viewer')])
      expect(evidenceFor(other, busy)).to.deep.equal({ errno: 'EBUSY' })
    expect(evidenceFor(caller('viewer'), { holder_pid: 4_711 })).to.equal(undefined)
  })

  it('names the neighbours on the bus that the caller may use', () => {
    const full = { errno: 'ENOSPC', neighbours: 'camera1, camera2' }
    expect(evidenceFor(caller('viewer'), full)).to.deep.equal(full)
    expect(evidenceFor(caller('viewer', ['camera0', 'camera2']), full)?.neighbours).to.equal('camera2')
    expect(evidenceFor(caller('viewer', ['camera0']), full)).to.deep.equal({ errno: 'ENOSPC' })
  })
})
