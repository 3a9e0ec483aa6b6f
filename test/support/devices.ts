import { readFileSync } from 'node:fs'

/** The text of a file in `test/devices/`, without its comments. */
export const deviceText = (name: string): string =>
  readFileSync(new URL(`../devices/${name}`, import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n')

/** The udev properties in such a file; `sysDir`: where its devices are. */
export const udevProperties = (name: string, sysDir = '/nowhere'): Record<string, string>[] =>
  deviceText(name)
    .split(/\n\n+/)
    .map((block) =>
      Object.fromEntries([
        ['syspath', `${sysDir}${/^P: (.*)$/m.exec(block)?.[1]}`],
        ...[...block.matchAll(/^E: ([^=]+)=(.*)$/gm)].map(([, key = '', value = '']) => [key, value]),
      ]),
    )
