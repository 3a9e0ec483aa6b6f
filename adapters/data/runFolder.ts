import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Log } from '../../machines/domain/ports.js'
import { codeOf, isDiskFault } from '../errorCode.js'
import { tryWrite } from '../files/tryWrite.js'

/**
 * The folder of locks, reports, stills and the media server's configuration: that of systemd, which is in memory, else
 * `run` of the data directory. If its disk is full or read-only, a new folder in memory: without one, there is no
 * stream. `remove` removes only that one.
 */
export async function openRunFolder(options: { ofSystemd: string | undefined; ofData: string; log: Log }) {
  const { ofSystemd, ofData, log } = options
  const dir = ofSystemd?.split(':')[0] || ofData
  const nothing = async () => {}
  const fault = await tryWrite(dir).catch((error: unknown) => error)
  if (!isDiskFault(fault)) return { dir, remove: nothing }
  const what = `the folder of run files cannot be written (${codeOf(fault)})`
  for (const place of ['/dev/shm', tmpdir()]) {
    const made = await mkdtemp(join(place, 'camera-service-')).catch(() => undefined)
    if (made === undefined) continue
    log.warn(`${what}: run files are in memory until the service ends`)
    return { dir: made, remove: () => rm(made, { recursive: true, force: true }) }
  }
  log.error(`${what}: no stream can start: make room on the disk`)
  return { dir, remove: nothing }
}
