/** Generated from rpc/methods by docs/generate/contract.ts (`make docs`). Change the methods, not this file. API 1.1. */

export type Severity = 'info' | 'warning' | 'error' | 'critical'

export interface Camera {
  device: string
  id: string
  status: 'CONNECTED' | 'DISCONNECTED' | 'ERROR'
  name: string
  resolution?: string
  fps?: number
  streams: {
    rtsp?: string
    hls?: string
    webrtc?: string
  }
  kind: 'usb' | 'rtsp' | 'virtual'
  /** The camera's own state, finer than status */
  state: string
  since: string
  /** Why the state is not the plain good one */
  reason?: string
  identity: {
    basis: 'serial' | 'port' | 'model' | 'name'
    confidence: 'high' | 'medium' | 'low'
    /** Another camera reports the same serial: both go by their port */
    ambiguous: boolean
  }
  identity_confidence: 'high' | 'medium' | 'low'
  identity_ambiguous: boolean
  connected_at?: string
  pipeline?: {
    kind: 'copy' | 'encode' | 'pull'
    reason: string
    source_format: string
    profile?: string
    level?: string
  }
  stream_state: 'INACTIVE' | 'STARTING' | 'ACTIVE' | 'ERROR'
  recording?: {
    status: 'STARTING' | 'RECORDING' | 'INTERRUPTED' | 'STOPPING' | 'STOPPED' | 'FAILED'
    /** Why it is interrupted, or ends */
    reason?: string
    growing: boolean
    format: 'fmp4' | 'mp4' | 'mkv'
    filename?: string
    files: string[]
    start_time?: string
  }
  allowed_methods: string[]
}

export interface Status {
  status: 'HEALTHY' | 'DEGRADED' | 'UNHEALTHY'
  /** Seconds */
  uptime: number
  version: string
  components: {
    websocket_server: 'RUNNING' | 'STOPPED' | 'ERROR' | 'STARTING' | 'STOPPING'
    camera_monitor: 'RUNNING' | 'STOPPED' | 'ERROR' | 'STARTING' | 'STOPPING'
    mediamtx: 'RUNNING' | 'STOPPED' | 'ERROR' | 'STARTING' | 'STOPPING'
  }
  /** The state of each part, since when, and why */
  reasons: {
    camera_monitor: {
      state: string
      since: string
      reason?: string
    }
    mediamtx: {
      state: string
      since: string
      reason?: string
    }
    storage: {
      state: string
      since: string
      reason?: string
    }
  }
}

