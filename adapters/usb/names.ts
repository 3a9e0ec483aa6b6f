/** Bytes of a name in the kernel, without the zero at its end: longer ones are cut. */
const longest = 31

/**
 * Returns the name of a product. UVC drivers give `name: name`, which the kernel cuts: `Aukey-PC-LM1E Camera: Aukey-PC-`.
 * A name that was cut inside a character loses the broken end.
 */
export function modelName(text: string): string {
  const whole = text.replace(/\ufffd+\s*$/, '')
  const isCut = Buffer.byteLength(text.replace(/\ufffd/g, '?')) >= longest - 3
  const name = whole.trim().replace(/\s+/g, ' ')
  const [, once = '', again = ''] = /^(.+?):(?: (.*))?$/.exec(name) ?? []
  const isRepeated = again === once || (isCut && once.startsWith(again))
  return (once !== '' && isRepeated ? once : name) || 'USB camera'
}

/** udev writes special characters as `\x20`, one byte each. */
export const decoded = (text: string | null | undefined): string | undefined => {
  if (text == null) return undefined
  const bytes = text
    .split(/(\\x[0-9a-f]{2})/i)
    .map((part, at) => (at % 2 === 1 ? Buffer.from(part.slice(2), 'hex') : Buffer.from(part)))
  return Buffer.concat(bytes).toString()
}
