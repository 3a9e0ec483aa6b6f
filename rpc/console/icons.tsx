import type { ComponentChildren } from 'preact'

/** Drawn with the colour of the text; hidden from screen readers, because the text beside it says the same. */
const icon = (children: ComponentChildren) => () => (
  <svg class="icon" viewBox="0 0 20 20" width="20" height="20" aria-hidden="true" focusable="false">
    {children}
  </svg>
)

export const CameraIcon = icon(
  <>
    <rect x="2" y="5" width="11" height="10" rx="2.2" fill="currentColor" />
    <path d="M14.2 8.6 18 6.2v7.6l-3.8-2.4z" fill="currentColor" />
  </>,
)
export const CameraOffIcon = icon(
  <path
    d="M5 5H4.2A2.2 2.2 0 0 0 2 7.2v5.6A2.2 2.2 0 0 0 4.2 15h6.6c.5 0 1-.2 1.4-.5M8.5 5h2.3A2.2 2.2 0 0 1 13 7.2v2.1l5-3.1v7.6l-3-1.9M2.5 2.5l15 15"
    fill="none"
    stroke="currentColor"
    stroke-width="1.5"
    stroke-linecap="round"
    stroke-linejoin="round"
  />,
)
const line = (d: string) =>
  icon(
    <path d={d} fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round" />,
  )
export const CheckIcon = line('m4.5 10.5 3.7 3.7 7.3-8')
export const MinusIcon = line('M5 10h10')
export const AlertIcon = line('M10 3.2 18 16.5H2zM10 8.4v3.4m0 2.3v.1')
export const InfoIcon = line('M10 9.2v4.6m0-7.4v.1M17.5 10a7.5 7.5 0 1 1-15 0 7.5 7.5 0 0 1 15 0')
export const CloseIcon = line('m5 5 10 10M15 5 5 15')
export const SnapshotIcon = line(
  'M6.6 5.6 8 3.6h4l1.4 2h2.8c.7 0 1.3.6 1.3 1.3v8.2c0 .7-.6 1.3-1.3 1.3H3.8c-.7 0-1.3-.6-1.3-1.3V6.9c0-.7.6-1.3 1.3-1.3zM13 10.8a3 3 0 1 1-6 0 3 3 0 0 1 6 0',
)
export const PlayIcon = icon(<path d="M6.5 4.2v11.6l9.3-5.8z" fill="currentColor" />)
export const RecordIcon = icon(<circle cx="10" cy="10" r="5.2" fill="currentColor" />)
export const StopIcon = icon(<rect x="5" y="5" width="10" height="10" rx="1.6" fill="currentColor" />)
export const DownloadIcon = line('M10 3v9.4m0 0 3.8-3.8M10 12.4 6.2 8.6M3.5 16.5h13')
export const DeleteIcon = line(
  'M3.5 5.5h13m-8-2.5h3M5.3 5.5l.7 10.2c0 .7.6 1.3 1.3 1.3h5.4c.7 0 1.3-.6 1.3-1.3l.7-10.2',
)
export const LockIcon = line(
  'M6 9V6.8a4 4 0 0 1 8 0V9M5 9h10c.6 0 1 .4 1 1v6c0 .6-.4 1-1 1H5c-.6 0-1-.4-1-1v-6c0-.6.4-1 1-1',
)
