import { checkFiles } from '../app.js'
import { faultLine, type Loaded } from '../config/load.js'
import { configurationFault, type Outcome } from './outcome.js'

/** The faults and warnings of the files that a valid configuration names, read as `serve` does, one line each. */
export async function checkedFiles(loaded: Loaded, env: Readonly<Record<string, string | undefined>>) {
  const { faults, ofCameras, warnings } = await checkFiles(loaded, env)
  return { faults: [...faults, ...ofCameras].map(faultLine), warnings: [...loaded.warnings, ...warnings] }
}

/** `check-config`: reads the files of the configuration, too, and prints all faults, or its warnings. */
export async function checkConfig(loaded: Loaded, env: Readonly<Record<string, string | undefined>>): Promise<Outcome> {
  const { faults, warnings } = await checkedFiles(loaded, env)
  if (faults.length > 0) return { status: configurationFault, err: faults.join('\n') }
  return { status: 0, out: ['the configuration is good', ...warnings.map((line) => `warning: ${line}`)].join('\n') }
}
