import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { parse } from 'yaml'
import { metricsTable } from '../../rpc/http/metricsTable.js'

const read = (name: string) => readFileSync(new URL(`../../config/monitoring/${name}`, import.meta.url), 'utf8')
const known = new Map(metricsTable.map(({ name, labels }) => [name, labels]))

/** The metrics that an expression of Prometheus names, each with the labels that it selects by. */
const metricsOf = (expr: string) =>
  [...expr.matchAll(/\b((?:camera_service|process)_\w+?)(?:_bucket)?\b(?:\{([^}]*)\})?/g)].map(
    ([, name = '', selector = '']) => ({ name, labels: [...selector.matchAll(/(\w+)=/g)].map(([, label]) => label) }),
  )

describe('the samples for monitoring', () => {
  const rules = (parse(read('camera-service-alerts.yml')) as { groups: { rules: Record<string, unknown>[] }[] }).groups
    .flatMap(({ rules }) => rules)
    .map(({ alert, expr, annotations }) => ({ alert, expr: String(expr), annotations: JSON.stringify(annotations) }))
  const { panels } = JSON.parse(read('grafana-dashboard.json')) as {
    panels: { title: string; targets: { expr: string; legendFormat: string }[] }[]
  }
  const expressions = [
    ...rules.map(({ expr, annotations }) => ({ expr, text: annotations })),
    ...panels.flatMap(({ targets }) => targets.map(({ expr, legendFormat }) => ({ expr, text: legendFormat }))),
  ]

  it('name only metrics and labels that the service has', () => {
    let found = 0
    for (const { expr, text } of expressions) {
      const metrics = metricsOf(expr)
      const labels = metrics.flatMap(({ name }) => known.get(name) ?? expect.fail(`no metric ${name}`))
      for (const label of metrics.flatMap(({ labels }) => labels)) expect([...labels, 'job']).to.include(label)
      for (const [, label] of text.matchAll(/\{\{ ?(?:\$labels\.)?([a-z]\w*) ?\}\}/g))
        expect([...labels, 'instance'], expr).to.include(label)
      found += metrics.length
    }
    expect(found).to.be.greaterThan(20)
  })

  it('say what to do about each alert', () => {
    expect(rules.length).to.be.greaterThan(8)
    for (const { alert, annotations } of rules) expect(annotations, String(alert)).to.contain('"action"')
  })
})
