/**
 * USB cameras on a leash: reads commands from standard input (a FIFO, say) and plugs cameras into this kernel.
 *
 *   main.js make-frames DIR   make the pictures, once (needs ffmpeg)
 *   main.js DIR               read commands; each is answered with one line, "ok …" or "failed …"
 */
import { createInterface } from 'node:readline'
import { plugCamera, type UsbCamera } from './camera.js'
import { type Command, parseCommand, usage } from './command.js'
import { makeFrames, openFrames } from './frames.js'

const cameras = new Map<number, UsbCamera>()

const carryOut = async (command: Command, frameOf: ReturnType<typeof openFrames>): Promise<string> => {
  if (command.verb === 'plug') {
    const { port, description, badge } = command
    if (cameras.has(port)) throw new Error(`port ${port} is taken`)
    cameras.set(port, await plugCamera({ port, description, frame: (mode, count) => frameOf(badge, mode, count) }))
    return ''
  }
  const camera = cameras.get(command.port)
  if (!camera) throw new Error(`port ${command.port} is empty`)
  if (command.verb === 'stats') return JSON.stringify(camera.stats())
  camera[command.verb]()
  if (command.verb === 'unplug') cameras.delete(command.port)
  return ''
}

const [first, second] = process.argv.slice(2)
if (first === 'make-frames' && second !== undefined) {
  await makeFrames(second)
} else if (first !== undefined && first !== 'make-frames') {
  const frameOf = openFrames(first)
  for await (const line of createInterface({ input: process.stdin })) {
    try {
      console.log(`ok ${line} ${await carryOut(parseCommand(line), frameOf)}`.trim())
    } catch (error) {
      console.log(`failed ${line}: ${error instanceof Error ? error.message : error}`)
    }
  }
} else {
  console.error(`main.js make-frames DIR | main.js DIR\n\nCommands:\n${usage}`)
  process.exitCode = 2
}
