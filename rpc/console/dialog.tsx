import type { ComponentChildren } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'
import { CloseIcon } from './icons.js'
import { Action } from './parts.js'

/** A modal dialog; Escape and a click beside it close it. */
export const Dialog = ({
  title,
  close,
  children,
  isWide = false,
}: {
  title: string
  close(): void
  children: ComponentChildren
  isWide?: boolean
}) => {
  const ref = useRef<HTMLDialogElement>(null)
  const heading = useId()
  useEffect(() => {
    ref.current?.showModal()
  }, [])
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes a dialog without our help
    <dialog
      ref={ref}
      class={isWide ? 'wide' : ''}
      aria-labelledby={heading}
      onClose={close}
      onClick={(event) => {
        if (event.target === ref.current) ref.current?.close()
      }}
    >
      <div class="dialog">
        <div class="dialog-head">
          <h2 id={heading}>{title}</h2>
          <button type="button" class="button small" aria-label="Close" onClick={() => ref.current?.close()}>
            <CloseIcon />
          </button>
        </div>
        {children}
      </div>
    </dialog>
  )
}

/** Asks before something that cannot be undone. */
export const Confirm = ({
  title,
  text,
  label,
  close,
  run,
}: {
  title: string
  text: string
  label: string
  close(): void
  run(): Promise<string | undefined>
}) => (
  <Dialog title={title} close={close}>
    <p>{text}</p>
    <div class="row end">
      <button type="button" class="button" onClick={close}>
        Cancel
      </button>
      <Action
        label={label}
        tone="danger"
        run={async () => {
          const done = await run()
          close()
          return done
        }}
      />
    </div>
  </Dialog>
)
