import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect } from 'chai'
import fc from 'fast-check'
import { ConfigurationError, type ConfigurationSources, type Fault, loadConfiguration } from '../../config/load.js'
import { environmentName, settings } from '../../config/schema.js'

describe('configuration', () => {
  let dir = ''
  let file = ''
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'configuration-'))
    file = join(dir, 'service.yml')
  })
  afterEach(() => rmSync(dir, { recursive: true }))

  const load = (yaml: string, rest: Partial<ConfigurationSources> = {}) => {
    writeFileSync(file, yaml)
    return loadConfiguration({ file, env: {}, ...rest })
  }
  const faultsOf = (run: () => unknown): readonly Fault[] => {
    try {
      run()
    } catch (error) {
      if (error instanceof ConfigurationError) return error.faults
      throw error
    }
    return []
  }
  /** `key: rule (origin)`, the file called `FILE`. */
  const lines = (run: () => unknown) =>
    faultsOf(run).map(({ key, value, rule, origin }) => `${key} = ${value}: ${rule} (${origin.replace(file, 'FILE')})`)
  const env = (name: string, value: string) => loadConfiguration({ env: { [`CAMERA_SERVICE_${name}`]: value } }).config

  describe('layers', () => {
    it('has a default for every key', () => {
      const { config, warnings } = loadConfiguration({ env: {} })
      expect(warnings).to.deep.equal([])
      expect(config.server).to.include({
        host: '127.0.0.1',
        port: 8002,
        websocket_path: '/ws',
        max_message_size: 1_048_576,
        auto_close_after: 0,
      })
      expect(config.mediamtx.codec).to.deep.equal({
        video_profile: 'baseline',
        video_level: 'auto',
        pixel_format: 'yuv420p',
        bitrate: 2_000_000,
        preset: 'ultrafast',
        encoder: 'auto',
      })
      expect(config.recording).to.deep.equal({
        format: 'fmp4',
        on_unplug: 'resume',
        max_interruption: 0,
        priority: 50,
        segment_duration: 3_600_000,
        index: true,
        part_duration: 200,
      })
      expect(config.security.jwt_secret_key).to.equal('')
      expect(config.data_dir).to.equal(resolve('var'))
    })

    it('overrides the file by the environment, and both by flags', () => {
      const yaml =
        'data_dir: /from/file\nserver:\n  port: 81\n  host: 127.0.0.2\nmediamtx: { codec: { preset: fast } }\n'
      const { config } = load(yaml, {
        env: { CAMERA_SERVICE_SERVER_PORT: '82', CAMERA_SERVICE_DATA_DIR: '/from/env' },
        flags: { 'data-dir': '/from/flag' },
      })
      expect(config.server).to.include({ port: 82, host: '127.0.0.2' })
      expect(config.data_dir).to.equal('/from/flag')
      expect(config.mediamtx.codec).to.include({ preset: 'fast', video_profile: 'baseline' })
    })

    it('reads the path of the file from the environment', () => {
      writeFileSync(file, 'server: { port: 83 }')
      expect(loadConfiguration({ env: { CAMERA_SERVICE_CONFIG: file } }).config.server.port).to.equal(83)
      expect(loadConfiguration({ env: { CAMERA_SERVICE_CONFIG: '' } }).config.server.port).to.equal(8002)
    })

    it('accepts an empty file, and groups without keys', () => {
      for (const yaml of ['', '# nothing\n', '---\n', 'server:\n  # port: 1\nlogging:\n'])
        expect(load(yaml).config.server.port, yaml).to.equal(8002)
    })

    it('has a different environment variable for each key', () => {
      const names = [...settings.keys()].map(environmentName)
      expect(new Set(names).size).to.equal(names.length)
    })

    it('does not change later loads', () => {
      load('camera: { size: 640x480 }\nsecurity: { cors_origins: [] }')
      const { config } = loadConfiguration({ env: {} })
      expect(config.camera.size).to.deep.equal({ width: 1280, height: 720 })
      expect(config.security.cors_origins).to.have.length(2)
    })
  })

  describe('values', () => {
    it('take jpeg for jpg', () => {
      for (const format of ['jpeg', 'jpg', 'png'])
        expect(load(`snapshots:\n  format: ${format}\n`).config.snapshots.format).to.equal(format.replace('e', ''))
      expect(faultsOf(() => load('snapshots:\n  format: gif\n'))).to.have.length(1)
    })

    it('reads 0, off and no in the environment as false', () => {
      for (const word of ['0', 'off', 'no', 'false', 'FALSE'])
        expect(env('HTTP_HEALTH_ENABLED', word).http_health.enabled, word).to.equal(false)
      for (const word of ['1', 'on', 'yes', 'true'])
        expect(env('SIMULATION_ENABLED', word).simulation.enabled, word).to.equal(true)
      expect(faultsOf(() => env('SIMULATION_ENABLED', 'maybe'))).to.have.length(1)
      expect(faultsOf(() => env('SIMULATION_ENABLED', ''))).to.have.length(1)
    })

    it('refuses text after a number', () => {
      expect(lines(() => env('SERVER_PORT', '12abc'))).to.deep.equal([
        'server.port = "12abc": must be a whole number from 0 to 65535 (environment CAMERA_SERVICE_SERVER_PORT)',
      ])
      for (const value of ['', ' ', '0x50', '8002.5', '-1', '65536', 'NaN', 'Infinity', '1e3', '٣']) {
        expect(
          faultsOf(() => env('SERVER_PORT', value)),
          value,
        ).to.have.length(1)
      }
      for (const value of ['.inf', '.nan', '80.5', 'true', '[80]', '{a: 1}'])
        expect(
          faultsOf(() => load(`server: { port: ${value} }`)),
          value,
        ).to.have.length(1)
      expect(load('server: { port: "80" }').config.server.port).to.equal(80)
    })

    it('reads durations, and numbers without unit in the unit of the key', () => {
      const expected: [string, number][] = [
        ['10s', 10_000],
        ['500ms', 500],
        ['1h30m', 5_400_000],
        ['2d', 172_800_000],
        ['1.5s', 1500],
        ['90', 90_000],
        ['0.5', 500],
        ['1m500ms', 60_500],
      ]
      for (const [text, ms] of expected)
        expect(load(`camera: { poll_interval: ${text} }`).config.camera.poll_interval, text).to.equal(ms)
      expect(env('SECURITY_JWT_EXPIRY_HOURS', '24').security.jwt_expiry_hours).to.equal(86_400_000)
      for (const text of ['10', '10x', '-5s', '5s1h', 's', '1e9s', '99999d', '""']) {
        const shown = text === '10' ? '"10 s"' : text
        expect(
          faultsOf(() => load(`camera: { poll_interval: ${shown} }`)),
          shown,
        ).to.have.length(1)
      }
    })

    it('reads sizes in powers of 1024 and bit rates in powers of 1000', () => {
      for (const [text, bytes] of [
        ['2M', 2_097_152],
        ['64K', 65_536],
        ['1.5MiB', 1_572_864],
        ['4MB', 4_194_304],
        ['4096', 4096],
      ] as const) {
        expect(env('SERVER_MAX_MESSAGE_SIZE', text).server.max_message_size, text).to.equal(bytes)
      }
      for (const text of ['2X', '1 M', '-1M', '0', '9T', '1.5'])
        expect(
          faultsOf(() => env('SERVER_MAX_MESSAGE_SIZE', text)),
          text,
        ).to.have.length(1)
      expect(env('MEDIAMTX_CODEC_BITRATE', '800k').mediamtx.codec.bitrate).to.equal(800_000)
    })

    it('reads a level that is a number in YAML', () => {
      for (const [text, level] of [
        ['3.0', '3.0'],
        ['4', '4.0'],
        ['"3.1"', '3.1'],
        ['auto', 'auto'],
      ] as const) {
        expect(load(`mediamtx: { codec: { video_level: ${text} } }`).config.mediamtx.codec.video_level, text).to.equal(
          level,
        )
      }
      expect(faultsOf(() => load('mediamtx: { codec: { video_level: 3.14 } }'))).to.have.length(1)
    })

    it('checks each item of a list', () => {
      expect(
        env('SECURITY_CORS_ORIGINS', 'https://a.example, http://b.example:81').security.cors_origins,
      ).to.deep.equal(['https://a.example', 'http://b.example:81'])
      expect(env('SECURITY_CORS_ORIGINS', '').security.cors_origins).to.deep.equal([])
      expect(
        lines(() =>
          load('security:\n  cors_origins:\n    - https://a.example\n    - https://a.example/path\n    - 5\n'),
        ),
      ).to.deep.equal(
        [
          'security.cors_origins[1] = "https://a.example/path": ' +
            'must be an origin such as https://example.org:3000, or * (FILE line 4)',
          'security.cors_origins[2] = 5: must be an origin such as https://example.org:3000, or * (FILE line 5)',
        ].map((line) => line.replace('(FILE', '(file FILE')),
      )
    })

    it('reads the address of a proxy in one form', () => {
      for (const [key, written, expected] of [
        ['SERVER_PUBLIC_URL', '', ''],
        ['SERVER_PUBLIC_URL', 'HTTPS://Cam.Example:443/', 'https://cam.example'],
        ['SERVER_PUBLIC_URL', 'http://cam.example:8080/a/b-1//', 'http://cam.example:8080/a/b-1'],
        ['MEDIAMTX_PUBLIC_RTSP_URL', 'rtsp://cam.example:554', 'rtsp://cam.example'],
        ['MEDIAMTX_PUBLIC_RTSP_URL', 'rtsps://[2001:DB8:0::1]:8322/x', 'rtsps://[2001:db8::1]:8322/x'],
        ['MEDIAMTX_PUBLIC_HLS_URL', 'https://192.0.2.1:80', 'https://192.0.2.1:80'],
      ] as const) {
        const { server, mediamtx } = env(key, written)
        const values = {
          SERVER_PUBLIC_URL: server.public_url,
          MEDIAMTX_PUBLIC_RTSP_URL: mediamtx.public_rtsp_url,
          MEDIAMTX_PUBLIC_HLS_URL: mediamtx.public_hls_url,
        }
        expect(values[key], written).to.equal(expected)
      }
      for (const wrong of [
        'cam.example',
        'rtsp://cam.example',
        'https://',
        'https://cam.example:0',
        'https://cam.example:65536',
        'https://user:secret@cam.example',
        'https://cam.example/?x=1',
        'https://cam.example/#x',
        'https://cam.example/a b',
        'https://[zz]/',
        'https://cam example/',
      ])
        expect(faultsOf(() => env('SERVER_PUBLIC_URL', wrong))[0]?.rule, wrong).to.match(/^must be an address such as/)
    })

    it('refuses a number where text is required', () => {
      expect(faultsOf(() => load('security: { jwt_secret_file: 007 }'))).to.have.length(1)
      expect(faultsOf(() => load('server: { host: "http://x" }'))).to.have.length(1)
      expect(faultsOf(() => load('server: { host: "a b" }'))).to.have.length(1)
      expect(load('server: { host: "::1" }').config.server.host).to.equal('::1')
    })
  })

  describe('faults', () => {
    it('are listed for all sources at once, each with its place', () => {
      const yaml = 'server:\n  port: eighty\n  prot: 80\nmediamtx:\n  mode: remote\nsevere: 1\n'
      const found = lines(() =>
        load(yaml, {
          env: { CAMERA_SERVICE_LOGGING_LEVEL: 'loud', CAMERA_SERVICE_SERVR_PORT: '1' },
          flags: { 'data-dir': '' },
        }),
      )
      expect(found).to.deep.equal([
        'server.port = "eighty": must be a whole number from 0 to 65535 (file FILE line 2)',
        'server.prot = 80: is not a known key; the nearest is server.port (file FILE line 3)',
        'mediamtx.mode = "remote": must be one of auto, external, managed, embedded (file FILE line 5)',
        'severe = 1: is not a known key; the nearest is server (file FILE line 6)',
        'logging.level = "loud": must be one of error, warn, info, debug (environment CAMERA_SERVICE_LOGGING_LEVEL)',
        'CAMERA_SERVICE_SERVR_PORT = "1": names no known key; the nearest is CAMERA_SERVICE_SERVER_PORT ' +
          '(environment CAMERA_SERVICE_SERVR_PORT)',
        'data_dir = "": must be the path of a folder (flag --data-dir)',
      ])
    })

    it('include a data directory whose path the media server would change', () => {
      const rule = 'must not contain $ or %: the media server replaces them, and its files would be elsewhere'
      expect(lines(() => load('data_dir: /srv/50%/cameras'))).to.deep.equal([
        `data_dir = "/srv/50%/cameras": ${rule} (file FILE line 1)`,
      ])
      expect(lines(() => load('', { flags: { 'data-dir': '/srv/$HOME' } }))).to.deep.equal([
        `data_dir = "/srv/$HOME": ${rule} (flag --data-dir)`,
      ])
      expect(lines(() => env('DATA_DIR', 'a%Y'))).to.deep.equal([
        `data_dir = ${JSON.stringify(resolve('a%Y'))}: ${rule} (environment CAMERA_SERVICE_DATA_DIR)`,
      ])
      expect(load('data_dir: "/srv/a b/ü"').config.data_dir).to.equal('/srv/a b/ü')
    })

    it('include a value of the file that a later source overrides', () => {
      expect(faultsOf(() => load('server: { port: x }', { env: { CAMERA_SERVICE_SERVER_PORT: '80' } }))).to.have.length(
        1,
      )
    })

    it('suggest a key for an unknown variable', () => {
      const [fault] = faultsOf(() => env('JWT_SECRET', 'a secret that must not be logged'))
      expect(fault?.rule).to.contain('CAMERA_SERVICE_SECURITY_JWT_SECRET_KEY')
      expect(fault?.value).to.equal('***')
    })

    it('never show a secret', () => {
      const wrong: (() => unknown)[] = [
        () => env('SECURITY_JWT_SECRET_KEY', 'hushhush'),
        () => load('security: { jwt_secret_key: hushhush }'),
        () => load('security: { jwt_secret: hushhush }'),
        () => load('cameras: [{ name: a, source: "rtsp://ann:hushhush@" }]'),
        () => load('cameras: [{ name: a, source: virtual, password: hushhush }]'),
        () => load('security: { jwt_secret_key: "hushhush\\q" }'),
        () => load('security:\n  jwt_secret_key: @hushhush\n'),
        () => load('security:\n  jwt_secret_key: *hushhush\n'),
        () => load('security:\n  jwt_secret_key: "hushhush\n'),
        () => load('security: { jwt_secret_key: !hushhush x }\n'),
        () => load('security:\n  jwt_secret_key: |hushhush\n'),
        () => load('security:\n  jwt_secret_key: >hushhush\n'),
        () => load('security:\n  jwt_secret_key: %hushhush\n'),
        () => load('security:\n  jwt_secret_key: !hushhush\n'),
        () => load('security:\n  jwt_secret_key: &hushhush\n'),
        () => load('security:\n  jwt_secret_key: #hushhush\n'),
        () => load('security:\n  jwt_secret_key: "x\\Uhushhush"\n'),
        () => load('security: { jwt_secret_key: "x" hushhush }\n'),
        () => load('security: [ jwt_secret_key: x }hushhush\n'),
      ]
      for (const run of wrong) {
        expect(faultsOf(run), String(run)).not.to.have.length(0)
        expect(lines(run).join('\n'), String(run)).not.to.contain('hushhush')
      }
    })

    it('include a camera URL that YAML truncates at " #"', () => {
      const rule = 'must be in quotes: YAML takes what follows " #" as a comment'
      for (const source of [
        'rtsp://ann:12 #34hush@192.0.2.1/x',
        'rtsp://ann:hush # a@192.0.2.1/x',
        'rtsp://192.0.2.1/x?pwd=hush #hush',
      ]) {
        const found = lines(() => load(`cameras:\n  - name: a\n    source: ${source}\n`))
        expect(found).to.deep.equal([`cameras[0].source = ***: ${rule} (file FILE line 3)`])
      }
      for (const source of [
        'rtsp://192.0.2.1/x # yard',
        'rtsp://192.0.2.1/x #yard',
        'rtsp://a:b@192.0.2.1/x # ask ann@example.org',
      ])
        expect(load(`cameras:\n  - name: a\n    source: ${source}\n`).config.cameras, source).to.have.length(1)
    })

    it('do not include a secret that YAML may have truncated at " #", which causes a warning', () => {
      const secret = 'hush'.repeat(10)
      expect(
        load(`security:\n  jwt_secret_key: ${secret} #more\n`).warnings.map((line) => line.replace(file, 'FILE')),
      ).to.deep.equal([
        'security.jwt_secret_key = ***: ends before " #", where YAML begins a comment: ' +
          'put it in quotes if the rest belongs to it (file FILE line 2)',
      ])
      expect(load(`security:\n  jwt_secret_key: "${secret} #more" # changed in May\n`).warnings).to.deep.equal([])
    })

    it('show a value on one line', () => {
      const [fault] = faultsOf(() => env('LOGGING_LEVEL', `a\nb${'x'.repeat(1000)}`))
      expect(fault?.value).to.match(/^"a\\nbx+…$/)
      expect(fault?.value).to.have.length(80)
    })

    it('include a key that is set twice, with the line of the first', () => {
      expect(lines(() => load('server:\n  port: 80\n  port: 81\nserver:\n  port: 82\n'))).to.deep.equal([
        'server.port = 81: is set twice, first on line 2 (file FILE line 3)',
        'server = a group of keys: is set twice, first on line 1 (file FILE line 4)',
      ])
    })

    describe('of passwords that YAML takes for something else', () => {
      const camera = (...rows: string[]) =>
        ['cameras:', '  - name: a', '    source: rtsp://192.0.2.1/x', '    user: ann', ...rows, ''].join('\n')
      const nothing = (mark: string, what: string) =>
        `nothing: has no value: YAML takes what begins with ${mark} as ${what}; put it in quotes if it is the value`
      const notYaml = (mark: string) =>
        ` = : the configuration file is not YAML: a value begins with ${mark} (put it in quotes) (file FILE line 5)`

      for (const [row, fault] of [
        ['    password: #hush', `cameras[0].password = ${nothing('#', 'a comment')} (file FILE line 5)`],
        ['    password: # hush', `cameras[0].password = ${nothing('#', 'a comment')} (file FILE line 5)`],
        ['    password: &hush', `cameras[0].password = ${nothing('&', 'the name of an anchor')} (file FILE line 5)`],
        ['    password: @hush', notYaml('@')],
        ['    password: `hush', notYaml('`')],
        ['    password: %hush', notYaml('%')],
        ['    password: !hush', notYaml('!')],
        ['    password: |hush', notYaml('| or >')],
        [
          '    password: *hush',
          ' = : the configuration file refers to an anchor that does not exist; put a text that begins with * in quotes' +
            ' (file FILE line 5)',
        ],
      ] as const)
        it(`say so, and show nothing of it: ${row.trim()}`, () => {
          expect(lines(() => load(camera(row)))).to.deep.equal([fault])
          expect(lines(() => load(camera(row, '    fps: 5')))).to.deep.equal([fault])
        })

      it('say it of a secret of its own key, and not of a comment in the next line', () => {
        expect(lines(() => load('security:\n  jwt_secret_key: #hush\n'))).to.deep.equal([
          `security.jwt_secret_key = ${nothing('#', 'a comment')} (file FILE line 2)`,
        ])
        expect(lines(() => load('security:\n  jwt_secret_key:\n    # hush\n'))).to.deep.equal([
          'security.jwt_secret_key = nothing: has no value (file FILE line 2)',
        ])
      })

      it('include a key of a camera that is set twice, with both lines', () => {
        expect(lines(() => load(camera('    password: hush', '    fps: 5', '    password: more')))).to.deep.equal([
          'cameras[0].password = ***: is set twice, first on line 5 (file FILE line 7)',
        ])
        expect(
          lines(() => load(camera('    codec:', '      preset: fast', '      preset:\n        slow'))),
        ).to.deep.equal(['cameras[0].codec.preset = "slow": is set twice, first on line 6 (file FILE line 7)'])
      })

      it('warn of the end of a password before " #"', () => {
        const { warnings } = load(camera('    password: hush #more'))
        expect(warnings.map((line) => line.replace(file, 'FILE'))).to.deep.equal([
          'cameras[0].password = ***: ends before " #", where YAML begins a comment: put it in quotes if the rest belongs ' +
            'to it (file FILE line 5)',
        ])
      })
    })

    it('include the first syntax error of YAML, with its line', () => {
      expect(lines(() => load('server:\n\tport: 1\n'))).to.deep.equal([
        ' = : the configuration file is not YAML: a tab is used to indent; use spaces (file FILE line 2)',
      ])
      for (const [yaml, line] of [
        ['server: {port: 80\n', 2],
        ['a: 1\n  b: 2\n', 1],
        ['server: 1\n---\nserver: 2\n', 2],
        ['server: { port: *none }\n', 1],
      ] as const) {
        const [fault] = faultsOf(() => load(yaml))
        expect(fault?.origin, yaml).to.match(new RegExp(`line ${line}$`))
      }
    })

    it('include values instead of groups, missing values and unreadable files', () => {
      expect(lines(() => load('server: 5'))).to.deep.equal(['server = 5: must be a group of keys (file FILE line 1)'])
      expect(lines(() => load('- a'))).to.deep.equal([' = a list: must hold keys with values (file FILE line 1)'])
      expect(lines(() => load('server:\n  port:\n'))).to.deep.equal([
        'server.port = nothing: has no value (file FILE line 2)',
      ])
      expect(lines(() => loadConfiguration({ file, env: {} }))).to.have.length(1)
      rmSync(file)
      expect(lines(() => loadConfiguration({ file, env: {} }))).to.deep.equal([
        ' = : the configuration file does not exist (file FILE)',
      ])
      mkdirSync(file)
      expect(lines(() => loadConfiguration({ file, env: {} }))).to.deep.equal([
        ' = : the configuration file is a folder (file FILE)',
      ])
    })

    it('include deep nesting, recursive aliases and names of prototypes', () => {
      const double = Array.from(
        { length: 20 },
        (_, i) => `k${i}: &a${i} [${i ? `*a${i - 1},*a${i - 1},*a${i - 1}` : '1,1,1'}]`,
      ).join('\n')
      for (const deep of ['['.repeat(100_000), '- '.repeat(50_000), '? '.repeat(50_000), '{a: '.repeat(20_000)]) {
        expect(faultsOf(() => load(deep))[0]?.rule, deep.slice(0, 4)).to.equal(
          'the configuration file is nested too deeply',
        )
      }
      for (const yaml of [
        '['.repeat(50_000),
        '- '.repeat(50_000),
        '{a: '.repeat(20_000),
        double,
        'cameras: &x [*x]',
        '&x server: *x',
        '__proto__: { polluted: 1 }',
        'constructor: { prototype: { polluted: 1 } }',
        '? [a]\n: b',
        '<<: { server: 1 }',
      ]) {
        expect(
          faultsOf(() => load(yaml)),
          yaml.slice(0, 20),
        ).not.to.have.length(0)
      }
      expect(Object.hasOwn(Object.prototype, 'polluted')).to.equal(false)
      expect(faultsOf(() => env('CAMERAS', '['.repeat(50_000)))).to.have.length(1)
      expect(faultsOf(() => load(`# ${'x'.repeat(1_100_000)}`))[0]?.rule).to.contain('1 MiB')
    }).timeout(60_000)
  })

  describe('rules over several keys', () => {
    it('require different ports on one host', () => {
      expect(lines(() => load('server: { port: 9000 }\nhttp_health:\n  port: 9000\n'))).to.deep.equal([
        'http_health.port = 9000: server.port and http_health.port must be different ports (file FILE line 3)',
      ])
      expect(faultsOf(() => env('SERVER_PORT', '8554'))[0]).to.include({
        key: 'server.port',
        origin: 'environment CAMERA_SERVICE_SERVER_PORT',
      })
      expect(load('server: { port: 0 }\nhttp_health: { port: 0 }').config.server.port).to.equal(0)
      expect(load('server: { port: 8003 }\nhttp_health: { enabled: no }').config.server.port).to.equal(8003)
      expect(
        load('server: { port: 8554 }\nmediamtx: { mode: external, host: media.example }').config.server.port,
      ).to.equal(8554)
    })

    it('warn of an external media server without a fixed port for authentication', () => {
      expect(load('mediamtx: { mode: external }').warnings[0]).to.match(
        /mediamtx\.auth_port is 0: give it a fixed port$/,
      )
      expect(load('mediamtx: { mode: external, auth_port: 8004 }').warnings).to.deep.equal([])
      expect(load('mediamtx: { mode: external }\nsecurity: { streams: open }').warnings).to.deep.equal([])
    })

    it('require the files of a certificate of the media server for `files`, and only then', () => {
      const faults = (yaml: string) => faultsOf(() => load(`mediamtx: { ${yaml} }`)).map(({ rule }) => rule)
      const both = 'tls_cert_file: a.pem, tls_key_file: a.key'
      const needs = ['mediamtx.tls: files needs mediamtx.tls_cert_file and mediamtx.tls_key_file']
      const unused = ['mediamtx.tls_cert_file and mediamtx.tls_key_file need mediamtx.tls: files']
      expect(load(`mediamtx: { tls: files, ${both} }`).warnings).to.deep.equal([])
      expect(faults('tls: files')).to.deep.equal(needs)
      expect(faults('tls: files, tls_cert_file: a.pem')).to.deep.equal(needs)
      expect(faults(both)).to.deep.equal(unused)
      expect(faults(`tls: 'off', tls_key_file: a.key`)).to.deep.equal(unused)
    })

    it('warn of streams that browsers block', () => {
      const own = 'server: { tls: { cert_file: a.pem, key_file: a.key } }'
      const warned = (yaml: string) => load(yaml).warnings.some((text) => text.startsWith('browsers block HLS'))
      expect(warned(own)).to.equal(false)
      expect(warned(`${own}\nmediamtx: { tls: 'off' }`)).to.equal(true)
      expect(warned('server: { public_url: https://cam.example }')).to.equal(true)
      expect(warned('server: { public_url: http://cam.example }')).to.equal(false)
      const urls = 'public_hls_url: https://cam.example/hls, public_webrtc_url: https://cam.example/webrtc'
      expect(warned(`server: { public_url: https://cam.example }\nmediamtx: { ${urls} }`)).to.equal(false)
      // Their encryption is read at the start.
      const external = 'mediamtx: { mode: external, auth_port: 8004 }'
      expect(warned(`${own}\n${external}`)).to.equal(false)
    })

    it('keep the usual life of stream URLs below the longest', () => {
      expect(
        faultsOf(() => load('security: { stream_url_life: 2h, stream_url_max_life: 1h }')).map(({ rule }) => rule),
      ).to.deep.equal(['security.stream_url_life must be at most security.stream_url_max_life'])
      expect(load('security: { stream_url_life: 30d }').config.security.stream_url_life).to.equal(30 * 86_400_000)
    })

    it('read the free space as a size, or leave it to the service', () => {
      const minFree = (text: string) => load(`storage: { min_free: ${text} }`).config.storage.min_free
      expect(load('').config.storage.min_free).to.equal('auto')
      expect([minFree('500MB'), minFree('0'), minFree('1000000'), minFree('auto')]).to.deep.equal([
        500 * 1024 ** 2,
        0,
        1_000_000,
        'auto',
      ])
      expect(faultsOf(() => minFree('lots'))[0]?.rule).to.equal(
        'must be auto or a size from 0 to 1000T (50M, 1G; a bare number is in bytes)',
      )
    })

    it('require a warning level below the blocking level', () => {
      expect(lines(() => load('storage:\n  warn_percent: 95\n'))).to.deep.equal([
        'storage.warn_percent = 95: ' +
          'storage.warn_percent (95) must be less than storage.block_percent (90) (file FILE line 2)',
      ])
    })

    it('keep the WebSocket of the API apart from that of the inspection', () => {
      const path = 'server: { websocket_path: /inspect/ws }'
      expect(faultsOf(() => load(`${path}\ninspect: { enabled: true }`))[0]?.rule).to.include('must not be /inspect/ws')
      expect(load(path).config.server.websocket_path).to.equal('/inspect/ws')
    })

    for (const [path, rule] of [
      ['/data/recordings', 'must not be the folder of the recordings (recordings of data_dir), or a folder in it'],
      ['/data/recordings/', 'must not be the folder of the recordings (recordings of data_dir), or a folder in it'],
      [
        '/data/x/../recordings/b',
        'must not be the folder of the recordings (recordings of data_dir), or a folder in it',
      ],
      ['/data/state', 'must not be the folder of the state (state of data_dir), or a folder in it'],
      ['/data', 'must not be above the folder of the recordings'],
      ['/', 'must not be above the folder of the recordings'],
      ['/disk/%Y', 'must not contain $ or %'],
      ['/disk/$HOME', 'must not contain $ or %'],
      ['disk/recordings', 'must be the absolute path of a folder, or empty'],
    ])
      it(`do not allow ${path} as the fallback folder`, () => {
        const [fault, ...others] = lines(() => load(`data_dir: /data\nstorage: { fallback_path: '${path}' }\n`))
        expect(others).to.deep.equal([])
        expect(fault).to.contain('storage.fallback_path').and.to.contain(rule)
      })

    it('allow a fallback folder beside the recordings, and on another disk', () => {
      for (const path of ['/data/fallback', '/data/recordings2', '/disk/recordings', '']) {
        const { config } = load(`data_dir: /data\nstorage: { fallback_path: '${path}' }\n`)
        expect(config.storage.fallback_path).to.equal(path)
      }
    })

    it('allow a fallback folder only with a media server on this host', () => {
      const yaml = (host: string) =>
        `mediamtx: { mode: external, host: ${host} }\nstorage: { fallback_path: /disk/recordings }\n`
      expect(load(yaml('127.0.0.1')).config.storage.fallback_path).to.equal('/disk/recordings')
      expect(lines(() => load(yaml('192.0.2.1')))[0]).to.contain('needs a media server on this host')
    })

    it('allow simulation on loopback only', () => {
      for (const host of ['127.0.0.1', '127.9.9.9', '::1', 'localhost']) {
        expect(
          load(`simulation: { enabled: true }\nserver: { host: "${host}" }`).config.simulation.enabled,
          host,
        ).to.equal(true)
      }
      for (const host of ['0.0.0.0', '::', '127.0.0.1.example.org', '192.0.2.1']) {
        expect(
          faultsOf(() => load(`simulation: { enabled: true }\nserver: { host: "${host}" }`))[0]?.key,
          host,
        ).to.equal('simulation.enabled')
      }
    })

    it('are not checked if one of their keys has a fault', () => {
      expect(faultsOf(() => load('storage: { warn_percent: 95, block_percent: lots }'))).to.have.length(1)
    })
  })

  describe('keys of earlier services', () => {
    it('cause warnings', () => {
      const yaml =
        'server:\n  read_timeout: 5s\nffmpeg:\n  snapshot: { retry_attempts: 2 }\n' +
        'health_port: 8080\nmediamtx:\n  stream_readiness: { timeout: 15 }\n'
      const { warnings } = load(yaml, {
        env: { CAMERA_SERVICE_STORAGE_DEFAULT_PATH: '/tmp', CAMERA_SERVICE_PERFORMANCE_OPTIMIZATION_CACHE_TTL: '1' },
      })
      expect(warnings.map((warning) => warning.replace(file, 'FILE'))).to.deep.equal([
        'server.read_timeout is not used and ignored; use server.pong_wait (file FILE line 2)',
        'ffmpeg is not used and ignored (file FILE line 3)',
        'health_port is not used and ignored; use http_health.port (file FILE line 5)',
        'mediamtx.stream_readiness is not used and ignored; ' +
          'use mediamtx.run_on_demand_start_timeout (file FILE line 7)',
        'CAMERA_SERVICE_STORAGE_DEFAULT_PATH is not used and ignored; use data_dir ' +
          '(environment CAMERA_SERVICE_STORAGE_DEFAULT_PATH)',
        'CAMERA_SERVICE_PERFORMANCE_OPTIMIZATION_CACHE_TTL is not used and ignored ' +
          '(environment CAMERA_SERVICE_PERFORMANCE_OPTIMIZATION_CACHE_TTL)',
      ])
    })

    it('include published secrets', () => {
      const { warnings } = load('security: { jwt_secret_key: edge-device-secret-key-change-in-production }')
      expect(warnings).to.have.length(1)
      expect(warnings[0]).not.to.contain('edge-device')
    })
  })

  describe('any input', () => {
    const words = fc.oneof(
      fc.constantFrom(
        'server',
        'port',
        'mediamtx',
        'codec',
        'cameras',
        'name',
        'source',
        'size',
        '__proto__',
        'security',
        'jwt_secret_key',
        'storage',
        'ffmpeg',
        'data_dir',
      ),
      fc.string(),
    )
    const scalars = fc.oneof(
      fc.string(),
      fc.integer(),
      fc.double(),
      fc.boolean(),
      fc.constantFrom(null, '10s', '1M', 'virtual', 'usb:1', 'rtsp://a:b@c/d', '0', 'off', '12abc'),
    )
    const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        scalars,
        fc.array(tie('tree'), { maxLength: 4 }),
        fc.dictionary(words, tie('tree'), { maxKeys: 5 }),
      ),
    }))
    const yaml = fc.oneof(
      tree.map((value) => JSON.stringify(value)),
      fc.string({
        unit: fc.constantFrom(
          'a',
          'server',
          ':',
          ' ',
          '\n',
          '-',
          '\t',
          '[',
          ']',
          '{',
          '}',
          '&a',
          '*a',
          '!',
          '|',
          '>',
          '"',
          "'",
          '#',
          '%',
          '?',
          ',',
          '---',
          '<<',
          '8',
        ),
      }),
    )
    const names = fc.oneof(
      fc.constantFrom(...[...settings.keys()].map(environmentName), 'CAMERA_SERVICE_X', 'CAMERA_SERVICE_'),
      fc.string().map((name) => `CAMERA_SERVICE_${name}`),
    )
    const values = scalars.map(String)

    it('results in a configuration or faults', () => {
      fc.assert(
        fc.property(
          yaml,
          fc.dictionary(
            names.filter((name) => name !== 'CAMERA_SERVICE_CONFIG'),
            values,
            { maxKeys: 4 },
          ),
          (source, variables) => {
            for (const { key, value, rule, origin } of faultsOf(() => load(source, { env: variables }))) {
              expect(rule).to.match(/^\S.*\S$/)
              expect(`${value}${rule.includes('nearest') ? '' : key}`.length).to.be.lessThan(4000)
              expect(origin).to.match(/^(file |environment |flag |default)/)
            }
          },
        ),
        { numRuns: 400 },
      )
    })

    it('is parsed correctly if it is a valid duration', () => {
      fc.assert(
        fc.property(
          fc.integer({ min: 1, max: 20 }),
          fc.integer({ min: 0, max: 23 }),
          fc.integer({ min: 0, max: 59 }),
          fc.integer({ min: 0, max: 999 }),
          (d, h, m, ms) => {
            const { config } = loadConfiguration({
              env: { CAMERA_SERVICE_CAMERA_RETIRE_AFTER: `${d}d${h}h${m}m${ms}ms` },
            })
            expect(config.camera.retire_after).to.equal(((d * 24 + h) * 60 + m) * 60_000 + ms)
          },
        ),
        { numRuns: 50 },
      )
    })
  })
})
