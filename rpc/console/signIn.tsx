import { useState } from 'preact/hooks'
import { CameraIcon } from './icons.js'
import { Problem } from './parts.js'
import { errorText } from './session.js'

interface Props {
  signIn(token: string): Promise<void>
  /** How the last session ended, or why there is none. */
  why?: string
  /** Tries the token of this tab again. */
  retry?: () => void
}

export const SignIn = ({ signIn, why, retry }: Props) => {
  const [isBusy, setBusy] = useState(false)
  const [error, setError] = useState<string | undefined>()
  const submit = async (form: HTMLFormElement) => {
    const token = String(new FormData(form).get('token') ?? '').trim()
    if (token === '') return setError('Paste a token or an API key first.')
    setBusy(true)
    setError(undefined)
    try {
      await signIn(token)
    } catch (thrown) {
      setError(errorText(thrown))
      setBusy(false)
    }
  }
  const shown = error ?? why
  return (
    <main class="sign-in">
      <form
        class="card"
        onSubmit={(event) => {
          event.preventDefault()
          void submit(event.currentTarget)
        }}
      >
        <div class="sign-in-brand">
          <CameraIcon />
          <h1>Camera service</h1>
        </div>
        {shown !== undefined && <Problem text={shown} {...(retry && error === undefined && { retry })} />}
        <label for="token">Token or API key</label>
        <input
          id="token"
          name="token"
          type="password"
          autocomplete="off"
          spellcheck={false}
          placeholder="eyJ… or csk_…"
          aria-describedby="token-help"
        />
        <button type="submit" class="button main" disabled={isBusy}>
          {isBusy ? 'Signing in…' : 'Sign in'}
        </button>
        <p id="token-help" class="quiet">
          <code>make run</code> prints a link that signs in. <code>camera-service token --role operator</code> prints a
          token. It is kept in this tab only.
        </p>
      </form>
    </main>
  )
}
