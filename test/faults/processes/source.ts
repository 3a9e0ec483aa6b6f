import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { removeFolder, startMediaServer, temporaryFolder } from '../../contract/mediaServer/servers.js'
import { feed } from '../../e2e/source.js'
import { freePort } from '../../support/ports.js'
import { until } from '../../support/until.js'

/** Network cameras on one media server. `hit`: all but the last, which can be cut off or silenced together. */
export async function startCameras(count: number) {
  const dir = await temporaryFolder()
  const names = Array.from({ length: count }, (_, index) => `yard${index}`)
  const paths = Object.fromEntries(names.map((name) => [name, {}]))
  const server = await startMediaServer({ kind: 'embedded', dir, paths })
  const groups = [names.slice(0, -1), names.slice(-1)]
  const feeders = groups.map((group) => feed(group.map(server.url)))
  const isLive = async (name: string) =>
    ((await server.api('GET', `paths/get/${name}`)).body as { ready?: boolean }).ready === true
  for (const name of names) await until(`${name} is live`, () => isLive(name))
  const proxies = await Promise.all(groups.map(() => startProxy(server.rtspPort)))
  const [feeder] = feeders
  const [proxy] = proxies
  return {
    urls: names.map((name, index) => `rtsp://127.0.0.1:${proxies[index < count - 1 ? 0 : 1]?.port}/${name}`),
    hit: {
      cut: () => proxy?.cut(),
      attach: () => proxy?.attach(),
      silence: () => void feeder?.kill('SIGSTOP'),
      speak: () => void feeder?.kill('SIGCONT'),
    },
    async end() {
      for (const each of proxies) each.cut()
      for (const each of feeders) each.kill('SIGKILL')
      await server.kill()
      await removeFolder(dir)
    },
  }
}

/** Passes connections on to the port, until it is cut. */
async function startProxy(target: number) {
  const port = await freePort()
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1')
    const pairs = [
      [client, upstream],
      [upstream, client],
    ] as const
    for (const [socket, other] of pairs) {
      sockets.add(socket)
      socket.pipe(other)
      socket.on('error', () => other.destroy())
      socket.on('close', () => {
        sockets.delete(socket)
        other.destroy()
      })
    }
  })
  const attach = async () => {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
  }
  await attach()
  return {
    port,
    attach,
    cut() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
