import { dirname, join, resolve } from 'node:path'
import type { Configuration } from '../../config/schema.js'
import { bytesText } from '../../machines/domain/amounts.js'
import { type DiskLimits, freeAt, fullness, reached, unknownRate } from '../../machines/domain/diskRoom.js'
import { type Finding, fail, ok, warn } from './finding.js'
import type { DoctorHost } from './host.js'

type Asked = Pick<DoctorHost, 'stat' | 'mayUse' | 'mount' | 'usage' | 'writeSpeed' | 'uid'>
type Limits = Pick<DiskLimits, 'warnPercent' | 'blockPercent' | 'minFree'>

/** A recording of a camera needs about 0.25 MB/s; this many bytes per second are a slow card. */
const slow = 4e6

/** File systems that lack something: what, and whether that is a fault. */
const lacking: Readonly<Record<string, readonly [status: 'warn' | 'fail', what: string]>> = {
  tmpfs: ['warn', 'it is in memory: all recordings are lost at the next boot'],
  ramfs: ['warn', 'it is in memory: all recordings are lost at the next boot'],
  vfat: ['fail', 'it has no modes and links, which secrets need, and files end at 4 GB'],
  exfat: ['fail', 'it has no modes and links, which secrets need'],
  nfs: ['warn', 'locks and sudden losses of the network can interrupt recordings'],
  nfs4: ['warn', 'locks and sudden losses of the network can interrupt recordings'],
  cifs: ['warn', 'it has no modes of its own, and losses of the network can interrupt recordings'],
}

/** The folders of recordings: mount, room, and how fast they take data. */
export async function checkDisks({ data_dir, storage }: Configuration, host: Asked): Promise<Finding[]> {
  const limits = {
    warnPercent: storage.warn_percent,
    blockPercent: storage.block_percent,
    minFree: storage.min_free,
  }
  const dir = resolve(data_dir)
  const main = await diskFindings('disk', dir, join(dir, 'recordings'), limits, host)
  const { fallback_path: fallback } = storage
  const other = fallback === '' ? [] : await diskFindings('fallback disk', fallback, fallback, limits, host)
  return [...main, ...other]
}

async function diskFindings(check: string, dir: string, recordings: string, limits: Limits, host: Asked) {
  const about = await host.stat(dir)
  if (about === undefined) return missingFindings(check, dir, host)
  if (!about.isFolder) return [fail(check, `${dir} is not a folder`, 'move the file away, or set data_dir')]
  const mount = await mountFindings(check, dir, host)
  if (mount.some(({ status }) => status === 'fail')) return mount
  if (!(await host.mayUse(dir))) return [...mount, deniedFinding(check, dir, about.uid, host.uid())]
  const folder = (await host.stat(recordings)) === undefined ? dir : recordings
  return [...mount, ...(await roomFindings(check, folder, limits, host))]
}

async function missingFindings(check: string, dir: string, host: Asked): Promise<Finding[]> {
  let above = dirname(dir)
  while (above !== dirname(above) && (await host.stat(above)) === undefined) above = dirname(above)
  const mount = await mountFindings(check, above, host)
  if (mount.some(({ status }) => status === 'fail')) return mount
  if (await host.mayUse(above)) return [...mount, ok(check, `${dir} does not exist yet: the service creates it`)]
  const fix = `install -d -o camera-service -g camera-service -m 0750 ${dir}, or select another with data_dir`
  return [...mount, fail(check, `${dir} does not exist, and this user may not create it in ${above}`, fix)]
}

const deniedFinding = (check: string, dir: string, owner: number, uid: number): Finding =>
  fail(
    check,
    `this user (uid ${uid}) may not write to ${dir}, which belongs to uid ${owner}`,
    owner === uid
      ? `chmod u+rwx ${dir}; a unit of systemd also needs it in ReadWritePaths=`
      : `run this as its owner: sudo -u '#${owner}' camera-service doctor; or chown it to the user of the service`,
  )

async function mountFindings(check: string, dir: string, host: Asked): Promise<Finding[]> {
  const mount = await host.mount(dir)
  if (mount === undefined) return []
  const { point, type, options } = mount
  const where = `${dir} is on ${point} (${type})`
  if (options.includes('ro'))
    return [
      fail(check, `${where}, which is mounted read-only`, `mount -o remount,rw ${point}; dmesg says why if it failed`),
    ]
  const [status, what] = lacking[type] ?? []
  if (status === undefined || what === undefined) return [ok(check, where)]
  return [
    (status === 'fail' ? fail : warn)(check, `${where}: ${what}`, 'set data_dir to a folder on a local ext4 or xfs'),
  ]
}

async function roomFindings(check: string, dir: string, limits: Limits, host: Asked): Promise<Finding[]> {
  const usage = await host.usage(dir)
  const { available, fault } = usage
  if (fault !== undefined && fault.code !== 'storage_full')
    return [fail(check, `${dir} takes no files: ${fault.details}`, 'repair the disk or its permissions; see dmesg')]
  const room = `${bytesText(available)} free, ${Math.round(fullness(usage))} % in use`
  const free = 'delete recordings, or set a retention policy: docs/configuration.md#retention_policy'
  if (fault !== undefined || reached('full', limits, usage, unknownRate))
    return [fail(check, `${room}: recordings are refused`, free)]
  const isTight = reached('warning', limits, usage, unknownRate) !== undefined
  const line = isTight
    ? warn(check, `${room}: recordings are refused below ${bytesText(freeAt('full', limits, usage))}`, free)
    : ok(check, room)
  return [line, await speedFinding(check, dir, host)]
}

async function speedFinding(check: string, dir: string, host: Asked): Promise<Finding> {
  const speed = await host.writeSpeed(dir)
  const text = `it takes ${bytesText(speed)} a second`
  if (speed >= slow) return ok(check, text)
  return warn(check, `${text}: too slow for several recordings`, 'use another disk or card, or record fewer cameras')
}
