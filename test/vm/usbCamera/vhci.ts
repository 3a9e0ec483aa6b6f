import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const attachFile = '/sys/devices/platform/vhci_hcd.0/attach'
const highSpeed = 3

/** A device's end of the cable. */
export interface Cable {
  send(bytes: Buffer): void
  /** Pulls it: the kernel sees a disconnect. */
  pull(): void
}

/**
 * Plugs a device into `port` (0–6) of the kernel's virtual host controller: one end of a socket pair goes to the
 * kernel by its file descriptor, the other speaks USB/IP. Needs root and `modprobe vhci_hcd`. `closed`: the kernel let
 * go of it.
 */
export const attach = async ({
  port,
  received,
  closed,
}: {
  port: number
  received(bytes: Buffer, cable: Cable): void
  closed(): void
}): Promise<Cable> => {
  const dir = await mkdtemp(join(tmpdir(), 'usb-camera-'))
  const path = join(dir, 'cable')
  try {
    const { kernelEnd, deviceEnd } = await socketPair(path)
    const fd = descriptorOf(kernelEnd)
    const deviceId = port + 1
    const cable: Cable = {
      send: (bytes) => void (deviceEnd.destroyed || deviceEnd.write(bytes)),
      pull: () => {
        deviceEnd.destroy()
        kernelEnd.destroy()
      },
    }
    deviceEnd.on('data', (bytes) => received(bytes, cable))
    deviceEnd.on('error', () => {}) // 'close' follows
    deviceEnd.on('close', closed)
    try {
      writeFileSync(attachFile, `${port} ${fd} ${deviceId} ${highSpeed}`)
    } catch (error) {
      cable.pull()
      throw error
    }
    return cable
  } finally {
    await rm(dir, { recursive: true })
  }
}

/** The kernel reads `kernelEnd`: it stays paused, so that Node never does. */
const socketPair = (path: string) =>
  new Promise<{ kernelEnd: Socket; deviceEnd: Socket }>((resolve, reject) => {
    const server = createServer({ pauseOnConnect: true }, (kernelEnd) => {
      server.close()
      resolve({ kernelEnd, deviceEnd })
    })
    server.once('error', reject)
    let deviceEnd: Socket
    server.listen(path, () => {
      deviceEnd = connect(path)
      deviceEnd.once('error', reject)
    })
  })

/** Node keeps the number to itself; there is no public way to it. */
const descriptorOf = (socket: Socket): number => {
  const handle: unknown = Reflect.get(socket, '_handle')
  const fd: unknown = typeof handle === 'object' && handle !== null ? Reflect.get(handle, 'fd') : undefined
  if (typeof fd !== 'number' || fd < 0) throw new Error('this Node tells no file descriptor of a socket')
  return fd
}
