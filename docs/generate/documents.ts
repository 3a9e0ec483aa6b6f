import { apiPage } from './api.js'
import { architecturePage } from './architecture.js'
import { chartBundle, chartJson } from './bundles.js'
import { commandsPage } from './commands.js'
import { configurationPage } from './configuration.js'
import { contractFile, paramNamesFile } from './contract.js'
import { everyKey } from './everyKey.js'
import { runExamples } from './examples.js'
import { manPage } from './man.js'
import { simulationPage } from './simulation.js'
import { machines, statechartPage } from './statecharts.js'

/** Returns all generated documents: path in the project → text. A test compares them with the files. */
export async function generatedDocuments(): Promise<Record<string, string>> {
  const charts = machines.flatMap((machine) => [statechartPage(machine), chartJson(machine), chartBundle(machine)])
  return {
    'docs/api.md': apiPage(await runExamples()),
    'rpc/client/contract.ts': contractFile(),
    'commands/client/paramNames.ts': paramNamesFile(),
    'docs/architecture.md': architecturePage(),
    'docs/commands.md': commandsPage(),
    'docs/configuration.md': configurationPage(),
    'config/package/camera-service.yml': everyKey(),
    'config/package/camera-service.1': manPage(),
    'docs/simulation.md': simulationPage(),
    ...Object.fromEntries(charts.map(({ name, text }) => [`docs/statecharts/${name}`, text])),
  }
}
