import { expect } from 'chai'
import { apiPage } from '../../docs/generate/api.js'
import { runExamples } from '../../docs/generate/examples.js'
import { membersOf, shapeOf } from '../../docs/generate/shapes.js'
import { methods } from '../../rpc/methods/index.js'
import { topicNames } from '../../rpc/topics/index.js'

describe('docs: API page', () => {
  let page = ''
  before(async () => {
    page = apiPage(await runExamples())
  })
  const sectionOf = (name: string) => page.split(`\n### ${name}\n`)[1]?.split(/\n##+ /, 1)[0] ?? ''

  it('has a section for every method, with its params and the fields of its result', () => {
    for (const { name, summary, params, result } of methods) {
      const text = sectionOf(name)
      expect(text, name).to.include(summary)
      for (const param of Object.keys(shapeOf(params).properties ?? {})) expect(text, name).to.include(`| \`${param}\``)
      // Shapes that several results share have a section of their own.
      for (const member of membersOf(shapeOf(result), new Map()))
        expect(page, name).to.match(new RegExp(`\`[\\w.[\\]-]*\\b${/\w+(?=\??$)/.exec(member.name)}\\??\``))
    }
  })

  it('has every topic and every code', () => {
    for (const topic of topicNames) expect(page).to.match(new RegExp(`\\| \`${topic.replace('.', '\\.')}\` +\\| \\S`))
    for (const code of [-32600, -32601, -32602, -32603, -32001, -32002, -32010, -32020, -32030, -32040, -32050])
      expect(page).to.include(`| \`${code}\``)
  })

  it('has tables of even rows, and links with a target', () => {
    const columns = (line: string) => line.replaceAll('\\|', '').split('|').length
    const lines = page.split('\n')
    lines.forEach((line, index) => {
      const above = lines[index - 1] ?? ''
      if (line.startsWith('|') && above.startsWith('|')) expect(columns(line), line).to.equal(columns(above))
    })
    const headings = lines.flatMap((line) => /^##+ (.*)/.exec(line)?.[1]?.toLowerCase().replaceAll('.', '') ?? [])
    for (const [, target] of page.matchAll(/\]\(#([^)]+)\)/g)) expect(headings).to.include(target)
  })

  it('contains no unformatted value', () => expect(page).not.to.match(/undefined|\[object|NaN/))
})
