import { methods } from '../../rpc/methods/index.js'
import { createStage, createWorld, type Reply } from '../../test/rpc/fakes.js'
import { type Sample, samples } from './samples.js'

export interface Example {
  params: Record<string, unknown> | undefined
  result: unknown
  error?: Reply['error']
}

/** Replaces the texts that differ between runs and hosts, such as ids and signatures, with fixed ones. */
const settled = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value)
      .replace(
        /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/g,
        '3f2b8c1e-5a4d-4e6f-8b7a-9c0d1e2f3a4b',
      )
      .replace(/"[0-9a-f]{8}-(\d+)"/g, '"3f2b8c1e-$1"')
      .replace(/sig=[\w%.-]+/g, 'sig=…')
      .replace(/"goroutines":\d+/g, '"goroutines":15')
      .replaceAll(process.version, 'v24.11.0')
      .replaceAll(`"${process.platform}/${process.arch}"`, '"linux/arm64"'),
  )

/** Runs one call as an admin, on a server of its own. */
async function run(name: string, { params, shown, before, cut }: Sample): Promise<Example> {
  const stage = createStage()
  try {
    const world = createWorld()
    const { port } = await stage.serve(world.options())
    const [admin, other] = [await stage.connect(port, { role: 'admin/ann' }), await stage.connect(port)]
    await before?.(world)
    const given =
      typeof params === 'function'
        ? params((await other.call('authenticate', { auth_token: 'viewer/bob' })).result.session_id)
        : params
    const { result, error } = await admin.call(name, given)
    if (error !== undefined) return { params: given, result: undefined, error }
    return settled({ params: shown ?? given, result: cut === undefined ? result : cut(result) }) as Example
  } finally {
    await stage.end()
  }
}

/** Runs one call of each method. */
export async function runExamples(): Promise<Map<string, Example>> {
  const examples = new Map<string, Example>()
  for (const { name } of methods) examples.set(name, await run(name, samples[name] ?? {}))
  return examples
}
