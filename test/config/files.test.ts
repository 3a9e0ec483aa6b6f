// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the configuration file has such texts
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect } from 'chai'
import { ConfigurationError, loadConfiguration, parseConfiguration } from '../../config/load.js'
import { configurationRules } from '../../config/rules.js'

describe('the configuration file', () => {
  const faults = (run: () => unknown): string[] => {
    try {
      run()
    } catch (error) {
      if (error instanceof ConfigurationError)
        return error.faults.map(({ key, value, rule }) => `${key} = ${value}: ${rule}`)
      throw error
    }
    return []
  }
  const read = (file: string, env: Record<string, string> = {}) => parseConfiguration({ file, env })

  describe('with paths of the home folder', () => {
    it('means the one of the user of the service', () => {
      expect(read('data_dir: ~/cams').config.data_dir).to.equal(join(homedir(), 'cams'))
      expect(read('data_dir: "~"').config.data_dir).to.equal(homedir())
      expect(read('storage: { fallback_path: ~/more }').config.storage.fallback_path).to.equal(join(homedir(), 'more'))
      expect(read('security: { jwt_secret_file: ~/key }').config.security.jwt_secret_file).to.equal(
        join(homedir(), 'key'),
      )
      const key = '{ algorithm: RS256, file: ~/id.pem }'
      expect(read(`security: { jwt_keys: [${key}] }`).config.security.jwt_keys).to.deep.equal([
        { kind: 'file', algorithm: 'RS256', file: join(homedir(), 'id.pem') },
      ])
    })

    it('means it in the environment and in flags, too', () => {
      const flags = { 'data-dir': '~/cams' }
      expect(parseConfiguration({ env: {}, flags }).config.data_dir).to.equal(join(homedir(), 'cams'))
      expect(parseConfiguration({ env: { CAMERA_SERVICE_DATA_DIR: '~/cams' } }).config.data_dir).to.equal(
        join(homedir(), 'cams'),
      )
    })

    it('refuses what only a shell would replace', () => {
      expect(faults(() => read('data_dir: ~ann/cams'))).to.deep.equal([
        'data_dir = "~ann/cams": must not begin with ~ and a name: ~/ is the home folder of the service',
      ])
      const rule = 'must not begin with $: the file may contain variables as ${HOME}'
      expect(faults(() => read('data_dir: $HOME/cams'))).to.deep.equal([`data_dir = "$HOME/cams": ${rule}`])
      expect(faults(() => read('server: { tls: { cert_file: $DIR/a.pem, key_file: b.pem } }'))).to.deep.equal([
        `server.tls.cert_file = "$DIR/a.pem": ${rule}`,
      ])
      expect(faults(() => read('data_dir: ~'))).to.deep.equal(['data_dir = nothing: has no value'])
    })
  })

  describe('with variables', () => {
    it('has their values, in all texts', () => {
      const text =
        'data_dir: ${DATA}/cams\nserver:\n  port: ${PORT}\n  host: ${HOST:-127.0.0.2}\n' +
        'logging: { level: "${LEVEL:-debug}" }\ncameras: [{ name: a, source: "rtsp://u:${PASSWORD}@192.0.2.1/x" }]\n'
      const env = { DATA: '/srv', PORT: '81', PASSWORD: 'hushhush', LEVEL: '' }
      const { config } = read(text, env)
      expect(config.data_dir).to.equal('/srv/cams')
      expect(config.server).to.include({ port: 81, host: '127.0.0.2' })
      expect(config.logging.level).to.equal('debug')
      expect(config.cameras[0]?.source).to.deep.equal({ kind: 'rtsp', url: 'rtsp://u:hushhush@192.0.2.1/x' })
    })

    it('does not replace them twice, nor in keys, nor in the environment', () => {
      expect(read('security: { jwt_issuer: "${A}-$${B}" }', { A: '${B}' }).config.security.jwt_issuer).to.equal(
        '${B}-${B}',
      )
      expect(faults(() => read('${A}: 1', { A: 'version' }))).to.have.length(1)
      const env = { CAMERA_SERVICE_SECURITY_JWT_ISSUER: '${A}', A: 'x' }
      expect(parseConfiguration({ env }).config.security.jwt_issuer).to.equal('${A}')
    })

    it('refuses others than ${NAME}, and those that are not set', () => {
      const unset = 'refers to the variable DATA, which is not set; write $${ for the text ${'
      expect(faults(() => read('data_dir: ${DATA}'))).to.deep.equal([`data_dir = "\${DATA}": ${unset}`])
      const shape = 'must refer to a variable as ${NAME} or ${NAME:-default}; write $${ for the text ${'
      for (const text of ['${', '${}', '${A B}', '${A', '${A:x}', '${1}'])
        expect(
          faults(() => read(`data_dir: '/x/${text}'`, { A: '1' })),
          text,
        ).to.deep.equal([`data_dir = ${JSON.stringify(`/x/${text}`)}: ${shape}`])
      expect(faults(() => read('cameras: [{ name: a, source: "${DATA}" }]'))).to.deep.equal([
        `cameras[0].source = "\${DATA}": ${unset}`,
      ])
    })

    it('never shows their values', () => {
      expect(faults(() => read('server: { host: "${SECRET}" }', { SECRET: 'hush hush' }))).to.deep.equal([
        'server.host = "${SECRET}": must be a host name or an IP address',
      ])
      const env = { SECRET: 'hushhush' }
      const text =
        'security: { jwt_issuer: "${SECRET}" }\ncameras: [{ name: a, source: "rtsp://u:${SECRET}@192.0.2.1/x" }]\n'
      const rules = configurationRules({ env }, read(text, env))
      const { values } = rules.describe(text)
      expect(values.find(({ key }) => key === 'security.jwt_issuer')?.value).to.equal('${SECRET}')
      expect(JSON.stringify(values)).not.to.include('hushhush')
    })
  })

  describe('with anchors', () => {
    const text = `
x-usual: &usual { size: 640x480, fps: 10, codec: &codec { bitrate: 1M } }
x-other: &other { fps: 5, priority: 9 }
server: &server { port: 81, x-note: anything }
http_health: { <<: *server, port: 82 }
cameras:
  - { <<: *usual, name: a, source: virtual }
  - { name: b, <<: [*usual, *other], source: virtual, fps: 15, x-room: 3 }
  - name: c
    source: virtual
    codec: { <<: *codec, preset: fast }
`
    it('merges groups: own keys win, then earlier groups; keys with x- are ignored', () => {
      const { config } = read(text)
      expect(config.http_health.port).to.equal(82)
      expect(config.cameras.map(({ settings }) => settings)).to.deep.equal([
        { name: 'a', width: 640, height: 480, fps: 10, codec: { bitrate: 1_000_000 } },
        { name: 'b', width: 640, height: 480, fps: 15, priority: 9, codec: { bitrate: 1_000_000 } },
        { name: 'c', codec: { bitrate: 1_000_000, preset: 'fast' } },
      ])
    })

    it('checks merged keys, with the line where they are written', () => {
      expect(faults(() => read('x-a: &a { prot: 1 }\nserver: { <<: *a }'))).to.deep.equal([
        'server.prot = 1: is not a known key; the nearest is server.port',
      ])
      expect(faults(() => read('server: { port: 1, port: 2 }'))).to.have.length(1)
      for (const value of ['5', '[5]', ''])
        expect(faults(() => read(`server: { <<: ${value} }`))).to.deep.equal([
          ' = : the configuration file has a merge key (<<) without a group of keys',
        ])
      expect(faults(() => read('server: { "<<": { port: 1 } }'))).to.have.length(1)
      expect(faults(() => read('server: &a { <<: *a }'))[0]).to.include('the configuration file')
    })

    it('keeps them when a client changes another key', () => {
      const rules = configurationRules({ env: {} }, read(text))
      const next = rules.patch(text, { http_health: { port: 83 }, logging: { level: 'debug' } })
      expect(read(next).config.http_health.port).to.equal(83)
      expect(read(next).config.cameras).to.deep.equal(read(text).config.cameras)
      expect(next).to.include('x-usual: &usual')
    })
  })

  describe('in another encoding', () => {
    let dir = ''
    beforeEach(() => {
      dir = mkdtempSync(join(tmpdir(), 'encodings-'))
    })
    afterEach(() => rmSync(dir, { recursive: true }))
    const load = (content: Buffer) => {
      writeFileSync(join(dir, 'service.yml'), content)
      return loadConfiguration({ file: join(dir, 'service.yml'), env: {} })
    }
    const yaml = 'server:\n  port: 81\n'

    it('is named as such', () => {
      const little = Buffer.from(yaml, 'utf16le')
      const big = Buffer.from(little).swap16()
      for (const content of [
        little,
        big,
        Buffer.concat([Buffer.from([0xff, 0xfe]), little]),
        Buffer.concat([Buffer.from([0xfe, 0xff]), big]),
      ])
        expect(faults(() => load(content))).to.deep.equal([' = : the configuration file is UTF-16: save it as UTF-8'])
      expect(faults(() => load(Buffer.from(`${yaml}# Haust\u00fcr\n`, 'latin1')))).to.deep.equal([
        ' = : the configuration file has characters that are not UTF-8 (line 3): save it as UTF-8',
      ])
    })

    it('may begin with the mark of UTF-8, and have the line ends of Windows', () => {
      expect(load(Buffer.from(`\ufeff${yaml.replaceAll('\n', '\r\n')}`)).config.server.port).to.equal(81)
      expect(load(Buffer.alloc(0)).config.server.port).to.equal(8002)
    })
  })

  describe('of the Go service of this name', () => {
    const file = resolve('test/config/earlier/default.yaml')

    it('is accepted, with warnings', () => {
      const { config, warnings } = loadConfiguration({ file, env: {} })
      expect(config.mediamtx.codec).to.include({ video_profile: 'high', pixel_format: 'yuv420p', video_level: '4.0' })
      expect(config.snapshots.format).to.equal('jpg')
      expect(config.server.max_connections).to.equal(10)
      expect(config.retention_policy.max_size_gb).to.equal(0.5)
      const line =
        readFileSync(file, 'utf8')
          .split('\n')
          .findIndex((each) => each.includes('high422')) + 1
      expect(warnings.map((each) => each.replace(file, 'FILE'))).to.include.members([
        `mediamtx.codec.video_profile = "high422": is read as high: browsers and most players do not play it (file FILE line ${line})`,
        `mediamtx.codec.pixel_format = "yuv422p": is read as yuv420p: browsers and most players do not play it (file FILE line ${line})`,
        'security.jwt_secret_key is a published example: everybody can make tokens for this service',
      ])
    })

    it('may have these words for one camera, and none that nobody knows', () => {
      const { config, warnings } = read('cameras: [{ name: a, source: virtual, codec: { video_profile: high10 } }]')
      expect(config.cameras[0]?.settings.codec).to.deep.equal({ profile: 'high' })
      expect(warnings).to.have.length(1)
      expect(warnings[0]).to.match(/^cameras\[0\]\.codec\.video_profile = "high10": is read as high/)
      for (const word of ['__proto__', 'toString', 'zebra'])
        expect(
          faults(() => read(`mediamtx: { codec: { video_profile: ${word} } }`)),
          word,
        ).to.deep.equal([`mediamtx.codec.video_profile = "${word}": must be one of baseline, main, high`])
    })
  })
})
