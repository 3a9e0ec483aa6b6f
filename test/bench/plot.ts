import type { Plot } from './part.js'

const [width, height] = [560, 300]
const area = { left: 60, right: 540, top: 40, bottom: 250 }
const colours = ['#2563eb', '#d97706', '#059669', '#7c3aed']

/** A line chart from zero on, as SVG. */
export function plotOf({ title, x, y, lines }: Plot): string {
  const points = lines.flatMap((line) => line.points)
  const [mostX, mostY] = [0, 1].map((axis) => niceAbove(Math.max(...points.map((point) => point[axis] ?? 0))))
  const atX = (value: number) => round(area.left + ((area.right - area.left) * value) / (mostX ?? 1))
  const atY = (value: number) => round(area.bottom - ((area.bottom - area.top) * value) / (mostY ?? 1))
  const ticks = (most = 1) => [0, 0.25, 0.5, 0.75, 1].map((share) => share * most)
  const grid = ticks(mostY).map(
    (value) =>
      `<path d="M${area.left} ${atY(value)}H${area.right}" stroke="#8884"/>` +
      text(area.left - 6, atY(value) + 4, shown(value), 'end'),
  )
  const below = ticks(mostX).map((value) => text(atX(value), area.bottom + 18, shown(value), 'middle'))
  const drawn = lines.map(({ label, points }, index) => {
    const colour = colours[index % colours.length]
    const way = points.map(([px, py]) => `${atX(px)},${atY(py)}`)
    const dots = points.map(([px, py]) => `<circle cx="${atX(px)}" cy="${atY(py)}" r="3" fill="${colour}"/>`)
    const name = text(area.left + 12 + 110 * index, area.top + 4, label, 'start', colour)
    return `<polyline points="${way.join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>${dots.join('')}${name}`
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    text(area.left, 20, `${title} (${y})`, 'start'),
    ...grid,
    ...below,
    text(area.right, height - 12, x, 'end'),
    ...drawn,
    '</svg>',
    '',
  ].join('\n')
}

const text = (x: number, y: number, content: string, anchor: string, fill = '#333') =>
  `<text x="${x}" y="${y}" text-anchor="${anchor}" fill="${fill}">${escaped(content)}</text>`

const escaped = (content: string) => content.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
const round = (value: number) => Math.round(value * 10) / 10
const shown = (value: number) => String(Number(value.toPrecision(3)))

/** 1, 2, 4, 5 or 8 times a power of ten. */
function niceAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value || 1))
  return ([1, 2, 4, 5, 8, 10].find((step) => step * power >= value) ?? 10) * power
}
