import { execFile, spawnSync } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import WebSocket from 'ws'
import { parse } from 'yaml'
import { type Block, fencedBlocks } from '../docs/code.js'
import { pageText, root } from '../docs/markdown.js'
import { program, type Service, secret, startService, virtual } from './service.js'

interface Ran {
  code: number
  out: string
  err: string
}

const blocks = fencedBlocks(pageText('docs/integrate.md'))
const isRun = ({ language }: Block) => ['ts', 'python', 'bash'].includes(language)

/** What each sample prints, and the files that it leaves. */
const expected: Record<string, { out: RegExp; files: RegExp[] }> = {
  TypeScript: { out: /^saved (camera0_\S+\.mp4)\nrefused: -32020 \w+ \S/, files: [/^camera0_.*\.mp4$/] },
  Python: { out: /^snapshot\.taken camera0_\S+\.jpg\nstop_recording: -32020 \w+: \S/, files: [] },
  'Shell: our own command': {
    out: /^door\.jpg .*\ncamera0_\S+\.mp4 .*\navailable\nrefused, exit status 1$/,
    files: [/^door\.jpg$/],
  },
  'Shell: websocat': { out: /^camera0$/, files: [] },
  'Shell: curl': { out: /^\{.*"status":"healthy"/, files: [/^picture\.jpg$/, /^newest\.mp4$/] },
}
const programs = ['websocat', 'jq', 'curl']
const isInstalled = (name: string) => spawnSync(name, ['--version']).error === undefined
/** The one that Debian's package python3-websockets belongs to may not be the first on the PATH. */
const python = ['python3', '/usr/bin/python3'].find((name) => spawnSync(name, ['-c', 'import websockets']).status === 0)

// The samples of docs/integrate.md, as they are on the page; one service for all of them.
describe('docs: samples of integrate.md', function () {
  this.timeout(180_000)
  let service: Service
  let dir: string
  let env: NodeJS.ProcessEnv

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'camera-service-'))
    const dataDir = await mkdtemp(join(tmpdir(), 'camera-service-'))
    await mkdir(join(dataDir, 'secrets'), { mode: 0o700 })
    await writeFile(join(dataDir, 'secrets/jwt_secret'), secret, { mode: 0o600 })
    service = await startService({
      kind: 'embedded',
      cameras: [virtual('demo')],
      dataDir,
      env: { CAMERA_SERVICE_SECURITY_JWT_SECRET_KEY: '' },
    })
    await mkdir(join(dir, 'bin'))
    // As on a host where the service and its client are installed.
    await writeFile(join(dir, 'bin/camera-service'), `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`)
    await chmod(join(dir, 'bin/camera-service'), 0o755)
    await mkdir(join(dir, 'node_modules'))
    await symlink(root, join(dir, 'node_modules/mediamtx-camera-service'))
    await writeFile(join(dir, 'package.json'), '{"type": "module"}')
    env = { PATH: `${dir}/bin:${process.env.PATH}`, HOME: dir, PYTHONPATH: process.env.PYTHONPATH }
    const create = 'camera-service keys create --role operator --user my-program'
    expect(pageText('docs/integrate.md')).to.include(create)
    const { out, err } = await run('bash', ['-c', create], { ...env, CAMERA_SERVICE_DATA_DIR: dataDir })
    const key = /\bcsk_\S+/.exec(out)?.[0]
    expect(key, err).to.be.a('string')
    env = { ...env, CAMERA_SERVICE_URL: `ws://127.0.0.1:${service.ports.rpc}/ws`, CAMERA_SERVICE_TOKEN: key }
  })
  after(async () => {
    await service?.end()
    await rm(dir, { recursive: true, force: true })
  })

  const run = (file: string, args: string[], variables = env) =>
    new Promise<Ran>((resolve) =>
      execFile(file, args, { cwd: dir, env: variables, timeout: 150_000 }, (error, out, err) =>
        resolve({ code: error ? Number(error.code) : 0, out: out.trimEnd(), err: err.trimEnd() }),
      ),
    )
  /** The ports of the page are those of a service with the default configuration. */
  const here = (text: string) =>
    text
      .replaceAll('127.0.0.1:8002', `127.0.0.1:${service.ports.rpc}`)
      .replaceAll('127.0.0.1:8003', `127.0.0.1:${service.ports.health}`)

  for (const block of blocks.filter(isRun)) {
    const { language, heading, text } = block
    const missing = programs.filter((name) => new RegExp(`\\b${name}\\b`).test(text) && !isInstalled(name))
    if (language === 'python' && python === undefined) missing.push('python3 with websockets')
    if (missing.length > 0) {
      it(`${heading}: is skipped (no ${missing.join(', ')})`)
      continue
    }
    it(`${heading}: runs`, async () => {
      const { out, files } = expected[heading] ?? expect.fail(`the test does not know what ${heading} prints`)
      const file = join(dir, { ts: 'sample.ts', python: 'sample.py', bash: 'sample.sh' }[language] ?? '')
      await writeFile(file, here(text))
      const command = { ts: join(root, 'node_modules/.bin/tsx'), python: python ?? '', bash: 'bash' }[language] ?? ''
      const ran = await run(command, [file])
      expect(ran, ran.err).to.include({ code: 0 })
      expect(ran.out).to.match(out)
      const found = await readdir(dir)
      for (const name of files) {
        const one = found.find((other) => name.test(other)) ?? expect.fail(`there is no file ${name}`)
        const start = (await readFile(join(dir, one))).subarray(0, 8).toString('latin1')
        expect(start, one).to.match(one.endsWith('.jpg') ? /^\xff\xd8\xff/ : /^.{4}ftyp$/s)
      }
    })
  }

  it('TypeScript: has the types of the client', async () => {
    const sample = blocks.find(({ language }) => language === 'ts')?.text ?? ''
    await writeFile(join(dir, 'types.ts'), sample)
    const options = ['--noEmit', '--strict', '--skipLibCheck', '--ignoreConfig', '--checkers', '1', '--types', 'node']
    const roots = ['--typeRoots', join(root, 'node_modules/@types'), '--module', 'nodenext', '--target', 'es2022']
    const ran = await run(join(root, 'node_modules/.bin/tsc'), [...options, ...roots, 'types.ts'])
    expect(ran).to.deep.equal({ code: 0, out: '', err: '' })
  })

  it('other samples are known, and those for browsers can be parsed', async () => {
    const others = blocks.filter((block) => !isRun(block))
    expect(others.map(({ language }) => language)).to.have.members(['js', 'js', 'yaml', 'json'])
    for (const { language, text } of others) {
      if (language !== 'js') continue
      await writeFile(join(dir, 'browser.mjs'), text)
      expect(await run(process.execPath, ['--check', 'browser.mjs'])).to.deep.include({ code: 0, err: '' })
    }
  })

  it('Home Assistant: its sensors read members that the health pages have', async () => {
    const sample: { rest: { resource: string; sensor: { value_template: string }[] }[] } = parse(
      blocks.find(({ language }) => language === 'yaml')?.text ?? '',
    )
    expect(sample.rest).to.have.length(2)
    for (const { resource, sensor } of sample.rest) {
      const page = await fetch(`http://127.0.0.1:${service.ports.health}${new URL(resource).pathname}`)
      const members = sensor.map(({ value_template }) => /^\{\{ value_json\.(\w+) \}\}$/.exec(value_template)?.[1])
      expect(await page.json(), resource).to.include.keys(members)
    }
  })

  it('Node-RED: the flow is whole, and its function makes requests that the service accepts', async () => {
    const nodes: Record<string, string & string[][]>[] = JSON.parse(
      blocks.find(({ language }) => language === 'json')?.text ?? '',
    )
    const ids = nodes.map(({ id }) => id)
    for (const { wires = [], client } of nodes) expect(ids).to.include.members([...wires.flat(), client ?? ids[0]])
    const sent: { payload: string }[] = []
    const node = { send: (message: { payload: string }) => sent.push(message) }
    const variables = { get: () => env.CAMERA_SERVICE_TOKEN }
    const source = nodes.find(({ type }) => type === 'function')?.func ?? ''
    sent.push(new Function('node', 'env', 'msg', source)(node, variables, { payload: 'camera0' }))
    const socket = new WebSocket(env.CAMERA_SERVICE_URL ?? '')
    const replies = new Map<string, unknown>()
    const answered = new Promise<void>((resolve) => {
      socket.addEventListener('message', ({ data }) => {
        const { id, result } = JSON.parse(String(data))
        if (id !== undefined) replies.set(id, result)
        if (replies.size === sent.length) resolve()
      })
    })
    await new Promise((resolve) => socket.addEventListener('open', resolve))
    for (const { payload } of sent) socket.send(payload)
    await answered
    socket.close()
    expect(replies.get('login')).to.include({ role: 'operator' })
    expect(replies.get('events')).to.include({ subscribed: true })
    expect(replies.get('snapshot')).to.include({ status: 'SUCCESS' })
  })
})
