import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { expect } from 'chai'

type Client = typeof import('../../rpc/client/index.js')

const root = fileURLToPath(new URL('../..', import.meta.url))

/** A browser's WebSocket to a service that knows two methods. */
class FakeWebSocket {
  onopen: (() => void) | null = null
  onmessage: ((event: { data: string }) => void) | null = null
  onclose: ((event: { code: number; reason: string }) => void) | null = null
  onerror: (() => void) | null = null
  constructor(readonly url: string) {
    queueMicrotask(() => this.onopen?.())
  }
  send(text: string) {
    const { id, method } = JSON.parse(text)
    const result = method === 'ping' ? 'pong' : { authenticated: true }
    queueMicrotask(() => this.onmessage?.({ data: JSON.stringify({ jsonrpc: '2.0', id, result }) }))
  }
  close(code = 1000, reason = '') {
    this.onclose?.({ code, reason })
  }
}

describe('the client in a browser', () => {
  const folder = mkdtempSync(join(tmpdir(), 'client-'))
  after(() => rmSync(folder, { recursive: true }))

  it('imports nothing of the server', () => {
    const sources = readdirSync(join(root, 'rpc/client')).map((name) =>
      readFileSync(join(root, 'rpc/client', name), 'utf8'),
    )
    const imported = sources.flatMap((text) =>
      [...text.matchAll(/(?:from|import\() ?'([^']+)'/g)].map(([, name]) => name),
    )
    expect(imported.filter((name) => !name?.startsWith('./'))).to.deep.equal([])
  })

  it('is one file that needs nothing of Node', async () => {
    const file = join(folder, 'client.mjs')
    const esbuild = join(root, 'node_modules/.bin/esbuild')
    execFileSync(esbuild, [
      join(root, 'rpc/client/index.ts'),
      '--bundle',
      '--platform=browser',
      '--format=esm',
      `--outfile=${file}`,
      '--log-level=error',
    ])
    const text = readFileSync(file, 'utf8')
    expect(text).not.to.match(/node:|require\(|process\.|Buffer|from ["']ws["']/)
    const platform = globalThis as { WebSocket?: unknown }
    const before = platform.WebSocket
    platform.WebSocket = FakeWebSocket
    try {
      const { connectCameraService }: Client = await import(pathToFileURL(file).href)
      const client = await connectCameraService({ url: 'ws://camera-host/ws', credential: 'a token' })
      expect(await client.call('ping')).to.equal('pong')
      client.close()
      expect(client.state).to.equal('closed')
    } finally {
      if (before === undefined) delete platform.WebSocket
      else platform.WebSocket = before
    }
  })
})
