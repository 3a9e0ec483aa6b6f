import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect } from 'chai'
import { anchorsOf, linksOf, pages, pageText, root } from './markdown.js'

describe('docs: links', () => {
  it('lead to a file that exists, and to a heading in it', () => {
    const broken = pages.flatMap((page) =>
      linksOf(pageText(page)).flatMap((link) => {
        const [path = '', anchor] = link.split('#')
        const target = path === '' ? page : join(dirname(page), decodeURIComponent(path))
        if (!existsSync(join(root, target))) return [`${page}: ${link}`]
        if (anchor === undefined || !target.endsWith('.md')) return []
        return anchorsOf(pageText(target)).includes(anchor) ? [] : [`${page}: ${link}`]
      }),
    )
    expect(broken).to.deep.equal([])
  })

  it('lead from the README to each page that is not about one decision or one chart', () => {
    const linked = linksOf(pageText('README.md'))
    const missing = pages.filter((page) => /^docs\/[^/]+$/.test(page) && !linked.some((link) => link.startsWith(page)))
    expect(missing).to.deep.equal([])
  })

  it('are found in a page', () => {
    expect(linksOf('[a](b.md#c) and [d](https://example.org/x)\n```\n[no](x.md)\n```\n`[no](y.md)`')).to.deep.equal([
      'b.md#c',
    ])
    expect(anchorsOf('# What it is\n## `a.b`: c\n## What it is\n')).to.deep.equal([
      'what-it-is',
      'ab-c',
      'what-it-is-1',
    ])
  })
})
