/** What all class-specific requests of USB Video Class have in common. */

/** The answer to a control request: data, or `done` where there is none to give, or `stall`. */
export type Answer = Buffer | 'done' | 'stall'

export const videoRequest = {
  setCurrent: 1,
  getCurrent: 0x81,
  getMinimum: 0x82,
  getMaximum: 0x83,
  getResolution: 0x84,
  getLength: 0x85,
  getInfo: 0x86,
  getDefault: 0x87,
}
/** GET_INFO: may be read and set. */
export const readableAndSettable = 3

export const word = (value: number): Buffer => Buffer.of(value & 255, value >> 8)
