import { spawn } from 'node:child_process'
import { access, constants, stat } from 'node:fs/promises'
import { delimiter, join } from 'node:path'

/** Returns the file of a program on the PATH; `undefined` if it is not installed. */
export async function findOnPath(program: string, path: string): Promise<string | undefined> {
  for (const dir of path.split(delimiter).filter((dir) => dir !== '')) {
    const file = join(dir, program)
    if (await isProgram(file)) return file
  }
  return undefined
}

/**
 * Returns the beginning of a command that ends with its parent: the kernel sends it SIGTERM. Empty without util-linux,
 * and where a sandbox forbids it, as that of systemd, which ends all processes of the service itself.
 */
export async function endsWithParent(path: string): Promise<string[]> {
  const setpriv = await findOnPath('setpriv', path)
  if (setpriv === undefined) return []
  const command = [setpriv, '--pdeathsig', 'TERM', '--']
  const works = await new Promise<boolean>((resolve) => {
    const trial = spawn(setpriv, [...command.slice(1), setpriv, '--version'], { stdio: 'ignore' })
    trial.on('error', () => resolve(false))
    trial.on('exit', (code) => resolve(code === 0))
  })
  return works ? command : []
}

export const isProgram = async (file: string): Promise<boolean> => {
  try {
    await access(file, constants.X_OK)
    return (await stat(file)).isFile()
  } catch {
    return false
  }
}
