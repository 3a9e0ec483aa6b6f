/** Names of USB ports. */

/**
 * Returns a unique name of the port. The USB 2 half of a controller is `usb-`, as udev has always named both halves;
 * the USB 3 half is `usbv3-`. The first video function (`:1.0`, index 0) is omitted. `place` is the socket; `port` also
 * has the function, for a device with several cameras.
 */
export function normalisePort(port: string): { port: string; place: string } {
  const [, before, revision, socket, wanted, index] =
    /^(.*?)usb(v\d+)?-(\d+:[\d.]+?)(?::(\d+\.\d+))?(?:-video-index(\d+))?$/.exec(port) ?? []
  if (before === undefined || socket === undefined) return { port, place: port }
  const place = `${before}usb${revision === 'v3' ? revision : ''}-${socket}`
  const functionPart = wanted && wanted !== '1.0' ? `:${wanted}` : ''
  const indexPart = index && index !== '0' ? `-video-index${index}` : ''
  return { place, port: `${place}${functionPart}${indexPart}` }
}

/**
 * The number in `xhci-hcd.9.auto` is given in the order of the start: it changes from boot to boot. Also used for keys
 * of the registry, which contain ports.
 */
export const withoutBootNumbers = (text: string): string => text.replace(/\.\d+\.auto(?=-|$)/g, '.auto')
