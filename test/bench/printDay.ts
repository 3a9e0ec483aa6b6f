/** `make soak DAYS=0.01`: prints what the service holds while clients use it for so much of a day. */
import { liveThrough } from './parts/day.js'

const share = Number(process.argv[2])
if (!(share > 0)) throw new Error(`DAYS is ${process.argv[2]}: it must be a number above 0`)
const { tables, figures } = await liveThrough(share)
for (const { head, rows } of tables) console.log([head, ...rows].map((cells) => cells.join('  ·  ')).join('\n'))
for (const [what, value] of Object.entries(figures)) console.log(`${what}: ${value.toFixed(1)}`)
