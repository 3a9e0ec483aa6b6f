import { readFile } from 'node:fs/promises'
import type { LocalDevice, UsbDevice, V4l2Device } from '../../machines/domain/camera.js'
import { naturally } from '../../machines/domain/identity.js'
import { namedPort } from './ports.js'

/** A video node of the kernel, as udev or sysfs show it. */
export interface VideoNode {
  /** `/dev/video0` */
  node: string
  /** Its number among the nodes of its function. */
  index: number
  /** What it belongs to: one interface of a USB device. */
  owner: string
  /** Whether it gives pictures; `undefined`: that is not known. */
  captures: boolean | undefined
  model: string
  /** The lasting links to it: `/dev/v4l/by-path/…`. */
  links: string[]
  /** Its folder in sysfs; absent if it is not known. */
  syspath?: string
  usb?: UsbFacts
}

interface UsbFacts {
  vendorId: string
  productId: string
  serial?: string
  /** The way to the interface, as udev's `ID_PATH`. */
  path?: string
  /** The same with the half of the controller, from udev's `ID_PATH_WITH_USB_REVISION`. */
  pathWithHalf?: string
}

/** Returns whether the node gives pictures; `undefined` if it does not say so. */
export type NodeCheck = (node: VideoNode) => Promise<boolean | undefined>

/**
 * Joins the nodes of one function to one device. The first node of a USB function is believed. Others are asked if they
 * claim to give pictures: udev before 241 and eudev repeat the claim of the whole function for its metadata nodes, and
 * sysfs says nothing.
 */
export async function devicesOf(nodes: VideoNode[], check: NodeCheck): Promise<LocalDevice[]> {
  const ordered = [...nodes].sort((a, b) => a.index - b.index || naturally(a.node, b.node))
  const capturing = ordered.filter(({ captures }) => captures !== false)
  const functions = new Map<string, VideoNode[]>()
  for (const node of capturing.filter(({ usb }) => usb)) {
    functions.set(node.owner, [...(functions.get(node.owner) ?? []), node])
  }
  const usb = await Promise.all([...functions.values()].map(async (all) => usbDevice(await withPictures(all, check))))
  const others = await Promise.all(
    capturing
      .filter((node) => !node.usb)
      .map(async (node) => ((node.captures ?? (await check(node))) ? otherDevice(node) : undefined)),
  )
  return [...usb, ...others].filter((device) => device !== undefined)
}

/** The nodes of one function that give pictures, the first one first. */
async function withPictures(nodes: VideoNode[], check: NodeCheck): Promise<VideoNode[]> {
  const answers = await Promise.all(
    nodes.map((node, at) => (at === 0 && (node.captures || node.index === 0) ? true : check(node))),
  )
  return nodes.filter((_, at) => answers[at])
}

async function usbDevice([main, ...others]: VideoNode[]): Promise<UsbDevice | undefined> {
  if (main?.usb === undefined) return undefined
  const { vendorId, productId, serial } = main.usb
  const links = [main, ...others].flatMap((node) => node.links)
  const plug = await plugOf(main)
  return {
    kind: 'usb',
    node: main.node,
    ...(others.length > 0 && { otherNodes: others.map(({ node }) => node) }),
    vendorId: vendorId.toLowerCase(),
    productId: productId.toLowerCase(),
    model: main.model,
    ...(serial && { serial }),
    ...(plug !== '' && { plug }),
    ...(await namedPort(main.usb, main)),
    ...(links.length > 0 && { links }),
  }
}

/** The number of a plug: the kernel counts the devices of a bus as they are plugged in. Empty: it is not known. */
export const plugOf = async ({ syspath }: VideoNode): Promise<string> =>
  (await readFile(`${syspath}/../../../devnum`, 'utf8').catch(() => '')).trim()

const otherDevice = ({ node, model, links }: VideoNode): V4l2Device => ({ kind: 'v4l2', node, model, links })