/** The params and result of each method. */
export interface Methods {
  /** Answers "pong". Role: none needed. */
  ping: { params: Record<string, never>; result: 'pong' }
  /** Says by a token or an API key who speaks on this connection; a refused one changes nothing. Role: none needed. */
  authenticate: {
    params: {
      /** JWT or API key */
      auth_token: string
    }
    result: {
      authenticated: true
      role: 'viewer' | 'operator' | 'admin'
      permissions: ('view' | 'control' | 'admin')[]
      expires_at: string
      session_id: string
    }
  }
  /** Lists the cameras by number, unplugged ones included. Role: viewer. */
  get_camera_list: {
    params: Record<string, never>
    result: {
      cameras: Camera[]
      total: number
      connected: number
    }
  }
  /** Tells all of one camera: its state and the reason, its stream, what it may be asked now. Role: viewer. */
  get_camera_status: {
    params: {
      /** Camera id, as in camera0 */
      device: string
    }
    result: {
      device: string
      id: string
      status: 'CONNECTED' | 'DISCONNECTED' | 'ERROR'
      name: string
      resolution?: string
      fps?: number
      streams: {
        rtsp?: string
        hls?: string
        webrtc?: string
      }
      kind: 'usb' | 'rtsp' | 'virtual'
      /** The camera's own state, finer than status */
      state: string
      since: string
      /** Why the state is not the plain good one */
      reason?: string
      identity: {
        basis: 'serial' | 'port' | 'model' | 'name'
        confidence: 'high' | 'medium' | 'low'
        /** Another camera reports the same serial: both go by their port */
        ambiguous: boolean
      }
      identity_confidence: 'high' | 'medium' | 'low'
      identity_ambiguous: boolean
      connected_at?: string
      pipeline?: {
        kind: 'copy' | 'encode' | 'pull'
        reason: string
        source_format: string
        profile?: string
        level?: string
      }
      stream_state: 'INACTIVE' | 'STARTING' | 'ACTIVE' | 'ERROR'
      recording?: {
        status: 'STARTING' | 'RECORDING' | 'INTERRUPTED' | 'STOPPING' | 'STOPPED' | 'FAILED'
        /** Why it is interrupted, or ends */
        reason?: string
        growing: boolean
        format: 'fmp4' | 'mp4' | 'mkv'
        filename?: string
        files: string[]
        start_time?: string
      }
      allowed_methods: string[]
      /** Absent while the media server cannot be asked; uptime in seconds */
      metrics?: {
        bytes_sent: number
        readers: number
        uptime: number
      }
      capabilities?: {
        formats: string[]
        resolutions: string[]
      }
    }
  }
  /** Tells the formats, sizes and frame rates that a camera offers. Role: viewer. */
  get_camera_capabilities: {
    params: {
      /** Camera id, as in camera0 */
      device: string
    }
    result: {
      device: string
      formats: string[]
      resolutions: string[]
      fps_options: number[]
      frame_rates: string[]
      validation_status: 'NONE' | 'DISCONNECTED' | 'CONFIRMED'
      /** Which sizes and rates go together */
      modes: {
        format: string
        description: string
        resolution: string
        fps: number[]
      }[]
    }
  }
  /** Takes a picture by the quickest way that works, and tells which way that was. Role: operator. */
  take_snapshot: {
    params: {
      /** Camera id, as in camera0 */
      device: string
      /** Printable characters but `/ \ < > : " | ? *`; no `..`, no dot, dash or space at its beginning, no dot or space at its end */
      filename?: string
      format?: 'jpg' | 'jpeg' | 'png'
      /** 0: the configured quality */
      quality?: number
      width?: number
      height?: number
      /** Seconds that the picture may be old; 0: taken after the request */
      max_age?: number
    }
    result: {
      device: string
      filename: string
      status: 'SUCCESS' | 'FAILED'
      timestamp: string
      file_size: number
      file_path: string
      download_url: string
      tier: number
      captured_at: string
      age_ms: number
      width: number
      height: number
      passed_over: {
        tier: number
        reason: string
      }[]
    }
  }
  /** Records a camera; answers when the file grows. Role: operator. */
  start_recording: {
    params: {
      /** Camera id, as in camera0 */
      device: string
      /** Seconds from the first frame; absent: until stop_recording */
      duration?: number
      format?: 'fmp4' | 'mp4' | 'mkv'
    }
    result: {
      device: string
      filename: string
      status: 'RECORDING' | 'STARTING' | 'STOPPING' | 'PAUSED' | 'ERROR' | 'FAILED'
      start_time: string
      format: 'fmp4' | 'mp4' | 'mkv'
      files: string[]
      duration?: number
    }
  }
  /** Ends the recording of a camera; answers when its files are final. Role: operator. */
  stop_recording: {
    params: {
      /** Camera id, as in camera0 */
      device: string
    }
    result: {
      device: string
      filename: string
      status: 'STOPPED' | 'STARTING' | 'STOPPING' | 'PAUSED' | 'ERROR' | 'FAILED'
      start_time: string
      end_time: string
      /** Whole seconds of media in all files */
      duration: number
      duration_ms: number
      file_size: number
      format: 'fmp4' | 'mp4' | 'mkv'
      files: string[]
      reason: string
    }
  }
  /** Lists the recordings, newest first. Role: viewer. */
  list_recordings: {
    params: {
      limit?: number
      offset?: number
    }
    result: {
      files: {
        filename: string
        file_size: number
        modified_time: string
        created_time: string
        download_url: string
        device: string
        format: string
        /** Seconds */
        duration?: number
      }[]
      total: number
      limit: number
      offset: number
    }
  }
  /** Lists the snapshots, newest first. Role: viewer. */
  list_snapshots: {
    params: {
      limit?: number
      offset?: number
    }
    result: {
      files: {
        filename: string
        file_size: number
        modified_time: string
        created_time: string
        download_url: string
        device: string
        format: string
        /** Seconds */
        duration?: number
      }[]
      total: number
      limit: number
      offset: number
    }
  }
  /** Tells all of one recording; its name may lack the extension. Role: viewer. */
  get_recording_info: {
    params: {
      /** Printable characters but `/ \ < > : " | ? *`; no `..`, no dot, dash or space at its beginning, no dot or space at its end */
      filename: string
    }
    result: {
      filename: string
      file_size: number
      duration: number
      duration_ms: number
      created_time: string
      modified_time: string
      download_url: string
      device: string
      format: string
      /** False: still growing, or cut off */
      complete: boolean
    }
  }
  /** Tells all of one snapshot; its name may lack the extension. Role: viewer. */
  get_snapshot_info: {
    params: {
      /** Printable characters but `/ \ < > : " | ? *`; no `..`, no dot, dash or space at its beginning, no dot or space at its end */
      filename: string
    }
    result: {
      filename: string
      file_size: number
      created_time: string
      modified_time: string
      download_url: string
      device: string
      format: string
    }
  }
  /** Deletes one recording; one that is still being written is refused. Role: admin. */
  delete_recording: {
    params: {
      /** Printable characters but `/ \ < > : " | ? *`; no `..`, no dot, dash or space at its beginning, no dot or space at its end */
      filename: string
    }
    result: {
      filename: string
      deleted: boolean
      message: string
    }
  }
  /** Deletes one snapshot. Role: admin. */
  delete_snapshot: {
    params: {
      /** Printable characters but `/ \ < > : " | ? *`; no `..`, no dot, dash or space at its beginning, no dot or space at its end */
      filename: string
    }
    result: {
      filename: string
      deleted: boolean
      message: string
    }
  }
  /** Starts the stream of a camera and holds it for this connection. Role: operator. */
  start_streaming: {
    params: {
      /** Camera id, as in camera0 */
      device: string
    }
    result: {
      device: string
      stream_name: string
      stream_url: string
      status: 'STARTED' | 'FAILED'
      start_time: string
      /** As in "300s"; "0s": held until stop_streaming or the end of the connection */
      auto_close_after: string
      ffmpeg_command: string
    }
  }
  /** Lets go of a stream that this connection holds; other users and recordings keep it. Role: operator. */
  stop_streaming: {
    params: {
      /** Camera id, as in camera0 */
      device: string
    }
    result: {
      device: string
      stream_name: string
      status: 'STOPPED' | 'FAILED'
      start_time: string
      end_time: string
      duration: number
      stream_continues: boolean
      message?: string
    }
  }
  /** Tells where a camera can be watched, by URLs that open it for a time; opening one wakes the stream. Role: viewer. */
  get_stream_url: {
    params: {
      /** Camera id, as in camera0 */
      device: string
      /** Seconds that the URLs are to be good for; never longer than security.stream_url_life or the credential of the caller */
      expires_in?: number
    }
    result: {
      device: string
      stream_name: string
      stream_url: string
      /** The URL can be opened now */
      available: boolean
      active_consumers: number
      stream_status: 'READY' | 'NOT_READY' | 'ERROR'
      streams: {
        rtsp: string
        hls?: string
        webrtc?: string
      }
      /** A picture of now by HTTP, relative to the address of the API */
      snapshot_url: string
      /** From then on the URLs open nothing, and who watches by them is cut; absent: never */
      expires_at?: string
      reason?: string
    }
  }
  /** Tells how the stream of a camera runs: process, path, readers, frames. Role: viewer. */
  get_stream_status: {
    params: {
      /** Camera id, as in camera0 */
      device: string
    }
    result: {
      device: string
      stream_name: string
      status: 'ACTIVE' | 'INACTIVE' | 'ERROR' | 'STARTING' | 'STOPPING'
      ready: boolean
      ffmpeg_process: {
        running: boolean
        pid: number
        uptime: number
      }
      mediamtx_path: {
        exists: boolean
        ready: boolean
        readers: number
      }
      metrics: {
        bytes_sent: number
        frames_sent: number
        bitrate: number
        fps: number
      }
      start_time: string
      /** Connections that hold it by start_streaming */
      holders: number
      reason?: string
    }
  }
  /** Lists the streams of our cameras as the media server sees them. Role: viewer. */
  get_streams: {
    params: Record<string, never>
    result: {
      name: string
      source: string
      ready: boolean
      readers: number
      bytes_sent: number
    }[]
  }
  /** Adds topics to what this connection is told of; answers how things are, or tells again what it missed. Role: viewer. */
  subscribe_events: {
    params: {
      /** Names as listed under Notifications */
      topics: (
        | 'camera.connected'
        | 'camera.disconnected'
        | 'camera.status_change'
        | 'camera.capability_detected'
        | 'camera.capability_error'
        | 'recording.start'
        | 'recording.stop'
        | 'recording.progress'
        | 'recording.error'
        | 'recording.deleted'
        | 'snapshot.taken'
        | 'snapshot.error'
        | 'snapshot.deleted'
        | 'storage.cleanup'
        | 'discovery.started'
        | 'discovery.progress'
        | 'discovery.found'
        | 'discovery.completed'
        | 'system.health'
        | 'system.error'
        | 'system.startup'
        | 'system.shutdown'
        | 'mediamtx.stream'
        | 'mediamtx.path'
        | 'mediamtx.error'
        | 'mediamtx.recording_started'
        | 'mediamtx.recording_stopped'
        | 'mediamtx.recording_failed'
        | 'mediamtx.stream_started'
        | 'mediamtx.stream_stopped'
        | 'camera_status_update'
        | 'recording_status_update'
        | 'system_health_update'
      )[]
      filters?: {
        /** A camera id or a list of them */
        device?: string | string[]
        /** The least that is told */
        severity?: 'info' | 'warning' | 'error' | 'critical'
      } | null
      /** Number of the last fact that the client knows: later ones are told again */
      since?: number
      /** The `epoch` that goes with `since` */
      epoch?: string
    }
    result: {
      subscribed: boolean
      topics: string[]
      filters?: {
        /** A camera id or a list of them */
        device?: string | string[]
        /** The least that is told */
        severity?: 'info' | 'warning' | 'error' | 'critical'
      }
      /** Number of the newest fact: `state` is true up to it, what follows has higher ones */
      seq: number
      /** Names this life of the service: numbers of another one mean nothing */
      epoch: string
      /** Notifications as they would tell the present state; none when resumed */
      state: {
        method:
          | 'camera.connected'
          | 'camera.disconnected'
          | 'camera.status_change'
          | 'camera.capability_detected'
          | 'camera.capability_error'
          | 'recording.start'
          | 'recording.stop'
          | 'recording.progress'
          | 'recording.error'
          | 'recording.deleted'
          | 'snapshot.taken'
          | 'snapshot.error'
          | 'snapshot.deleted'
          | 'storage.cleanup'
          | 'discovery.started'
          | 'discovery.progress'
          | 'discovery.found'
          | 'discovery.completed'
          | 'system.health'
          | 'system.error'
          | 'system.startup'
          | 'system.shutdown'
          | 'mediamtx.stream'
          | 'mediamtx.path'
          | 'mediamtx.error'
          | 'mediamtx.recording_started'
          | 'mediamtx.recording_stopped'
          | 'mediamtx.recording_failed'
          | 'mediamtx.stream_started'
          | 'mediamtx.stream_stopped'
          | 'camera_status_update'
          | 'recording_status_update'
          | 'system_health_update'
        params: {
          device?: string
          severity: 'info' | 'warning' | 'error' | 'critical'
          seq: number
          at: string
          timestamp: string
        }
      }[]
      /** With `since`: whether every fact after it is told again, right behind this reply */
      resumed?: boolean
      /** Why it was not resumed */
      reason?: 'buffer_exceeded' | 'other_epoch' | 'in_the_future'
    }
  }
  /** Takes topics away again; without topics, all of them. Role: viewer. */
  unsubscribe_events: {
    params: {
      topics?: string[]
    }
    result: {
      unsubscribed: boolean
      topics: string[]
    }
  }
  /** Tells how many connections have subscribed to what, and what this one has. Role: viewer. */
  get_subscription_stats: {
    params: Record<string, never>
    result: {
      global_stats: {
        total_subscriptions: number
        /** Connections that have subscribed to anything */
        active_clients: number
        /** Topic → connections */
        topic_counts: Record<string, number>
      }
      client_topics: string[]
      client_id: string
      /** Number of the newest fact */
      seq: number
      /** Names this life of the service: numbers of another one mean nothing */
      epoch: string
    }
  }
  /** Looks for RTSP streams on the addresses that the configuration allows; replies at the end of the scan. Role: operator. */
  discover_external_streams: {
    params: {
      skydio_enabled?: boolean
      generic_enabled?: boolean
      /** Asks every address again, also those that answered a moment ago */
      force_rescan?: boolean
      /** Lists streams that answered once and do not answer now, too */
      include_offline?: boolean
    }
    result: {
      discovered_streams: {
        /** Without credentials */
        url: string
        type: 'skydio_stanag4609' | 'generic_rtsp'
        name: string
        /** ERROR: the stream does not answer now */
        status: 'DISCOVERED' | 'ERROR'
        discovered_at: string
        last_seen: string
        capabilities: {
          protocol: 'rtsp' | 'rtsps'
          format: 'stanag4609' | 'rtsp'
          source: 'skydio_uav' | 'generic'
          stream_type: 'eo' | 'ir' | 'video'
          port: number
          stream_path: string
          /** Empty while unknown */
          codec: string
          metadata: {
            width?: number
            height?: number
          }
        }
        device?: string
        /** Why the status is ERROR */
        reason?: string
      }[]
      skydio_streams: {
        /** Without credentials */
        url: string
        type: 'skydio_stanag4609' | 'generic_rtsp'
        name: string
        /** ERROR: the stream does not answer now */
        status: 'DISCOVERED' | 'ERROR'
        discovered_at: string
        last_seen: string
        capabilities: {
          protocol: 'rtsp' | 'rtsps'
          format: 'stanag4609' | 'rtsp'
          source: 'skydio_uav' | 'generic'
          stream_type: 'eo' | 'ir' | 'video'
          port: number
          stream_path: string
          /** Empty while unknown */
          codec: string
          metadata: {
            width?: number
            height?: number
          }
        }
        device?: string
        /** Why the status is ERROR */
        reason?: string
      }[]
      generic_streams: {
        /** Without credentials */
        url: string
        type: 'skydio_stanag4609' | 'generic_rtsp'
        name: string
        /** ERROR: the stream does not answer now */
        status: 'DISCOVERED' | 'ERROR'
        discovered_at: string
        last_seen: string
        capabilities: {
          protocol: 'rtsp' | 'rtsps'
          format: 'stanag4609' | 'rtsp'
          source: 'skydio_uav' | 'generic'
          stream_type: 'eo' | 'ir' | 'video'
          port: number
          stream_path: string
          /** Empty while unknown */
          codec: string
          metadata: {
            width?: number
            height?: number
          }
        }
        device?: string
        /** Why the status is ERROR */
        reason?: string
      }[]
      scan_timestamp: string
      total_found: number
      discovery_options: {
        skydio_enabled: boolean
        generic_enabled: boolean
        /** Asks every address again, also those that answered a moment ago */
        force_rescan: boolean
        /** Lists streams that answered once and do not answer now, too */
        include_offline: boolean
      }
      /** As in 2.5s */
      scan_duration: string
      errors: string[]
    }
  }
  /** Adds an RTSP stream as a camera and keeps it over restarts; the same URL again returns the same camera. Role: operator. */
  add_external_stream: {
    params: {
      /** rtsp:// or rtsps://; replies never contain its user and password */
      stream_url: string
      /** Printable characters */
      stream_name: string
      stream_type?: 'skydio_stanag4609' | 'generic_rtsp'
    }
    result: {
      stream_url: string
      stream_name: string
      stream_type: 'skydio_stanag4609' | 'generic_rtsp'
      status: 'ADDED' | 'ERROR'
      timestamp: string
      device?: string
    }
  }
  /** Removes an added stream and its camera; recordings and snapshots stay. Role: operator. */
  remove_external_stream: {
    params: {
      /** rtsp:// or rtsps://; replies never contain its user and password */
      stream_url: string
    }
    result: {
      stream_url: string
      status: 'REMOVED' | 'ERROR'
      timestamp: string
    }
  }
  /** Lists the found and added RTSP streams; empty while external discovery is disabled. Role: viewer. */
  get_external_streams: {
    params: Record<string, never>
    result: {
      external_streams: {
        /** Without credentials */
        url: string
        type: 'skydio_stanag4609' | 'generic_rtsp'
        name: string
        /** ERROR: the stream does not answer now */
        status: 'DISCOVERED' | 'ERROR'
        discovered_at: string
        last_seen: string
        capabilities: {
          protocol: 'rtsp' | 'rtsps'
          format: 'stanag4609' | 'rtsp'
          source: 'skydio_uav' | 'generic'
          stream_type: 'eo' | 'ir' | 'video'
          port: number
          stream_path: string
          /** Empty while unknown */
          codec: string
          metadata: {
            width?: number
            height?: number
          }
        }
        device?: string
        /** Why the status is ERROR */
        reason?: string
      }[]
      skydio_streams: {
        /** Without credentials */
        url: string
        type: 'skydio_stanag4609' | 'generic_rtsp'
        name: string
        /** ERROR: the stream does not answer now */
        status: 'DISCOVERED' | 'ERROR'
        discovered_at: string
        last_seen: string
        capabilities: {
          protocol: 'rtsp' | 'rtsps'
          format: 'stanag4609' | 'rtsp'
          source: 'skydio_uav' | 'generic'
          stream_type: 'eo' | 'ir' | 'video'
          port: number
          stream_path: string
          /** Empty while unknown */
          codec: string
          metadata: {
            width?: number
            height?: number
          }
        }
        device?: string
        /** Why the status is ERROR */
        reason?: string
      }[]
      generic_streams: {
        /** Without credentials */
        url: string
        type: 'skydio_stanag4609' | 'generic_rtsp'
        name: string
        /** ERROR: the stream does not answer now */
        status: 'DISCOVERED' | 'ERROR'
        discovered_at: string
        last_seen: string
        capabilities: {
          protocol: 'rtsp' | 'rtsps'
          format: 'stanag4609' | 'rtsp'
          source: 'skydio_uav' | 'generic'
          stream_type: 'eo' | 'ir' | 'video'
          port: number
          stream_path: string
          /** Empty while unknown */
          codec: string
          metadata: {
            width?: number
            height?: number
          }
        }
        device?: string
        /** Why the status is ERROR */
        reason?: string
      }[]
      total_count: number
      timestamp: string
      scanning: boolean
      /** Seconds; 0: on demand */
      scan_interval: number
    }
  }
  /** Sets the time between scans for external streams and keeps it over restarts. Role: admin. */
  set_discovery_interval: {
    params: {
      /** Seconds; 0: on demand */
      scan_interval: number
    }
    result: {
      scan_interval: number
      status: 'UPDATED' | 'ERROR'
      message: string
      timestamp: string
    }
  }
  /** Tells whether the service and its parts work, and why not. Role: admin. */
  get_status: { params: Record<string, never>; result: Status }
  /** The same as get_status, by the name that some clients call. Role: admin. */
  get_system_health: { params: Record<string, never>; result: Status }
  /** Tells how far the start has come and which cameras are there. Role: viewer. */
  get_system_status: {
    params: Record<string, never>
    result: {
      status: 'starting' | 'partial' | 'ready'
      message: string
      available_cameras: string[]
      discovery_active: boolean
      discovery_mode: 'udev' | 'devfs' | 'off'
    }
  }
  /** Tells what this server is and can do. Role: viewer. */
  get_server_info: {
    params: Record<string, never>
    result: {
      name: string
      version: string
      build_date: string
      /** Clients want it; this service is not written in Go */
      go_version: string
      node_version: string
      architecture: string
      capabilities: string[]
      supported_formats: string[]
      max_cameras: number
      media_server?: {
        kind: 'external' | 'managed' | 'embedded'
        why: string
        version?: string
        state: string
      }
      stream_protocols: string[]
    }
  }
  /** Tells how full the disk of the recordings is. Role: admin. */
  get_storage_info: {
    params: Record<string, never>
    result: {
      total_space: number
      used_space: number
      available_space: number
      usage_percentage: number
      recordings_size: number
      snapshots_size: number
      low_space_warning: boolean
      state: 'ok' | 'warning' | 'critical' | 'unknown'
      since: string
      reason?: string
    }
  }
  /** Plays a fault of a virtual camera, where simulation is enabled. Role: admin. */
  simulate: {
    params: {
      /** Camera id, as in camera0 */
      device: string
      action: 'unplug' | 'plug' | 'stall' | 'resume' | 'busy'
    }
    result: {
      device: string
      action: string
      status: 'DONE'
    }
  }
  /** Tells the load of the machine and the figures of cameras, recordings and streams, at once. Role: admin. */
  get_metrics: {
    params: Record<string, never>
    result: {
      timestamp: string
      system_metrics: {
        cpu_usage: number
        memory_usage: number
        disk_usage: number
        /** Clients want it; what this service waits for in the runtime: sockets, timers, files */
        goroutines: number
        resident_bytes: number
        sampled_at: string
      }
      camera_metrics: {
        connected_cameras: number
        cameras: Record<
          string,
          {
            name: string
            status: 'CONNECTED' | 'DISCONNECTED' | 'ERROR'
            state: string
            since: string
            last_seen: string
            formats: string[]
            stream_state: 'INACTIVE' | 'STARTING' | 'ACTIVE' | 'ERROR'
            frames: number
            fps: number
            /** Bits per second */
            bitrate: number
            readers: number
            bytes_sent: number
            bytes_received: number
          }
        >
      }
      recording_metrics: Record<
        string,
        {
          /** A file is growing */
          recording: boolean
          status?: string
          files: number
          since?: string
        }
      >
      stream_metrics: {
        active_streams: number
        total_streams: number
        total_viewers: number
      }
      cpu_usage: number
      memory_usage: number
      disk_usage: {
        total: number
        used: number
        available: number
        percentage: number
      }
      network_stats: {
        connections: number
        bytes_sent: number
        bytes_received: number
      }
    }
  }
  /** Sets what is deleted so that the disk does not fill; kept over restarts. Role: admin. */
  set_retention_policy: {
    params: {
      policy_type: 'age' | 'size' | 'manual'
      /** Needed by `age` */
      max_age_days?: number
      /** Of 10⁹ bytes; needed by `size` */
      max_size_gb?: number
      /** Whether it is carried out by itself */
      enabled: boolean
    }
    result: {
      policy_type: 'age' | 'size' | 'manual'
      max_age_days?: number
      max_size_gb?: number
      enabled: boolean
      message: string
      success: true
    }
  }
  /** Carries out the retention policy now, also one that is not enabled; with dry_run it only tells what would go. Role: admin. */
  cleanup_old_files: {
    params: {
      dry_run?: boolean
    }
    result: {
      /** False: a dry run */
      cleanup_executed: boolean
      files_deleted: number
      space_freed: number
      message: string
      recordings_removed: number
      snapshots_removed: number
      dry_run: boolean
      /** In the order of deletion, oldest first; the first 1000 */
      files: string[]
      /** What should have gone and did not */
      files_kept: {
        filename: string
        reason: string
      }[]
    }
  }
  /** Lists who is connected to the API, and who reads streams. Role: admin. */
  list_sessions: {
    params: {
      /** Of each list; default 100 */
      limit?: number
      /** Default 0 */
      offset?: number
    }
    result: {
      sessions: {
        session_id: string
        /** over: the caller’s right has ended, the connection is about to close */
        state: 'unauthenticated' | 'authenticated' | 'over'
        user?: string
        role?: 'viewer' | 'operator' | 'admin'
        credential?: 'token' | 'key' | 'certificate'
        /** By which it can be revoked: a token’s jti or hash, a key’s id, a certificate’s fingerprint */
        credential_id?: string
        /** Ids or patterns; absent: every camera */
        cameras?: string[]
        address: string
        since: string
        /** Absent: never */
        expires_at?: string
        requests: number
        subscriptions: string[]
      }[]
      total: number
      media: {
        id: string
        protocol: string
        device: string
        user: string
        credential?: 'token' | 'key' | 'certificate'
        /** By which it can be revoked: a token’s jti or hash, a key’s id, a certificate’s fingerprint */
        credential_id?: string
        address: string
        since: string
        /** Absent: never */
        expires_at?: string
      }[]
      media_total: number
      limit: number
      offset: number
    }
  }
  /** Ends a session and the streams that its credential reads; with revoke also the credential, for good. Role: admin. */
  end_session: {
    params: {
      /** As list_sessions tells it */
      session_id: string
      /** Default false: the client may authenticate anew */
      revoke?: boolean
    }
    result: {
      session_id: string
      ended: true
      revoked: boolean
      media_ended: number
    }
  }
  /** Makes an API key; the key itself is told this once. Role: admin. */
  create_api_key: {
    params: {
      role: 'viewer' | 'operator' | 'admin'
      /** Any characters but control characters */
      user: string
      /** Camera ids or patterns (camera0, camera1*); absent: every camera */
      cameras?: string[]
      /** Seconds; 0: never; default api_key_management.default_expiry */
      expires_in?: number
    }
    result: {
      id: string
      /** The beginning of the key, by which people know it again */
      prefix: string
      user: string
      role: 'viewer' | 'operator' | 'admin'
      /** Camera ids or patterns (camera0, camera1*); absent: every camera */
      cameras?: string[]
      status: 'active' | 'expired' | 'revoked'
      created_at: string
      /** Absent: never */
      expires_at?: string
      last_used_at?: string
      revoked_at?: string
      /** The key itself: told this once, kept nowhere */
      api_key: string
    }
  }
  /** Lists the API keys, newest first; those that have ended for 30 days more. Role: admin. */
  list_api_keys: {
    params: Record<string, never>
    result: {
      keys: {
        id: string
        /** The beginning of the key, by which people know it again */
        prefix: string
        user: string
        role: 'viewer' | 'operator' | 'admin'
        /** Camera ids or patterns (camera0, camera1*); absent: every camera */
        cameras?: string[]
        status: 'active' | 'expired' | 'revoked'
        created_at: string
        /** Absent: never */
        expires_at?: string
        last_used_at?: string
        revoked_at?: string
      }[]
      total: number
    }
  }
  /** Replaces an API key by a new one with the same rights and the same length of life; the old one ends at once. Role: admin. */
  rotate_api_key: {
    params: {
      /** Id of an API key, as list_api_keys tells it */
      id: string
    }
    result: {
      id: string
      /** The beginning of the key, by which people know it again */
      prefix: string
      user: string
      role: 'viewer' | 'operator' | 'admin'
      /** Camera ids or patterns (camera0, camera1*); absent: every camera */
      cameras?: string[]
      status: 'active' | 'expired' | 'revoked'
      created_at: string
      /** Absent: never */
      expires_at?: string
      last_used_at?: string
      revoked_at?: string
      /** The key itself: told this once, kept nowhere */
      api_key: string
    }
  }
  /** Ends an API key for good, with its sessions, streams and links. Role: admin. */
  revoke_api_key: {
    params: {
      /** Id of an API key, as list_api_keys tells it */
      id: string
    }
    result: {
      id: string
      /** The beginning of the key, by which people know it again */
      prefix: string
      user: string
      role: 'viewer' | 'operator' | 'admin'
      /** Camera ids or patterns (camera0, camera1*); absent: every camera */
      cameras?: string[]
      status: 'active' | 'expired' | 'revoked'
      created_at: string
      /** Absent: never */
      expires_at?: string
      last_used_at?: string
      revoked_at?: string
    }
  }
  /** Ends a token for good, with its sessions, streams and links; also one that has not been seen yet. Role: admin. */
  revoke_token: {
    params: {
      /** The token's jti; of one without it the credential_id that list_sessions tells (sha256:…) */
      jti: string
    }
    result: {
      jti: string
      revoked: true
    }
  }
  /** Tells who was let in or refused and who changed what, newest first. Role: admin. */
  get_audit_log: {
    params: {
      limit?: number
      /** Only entries below this seq: `next_before` of the page before */
      before?: number
      user?: string
      action?: string
    }
    result: {
      entries: {
        seq: number
        at: string
        event: 'authentication' | 'refusal' | 'change' | 'deletion'
        /** The method, or what else was asked for */
        action: string
        result: 'ok' | 'refused' | 'failed'
        /** Empty: nobody had said who it is */
        user: string
        role?: 'viewer' | 'operator' | 'admin'
        /** What they had shown: `token:<jti or hash>`, `key:<id>` or `certificate:<fingerprint>` */
        credential?: string
        /** Empty: several, or the machine itself */
        address: string
        session?: string
        request?: string
        /** What it was about: a camera, a file, the id of a key */
        subject?: string
        reason?: string
        /** So many more of its kind since the last one that was told by itself; the other members are those of the last */
        count?: number
      }[]
      /** Entries that are kept, whatever was asked for */
      total: number
      /** Absent: nothing older is kept */
      next_before?: number
    }
  }
  /** Answers this API as an OpenRPC document. Role: none needed. */
  'rpc.discover': {
    params: Record<string, never>
    result: {
      openrpc: string
      info: {
        title: string
        /** Of the API */
        version: string
        description: string
      }
      /** Method objects of OpenRPC, with `x-role`, `x-cost`, `x-since`, `x-audited`, `x-camera` */
      methods: unknown[]
      /** Shared shapes and errors */
      components: unknown
      /** Each topic with the shape of its params */
      'x-notifications': unknown[]
    }
  }
}

