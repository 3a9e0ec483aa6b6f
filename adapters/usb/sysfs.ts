import { readdir, readFile, readlink, realpath } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { modelName } from './names.js'
import type { VideoNode } from './nodes.js'

interface Folders {
  sysDir: string
  devDir: string
}

/** Lists the video nodes from the kernel's folders, for hosts without udev (containers). */
export async function listBySysfs({ sysDir, devDir }: Folders): Promise<VideoNode[]> {
  const folder = join(sysDir, 'class/video4linux')
  const names = (await readdir(folder).catch(() => [])).filter((name) => /^video\d+$/.test(name))
  const links = await linksIn(devDir)
  const nodes = await Promise.all(
    names.map((name) => describe(join(folder, name), join(devDir, name), links.get(name) ?? [])),
  )
  return nodes.filter((node) => node !== undefined)
}

async function describe(entry: string, node: string, links: string[]): Promise<VideoNode | undefined> {
  const owner = await realpath(join(entry, 'device')).catch(() => undefined)
  const syspath = await realpath(entry).catch(() => entry)
  const device = owner === undefined ? undefined : dirname(owner)
  const [index, name, vendorId, productId, serial] = await Promise.all([
    text(join(entry, 'index')),
    text(join(entry, 'name')),
    ...['idVendor', 'idProduct', 'serial'].map((file) => (device ? text(join(device, file)) : undefined)),
  ])
  if (index === undefined) return undefined
  const path = owner && (await pathOf(owner))
  return {
    node,
    index: Number(index),
    owner: owner ?? syspath,
    captures: undefined,
    model: modelName(name ?? ''),
    links: links.sort(),
    syspath,
    ...(vendorId && productId && { usb: { vendorId, productId, ...(serial && { serial }), ...(path && { path }) } }),
  }
}

/**
 * Returns what udev calls ID_PATH: the controllers on the way to the interface, one of each kind, and its place on the
 * bus.
 */
async function pathOf(usbInterface: string): Promise<string | undefined> {
  const [, place] = /^[\d]+-(.+)$/.exec(basename(usbInterface)) ?? []
  if (place === undefined) return undefined
  let path = `usb-0:${place}`
  let last = 'usb'
  for (let at = dirname(usbInterface); dirname(at) !== at && basename(at) !== 'devices'; at = dirname(at)) {
    const subsystem = await readlink(join(at, 'subsystem')).then(basename, () => undefined)
    if (subsystem !== last && (subsystem === 'pci' || subsystem === 'platform'))
      path = `${subsystem}-${basename(at)}-${path}`
    last = subsystem ?? last
  }
  return path
}

/** The lasting links of each node, if udev runs outside of the container and its folder is shared. */
async function linksIn(devDir: string): Promise<Map<string, string[]>> {
  const links = new Map<string, string[]>()
  for (const folder of ['by-id', 'by-path'].map((name) => join(devDir, 'v4l', name))) {
    for (const name of await readdir(folder).catch(() => [])) {
      const link = join(folder, name)
      const node = await readlink(link).then(basename, () => '')
      links.set(node, [...(links.get(node) ?? []), link])
    }
  }
  return links
}

const text = async (file: string): Promise<string | undefined> =>
  (await readFile(file, 'utf8').catch(() => undefined))?.trim()
