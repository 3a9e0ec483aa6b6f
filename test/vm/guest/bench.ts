import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile, realpath } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { eventually, output } from './shell.js'

/** A camera in a port. `serial` "-": it tells none; `options` as in `usbCamera/command.ts`. */
export interface Plug {
  port: number
  serial: string
  options?: string
}

/** The bench that cameras are plugged into: the program of `usbCamera/`, driven by its commands. */
export interface Bench {
  plug(camera: Plug): Promise<void>
  unplug(port: number): Promise<void>
  plugged(): Plug[]
  pause(port: number): Promise<void>
  resume(port: number): Promise<void>
  /** The camera gives a third of its frames, as in the dark; `light`: all of them again. */
  dim(port: number): Promise<void>
  light(port: number): Promise<void>
  /** Number of frames that the camera has made. */
  frames(port: number): Promise<number>
  end(): Promise<void>
}

export const openBench = async ({ program, frames }: { program: string; frames: string }): Promise<Bench> => {
  await output('modprobe', ['vhci_hcd'])
  const child = spawn(process.execPath, [program, frames], { stdio: ['pipe', 'pipe', 'inherit'] })
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  let turn: Promise<unknown> = Promise.resolve()
  const ask = async (line: string): Promise<string> => {
    const answer = turn.then(async () => {
      child.stdin.write(`${line}\n`)
      return String((await answers.next()).value)
    })
    turn = answer
    const text = await answer
    if (!text.startsWith('ok')) throw new Error(`the camera bench: ${text}`)
    return text.slice(`ok ${line} `.length)
  }
  const command = async (line: string): Promise<void> => void (await ask(line))
  const cameras = new Map<number, Plug>()
  return {
    async plug(camera) {
      await command(`plug ${camera.port} ${camera.serial} ${camera.options ?? ''}`.trim())
      cameras.set(camera.port, camera)
    },
    async unplug(port) {
      await command(`unplug ${port}`)
      cameras.delete(port)
    },
    plugged: () => [...cameras.values()],
    pause: (port) => command(`pause ${port}`),
    resume: (port) => command(`resume ${port}`),
    dim: (port) => command(`dim ${port}`),
    light: (port) => command(`light ${port}`),
    frames: async (port) => (JSON.parse(await ask(`stats ${port}`)) as { frames: number }).frames,
    async end() {
      const gone = once(child, 'exit')
      child.kill()
      await gone
    },
  }
}

/** udev's properties of a device, by `/dev` name, once udev has done with it. */
export const udevProperties = async (device: string): Promise<Record<string, string>> => {
  await output('udevadm', ['settle'])
  const text = await output('udevadm', ['info', '--query=property', `--name=${device}`])
  return Object.fromEntries(
    text.split('\n').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  )
}

/** `/dev/videoN` of each node behind the bench's `port`, by its index, from the kernel's own tree. */
export const nodesOfPort = async (port: number): Promise<string[]> => {
  const found: string[] = []
  for (const node of await readdir('/sys/class/video4linux').catch(() => [])) {
    const path = await realpath(`/sys/class/video4linux/${node}`)
    if (!new RegExp(`/vhci_hcd\\.0/usb\\d+/\\d+-${port + 1}/`).test(path)) continue
    found[Number(await readFile(`${path}/index`, 'utf8'))] = `/dev/${node}`
  }
  return found
}

/** The first capturing node behind the bench's `port`; each is followed by one for metadata. */
export const captureNode = (port: number): Promise<string> =>
  eventually(`a capture node on port ${port}`, async () => (await nodesOfPort(port))[0])
