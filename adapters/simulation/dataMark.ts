import { access, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const exists = (file: string) =>
  access(file).then(
    () => true,
    () => false,
  )

/**
 * Marks the data directory as one of simulations. Rejects with one sentence if it has cameras of a service that does
 * not simulate: their ids, protections and dates would be mixed with simulated ones.
 */
export async function claimForSimulation({ dir, state }: { dir: string; state: string }): Promise<void> {
  const mark = join(state, 'simulation')
  if (await exists(mark)) return
  if (await exists(join(state, 'registry.json')))
    throw new Error(
      `data directory ${dir} belongs to a service that does not simulate: ` +
        'select another one for `serve --simulate` with --data-dir',
    )
  await writeFile(mark, 'Simulated cameras use this data directory.\n')
}
