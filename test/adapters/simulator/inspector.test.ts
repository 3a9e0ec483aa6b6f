import { expect } from 'chai'
import { removeFolder, startMediaServer, temporaryFolder } from '../../contract/mediaServer/servers.js'

describe('simulator: signals', function () {
  this.timeout(60_000)

  it('does not open the inspector of Node for SIGUSR1, and still answers', async () => {
    const dir = await temporaryFolder()
    const server = await startMediaServer({ kind: 'embedded', dir })
    try {
      server.process.kill('SIGUSR1')
      // Each answer is a turn of the process, in which it would have opened the inspector.
      for (let turns = 0; turns < 20; turns += 1) expect((await server.api('GET', 'info')).status).to.equal(200)
      expect(server.log()).not.to.match(/debugger/i)
    } finally {
      expect(await server.stop()).to.equal(0)
      await removeFolder(dir)
    }
  })
})