/** The params of each topic's notifications. */
export interface Notifications {
  'camera.connected': {
    device: string
    name: string
    status: 'CONNECTED'
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; those that nobody asked for leave gaps */
    seq: number
    /** When it happened */
    at: string
    /** The same, by the name that existing clients know */
    timestamp: string
  }
  'camera.disconnected': {
    device: string
    status: 'DISCONNECTED'
    reason: string
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; those that nobody asked for leave gaps */
    seq: number
    /** When it happened */
    at: string
    /** The same, by the name that existing clients know */
    timestamp: string
  }
  'camera.status_change': {
    device: string
    name?: string
    old_status: 'CONNECTED' | 'DISCONNECTED' | 'ERROR'
    new_status: 'CONNECTED' | 'DISCONNECTED' | 'ERROR'
    status?: 'CONNECTED' | 'DISCONNECTED' | 'ERROR'
    reason?: string
    retired?: true
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; those that nobody asked for leave gaps */
    seq: number
    /** When it happened */
    at: string
    /** The same, by the name that existing clients know */
    timestamp: string
  }
  'camera.capability_detected': {
    device: string
    formats: string[]
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; those that nobody asked for leave gaps */
    seq: number
    /** When it happened */
    at: string
    /** The same, by the name that existing clients know */
    timestamp: string
  }
  'camera.capability_error': {
    device: string
    reason: string
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; those that nobody asked for leave gaps */
    seq: number
    /** When it happened */
    at: string
    /** The same, by the name that existing clients know */
    timestamp: string
  }
  'recording.start': {
    device: string
    status: 'RECORDING'
    filename: string
    duration: 0
    start_time: string
    format: 'fmp4' | 'mp4' | 'mkv'
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; those that nobody asked for leave gaps */
    seq: number
    /** When it happened */
    at: string
    /** The same, by the name that existing clients know */
    timestamp: string
  }
  'recording.stop': {
    device: string
    /** The first file; empty when there is none */
    filename: string
    files: string[]
    /** Seconds of media */
    duration: number
    file_size: number
    format: 'fmp4' | 'mp4' | 'mkv'
    reason: string
    start_time?: string
    end_time: string
    status: 'STOPPED'
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; those that nobody asked for leave gaps */
    seq: number
    /** When it happened */
    at: string
    /** The same, by the name that existing clients know */
    timestamp: string
  }
  'recording.progress': {
    device: string
    status: 'RECORDING' | 'INTERRUPTED'
    filename: string
    reason?: string
    resumed?: true
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; those that nobody asked for leave gaps */
    seq: number
    /** When it happened */
    at: string
    /** The same, by the name that existing clients know */
    timestamp: string
  }
  'recording.error':
    | {
        device: string
        /** The first file; empty when there is none */
        filename: string
        files: string[]
        /** Seconds of media */
        duration: number
        file_size: number
        format: 'fmp4' | 'mp4' | 'mkv'
        reason: string
        start_time?: string
        end_time: string
        status: 'ERROR'
        severity: 'info' | 'warning' | 'error' | 'critical'
        /** Number of the fact; those that nobody asked for leave gaps */
        seq: number
        /** When it happened */
        at: string
        /** The same, by the name that existing clients know */
        timestamp: string
      }
    | {
        device: string
        status: 'INTERRUPTED'
        filename: string
        reason: string
        severity: 'info' | 'warning' | 'error' | 'critical'
        /** Number of the fact; those that nobody asked for leave gaps */
        seq: number
        /** When it happened */
        at: string
        /** The same, by the name that existing clients know */
        timestamp: string
      }
  'recording.deleted': {
    device: string
    filename: string
    file_size: number
    /** Why it was deleted */
    reason: string
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; those that nobody asked for leave gaps */
    seq: number
    /** When it happened */
    at: string
    /** The same, by the name that existing clients know */
    timestamp: string
  }
  'snapshot.taken': {
    device: string
    status: 'SUCCESS'
    filename: string
    resolution: string
    file_size: number
    width: number
    height: number
    tier: number
    captured_at: string
    age_ms: number
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; those that nobody asked for leave gaps */
    seq: number
    /** When it happened */
    at: string
    /** The same, by the name that existing clients know */
    timestamp: string
  }
  'snapshot.error': {
    device: string
    status: 'FAILED'
    reason: string
    passed_over: {
      tier: number
      reason: string
    }[]
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; those that nobody asked for leave gaps */
    seq: number
    /** When it happened */
    at: string
    /** The same, by the name that existing clients know */
    timestamp: string
  }
  'snapshot.deleted': {
    device: string
    filename: string
    file_size: number
    /** Why it was deleted */
    reason: string
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; those that nobody asked for leave gaps */
    seq: number
    /** When it happened */
    at: string
    /** The same, by the name that existing clients know */
    timestamp: string
  }
  'storage.cleanup': {
    files_deleted: number
    space_freed: number
    files_kept: number
    reason?: string
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; those that nobody asked for leave gaps */
    seq: number
    /** When it happened */
    at: string
    /** The same, by the name that existing clients know */
    timestamp: string
  }
  'discovery.started': {
    skydio_enabled: boolean
    generic_enabled: boolean
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; those that nobody asked for leave gaps */
    seq: number
    /** When it happened */
    at: string
    /** The same, by the name that existing clients know */
    timestamp: string
  }
  'discovery.progress': {
    done: number
    total: number
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; those that nobody asked for leave gaps */
    seq: number
    /** When it happened */
    at: string
    /** The same, by the name that existing clients know */
    timestamp: string
  }
  'discovery.found': {
    url: string
    name: string
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; those that nobody asked for leave gaps */
    seq: number
    /** When it happened */
    at: string
    /** The same, by the name that existing clients know */
    timestamp: string
  }
  'discovery.completed': {
    total_found: number
    scan_duration_ms: number
    errors: string[]
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; those that nobody asked for leave gaps */
    seq: number
    /** When it happened */
    at: string
    /** The same, by the name that existing clients know */
    timestamp: string
  }
  'system.health': {
    status: 'HEALTHY' | 'DEGRADED' | 'UNHEALTHY'
    /** Seconds */
    uptime: number
    version: string
    components: {
      websocket_server: 'RUNNING' | 'STOPPED' | 'ERROR' | 'STARTING' | 'STOPPING'
      camera_monitor: 'RUNNING' | 'STOPPED' | 'ERROR' | 'STARTING' | 'STOPPING'
      mediamtx: 'RUNNING' | 'STOPPED' | 'ERROR' | 'STARTING' | 'STOPPING'
    }
    /** The state of each part, since when, and why */
    reasons: {
      camera_monitor: {
        state: string
        since: string
        reason?: string
      }
      mediamtx: {
        state: string
        since: string
        reason?: string
      }
      storage: {
        state: string
        since: string
        reason?: string
      }
    }
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; those that nobody asked for leave gaps */
    seq: number
    /** When it happened */
    at: string
    /** The same, by the name that existing clients know */
    timestamp: string
  }
  'system.error': {
    component: string
    reason: string
    device?: string
    error?: string
    available_space?: number
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; those that nobody asked for leave gaps */
    seq: number
    /** When it happened */
    at: string
    /** The same, by the name that existing clients know */
    timestamp: string
  }
  'system.startup': {
    version: string
    build_info: {
      version: string
      build_date: string
    }
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; those that nobody asked for leave gaps */
    seq: number
    /** When it happened */
    at: string
    /** The same, by the name that existing clients know */
    timestamp: string
  }
  'system.shutdown': {
    reason: string
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; those that nobody asked for leave gaps */
    seq: number
    /** When it happened */
    at: string
    /** The same, by the name that existing clients know */
    timestamp: string
  }
  'mediamtx.stream': {
    device: string
    name: string
    stream_id: string
    stream_type: 'rtsp'
    source: string
    ready: boolean
    readers: number
    bytes_sent: number
    reason?: string
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; those that nobody asked for leave gaps */
    seq: number
    /** When it happened */
    at: string
    /** The same, by the name that existing clients know */
    timestamp: string
  }
  'mediamtx.path': {
    device: string
    name: string
    stream_id: string
    stream_type: 'rtsp'
    source: string
    ready: boolean
    readers: number
    bytes_sent: number
    reason?: string
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; those that nobody asked for leave gaps */
    seq: number
    /** When it happened */
    at: string
    /** The same, by the name that existing clients know */
    timestamp: string
  }
  'mediamtx.error': {
    reason: string
    component?: string
    state?: string
    device?: string
    name?: string
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; those that nobody asked for leave gaps */
    seq: number
    /** When it happened */
    at: string
    /** The same, by the name that existing clients know */
    timestamp: string
  }
  'mediamtx.recording_started': {
    device: string
    filename: string
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; those that nobody asked for leave gaps */
    seq: number
    /** When it happened */
    at: string
    /** The same, by the name that existing clients know */
    timestamp: string
  }
  'mediamtx.recording_stopped': {
    device: string
    /** The first file; empty when there is none */
    filename: string
    files: string[]
    /** Seconds of media */
    duration: number
    file_size: number
    format: 'fmp4' | 'mp4' | 'mkv'
    reason: string
    start_time?: string
    end_time: string
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; those that nobody asked for leave gaps */
    seq: number
    /** When it happened */
    at: string
    /** The same, by the name that existing clients know */
    timestamp: string
  }
  'mediamtx.recording_failed': {
    device: string
    /** The first file; empty when there is none */
    filename: string
    files: string[]
    /** Seconds of media */
    duration: number
    file_size: number
    format: 'fmp4' | 'mp4' | 'mkv'
    reason: string
    start_time?: string
    end_time: string
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; those that nobody asked for leave gaps */
    seq: number
    /** When it happened */
    at: string
    /** The same, by the name that existing clients know */
    timestamp: string
  }
  'mediamtx.stream_started': {
    device: string
    name: string
    stream_id: string
    stream_type: 'rtsp'
    source: string
    ready: boolean
    readers: number
    bytes_sent: number
    reason?: string
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; those that nobody asked for leave gaps */
    seq: number
    /** When it happened */
    at: string
    /** The same, by the name that existing clients know */
    timestamp: string
  }
  'mediamtx.stream_stopped': {
    device: string
    name: string
    stream_id: string
    stream_type: 'rtsp'
    source: string
    ready: boolean
    readers: number
    bytes_sent: number
    reason?: string
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; those that nobody asked for leave gaps */
    seq: number
    /** When it happened */
    at: string
    /** The same, by the name that existing clients know */
    timestamp: string
  }
  camera_status_update:
    | {
        device: string
        id: string
        status: 'CONNECTED' | 'DISCONNECTED' | 'ERROR'
        name: string
        resolution?: string
        fps?: number
        streams: {
          rtsp?: string
          hls?: string
          webrtc?: string
        }
        kind: 'usb' | 'rtsp' | 'virtual'
        /** The camera's own state, finer than status */
        state: string
        since: string
        /** Why the state is not the plain good one */
        reason?: string
        identity: {
          basis: 'serial' | 'port' | 'model' | 'name'
          confidence: 'high' | 'medium' | 'low'
          /** Another camera reports the same serial: both go by their port */
          ambiguous: boolean
        }
        identity_confidence: 'high' | 'medium' | 'low'
        identity_ambiguous: boolean
        connected_at?: string
        pipeline?: {
          kind: 'copy' | 'encode' | 'pull'
          reason: string
          source_format: string
          profile?: string
          level?: string
        }
        stream_state: 'INACTIVE' | 'STARTING' | 'ACTIVE' | 'ERROR'
        recording?: {
          status: 'STARTING' | 'RECORDING' | 'INTERRUPTED' | 'STOPPING' | 'STOPPED' | 'FAILED'
          /** Why it is interrupted, or ends */
          reason?: string
          growing: boolean
          format: 'fmp4' | 'mp4' | 'mkv'
          filename?: string
          files: string[]
          start_time?: string
        }
        allowed_methods: string[]
        severity: 'info' | 'warning' | 'error' | 'critical'
        /** Number of the fact; those that nobody asked for leave gaps */
        seq: number
        /** When it happened */
        at: string
        /** The same, by the name that existing clients know */
        timestamp: string
      }
    | {
        device: string
        id: string
        status: 'CONNECTED' | 'DISCONNECTED' | 'ERROR'
        streams: {
          rtsp?: string
          hls?: string
          webrtc?: string
        }
        severity: 'info' | 'warning' | 'error' | 'critical'
        /** Number of the fact; those that nobody asked for leave gaps */
        seq: number
        /** When it happened */
        at: string
        /** The same, by the name that existing clients know */
        timestamp: string
      }
  recording_status_update: {
    device: string
    status: 'RECORDING' | 'STOPPED' | 'ERROR' | 'STARTING'
    filename: string
    duration?: number
    format?: 'fmp4' | 'mp4' | 'mkv'
    reason?: string
    startTime?: string
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; those that nobody asked for leave gaps */
    seq: number
    /** When it happened */
    at: string
    /** The same, by the name that existing clients know */
    timestamp: string
  }
  system_health_update: {
    status: 'HEALTHY' | 'DEGRADED' | 'UNHEALTHY'
    /** Seconds */
    uptime: number
    version: string
    components: {
      websocket_server: 'RUNNING' | 'STOPPED' | 'ERROR' | 'STARTING' | 'STOPPING'
      camera_monitor: 'RUNNING' | 'STOPPED' | 'ERROR' | 'STARTING' | 'STOPPING'
      mediamtx: 'RUNNING' | 'STOPPED' | 'ERROR' | 'STARTING' | 'STOPPING'
    }
    /** The state of each part, since when, and why */
    reasons: {
      camera_monitor: {
        state: string
        since: string
        reason?: string
      }
      mediamtx: {
        state: string
        since: string
        reason?: string
      }
      storage: {
        state: string
        since: string
        reason?: string
      }
    }
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; those that nobody asked for leave gaps */
    seq: number
    /** When it happened */
    at: string
    /** The same, by the name that existing clients know */
    timestamp: string
  }
}

/** The notification `session.expired`, which needs no subscription. */
export interface SessionExpired {
  reason: 'token_expired' | 'revoked' | 'ended'
  session_id: string
  /** When the connection is closed (4401) unless it authenticates anew */
  closes_at: string
  at: string
}
