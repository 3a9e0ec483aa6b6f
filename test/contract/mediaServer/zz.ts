import { camera, hold, leave, recordings, until, sizeOf, pathOf, headerDuration } from './client.js'
import { removeFolder, startMediaServer, temporaryFolder } from './servers.js'
for (const kind of ['embedded', 'real'] as const) {
const dir = await temporaryFolder()
const server = await startMediaServer({ kind, dir, paths: { cam: { runOnDemand: camera, runOnDemandCloseAfter: '1s' } } })
const out = []
for (let n = 0; n < 4; n++) {
  await server.api('PATCH', 'config/paths/patch/cam', { record: true })
  const t0 = Date.now()
  const h = await hold(server, 'cam'); const t1 = Date.now()
  const f = await until('f', async () => { const l = await recordings(server, 'cam'); const x = l[n]; return x && (await sizeOf(x)) > 0 && x })
  const t2 = Date.now()
  await server.api('PATCH', 'config/paths/patch/cam', { record: false })
  const t3 = Date.now()
  await until('final', async () => (await headerDuration(f)) > 0)
  out.push(`setup ${t1 - t0} file ${t2 - t0} final ${Date.now() - t3}`)
  leave(h)
  await until('asleep', async () => !(await pathOf(server, 'cam')).available)
}
console.log(kind, out)
console.log(await server.stop()); await removeFolder(dir)
}
