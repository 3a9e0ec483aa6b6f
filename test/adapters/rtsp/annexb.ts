/** NAL units between start codes of three or four bytes. */
export function splitAnnexB(bytes: Buffer): Buffer[] {
  const units: Buffer[] = []
  let start = -1
  for (let at = bytes.indexOf('000001', 0, 'hex'); at !== -1; at = bytes.indexOf('000001', at + 3, 'hex')) {
    if (start !== -1) units.push(bytes.subarray(start, bytes[at - 1] === 0 ? at - 1 : at))
    start = at + 3
  }
  return start === -1 ? [] : [...units, bytes.subarray(start)]
}
