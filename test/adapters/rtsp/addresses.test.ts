import { expect } from 'chai'
import { createAddressCheck, type OwnPlace } from '../../../adapters/rtsp/addresses.js'

const never = new AbortController().signal

/** This host is 192.168.1.5 and fd00::5; it serves RTSP at 8554. */
function check(places: OwnPlace[] = [{ ports: [8554, 8002] }], names: Record<string, string[]> = {}) {
  const { refusal } = createAddressCheck({
    places: () => places,
    interfaces: () => ['127.0.0.1', '::1', '192.168.1.5', 'fd00::5', 'fe80::5%eth0'],
    resolve: async (name) => names[name] ?? Promise.reject(new Error('ENOTFOUND')),
  })
  return (host: string, port = 554, signal = never) => refusal(host, port, signal)
}

describe('addresses of streams', () => {
  for (const address of [
    '0.0.0.0',
    '0.1.2.3',
    '224.0.0.1',
    '239.255.0.1',
    '255.255.255.255',
    '169.254.169.254',
    '::',
    'ff02::1',
    '::ffff:169.254.169.254',
    'fd00:ec2::254',
    'fd20:ce::254',
    '169.254.170.2',
    '169.254.170.23',
    '100.100.100.200',
    '192.0.0.192',
    '::a9fe:a9fe',
    '::ffff:0:169.254.169.254',
    '64:ff9b::a9fe:a9fe',
    '64:ff9b::169.254.170.2',
    '64:ff9b:1::a9fe:a9fe',
    '2002:a9fe:a9fe::1',
    '64:ff9b::e000:1',
    '::ffff:0.0.0.0',
  ]) {
    it(`refuses ${address}, which no camera can have`, async () => {
      expect(await check()(address)).to.contain('unspecified, multicast, broadcast or metadata')
    })
  }

  for (const host of [
    '127.0.0.1',
    '127.9.9.9',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:c0a8:105',
    '::c0a8:105',
    '64:ff9b::c0a8:105',
    '192.168.1.5',
    'fd00:0::5',
    'fe80::5',
    'localhost',
    'LOCALHOST.',
    'a.localhost',
  ]) {
    it(`refuses ${host} at our own ports only`, async () => {
      const refusal = check()
      expect(await refusal(host, 8554)).to.equal('must not lead back to this service')
      expect(await refusal(host, 8002)).to.equal('must not lead back to this service')
      expect(await refusal(host, 9554)).to.equal(undefined)
    })
  }

  it('allows our port numbers at other addresses', async () => {
    expect(await check()('192.168.1.6', 8554)).to.equal(undefined)
    expect(await check()('169.254.1.1', 8554)).to.equal(undefined)
    expect(await check()('64:ff9b::a00:9', 8554)).to.equal(undefined)
    expect(await check()('2001:db8::a9fe:a9fe', 8554), 'ends like it').to.equal(undefined)
  })

  it('checks every address that a name resolves to', async () => {
    const refusal = check(undefined, {
      me: ['10.0.0.1', '192.168.1.5'],
      camera: ['10.0.0.9'],
      meta: ['169.254.169.254'],
    })
    expect(await refusal('me', 8554)).to.contain('back to this service')
    expect(await refusal('camera', 8554)).to.equal(undefined)
    expect(await refusal('meta')).to.contain('metadata')
    expect(await refusal('nowhere', 8554), 'not to be resolved').to.equal(undefined)
  })

  it('refuses the media server on another host, and our public name', async () => {
    const places = [
      { host: 'media.example', ports: [554] },
      { host: 'public.example', ports: [8554] },
    ]
    const refusal = check(places, { 'media.example': ['10.0.0.7'] })
    expect(await refusal('10.0.0.7', 554)).to.contain('back to this service')
    expect(await refusal('10.0.0.7', 8554)).to.equal(undefined)
    expect(await refusal('Public.Example.', 8554), 'by name alone').to.contain('back to this service')
  })

  it('stops waiting for the resolver on abort', async () => {
    const { refusal } = createAddressCheck({ places: () => [], resolve: () => new Promise(() => {}) })
    const ended = new AbortController()
    const asked = refusal('slow', 554, ended.signal)
    ended.abort()
    expect(await asked).to.equal(undefined)
  })

  describe('the resolution of names', () => {
    const failing = (code: string) => async () => Promise.reject(Object.assign(new Error(code), { code }))
    const ask = (host: string, resolve: (name: string) => Promise<string[]>, signal = never) =>
      createAddressCheck({ places: () => [], resolve }).unresolved(host, signal)

    it('needs no lookup for an address', async () => {
      for (const host of ['192.0.2.7', '::1', '[2001:db8::7]'])
        expect(await ask(host, failing('ENOTFOUND')), host).to.equal(undefined)
    })

    it('is left to the resolver of the system, also for localhost and mDNS', async () => {
      const asked: string[] = []
      const resolve = async (name: string) => {
        asked.push(name)
        return ['192.0.2.7']
      }
      for (const host of ['localhost', 'door.local', 'camera.example.'])
        expect(await ask(host, resolve), host).to.equal(undefined)
      expect(asked).to.deep.equal(['localhost', 'door.local', 'camera.example.'])
    })

    it('names a host that is not known, and says what to do', async () => {
      for (const resolve of [failing('ENOTFOUND'), failing('ENODATA'), async () => []]) {
        const reason = await ask('door.example', resolve)
        expect(reason).to.deep.equal({
          code: 'name_unknown',
          details: 'the name door.example is not known: check its spelling, or use the address of the camera',
        })
      }
    })

    it('says so if the resolver fails, or does not answer in time', async () => {
      const expected = {
        code: 'name_unanswered',
        details:
          'the name door.example could not be looked up: check the DNS of this host, or use the address of the camera',
      }
      expect(await ask('door.example', failing('EAI_AGAIN'))).to.deep.equal(expected)
      const ended = new AbortController()
      const asked = ask('door.example', () => new Promise(() => {}), ended.signal)
      ended.abort(new Error('no answer within 3 s'))
      expect(await asked).to.deep.equal(expected)
    })
  })

  it('uses the addresses of this host by default', async () => {
    expect(
      await createAddressCheck({ places: () => [{ ports: [1234] }] }).refusal('localhost', 1234, never),
    ).to.contain('back to this service')
  })
})
