import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Bytes of the bundle of the service by package, heaviest first, and packages that it contains more than once. */
export async function bundleWeights(): Promise<{ bytes: Map<string, number>; twice: string[] }> {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: ['main.ts'],
    bundle: true,
    write: false,
    metafile: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    outdir: 'dist',
    external: ['udev'],
    define: { 'import.meta.url': 'serviceUrl' },
    minifyWhitespace: true,
    minifySyntax: true,
    logLevel: 'silent',
  })
  const bytes = new Map<string, number>()
  const places = new Map<string, Set<string>>()
  for (const [file, { bytesInOutput }] of Object.entries(metafile.outputs['dist/main.js']?.inputs ?? {})) {
    const [, place = '', name = 'the service'] = /^(.*node_modules\/((?:@[^/]+\/)?[^/]+))\//.exec(file) ?? []
    bytes.set(name, (bytes.get(name) ?? 0) + bytesInOutput)
    places.set(name, (places.get(name) ?? new Set()).add(place))
  }
  return {
    bytes: new Map([...bytes].sort(([, one], [, other]) => other - one)),
    twice: [...places].flatMap(([name, { size }]) => (size > 1 ? [name] : [])),
  }
}
