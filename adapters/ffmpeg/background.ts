import { endsWithParent, findOnPath } from '../programs.js'

/**
 * Returns the beginning of a command that runs with the lowest priority for processor and disk, and ends with this
 * process. Programs that are not installed are left out.
 */
export async function inBackground(path: string): Promise<string[]> {
  const [nice, ionice, ending] = await Promise.all([
    findOnPath('nice', path),
    findOnPath('ionice', path),
    endsWithParent(path),
  ])
  // `-t`: the command also runs where the kernel refuses the class.
  return [...ending, ...(nice ? [nice, '-n', '19'] : []), ...(ionice ? [ionice, '-t', '-c', '3'] : [])]
}
