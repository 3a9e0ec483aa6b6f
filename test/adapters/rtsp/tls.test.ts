import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer } from 'node:tls'
import { expect } from 'chai'
import { createStreamReader } from '../../../adapters/rtsp/reader.js'
import { failure } from '../ffmpeg/support.js'
import { hasProgram } from './mediamtx.js'

const suite = hasProgram('openssl') ? describe : describe.skip

suite('describe over TLS (with openssl on PATH)', () => {
  it('rejects if the certificate is not trusted', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'tls-'))
    const made = [
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-keyout',
      'key.pem',
      '-out',
      'cert.pem',
      '-subj',
      '/CN=localhost',
    ]
    execFileSync('openssl', ['req', '-x509', '-nodes', ...made], { cwd: dir, stdio: 'ignore' })
    const server = createServer({ key: readFileSync(join(dir, 'key.pem')), cert: readFileSync(join(dir, 'cert.pem')) })
    rmSync(dir, { recursive: true })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const quiet = (): void => {}
    const reader = createStreamReader({
      host: '127.0.0.1',
      port: 1,
      log: { error: quiet, warn: quiet, info: quiet, debug: quiet },
    })
    const url = `rtsps://ann:secret@127.0.0.1:${address && typeof address === 'object' ? address.port : 0}/live`
    expect(await failure(reader.describe(url, new AbortController().signal))).to.equal(
      'certificate_untrusted: the certificate of the camera is not trusted',
    )
    server.close()
    await once(server, 'close')
  })
})
