import { mkdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import axe, { type AxeResults } from 'axe-core'
import { expect } from 'chai'
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core'
import { kindHere, type Service, startService } from '../e2e/service.js'
import { describeInBrowser, startBrowser } from '../support/browser.js'

/** The parts of elements in the page that the tests read; this project's types know no browser. */
interface InPage {
  naturalWidth: number
  videoWidth: number
  currentTime: number
  pause(): void
  addEventListener(type: string, listener: (event: unknown) => void, options: { once: boolean }): void
}

/** The longest wait in the page, in ms: the host may be busy. */
const patience = 60_000
const shots = fileURLToPath(new URL('../../.cache/test/console/', import.meta.url))
const built = (name: string) => readFile(new URL(`../../dist/console/${name}`, import.meta.url))

const cameras = [
  { name: 'front-door', source: 'virtual', size: '640x360', fps: 15 },
  { name: 'loading-bay', source: 'virtual', size: '320x240', fps: 10 },
]

describe('the files of the console', () => {
  it('take less than 150 KB, compressed', async () => {
    const names = ['index.html', 'console.js', 'console.css', 'console.svg', 'charts.json']
    const sizes = await Promise.all(names.map(async (name) => gzipSync(await built(name), { level: 9 }).length))
    expect(sizes.reduce((sum, size) => sum + size, 0)).to.be.within(10_000, 150_000)
  })

  it('name nothing of another host, and contain no inline script or style', async () => {
    const page = String(await built('index.html'))
    expect(page).not.to.match(/https?:|<style|style=|\son\w+=|<script(?![^>]*\ssrc=)/)
    expect(String(await built('console.css'))).not.to.match(/url\(|@import/)
  })
})

describeInBrowser(`the console in a browser, ${kindHere} media server`, function (this: Mocha.Suite) {
  this.timeout(5 * patience)
  let service: Service
  let browser: Browser
  let base: string
  const contexts: BrowserContext[] = []
  /** What no page may cause: requests elsewhere, errors of scripts and of the policy. */
  const faults: string[] = []

  before(async () => {
    await mkdir(shots, { recursive: true })
    ;[service, browser] = await Promise.all([startService({ kind: kindHere, cameras, guide: true }), startBrowser()])
    base = `http://127.0.0.1:${service.ports.rpc}`
  })
  afterEach(async () => {
    await service?.call('simulate', { device: 'camera1', action: 'plug' }).catch(() => {})
    for (const context of contexts.splice(0)) await context.close()
    expect(faults.splice(0)).to.deep.equal([])
  })
  after(async () => {
    await browser?.close()
    await service?.end()
  })

  const open = async (options: Parameters<Browser['newContext']>[0] = {}): Promise<Page> => {
    const context = await browser.newContext({
      viewport: { width: 1280, height: 800 },
      reducedMotion: 'reduce',
      ...options,
    })
    contexts.push(context)
    context.setDefaultTimeout(patience)
    const page = await context.newPage()
    page.on('pageerror', ({ message }) => faults.push(message))
    page.on('console', (message) => {
      if (/Content Security Policy|Refused to/.test(message.text())) faults.push(message.text())
    })
    page.on('request', (request) => {
      const { hostname, protocol } = new URL(request.url())
      if (hostname !== '127.0.0.1' && protocol !== 'blob:' && protocol !== 'data:') faults.push(request.url())
    })
    return page
  }
  const go = async (page: Page, hash: string) => {
    await page.evaluate(`location.hash = ${JSON.stringify(hash)}`)
  }
  /** Waits for an expression. Not by `waitForFunction`, which evaluates it in the page: the policy forbids that. */
  const sees = (page: Page, expression: string) =>
    service.until(expression, async () => Boolean(await page.evaluate(expression)), patience)
  const signIn = async (page: Page, token: string) => {
    await page.goto(`${base}/`)
    await page.getByLabel('Token or API key').fill(token)
    await page.getByRole('button', { name: 'Sign in' }).click()
  }
  const openAs = async (role: 'viewer' | 'operator' | 'admin', options = {}): Promise<Page> => {
    const page = await open(options)
    await signIn(page, await service.token(role))
    await tile(page, 'front-door').waitFor()
    return page
  }
  const tile = (page: Page, name: string): Locator => page.getByRole('listitem').filter({ hasText: name })
  /** `rules`: the only ones that are checked. */
  const serious = async (page: Page, where: string, rules?: readonly string[]): Promise<string[]> => {
    // Not as a script element, which the policy forbids.
    if (!(await page.evaluate('"axe" in window'))) await page.evaluate(axe.source)
    const { violations } = (await page.evaluate(
      `axe.run(document, ${JSON.stringify({ resultTypes: ['violations'], ...(rules && { runOnly: rules }) })})`,
    )) as AxeResults
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${where}: ${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`)
  }
  /** Only if they are wanted: pages are drawn in full by the processor. */
  const shoot = async (page: Page, name: string, fullPage = true) => {
    if (process.env.SCREENSHOTS) await page.screenshot({ path: `${shots}${name}.png`, fullPage })
  }

  it('says why a token is refused', async () => {
    const page = await open()
    await signIn(page, 'not a token')
    await page.getByRole('alert').getByText('The credential is not valid.').waitFor()
    expect(await serious(page, 'sign-in')).to.deep.equal([])
    await shoot(page, 'sign-in')
  })

  it('signs in by the link of the guide, once, and leaves no code in the address', async () => {
    const link = await service.until(
      'the link',
      () => service.log.flatMap((line) => /http:\S+#signin=\S+/.exec(line) ?? [])[0],
    )
    const page = await open()
    await page.goto(link)
    await tile(page, 'front-door').waitFor()
    expect(page.url()).to.equal(`${base}/#/cameras`)
    expect(await page.evaluate('[document.cookie, localStorage.length, sessionStorage.length]')).to.deep.equal([
      '',
      0,
      1,
    ])
    await page.reload()
    await tile(page, 'front-door').waitFor()
    const other = await open()
    await other.goto(link)
    await other.getByRole('alert').getByText('The sign-in code is unknown, was used, or has expired.').waitFor()
  })

  it('shows why a camera is gone, tells why its buttons are refused, and sees it come back', async () => {
    const page = await openAs('operator')
    const bay = tile(page, 'loading-bay')
    await bay.getByText('Available').waitFor()
    await service.call('simulate', { device: 'camera1', action: 'unplug' })
    await bay.getByText('Unplugged', { exact: true }).waitFor()
    await bay.getByText('The camera was unplugged.', { exact: true }).waitFor()
    const record = bay.getByRole('button', { name: 'Record loading-bay' })
    expect(await record.getAttribute('aria-disabled')).to.equal('true')
    // The keyboard reaches a refused button: that is why it is not `disabled`.
    await record.press('Enter')
    const refusal = page.getByRole('status').getByText('camera1 is unplugged: the camera was unplugged.')
    await refusal.waitFor()
    await shoot(page, 'cameras-unplugged')
    await service.call('simulate', { device: 'camera1', action: 'plug' })
    await bay.getByText('Available').waitFor()
    expect(await record.getAttribute('aria-disabled')).to.equal('false')
  })

  it('shows a picture of each camera, with its age', async () => {
    const page = await openAs('viewer')
    for (const name of ['front-door', 'loading-bay']) {
      const picture = tile(page, name).getByRole('img', { name })
      await picture.waitFor()
      await tile(page, name)
        .locator('.age')
        .getByText(/^(now|\d+ s ago)$/)
        .waitFor()
      expect(await picture.evaluate((image) => (image as unknown as InPage).naturalWidth)).to.be.greaterThan(100)
    }
  })

  it('gives a viewer no buttons that change anything, and no system of the administrator', async () => {
    const page = await openAs('viewer')
    expect(await page.getByRole('button', { name: /record|snapshot/i }).count()).to.equal(0)
    await go(page, '#/cameras/camera0')
    await page.getByRole('heading', { name: 'front-door', level: 1 }).waitFor()
    expect(await page.getByRole('button', { name: /record|snapshot|unplug/i }).count()).to.equal(0)
    await go(page, '#/system/keys')
    await page.getByRole('heading', { name: 'Media server' }).waitFor()
    expect(await page.getByRole('link', { name: 'Keys' }).count()).to.equal(0)
    await page.getByText('Keys is for administrators only.').waitFor()
  })

  it('plays live video, or says why it shows stills', async () => {
    const page = await openAs('viewer')
    await go(page, '#/cameras/camera0')
    const { stream_protocols } = await service.call<{ stream_protocols: string[] }>('get_server_info')
    if (!stream_protocols.includes('webrtc')) {
      await page.getByText('Stills, once a second. The media server offers no live video').waitFor()
      await page.getByRole('img', { name: 'front-door, now' }).waitFor()
      return
    }
    await page.getByText('Live by WebRTC.').waitFor()
    const video = page.locator('video')
    await sees(page, 'document.querySelector("video")?.currentTime > 0.5')
    expect(await video.evaluate((element) => (element as unknown as InPage).videoWidth)).to.equal(640)
    await go(page, '#/cameras')
    await service.until('the browser has left', async () => {
      const { media_total } = await service.call<{ media_total: number }>('list_sessions')
      return media_total === 0
    })
  })

  it('plays HLS without WebRTC, stills without both, says why, and tries again when it is asked to', async function () {
    const { stream_protocols } = await service.call<{ stream_protocols: string[] }>('get_server_info')
    if (!stream_protocols.includes('webrtc')) return this.skip()
    const page = await openAs('viewer')
    const playsHls = await page.evaluate('document.createElement("video").canPlayType("application/vnd.apple.mpegurl")')
    const isPlaying = 'document.querySelector("video")?.currentTime > 0.5'
    await page.route(/\/whep/, (route) => route.abort())
    await go(page, '#/cameras/camera0')
    if (playsHls) {
      await page.getByText('Live by HLS, a few seconds behind.').waitFor()
      await sees(page, isPlaying)
      await go(page, '#/cameras')
      await page.route(/\.m3u8/, (route) => route.abort())
      await go(page, '#/cameras/camera0')
    }
    await page
      .getByText(/Live video failed: the (browser cannot play the stream|media server cannot be reached)\./)
      .waitFor()
    await page.getByRole('img', { name: 'front-door, now' }).waitFor()
    await page.unrouteAll()
    await page.getByRole('button', { name: 'Try live video again' }).click()
    await page.getByText('Live by WebRTC.').waitFor()
    await sees(page, isPlaying)
  })

  it('says that the connection was lost, refuses its buttons meanwhile, and goes on by itself', async () => {
    const page = await open()
    let drop = (): Promise<void> => Promise.resolve()
    let isDown = false
    await page.routeWebSocket(/\/ws$/, (socket) => {
      if (isDown) return void socket.close({ code: 1001 })
      socket.connectToServer()
      drop = () => socket.close({ code: 1001, reason: 'the test drops it' })
    })
    await signIn(page, await service.token('operator'))
    await tile(page, 'front-door').waitFor()
    isDown = true
    await drop()
    const lost = page.getByRole('status').getByText(/^No connection: what you see may be old/)
    await lost.waitFor()
    expect(await tile(page, 'front-door').count()).to.equal(1)
    const record = tile(page, 'front-door').getByRole('button', { name: 'Record front-door' })
    expect(await record.getAttribute('aria-disabled')).to.equal('true')
    await record.press('Enter')
    await page.getByRole('status').getByText('There is no connection to the service.', { exact: true }).waitFor()
    isDown = false
    await lost.waitFor({ state: 'hidden' })
    // It was not sent later either.
    const { recording } = await service.call('get_camera_status', { device: 'camera0' })
    expect(recording).to.equal(undefined)
    await service.call('simulate', { device: 'camera1', action: 'unplug' })
    await tile(page, 'loading-bay').getByText('Unplugged', { exact: true }).waitFor()
  })

  it('records, plays with seeking, downloads and deletes, all by the keyboard', async () => {
    const page = await openAs('admin')
    const door = tile(page, 'front-door')
    await door.getByRole('button', { name: 'Record front-door' }).press('Enter')
    // At least three seconds, to have something to seek in.
    await door.getByText(/^REC (0:(0[3-9]|[1-5]\d)|[1-9]\d*:\d\d)$/).waitFor()
    await shoot(page, 'cameras')
    await door.getByRole('button', { name: 'Stop the recording of front-door' }).press('Enter')
    await page
      .getByRole('status')
      .getByText(/The recording of front-door is saved/)
      .waitFor()
    await door.getByRole('button', { name: 'Take a snapshot of front-door' }).press('Enter')
    await page
      .getByRole('status')
      .getByText(/Snapshot saved as camera0_/)
      .waitFor()

    await page.getByRole('link', { name: 'Recordings' }).press('Enter')
    await page.getByRole('heading', { name: 'Today' }).waitFor()
    const file = page.getByRole('listitem').filter({ hasText: 'front-door' })
    await sees(page, 'document.querySelector(".file img")?.naturalWidth === 320')
    await shoot(page, 'recordings')
    await file.getByRole('link').press('Enter')
    const dialog = page.getByRole('dialog')
    await dialog.waitFor()
    await sees(page, 'document.querySelector("video")?.currentTime > 0')
    const sought = await dialog.locator('video').evaluate(async (element) => {
      const video = element as unknown as InPage
      video.pause()
      video.currentTime = 2
      await new Promise((resolve) => video.addEventListener('seeked', resolve, { once: true }))
      return video.currentTime
    })
    expect(sought).to.equal(2)
    expect(await serious(page, 'playback')).to.deep.equal([])
    await shoot(page, 'playback')
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      dialog.getByRole('link', { name: 'Download' }).press('Enter'),
    ])
    const bytes = await readFile(await download.path())
    expect(bytes.subarray(4, 8).toString()).to.equal('ftyp')
    expect(download.suggestedFilename()).to.match(/^camera0_.*\.mp4$/)

    await dialog.getByRole('button', { name: 'Delete' }).press('Enter')
    await page
      .getByRole('dialog', { name: 'Delete this recording?' })
      .getByRole('button', { name: 'Delete' })
      .press('Enter')
    await page.getByText('No recordings yet').waitFor()
    const { total } = await service.call<{ total: number }>('list_recordings')
    expect(total).to.equal(0)
  })

  it('draws the charts of the actors with their present states lit, and follows them', async () => {
    const page = await openAs('admin')
    await go(page, '#/system/actors/camera%3Acamera1')
    const lit = (state: string) => page.getByRole('button', { name: `${state}, present state` })
    await lit('alive, connection, online').waitFor()
    await service.call('simulate', { device: 'camera1', action: 'unplug' })
    await lit('alive, connection, away, unplugged').waitFor()
    expect(await lit('alive, connection, online').count()).to.equal(0)
    await lit('alive, connection, away, unplugged').click()
    await page.getByRole('heading', { name: 'alive.connection.away.unplugged' }).waitFor()
    await shoot(page, 'system-actors')
    await service.call('simulate', { device: 'camera1', action: 'plug' })
    await lit('alive, connection, online').waitFor()
  })

  it('creates a key that is shown once, and ends the session of a revoked credential with the reason', async () => {
    const page = await openAs('admin')
    await go(page, '#/system/keys')
    await page.getByLabel('User').fill('wall display')
    await page.getByRole('button', { name: 'Create key' }).click()
    const secret = await page.getByRole('dialog').locator('code').textContent()
    expect(secret).to.match(/^csk_/)
    await page.keyboard.press('Escape')
    const wall = await open()
    await signIn(wall, String(secret))
    await tile(wall, 'front-door').waitFor()
    await page.getByRole('button', { name: 'Revoke the key of wall display' }).click()
    await page.getByRole('button', { name: 'Revoke', exact: true }).click()
    await wall.getByRole('alert').getByText('Your token or key was revoked.').waitFor()
    expect(await wall.evaluate('sessionStorage.length')).to.equal(0)
  })

  it('can be reached by the keyboard: the skip link leads to the content', async () => {
    const page = await openAs('operator')
    await page.keyboard.press('Tab')
    expect(await page.evaluate('document.activeElement.textContent')).to.equal('Skip to the content')
    await page.keyboard.press('Enter')
    expect(await page.evaluate('document.activeElement.tagName')).to.equal('MAIN')
    await page.keyboard.press('Tab')
    expect(await page.evaluate('document.activeElement.textContent')).to.equal('front-door')
  })

  it('shows the cameras on a wall display, with a key that outlives the browser', async () => {
    const { id, api_key: key } = await service.call('create_api_key', { role: 'viewer', user: 'wall' })
    const page = await open()
    await page.goto(`${base}/#/kiosk?key=${key}`)
    await sees(page, 'document.querySelectorAll(".kiosk-tile .live.playing").length === 2')
    expect(page.url()).to.equal(`${base}/#/kiosk`)
    expect(await serious(page, 'kiosk')).to.deep.equal([])
    await page.screenshot({ path: `${shots}kiosk.png` })
    // As after a start of the display: another tab of the browser, without a session.
    const next = await page.context().newPage()
    await next.goto(`${base}/#/kiosk/camera1,camera9`)
    await sees(next, 'document.querySelectorAll(".kiosk-tile .live.playing").length === 1')
    await next.getByText('There is no such camera, or the key is not for it').waitFor()
    await next.getByRole('heading', { name: 'loading-bay' }).waitFor()
    await service.call('simulate', { device: 'camera1', action: 'unplug' })
    await sees(next, 'document.querySelectorAll(".kiosk-tile .live.playing").length === 0')
    await service.call('revoke_api_key', { id })
    await next.getByRole('alert').getByText('was revoked').waitFor()
    expect(await next.evaluate('localStorage.length')).to.equal(0)
  })

  it('refuses a key for a wall display that may do more than view', async () => {
    const { id, api_key: key } = await service.call('create_api_key', { role: 'operator', user: 'wall' })
    const page = await open()
    await page.goto(`${base}/#/kiosk?key=${key}`)
    await page.getByRole('alert').getByText('The key has the role operator.').waitFor()
    expect(page.url()).to.equal(`${base}/#/kiosk`)
    expect(await page.evaluate('[localStorage.length, sessionStorage.length]')).to.deep.equal([0, 0])
    await service.call('revoke_api_key', { id })
  })

  const views = [
    ['cameras', '#/cameras', 'Cameras'],
    ['camera', '#/cameras/camera0', 'front-door'],
    ['recordings', '#/recordings', 'Recordings'],
    ['snapshots', '#/snapshots', 'Snapshots'],
    ['system-overview', '#/system/overview', 'System'],
    ['system-sessions', '#/system/sessions', 'System'],
    ['system-keys', '#/system/keys', 'System'],
    ['system-audit', '#/system/audit', 'System'],
    ['system-configuration', '#/system/configuration', 'System'],
    ['system-actors', '#/system/actors/camera%3Acamera0', 'System'],
  ] as const
  const narrowRules = ['color-contrast', 'scrollable-region-focusable', 'target-size']
  const wide = { width: 1280, height: 800 }
  /** Only colours differ in the dark look, and only places and sizes in the narrow one. */
  const looks = [
    ['light', { colorScheme: 'light', viewport: wide, rules: undefined }],
    ['dark', { colorScheme: 'dark', viewport: wide, rules: ['color-contrast'] }],
    ['narrow', { colorScheme: 'light', viewport: { width: 390, height: 844 }, rules: narrowRules }],
  ] as const

  it('has no serious fault that axe finds in any view, and fits its width: light, dark, narrow', async function () {
    this.timeout(180_000)
    await service.call('start_recording', { device: 'camera0' })
    try {
      const page = await openAs('admin')
      const found: string[] = []
      for (const [name, hash, heading] of views) {
        await go(page, hash)
        await page.getByRole('heading', { name: heading, level: 1 }).waitFor()
        await sees(page, '!document.body.textContent.includes("Loading…")')
        if (name === 'cameras') await page.getByRole('img', { name: 'loading-bay' }).waitFor()
        if (name === 'camera') await sees(page, 'document.querySelector(".live.playing") !== null')
        for (const [look, { colorScheme, viewport, rules }] of looks) {
          await page.emulateMedia({ colorScheme })
          await page.setViewportSize(viewport)
          found.push(...(await serious(page, `${name}, ${look}`, rules)))
          const overflow = Number(await page.evaluate('document.documentElement.scrollWidth - innerWidth'))
          if (overflow > 0) found.push(`${name}, ${look}: ${overflow} px wider than the screen`)
          await shoot(page, `${name}-${look}`, name !== 'system-configuration')
        }
      }
      expect(found).to.deep.equal([])
    } finally {
      await service.call('stop_recording', { device: 'camera0' })
    }
  })
})
