import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'

const script = fileURLToPath(new URL('../../config/package/install.sh', import.meta.url))

describe('config/package/install.sh', () => {
  let root: string
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'install-'))
  })
  afterEach(() => rm(root, { recursive: true }))

  const run = (action: string, env: Record<string, string> = {}) =>
    execFileSync('bash', [script, action], { env: { PATH: process.env.PATH, DESTDIR: root, ...env }, encoding: 'utf8' })
  const files = () =>
    readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name).slice(root.length))
  const read = (path: string) => readFileSync(join(root, path), 'utf8')

  it('installs a program that runs, with units that start it, below the prefix', async () => {
    run('install')
    const program = execFileSync('node', [join(root, 'usr/local/lib/camera-service/dist/main.js'), '--version'])
    expect(String(program)).to.match(/^\d+\.\d+\.\d+\n$/)
    const command = read('usr/local/bin/camera-service')
    expect(command).to.contain('/usr/local/lib/camera-service/dist/main.js "$@"')
    expect((await stat(join(root, 'usr/local/bin/camera-service'))).mode & 0o777).to.equal(0o755)
    for (const unit of ['camera-service.service', 'camera-service-audit.service'])
      expect(read(`usr/local/lib/systemd/system/${unit}`)).to.contain('ExecStart=/usr/local/bin/camera-service ')
    expect(files().filter((path) => path.endsWith('.map'))).to.deep.equal([])
    expect(command).not.to.contain(root)
    expect(command, 'the program knows where its configuration is').not.to.contain('/etc/')
  })

  it('installs a unit without flags for Node, with which V8 would refuse the code of the build', () => {
    run('install')
    expect(read('usr/local/lib/systemd/system/camera-service.service')).not.to.contain('NODE_OPTIONS')
  })

  it('installs no configuration into the root of a package: that is a matter of the host', () => {
    run('install')
    expect(existsSync(join(root, 'etc/camera-service'))).to.equal(false)
    expect(read('usr/local/share/camera-service/camera-service.yml')).to.contain('data_dir: /var/lib/camera-service')
  })

  it('installs the manual page and the completion of bash', () => {
    run('install', { PREFIX: '/usr' })
    expect(read('usr/share/man/man1/camera-service.1')).to.contain('.SS "record ID"')
    expect(read('usr/share/bash-completion/completions/camera-service')).to.contain('complete -F')
  })

  it('installs over an older version, and leaves none of its files', () => {
    run('install', { PREFIX: '/usr' })
    writeFileSync(join(root, 'usr/lib/camera-service/dist/old.js'), '')
    run('install', { PREFIX: '/usr' })
    expect(files()).not.to.include('/usr/lib/camera-service/dist/old.js')
  })

  it('removes all that it installed; data and configuration only with PURGE=1', () => {
    run('install', { PREFIX: '/usr' })
    const kept = ['/etc/camera-service/camera-service.yml', '/var/lib/camera-service/recordings/a.mp4']
    for (const path of kept) {
      mkdirSync(dirname(join(root, path)), { recursive: true })
      writeFileSync(join(root, path), '')
    }
    run('uninstall', { PREFIX: '/usr' })
    expect(files().sort()).to.deep.equal(kept)
    run('uninstall', { PREFIX: '/usr', PURGE: '1' })
    expect(files()).to.deep.equal([])
  })

  it('says what is wrong with its argument', () => {
    expect(() => run('remove')).to.throw('the first argument is install or uninstall')
  })
})
