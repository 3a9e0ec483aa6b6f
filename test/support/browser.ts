import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'

const isProgram = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Path of Chromium; `undefined` if it is not installed. */
export const browserPath: string | undefined = (process.env.PATH ?? '')
  .split(delimiter)
  .flatMap((folder) => ['chromium', 'chromium-browser', 'google-chrome'].map((name) => join(folder, name)))
  .find(isProgram)

/** Starts Chromium without a window. The caller closes it. */
export const startBrowser = (): Promise<Browser> => {
  if (browserPath === undefined) throw new Error('there is no chromium on the PATH')
  return chromium.launch({
    executablePath: browserPath,
    // The sandbox needs user namespaces, which containers do not give to root.
    chromiumSandbox: false,
    // A small /dev/shm, as in containers, ends the browser.
    args: ['--disable-dev-shm-usage', '--disable-gpu', '--mute-audio'],
    timeout: 60_000,
  })
}

/** A suite in a real browser; without Chromium its title says so. */
export function describeInBrowser(title: string, suite: (this: Mocha.Suite) => void): void {
  if (browserPath === undefined) describe(`${title} (no chromium on PATH)`, () => it('is skipped'))
  else describe(title, suite)
}
