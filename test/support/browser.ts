import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'

/** Programs of the system: nothing is downloaded. */
const programs = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome']

/** Why the tests in a browser are skipped. */
export const noBrowser = 'Chromium is not installed: apt-get install chromium'

const program = (): string | undefined =>
  (process.env.PATH ?? '')
    .split(delimiter)
    .flatMap((folder) => programs.map((name) => join(folder, name)))
    .find((file) => existsSync(file))

/** Starts Chromium without a window; `undefined` if it is not installed. The caller closes it. */
export async function startBrowser(): Promise<Browser | undefined> {
  const executablePath = program()
  if (executablePath === undefined) return undefined
  // The sandbox does not work as root. A small /dev/shm, as in containers, ends the browser.
  const args = ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu', '--mute-audio']
  return chromium.launch({ executablePath, args, headless: true, timeout: 60_000 })
}
