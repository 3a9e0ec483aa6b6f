import { expect } from 'chai'
import { ConfigurationError, loadConfiguration } from '../../config/load.js'

const load = (settings: Record<string, string>) =>
  loadConfiguration({
    env: Object.fromEntries(Object.entries(settings).map(([key, value]) => [`CAMERA_SERVICE_${key}`, value])),
  }).config
const faultsOf = (settings: Record<string, string>): string[] => {
  try {
    load(settings)
    return []
  } catch (error) {
    if (error instanceof ConfigurationError) return error.faults.map(({ key, rule }) => `${key}: ${rule}`)
    throw error
  }
}
const mutual = {
  SERVER_TLS_CERT_FILE: 'a.pem',
  SERVER_TLS_KEY_FILE: 'a.key',
  SERVER_TLS_CLIENT_CA_FILE: 'ca.pem',
  SERVER_TLS_CLIENT_CERTIFICATE: 'optional',
}
const print = 'ab'.repeat(32)

describe('configuration of the server', () => {
  it('identifies clients by common name, or by fingerprint in any notation', () => {
    const clients = `[
      {subject: gate, user: g, role: operator, cameras: [camera0, camera1*]},
      {subject: ${print}, user: h, role: viewer}
    ]`
    expect(load({ ...mutual, SERVER_TLS_CLIENTS: clients }).server.tls.clients).to.deep.equal([
      { subject: 'gate', user: 'g', role: 'operator', cameras: ['camera0', 'camera1*'] },
      { subject: Array(32).fill('AB').join(':'), user: 'h', role: 'viewer' },
    ])
  })

  it('lists the faults of a client', () => {
    const faults = (clients: string) => faultsOf({ ...mutual, SERVER_TLS_CLIENTS: clients })
    expect(faults('gate')).to.deep.equal(['server.tls.clients: must be a list of clients'])
    expect(faults('[{subject: gate, role: boss}]')).to.deep.equal([
      'server.tls.clients[0].role: must be one of viewer, operator, admin',
      'server.tls.clients[0]: has no user',
    ])
    expect(faults('[{subject: gate, user: g, role: viewer, cameras: [/dev/video0]}]')).to.deep.equal([
      'server.tls.clients[0].cameras[0]: must be a camera id in which * stands for any characters (camera0, camera1*)',
    ])
    const twins = [print.toUpperCase(), print].map((subject) => `{subject: ${subject}, user: g, role: viewer}`).join()
    expect(faults(`[${twins}]`)).to.deep.equal([
      'server.tls.clients[1].subject: must be unique: another client has the same subject',
    ])
  })

  it('requires the keys of TLS together', () => {
    expect(faultsOf({ SERVER_TLS_CERT_FILE: 'a.pem' })).to.deep.equal([
      'server.tls.cert_file: server.tls.cert_file needs server.tls.key_file',
    ])
    expect(faultsOf({ SERVER_TLS_CLIENT_CERTIFICATE: 'required' })).to.deep.equal([
      'server.tls.client_certificate: ' +
        'server.tls.client_certificate (required) needs server.tls.cert_file and server.tls.client_ca_file',
    ])
    expect(faultsOf({ SERVER_TLS_CLIENTS: '[{subject: gate, user: g, role: viewer}]' })).to.deep.equal([
      'server.tls.clients: server.tls.clients needs server.tls.client_certificate: ' +
        'without it no client sends a certificate',
    ])
  })

  it('accepts only addresses and networks in allowed_ips', () => {
    expect(
      load({ SERVER_ALLOWED_IPS: '192.168.1.0/24, fd00::/8,127.0.0.1', SERVER_ALSO_LISTEN: '::1' }).server,
    ).to.deep.include({
      allowed_ips: ['192.168.1.0/24', 'fd00::/8', '127.0.0.1'],
      also_listen: ['::1'],
    })
    for (const wrong of [
      '192.168.1.0/33',
      '192.168.1',
      'fd00::/129',
      '::ffff:10.0.0.0/104',
      'fe80::1%eth0',
      '10.0.0.0/',
      '10.0.0.0/8/8',
      'localhost',
    ]) {
      expect(faultsOf({ SERVER_ALLOWED_IPS: wrong }), wrong).to.have.length(1)
    }
  })
})
