import type { World } from '../../test/rpc/fakes.js'

/** One call of a method, which is run against a server with fakes at its ports. */
export interface Sample {
  /** As a function: gets the id of another client's session. */
  params?: Record<string, unknown> | ((other: string) => Record<string, unknown>)
  /** The params on the page, if they differ. */
  shown?: Record<string, unknown>
  /** Runs before the call. */
  before?: (world: World) => unknown
  /** Shortens a long result for the page. */
  cut?: (result: Record<string, unknown>) => unknown
}

const camera = { device: 'camera0' }
const recording = { filename: 'camera0_2025-06-01_11-00-00-000000.mp4' }
const snapshot = { filename: 'camera0_2025-06-01_11-30-00-000' }
const drone = { stream_url: 'rtsp://192.168.42.10:5554/subject' }
const key = async (world: World) => world.options().keys.create({ user: 'dashboard', role: 'viewer' })

/** By the name of the method. A test fails if one is missing. */
export const samples: Record<string, Sample> = {
  ping: {},
  authenticate: {
    params: { auth_token: 'operator/ann' },
    shown: { auth_token: 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9…' },
  },
  redeem_sign_in: {
    params: { code: 'good' },
    shown: { code: 'Zk3pQ0y8…' },
  },
  get_camera_list: {},
  get_camera_status: { params: camera },
  get_camera_capabilities: { params: camera },
  set_camera: { params: { ...camera, name: 'Front Door' } },
  take_snapshot: { params: { ...camera, filename: 'door', quality: 80 } },
  start_recording: { params: { ...camera, duration: 60, format: 'mp4' } },
  stop_recording: { params: camera },
  list_recordings: { params: { limit: 10 } },
  list_snapshots: { params: { limit: 10, offset: 0 } },
  get_recording_info: { params: recording },
  get_snapshot_info: { params: snapshot },
  delete_recording: { params: recording },
  delete_snapshot: { params: snapshot },
  protect_recording: { params: { ...recording, protected: true } },
  start_streaming: { params: camera },
  stop_streaming: { params: camera },
  get_stream_url: { params: camera },
  get_stream_status: { params: camera },
  get_streams: {},
  subscribe_events: {
    params: { topics: ['camera.connected', 'recording.start'], filters: { device: 'camera0' } },
    before: (world) => world.tell({ type: 'camera.connected', camera: 'camera0', name: 'Front door' }),
  },
  unsubscribe_events: { params: { topics: ['recording.start'] } },
  get_subscription_stats: {},
  discover_external_streams: { params: { skydio_enabled: true } },
  add_external_stream: { params: { stream_url: 'rtsp://192.168.1.20:554/stream', stream_name: 'Gate' } },
  remove_external_stream: { params: drone },
  get_external_streams: {},
  set_discovery_interval: { params: { scan_interval: 300 } },
  get_actors: {},
  get_status: {},
  get_system_health: {},
  get_system_status: {},
  get_server_info: {},
  get_storage_info: {},
  get_metrics: {},
  set_retention_policy: { params: { policy_type: 'age', max_age_days: 30, enabled: true } },
  cleanup_old_files: { params: { dry_run: true } },
  list_sessions: {},
  end_session: { params: (session_id) => ({ session_id }) },
  create_api_key: { params: { user: 'dashboard', role: 'viewer', cameras: ['camera0'] } },
  list_api_keys: { before: key },
  rotate_api_key: { params: { id: 'key1' }, before: key },
  revoke_api_key: { params: { id: 'key1' }, before: key },
  revoke_token: { params: { jti: '0f8a61c2-7d1e-4c39-9a55-3d1f6f2b7c10' } },
  get_audit_log: { params: { limit: 2 } },
  get_history: { params: { device: 'camera1', limit: 10 } },
  explain: { params: { device: 'camera1' } },
  get_support_bundle: {
    cut: () => ({ filename: 'camera-service_2025-06-01T12-00-00.jsonl.gz', bytes: 48_211, content: 'H4sIAAAA…' }),
  },
  set_log_level: { params: { level: 'debug', module: 'media_server' } },
  get_config: {},
  set_config: { params: { patch: { logging: { level: 'debug' } } } },
  get_config_history: { params: { limit: 10 } },
  rollback_config: { params: { version: 1 } },
  simulate: { params: { ...camera, action: 'unplug' } },
  'rpc.discover': {
    cut: ({ openrpc, info }) => ({ openrpc, info, methods: ['…'], components: '…', 'x-notifications': ['…'] }),
  },
}
