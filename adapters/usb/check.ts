import { type Run, run as runProgram } from '../ffmpeg/run.js'
import { type NodeCheck, plugOf } from './nodes.js'

/** V4L2_CAP_VIDEO_CAPTURE: with planes together, which is what ffmpeg reads. */
const videoCapture = 0x1

/**
 * Asks nodes with `v4l2-ctl --info` whether they give pictures: once each time they are plugged in. A node that cannot be
 * asked is asked again with the next list.
 */
export function createNodeCheck({
  run = runProgram,
  timeout = 2_000,
}: {
  run?: Run
  timeout?: number
}): (signal: AbortSignal) => NodeCheck {
  let known = new Map<string, boolean>()
  return (signal) => {
    const before = known
    const now = new Map<string, boolean>()
    known = now
    return async (node) => {
      const key = `${node.node} ${node.owner} ${await plugOf(node)}`
      const answer = before.get(key) ?? (await ask(node.node, run, { signal, timeout }))
      if (answer !== undefined) now.set(key, answer)
      return answer
    }
  }
}

async function ask(
  node: string,
  run: Run,
  options: { signal: AbortSignal; timeout: number },
): Promise<boolean | undefined> {
  const { stdout } = await run('v4l2-ctl', ['-d', node, '--info'], options).catch((error: unknown) => {
    if (options.signal.aborted) throw error
    return { stdout: '' }
  })
  return givesPictures(stdout)
}

/** Reads the capabilities of the node, not those of the whole function; `undefined` if there are none in the text. */
export function givesPictures(info: string): boolean | undefined {
  const own = /^\s*Device Caps\s*: 0x([0-9a-f]+)/im.exec(info) ?? /^\s*Capabilities\s*: 0x([0-9a-f]+)/im.exec(info)
  return own?.[1] === undefined ? undefined : (Number.parseInt(own[1], 16) & videoCapture) !== 0
}
