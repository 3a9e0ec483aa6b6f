import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { downloadMediamtx } from '../../../adapters/mediamtx/download.js'
import { freePort } from '../../support/ports.js'
import { keptLog, never, rejection } from './fakeServer.js'

const run = promisify(execFile)

describe('downloading MediaMTX', () => {
  let dir = ''
  let archive = Buffer.alloc(0)
  const cleaners: (() => unknown)[] = []
  before(async () => {
    const made = await mkdtemp(join(tmpdir(), 'release-'))
    await writeFile(join(made, 'mediamtx'), '#!/bin/sh\necho v9.9.9\n')
    await writeFile(join(made, 'LICENSE'), '')
    await chmod(join(made, 'mediamtx'), 0o755)
    await run('tar', ['-czf', 'a.tar.gz', 'mediamtx', 'LICENSE'], { cwd: made })
    archive = await readFile(join(made, 'a.tar.gz'))
    await rm(made, { recursive: true })
  })
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'download-'))
  })
  afterEach(async () => {
    for (const clean of cleaners.splice(0)) clean()
    await rm(dir, { recursive: true })
  })

  /** Starts a server with release files. */
  const releases = async (files: Record<string, Buffer | string>) => {
    const server = createServer((request, response) => {
      const url = request.url ?? ''
      // Redirects like GitHub.
      if (!url.startsWith('/files/')) return response.writeHead(302, { location: `/files${url}` }).end()
      const content = files[url.slice('/files/v9.9.9/'.length)]
      return content === undefined ? response.writeHead(404).end() : response.end(content)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    cleaners.push(() => {
      server.closeAllConnections()
      server.close()
    })
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }
  const sums = (content: Buffer, cpu = 'amd64') => {
    const sum = createHash('sha256').update(content).digest('hex')
    return `${'0'.repeat(64)}  other.tar.gz\n${sum}  mediamtx_v9.9.9_linux_${cpu}.tar.gz\n`
  }
  const download = (from: string, arch = 'x64') =>
    downloadMediamtx({ dataDir: dir, log: keptLog(), signal: never(), releases: from, version: 'v9.9.9', arch })

  it('writes the program to the data directory', async () => {
    const from = await releases({ 'checksums.sha256': sums(archive), 'mediamtx_v9.9.9_linux_amd64.tar.gz': archive })
    const file = await download(from)
    expect(file).to.equal(join(dir, 'bin', 'mediamtx'))
    expect((await run(file, ['--version'])).stdout).to.equal('v9.9.9\n')
    expect(await readdir(join(dir, 'bin'))).to.deep.equal(['mediamtx'])
  })

  it('selects the release for this CPU', async () => {
    const from = await releases({
      'checksums.sha256': sums(archive, 'arm64'),
      'mediamtx_v9.9.9_linux_arm64.tar.gz': archive,
    })
    await download(from, 'arm64')
    expect((await rejection(download(from, 'riscv64'))).message).to.equal(
      'MediaMTX v9.9.9 has no release for this CPU (riscv64)',
    )
  })

  it('keeps the old program if the download is damaged or does not run', async () => {
    await mkdir(join(dir, 'bin'))
    await writeFile(join(dir, 'bin', 'mediamtx'), 'the old one')
    const name = 'mediamtx_v9.9.9_linux_amd64.tar.gz'
    const damaged = await releases({ 'checksums.sha256': sums(archive), [name]: archive.subarray(0, 100) })
    expect((await rejection(download(damaged))).message).to.equal(
      'the download of MediaMTX v9.9.9 is damaged: its SHA-256 is not the published one',
    )
    const text = Buffer.from('no archive')
    const odd = await releases({ 'checksums.sha256': sums(text), [name]: text })
    expect((await rejection(download(odd))).message).to.contain('could not be unpacked, or does not run here')
    expect(await readFile(join(dir, 'bin', 'mediamtx'), 'utf8')).to.equal('the old one')
    expect(await readdir(join(dir, 'bin'))).to.deep.equal(['mediamtx'])
  })

  it('reports a missing network and a missing release', async () => {
    const closed = `http://127.0.0.1:${await freePort()}`
    expect((await rejection(download(closed))).message).to.match(
      /^MediaMTX cannot be downloaded from 127\.0\.0\.1:\d+ \(connection refused\): without it/,
    )
    expect((await rejection(download(await releases({})))).message).to.contain('(status 404)')
  })
})
