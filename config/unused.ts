/**
 * Keys of earlier services that have no meaning here. A configuration with them still loads, with a warning.
 * `*` stands for all keys below. The value is the advice in the warning, mostly the replacement.
 */
const advised: Record<string, string> = {
  'server.read_timeout': 'use server.pong_wait',
  'server.write_timeout': 'use server.max_send_buffer',
  'mediamtx.base_url': 'use mediamtx.host and mediamtx.api_port',
  'mediamtx.health_check_url': 'use mediamtx.host and mediamtx.api_port',
  'mediamtx.recordings_path': 'recordings are in data_dir',
  'mediamtx.snapshots_path': 'snapshots are in data_dir',
  'mediamtx.record_part_duration': 'use recording.part_duration',
  'mediamtx.record_segment_duration': 'use recording.segment_duration',
  'mediamtx.health_failure_threshold': 'use mediamtx.circuit_breaker.failure_threshold',
  'mediamtx.health_circuit_breaker_timeout': 'use mediamtx.circuit_breaker.recovery_timeout',
  'mediamtx.process_kill_timeout': 'use mediamtx.process_termination_timeout',
  'mediamtx.circuit_breaker.max_failures': 'use mediamtx.circuit_breaker.failure_threshold',
  'mediamtx.stream_readiness.*': 'use mediamtx.run_on_demand_start_timeout',
  'mediamtx.external_discovery.*': 'use external_discovery',
  'external_discovery.timeout': 'use external_discovery.host_timeout',
  'camera.device_range': 'all USB cameras are found; use cameras to ignore one',
  'camera.auto_start_streams': 'streams start on demand',
  'camera.fallback_poll_interval': 'use camera.poll_interval',
  'logging.file_enabled': 'use logging.dir',
  'logging.file_path': 'use logging.dir',
  'logging.backup_count': 'use logging.max_files',
  'recording.quality': 'use mediamtx.codec',
  'recording.max_segment_size': 'use recording.segment_duration',
  'recording.auto_cleanup': 'use retention_policy.enabled',
  'recording.cleanup_interval': 'use retention_policy.check_interval',
  'recording.max_age': 'use retention_policy.max_age_days',
  'recording.max_size': 'use retention_policy.max_size_gb',
  'recording.default_rotation_size': 'use recording.segment_duration',
  'recording.default_retention_days': 'use retention_policy.max_age_days',
  'recording.record_format': 'use recording.format',
  'snapshots.auto_cleanup': 'use retention_policy.enabled',
  'snapshots.cleanup_interval': 'use retention_policy.check_interval',
  'snapshots.max_age': 'use retention_policy.max_age_days',
  'storage.default_path': 'use data_dir',
  'retention_policy.auto_cleanup': 'use retention_policy.enabled',
  'api_key_management.storage_path': 'keys are in data_dir',
  'api_key_management.encryption_key': 'only hashes of keys are kept',
  'api_key_management.max_keys_per_role': 'use api_key_management.max_keys',
  health_port: 'use http_health.port',
  enable_hot_reload: 'the file is always watched',
}

/** The same, without advice. */
const dropped = `
  server.read_buffer_size server.write_buffer_size server.client_cleanup_timeout
  mediamtx.config_path mediamtx.override_mediamtx_paths mediamtx.record_delete_after mediamtx.retry_attempts
  mediamtx.retry_delay mediamtx.health_max_backoff_interval mediamtx.health_recovery_confirmation_threshold
  mediamtx.backoff_base_multiplier mediamtx.backoff_jitter_range mediamtx.connection_pool.*
  mediamtx.health_monitor_defaults.* mediamtx.rtsp_monitoring.*
  camera.enable_capability_detection camera.capability_retry_interval camera.capability_max_retries
  camera.discovery_mode camera.max_event_handler_goroutines camera.event_handler_timeout
  logging.console_enabled
  recording.enabled recording.default_max_duration recording.file_name_pattern recording.use_device_subdirs
  recording.default_page_size recording.max_page_size recording.max_restart_count recording.process_timeout
  snapshots.enabled snapshots.max_width snapshots.max_height snapshots.max_count snapshots.file_name_pattern
  snapshots.use_device_subdirs
  ffmpeg.* notifications.* performance.* server_defaults.* validation.*
  security.cors_methods security.cors_headers security.cors_credentials
  http_health.read_timeout http_health.write_timeout http_health.idle_timeout http_health.basic_endpoint
  http_health.detailed_endpoint http_health.ready_endpoint http_health.live_endpoint
  http_health.response_format http_health.include_version http_health.include_uptime
  http_health.include_components http_health.max_response_time
  api_key_management.backup_enabled api_key_management.backup_path api_key_management.backup_interval
  api_key_management.key_length api_key_management.key_prefix api_key_management.key_format
  api_key_management.rotation_enabled api_key_management.rotation_interval api_key_management.audit_logging
  api_key_management.usage_tracking api_key_management.cli_enabled api_key_management.admin_interface
  api_key_management.admin_port
`
  .trim()
  .split(/\s+/)

const hints = new Map([...Object.entries(advised), ...dropped.map((key) => [key, ''] as const)])

/** The unused keys, for the documentation. */
export const unusedKeys = [...hints.keys()].sort()

/** The replacement for an unused key, which may be empty; `undefined` for other keys. */
export const unusedHint = (key: string) => find(key, '.', (pattern) => pattern)

/** The same for the name of an environment variable without its prefix. */
export const unusedVariableHint = (name: string) =>
  find(name, '_', (pattern) => pattern.toUpperCase().replaceAll('.', '_'))

function find(name: string, separator: string, written: (pattern: string) => string): string | undefined {
  for (const [key, hint] of hints) {
    const pattern = written(key)
    const group = pattern.endsWith('*') ? pattern.slice(0, -2) : undefined
    if (group === undefined ? name === pattern : name === group || name.startsWith(group + separator)) return hint
  }
  return undefined
}
