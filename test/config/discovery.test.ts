import { expect } from 'chai'
import { ConfigurationError, loadConfiguration } from '../../config/load.js'

const prefix = 'CAMERA_SERVICE_EXTERNAL_DISCOVERY_'
const load = (values: Record<string, string>) =>
  loadConfiguration({ env: Object.fromEntries(Object.entries(values).map(([name, value]) => [prefix + name, value])) })
    .config.external_discovery

const fault = (values: Record<string, string>): string => {
  try {
    load(values)
  } catch (error) {
    if (error instanceof ConfigurationError) return error.message
    throw error
  }
  return 'none'
}

describe('configuration of external discovery', () => {
  it('is disabled by default', () => {
    const { enabled, scan_interval, skydio, generic_uav } = load({})
    expect([enabled, scan_interval, skydio.enabled, generic_uav.enabled]).to.deep.equal([false, 30_000, false, false])
    expect(skydio).to.deep.include({
      network_ranges: ['192.168.42.0/24'],
      known_ips: ['192.168.42.10'],
      eo_port: 5554,
      ir_port: 6554,
    })
    expect(generic_uav).to.deep.include({
      network_ranges: [],
      known_ips: [],
      common_ports: [554, 8554],
      stream_paths: ['/stream', '/live', '/video'],
    })
  })

  it('reads lists', () => {
    const { generic_uav } = load({
      GENERIC_UAV_NETWORK_RANGES: '10.0.0.0/24, 10.0.1.5/32',
      GENERIC_UAV_KNOWN_IPS: 'fd00::1,10.0.0.9',
      GENERIC_UAV_COMMON_PORTS: '554,322',
      GENERIC_UAV_STREAM_PATHS: '/a?b=1',
    })
    expect(generic_uav).to.deep.include({
      network_ranges: ['10.0.0.0/24', '10.0.1.5/32'],
      known_ips: ['fd00::1', '10.0.0.9'],
      common_ports: [554, 322],
      stream_paths: ['/a?b=1'],
    })
  })

  for (const [name, value, words] of [
    ['GENERIC_UAV_NETWORK_RANGES', '10.0.0.0/15', 'from /16 to /32'],
    ['GENERIC_UAV_NETWORK_RANGES', '10.0.0.0', 'IPv4 range'],
    ['GENERIC_UAV_NETWORK_RANGES', '10.0.0/24', 'IPv4 range'],
    ['GENERIC_UAV_KNOWN_IPS', 'camera.example', 'an IP address'],
    ['GENERIC_UAV_COMMON_PORTS', '554,0', '1 to 65535'],
    ['GENERIC_UAV_COMMON_PORTS', Array.from({ length: 17 }, (_, i) => i + 1).join(), 'at most 16 items'],
    ['GENERIC_UAV_STREAM_PATHS', 'live', 'a path'],
    ['SKYDIO_EO_STREAM_PATH', '/a@b', 'a path'],
    ['MAX_CONCURRENT_SCANS', '0', '1 to 256'],
  ] as const) {
    it(`refuses ${name} = ${value.slice(0, 20)}`, () => {
      expect(fault({ [name]: value }))
        .to.contain(words)
        .and.to.contain(prefix + name)
    })
  }

  it('limits the number of addresses over all ranges', () => {
    const range = (n: number) => ({ GENERIC_UAV_NETWORK_RANGES: `10.0.0.0/17,10.1.0.0/${n}` })
    expect(fault({ ...range(18), SKYDIO_NETWORK_RANGES: '10.2.0.0/18' })).to.equal('none')
    expect(fault({ ...range(18), SKYDIO_NETWORK_RANGES: '10.2.0.0/18,10.3.0.0/32' }))
      .to.contain('external_discovery.generic_uav.network_ranges = 65537 addresses')
      .and.to.contain('at most 65536')
  })
})
