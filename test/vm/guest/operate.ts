/** The command lines of docs/operate.md, for a test that runs them. */
import { indentedLines } from '../../docs/code.js'

/** `run`: its text in the test, which differs where a value stands for another one. `seconds`: it ends by Ctrl-C. */
export type Documented = { run: string; seconds?: number } | { elsewhere: string }

const installed = { elsewhere: 'the package is built and installed by other steps' }
const inCheckout = { elsewhere: 'test/package/install.test.ts installs and uninstalls without a package' }
const hook = { elsewhere: 'a hook of certbot' }
const configuration = { elsewhere: 'a configuration file, no command' }

/** By their lines, without comments. Others are run as they are. */
export const documented: Readonly<Record<string, Documented>> = {
  'make deb': installed,
  'sudo apt-get install ./.cache/release/camera-service_*.deb': installed,
  'sudo apt-get install ./camera-service_NEW.deb': installed,
  'sudo apt-get remove camera-service': installed,
  'make build': inCheckout,
  'sudo make install': inCheckout,
  'sudo make uninstall': inCheckout,
  'sudo camera-service record camera0 --for 30s': { run: 'sudo camera-service record camera0 --for 5s' },
  'sudo camera-service download NAME': {
    run: 'sudo camera-service download "$(basename "$(find /var/lib/camera-service/recordings -name "*.mp4" | tail -n 1)")"',
  },
  'sudo camera-service watch': { run: 'sudo camera-service watch', seconds: 5 },
  'sudo camera-service history --follow': { run: 'sudo camera-service history --follow', seconds: 5 },
  'journalctl -u camera-service -f': { run: 'journalctl -u camera-service -f', seconds: 3 },
  'sudo -u camera-service camera-service download-mediamtx': { elsewhere: 'needs the internet' },
  '#!/bin/sh': hook,
  'install -d -m 0750 -g camera-service /etc/camera-service/tls': hook,
  'install -m 0640 -g camera-service "$RENEWED_LINEAGE"/fullchain.pem "$RENEWED_LINEAGE"/privkey.pem /etc/camera-service/tls/':
    hook,
  'url: wss://camera-host:8002/ws': configuration,
  'token: csk_…': configuration,
  'ca_file: camera-ca.pem': configuration,
}

/** The lines of code of a page, without comments. */
export const linesOf = (page: string): string[] =>
  indentedLines(page)
    .map((line) => line.replace(/ +# .*$/, '').trim())
    .filter((line) => line !== '')

/** What the test runs of a page, in its order. */
export const commandsOf = (page: string): { run: string; seconds?: number }[] =>
  linesOf(page).flatMap((line) => {
    const known = documented[line] ?? { run: line }
    return 'run' in known ? [known] : []
  })
