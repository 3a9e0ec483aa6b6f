// Loaded into a service under measurement: after SIGUSR2 it writes what it holds to a file, by kind.
const { writeFileSync, renameSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')

process.on('SIGUSR2', () => {
  const counts = { listeners: process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0) }
  for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1
  const path = join(tmpdir(), `bench-resources-${process.pid}.json`)
  writeFileSync(`${path}.new`, JSON.stringify(counts))
  renameSync(`${path}.new`, path)
})
