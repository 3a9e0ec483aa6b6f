/** Serials that identify no unit: makers write the same text into each camera of a model, or of all their models. */

interface Placeholder {
  what: string
  is(serial: string): boolean
  /** Serials that were reported for several units or for unrelated models. */
  seen: readonly string[]
  source: string
}

const matches =
  (shape: RegExp) =>
  (serial: string): boolean =>
    shape.test(serial)

/** True for `12345678`, `0123456789ABCDEF`, `87654321`: each digit is the next one, up or down. */
function counts(serial: string): boolean {
  if (!/^[0-9a-f]{4,}$/i.test(serial)) return false
  const digits = [...serial].map((digit) => Number.parseInt(digit, 16))
  const steps = digits.slice(1).map((digit, at) => digit - (digits[at] ?? 0))
  // 9 is followed by A, or by 0.
  return steps.every((step) => step === 1 || step === -9) || steps.every((step) => step === -1)
}

/** True for a day from 2000 to 2049, alone or with a counter that is at most 9: `20200623`, `200901010001`. */
function isDate(serial: string): boolean {
  const [, year, month = '', day = '', counter = ''] = /^(20[0-4]\d)(\d\d)(\d\d)(\d{0,6})$/.exec(serial) ?? []
  const isDay = year !== undefined && +month >= 1 && +month <= 12 && +day >= 1 && +day <= 31
  return isDay && +counter <= 9
}

/**
 * The table of placeholders. A serial that a maker may count up (`SN0002`, `000000000042`) is none: users write such
 * serials into their cameras to tell them apart. Texts are as udev shows them.
 */
export const placeholders: readonly Placeholder[] = [
  {
    what: 'all of one digit',
    is: matches(/^(?:(\d)\1*|[fF]{4,}|[xX]{2,})$/),
    seen: ['0', '00000000', '11111111', 'FFFFFFFF'],
    source: 'an empty or erased memory of the camera',
  },
  {
    what: 'the number one',
    is: matches(/^(?:0x)?0*1$/i),
    seen: ['0001', '0x0001', '000000000001'],
    source:
      'by-id links of built-in cameras: Chicony, Quanta, Shine-Optics and HP report 0001; Azurewave, Foxlink and ' +
      'Goodong 0x0001',
  },
  {
    what: 'SN and the number one',
    is: matches(/^SN[-_:]?0{2,}1$/i),
    seen: ['SN0001', 'SN001'],
    source:
      'Sonix and what is built with its chips: INNO-MAKER/U20CAM-9281M issue 4; HAP-python issue 53 (ELP); by-id links ' +
      'of EMEET, UGREEN, Arducam',
  },
  {
    what: 'a date',
    is: isDate,
    seen: ['200901010001', '20200623', '2020070302', '20201212000000'],
    source:
      'octoprint_deploy issue 203 (Logitech C270 and others: 200901010001); by-id links of Ruision (20200623), HD USB ' +
      'Camera (2020070302)',
  },
  {
    what: 'a version',
    is: matches(/^(?:[a-z]+[-_ ])?v?\d{1,2}(?:\.\d{1,2}){1,3}$/i),
    seen: ['01.00.00', 'v1.0.0', 'DEMO_0.0'],
    source:
      'by-id links of DECXIN, Depstech, "HD USB Camera", "Global Shutter Camera" (01.00.00); purethermal1-firmware ' +
      'issue 20 (v1.0.0); pixy2 issue 29 (DEMO 0.0)',
  },
  {
    what: 'counting digits',
    is: counts,
    seen: ['12345678', '123456', '0123456789ABCDEF', '87654321'],
    source: 'by-id links of Xiongmai, Huawei HiCamera and the Espressif UVC example (12345678), Arducam (123456)',
  },
  {
    what: 'a word',
    is: matches(
      /^(?:none|null|n[/_]?a|default|empty|unknown|test|serial(?:[-_ ]?(?:number|no))?|to_be_filled_by_.*)$/i,
    ),
    seen: ['Serial_Number', 'default', 'N_A'],
    source: 'texts of firmware examples that were never replaced',
  },
]

/** True if the serial (as udev shows it) is one that many cameras report. */
export const isPlaceholder = (serial: string): boolean => placeholders.some(({ is }) => is(serial))
