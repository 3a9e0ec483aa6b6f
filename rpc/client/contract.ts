/**
 * Generated from rpc/methods by docs/generate/contract.ts (`make docs`): change the methods, not this file.
 * API 1.1.
 */

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
  kind: 'usb' | 'rtsp' | 'virtual' | 'v4l2'
  /** The camera's own state, more exact than status */
  state: string
  /** When it entered this state */
  since: string
  /** Code of the reason */
  reason?: string
  /** The reason in one sentence */
  details?: string
  identity: {
    basis: 'serial' | 'port' | 'model' | 'name'
    confidence: 'high' | 'medium' | 'low'
    /** Another camera reports the same serial: both are identified by their USB port */
    ambiguous: boolean
  }
  identity_confidence: 'high' | 'medium' | 'low'
  identity_ambiguous: boolean
  connected_at?: string
  pipeline?: {
    kind: 'copy' | 'encode' | 'pull'
    /** Why this pipeline was selected: one sentence for people, not a code */
    reason: string
    source_format: string
    profile?: string
    level?: string
    /** Of an encoded stream: libx264, h264_vaapi … */
    encoder?: string
    /** Why this encoder was selected: one sentence for people, not a code */
    encoder_reason?: string
  }
  /** Since 1.1. Only of RTSP cameras, as far as it is known */
  media?: {
    video: {
      /** As in RTP: H264, H265, JPEG */
      codec: string
      resolution?: string
      fps?: number
      /** Absent: the camera does not tell */
      b_frames?: boolean
    }
    audio?: {
      /** AAC, PCMA, PCMU, OPUS … */
      codec: string
      sample_rate?: number
      channels?: number
      /** Whether recordings contain it */
      recorded: boolean
    }
  }
  stream_state: 'INACTIVE' | 'STARTING' | 'ACTIVE' | 'ERROR'
  recording?: {
    status: 'STARTING' | 'RECORDING' | 'INTERRUPTED' | 'STOPPING' | 'STOPPED' | 'FAILED'
    /** Code of the reason */
    reason?: string
    /** The reason in one sentence */
    details?: string
    /** Whether its file grows */
    growing: boolean
    format: 'fmp4' | 'mp4' | 'mkv'
    filename?: string
    /** The newest 100; list_recordings returns all */
    files: string[]
    file_count: number
    start_time?: string
    /** INTERRUPTED: time of the last media */
    since?: string
    /** What an interrupted recording waits for; absent: it is tried again, or its file is still open */
    waits_for?: 'camera' | 'storage' | 'server'
    /** The newest 100 times without media, oldest first */
    gaps: {
      from: string
      to: string
      /** Code of the reason */
      reason: string
      /** The reason in one sentence */
      details?: string
    }[]
  }
  /** Methods that the camera would accept now */
  allowed_methods: string[]
  /** Methods that it would refuse now: the code of the reason, as in explain, and the details of the error */
  refused_methods: {
    method: string
    reason: string
    details: string
  }[]
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
  /** The state of each part, since when, and the reason */
  reasons: {
    camera_monitor: {
      state: string
      since: string
      /** Code of the reason */
      reason?: string
      /** The reason in one sentence */
      details?: string
    }
    mediamtx: {
      state: string
      since: string
      /** Code of the reason */
      reason?: string
      /** The reason in one sentence */
      details?: string
    }
    storage: {
      state: string
      since: string
      /** Code of the reason */
      reason?: string
      /** The reason in one sentence */
      details?: string
    }
    /** Since 1.1. Only while nothing is deleted, because the list of protected recordings is lost */
    retention?: {
      state: 'suspended'
      /** Code of the reason */
      reason: string
      /** The reason in one sentence */
      details?: string
    }
  }
}

/** The params and the result of each method. */
export interface Methods {
  /** Returns "pong". Role: none needed. */
  ping: { params: Record<string, never>; result: 'pong' }
  /** Authenticates this connection with a token or an API key. If it fails, the previous identity stays. Role: none needed. */
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
  /** Exchanges the code of a one-time sign-in link for a short-lived token. A code works once. Role: none needed. */
  redeem_sign_in: {
    params: {
      /** From the link that `serve --guide` prints; it is valid for ten minutes */
      code: string
    }
    result: {
      token: string
      role: 'viewer' | 'operator' | 'admin'
      expires_at: string
    }
  }
  /** Lists all cameras by number, unplugged ones included. Role: viewer. */
  get_camera_list: {
    params: Record<string, never>
    result: {
      cameras: Camera[]
      total: number
      connected: number
      /** Since 1.1. Entries of the configuration that match no device; absent if there are none. Not for callers limited to specific cameras */
      absent?: {
        name: string
        /** Code of the reason */
        reason: string
        /** The reason in one sentence */
        details?: string
      }[]
    }
  }
  /** Returns a camera's state and the reason for it, its stream, and the methods allowed now. Role: viewer. */
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
      kind: 'usb' | 'rtsp' | 'virtual' | 'v4l2'
      /** The camera's own state, more exact than status */
      state: string
      /** When it entered this state */
      since: string
      /** Code of the reason */
      reason?: string
      /** The reason in one sentence */
      details?: string
      identity: {
        basis: 'serial' | 'port' | 'model' | 'name'
        confidence: 'high' | 'medium' | 'low'
        /** Another camera reports the same serial: both are identified by their USB port */
        ambiguous: boolean
      }
      identity_confidence: 'high' | 'medium' | 'low'
      identity_ambiguous: boolean
      connected_at?: string
      pipeline?: {
        kind: 'copy' | 'encode' | 'pull'
        /** Why this pipeline was selected: one sentence for people, not a code */
        reason: string
        source_format: string
        profile?: string
        level?: string
        /** Of an encoded stream: libx264, h264_vaapi … */
        encoder?: string
        /** Why this encoder was selected: one sentence for people, not a code */
        encoder_reason?: string
      }
      /** Since 1.1. Only of RTSP cameras, as far as it is known */
      media?: {
        video: {
          /** As in RTP: H264, H265, JPEG */
          codec: string
          resolution?: string
          fps?: number
          /** Absent: the camera does not tell */
          b_frames?: boolean
        }
        audio?: {
          /** AAC, PCMA, PCMU, OPUS … */
          codec: string
          sample_rate?: number
          channels?: number
          /** Whether recordings contain it */
          recorded: boolean
        }
      }
      stream_state: 'INACTIVE' | 'STARTING' | 'ACTIVE' | 'ERROR'
      recording?: {
        status: 'STARTING' | 'RECORDING' | 'INTERRUPTED' | 'STOPPING' | 'STOPPED' | 'FAILED'
        /** Code of the reason */
        reason?: string
        /** The reason in one sentence */
        details?: string
        /** Whether its file grows */
        growing: boolean
        format: 'fmp4' | 'mp4' | 'mkv'
        filename?: string
        /** The newest 100; list_recordings returns all */
        files: string[]
        file_count: number
        start_time?: string
        /** INTERRUPTED: time of the last media */
        since?: string
        /** What an interrupted recording waits for; absent: it is tried again, or its file is still open */
        waits_for?: 'camera' | 'storage' | 'server'
        /** The newest 100 times without media, oldest first */
        gaps: {
          from: string
          to: string
          /** Code of the reason */
          reason: string
          /** The reason in one sentence */
          details?: string
        }[]
      }
      /** Methods that the camera would accept now */
      allowed_methods: string[]
      /** Methods that it would refuse now: the code of the reason, as in explain, and the details of the error */
      refused_methods: {
        method: string
        reason: string
        details: string
      }[]
      /** Absent while the media server does not answer; uptime in seconds */
      metrics?: {
        bytes_sent: number
        readers: number
        uptime: number
      }
      /** The camera disconnects again and again; absent: it does not */
      flapping?: {
        disconnects: number
        /** Seconds in which they happened */
        window_s: number
        /** Median interval in seconds */
        every_s: number
      }
      /** Since 1.1. The rate and size of the stream as they come now, beside `fps` and `resolution`, which were asked for. Absent while no stream of a USB or virtual camera runs, or nothing is known yet */
      measured?: {
        fps?: number
        resolution?: string
        /** 1: the stream is made in real time */
        speed?: number
      }
      /** Since 1.1. Why the host is too slow for the stream; absent: it is not */
      overloaded?: {
        /** Code of the reason */
        reason: string
        /** The reason in one sentence */
        details?: string
      }
      capabilities?: {
        formats: string[]
        resolutions: string[]
      }
    }
  }
  /** Returns the formats, sizes and frame rates of a camera. Role: viewer. */
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
      /** The sizes and rates that can be combined */
      modes: {
        format: string
        description: string
        resolution: string
        fps: number[]
      }[]
      /** Since 1.1. Only of RTSP cameras, as far as it is known */
      media?: {
        video: {
          /** As in RTP: H264, H265, JPEG */
          codec: string
          resolution?: string
          fps?: number
          /** Absent: the camera does not tell */
          b_frames?: boolean
        }
        audio?: {
          /** AAC, PCMA, PCMU, OPUS … */
          codec: string
          sample_rate?: number
          channels?: number
          /** Whether recordings contain it */
          recorded: boolean
        }
      }
      /** Since 1.1. Only of RTSP cameras: what works with the codec of the stream */
      uses?: {
        use: 'snapshot' | 'recording' | 'hls' | 'webrtc'
        works: boolean
        /** Code of the reason */
        reason?: string
        /** The reason in one sentence */
        details?: string
      }[]
    }
  }
  /** Sets the name of a camera. It is kept over restarts, and replaces the name in the configuration. Role: admin. */
  set_camera: {
    params: {
      /** Camera id, as in camera0 */
      device: string
      /** At most 64 printable characters, without a space at its ends; empty: the name of the configuration or of the device */
      name: string
    }
    result: {
      device: string
      name: string
    }
  }
  /** Takes a snapshot by the quickest tier that works, and returns which one it was. Role: operator. */
  take_snapshot: {
    params: {
      /** Camera id, as in camera0 */
      device: string
      /** Printable characters except `/ \ < > : " | ? *`; no `..`, no dot, dash or space at its beginning, no dot or space at its end. No file is overwritten: if any camera has one of this name, with whatever extension, the next free name is used (`front-2.jpg` for `front.jpg`). A name of the form that the pictures of another camera get (`camera1_2026-01-31_…`) gets a number, too. The result tells the name */
      filename?: string
      format?: 'jpg' | 'jpeg' | 'png'
      /** 0: the configured quality */
      quality?: number
      /** The picture is made smaller to fit, never larger, and keeps its proportions, unless `fit` is `fill` */
      width?: number
      /** The picture is made smaller to fit, never larger, and keeps its proportions, unless `fit` is `fill` */
      height?: number
      /** `fill`: the picture gets exactly `width` × `height`, whatever its proportions; needs both */
      fit?: 'contain' | 'fill'
      /** Age in seconds that the picture may have; 0: taken after the request */
      max_age?: number
    }
    result: {
      device: string
      /** The name of the file, with its extension */
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
        /** Code of the reason */
        reason: string
        /** The reason in one sentence */
        details?: string
      }[]
      /** Since 1.1. Number of dark frames that were skipped before the picture; absent: it comes from a stream */
      skipped_frames?: number
    }
  }
  /** Starts a recording of a camera; the reply comes when its file grows. Role: operator. */
  start_recording: {
    params: {
      /** Camera id, as in camera0 */
      device: string
      /** Seconds from the first frame, by the wall clock and including gaps; absent: until stop_recording */
      duration?: number
      format?: 'fmp4' | 'mp4' | 'mkv'
    }
    result: {
      device: string
      /** The first file. A recording in mkv is written as .mp4; stop_recording returns its final name */
      filename: string
      status: 'RECORDING' | 'STARTING' | 'STOPPING' | 'PAUSED' | 'ERROR' | 'FAILED'
      start_time: string
      format: 'fmp4' | 'mp4' | 'mkv'
      files: string[]
      duration?: number
    }
  }
  /** Stops the recording of a camera; the reply comes when its files are final. Role: operator. */
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
      /** Times without media, oldest first */
      gaps: {
        from: string
        to: string
        /** Code of the reason */
        reason: string
        /** The reason in one sentence */
        details?: string
      }[]
      /** Code of the reason */
      reason: string
      /** The reason in one sentence */
      details?: string
    }
  }
  /** Lists the recordings, newest first. Role: viewer. */
  list_recordings: {
    params: {
      limit?: number
      offset?: number
      /** True lists the quarantined files instead: they contain nothing that can be played */
      quarantined?: boolean
    }
    result: {
      files: {
        filename: string
        file_size: number
        modified_time: string
        created_time: string
        download_url: string
        /** Address of a small picture of it, relative to the address of the API */
        thumbnail_url?: string
        device: string
        format: string
        /** Whether nothing may delete it; see protect_recording */
        protected?: boolean
        /** Seconds */
        duration?: number
        /** The end of the file is missing; `duration` is what can be played */
        truncated?: true
        /** Whether a player can show the duration and jump to any time without reading the whole file. A recording gets its index some seconds after its end; its size and ETag change then */
        indexed?: boolean
        /** The file contains nothing that can be played, and was moved aside */
        quarantined?: true
        /** Code of the reason */
        reason?: string
        /** The reason in one sentence */
        details?: string
      }[]
      total: number
      limit: number
      offset: number
      /** Why the files of a folder cannot be read: they are missing here */
      files_unreadable?: {
        /** Code of the reason */
        reason: string
        /** The reason in one sentence */
        details?: string
      }
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
        /** Address of a small picture of it, relative to the address of the API */
        thumbnail_url?: string
        device: string
        format: string
        /** Whether nothing may delete it; see protect_recording */
        protected?: boolean
        /** Seconds */
        duration?: number
        /** The end of the file is missing; `duration` is what can be played */
        truncated?: true
        /** Whether a player can show the duration and jump to any time without reading the whole file. A recording gets its index some seconds after its end; its size and ETag change then */
        indexed?: boolean
        /** The file contains nothing that can be played, and was moved aside */
        quarantined?: true
        /** Code of the reason */
        reason?: string
        /** The reason in one sentence */
        details?: string
      }[]
      total: number
      limit: number
      offset: number
      /** Why the files of a folder cannot be read: they are missing here */
      files_unreadable?: {
        /** Code of the reason */
        reason: string
        /** The reason in one sentence */
        details?: string
      }
    }
  }
  /** Returns the details of one recording; its name may be given without the extension. Role: viewer. */
  get_recording_info: {
    params: {
      /** Printable characters except `/ \ < > : " | ? *`; no `..`, no dot, dash or space at its beginning, no dot or space at its end */
      filename: string
    }
    result: {
      filename: string
      file_size: number
      modified_time: string
      created_time: string
      download_url: string
      /** Address of a small picture of it, relative to the address of the API */
      thumbnail_url?: string
      device: string
      format: string
      duration: number
      duration_ms: number
      /** Whether nothing may delete it; see protect_recording */
      protected: boolean
      /** False if the file still grows, or was cut off */
      complete: boolean
      /** The end of the file is missing; `duration` is what can be played */
      truncated?: true
      /** Whether a player can show the duration and jump to any time without reading the whole file. A recording gets its index some seconds after its end; its size and ETag change then */
      indexed: boolean
      /** The file contains nothing that can be played, and was moved aside */
      quarantined?: true
      /** Code of the reason */
      reason?: string
      /** The reason in one sentence */
      details?: string
      /** Times without media in the whole recording of the file, oldest first */
      gaps?: {
        from: string
        to: string
        /** Code of the reason */
        reason: string
        /** The reason in one sentence */
        details?: string
      }[]
    }
  }
  /** Returns the details of one snapshot; its name may be given without the extension. Role: viewer. */
  get_snapshot_info: {
    params: {
      /** Printable characters except `/ \ < > : " | ? *`; no `..`, no dot, dash or space at its beginning, no dot or space at its end */
      filename: string
    }
    result: {
      filename: string
      file_size: number
      modified_time: string
      created_time: string
      download_url: string
      /** Address of a small picture of it, relative to the address of the API */
      thumbnail_url?: string
      device: string
      format: string
    }
  }
  /** Deletes one recording, also a quarantined one, unless it is still being written, or is protected; earlier files of a running recording can be deleted. Role: admin. */
  delete_recording: {
    params: {
      /** Printable characters except `/ \ < > : " | ? *`; no `..`, no dot, dash or space at its beginning, no dot or space at its end */
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
      /** Printable characters except `/ \ < > : " | ? *`; no `..`, no dot, dash or space at its beginning, no dot or space at its end */
      filename: string
    }
    result: {
      filename: string
      deleted: boolean
      message: string
    }
  }
  /** Protects one recording from deletion, by clients and by retention, or ends its protection. Role: admin. */
  protect_recording: {
    params: {
      /** Printable characters except `/ \ < > : " | ? *`; no `..`, no dot, dash or space at its beginning, no dot or space at its end */
      filename: string
      /** False: end it */
      protected: boolean
    }
    result: {
      filename: string
      /** Whether nothing may delete it; see protect_recording */
      protected: boolean
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
      /** As in "300s"; "0s": held until stop_streaming or the end of the connection. The hold also ends when the camera is lost or configured anew, but not when it only reconnects for another rate, size or format (`camera.adapt`) */
      auto_close_after: string
      ffmpeg_command: string
    }
  }
  /** Releases this connection's hold on a stream; other holds and recordings keep it running. Role: operator. */
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
  /** Returns URLs that open the stream of a camera for a limited time; opening one wakes the stream. Role: viewer. */
  get_stream_url: {
    params: {
      /** Camera id, as in camera0 */
      device: string
      /** Life of the URLs in seconds; never longer than security.stream_url_life or the caller's credential */
      expires_in?: number
      /** Life of the URLs in seconds, also longer than usual, such as for a wall display: up to security.stream_url_max_life and the end of the caller's credential; refused beyond. It overrides expires_in */
      life?: number
    }
    result: {
      device: string
      stream_name: string
      stream_url: string
      /** Whether the URL can be opened now */
      available: boolean
      active_consumers: number
      stream_status: 'READY' | 'NOT_READY' | 'ERROR'
      streams: {
        rtsp: string
        hls?: string
        webrtc?: string
      }
      /** Address of a picture of this moment, relative to the address of the API */
      snapshot_url: string
      /** Since 1.1. Protocols that do not play the codec of this stream. RTSP plays every codec */
      unplayable?: {
        protocol: 'hls' | 'webrtc'
        /** Code of the reason */
        reason: string
        /** The reason in one sentence */
        details?: string
      }[]
      /** When the URLs stop working and their readers are disconnected; absent: never */
      expires_at?: string
      /** Code of the reason */
      reason?: string
      /** The reason in one sentence */
      details?: string
    }
  }
  /** Returns the state of the stream of a camera: its process, path, readers and frames. Role: viewer. */
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
      /** Number of connections that hold it by start_streaming */
      holders: number
      /** Code of the reason */
      reason?: string
      /** The reason in one sentence */
      details?: string
    }
  }
  /** Lists the streams of the cameras with the media server's state of each. Role: viewer. */
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
  /** Subscribes this connection to topics; returns the present state, or sends what the client missed. Role: viewer. */
  subscribe_events: {
    params: {
      /** Names as listed under Notifications */
      topics: (
        | 'camera.connected'
        | 'camera.disconnected'
        | 'camera.status_change'
        | 'camera.capability_detected'
        | 'camera.capability_error'
        | 'camera_status_update'
        | 'recording.start'
        | 'recording.stop'
        | 'recording.progress'
        | 'recording.interrupted'
        | 'recording.resumed'
        | 'recording.error'
        | 'recording.quarantined'
        | 'mediamtx.recording_started'
        | 'mediamtx.recording_stopped'
        | 'mediamtx.recording_failed'
        | 'recording_status_update'
        | 'snapshot.taken'
        | 'snapshot.error'
        | 'recording.deleted'
        | 'snapshot.deleted'
        | 'storage.cleanup'
        | 'storage.switched'
        | 'discovery.started'
        | 'discovery.progress'
        | 'discovery.found'
        | 'discovery.completed'
        | 'system.health'
        | 'system.error'
        | 'system.startup'
        | 'system.shutdown'
        | 'system.clock_jumped'
        | 'simulation.step'
        | 'system.config_changed'
        | 'system.config_refused'
        | 'system_health_update'
        | 'mediamtx.stream'
        | 'mediamtx.path'
        | 'mediamtx.error'
        | 'mediamtx.path_drifted'
        | 'mediamtx.stream_started'
        | 'mediamtx.stream_stopped'
      )[]
      filters?: {
        /** A camera id or a list of them */
        device?: string | string[]
        /** The lowest severity to send */
        severity?: 'info' | 'warning' | 'error' | 'critical'
      } | null
      /** Number of the last fact that the client knows: later ones are sent */
      since?: number
      /** The `epoch` that `since` belongs to */
      epoch?: string
    }
    result: {
      subscribed: boolean
      topics: string[]
      filters?: {
        /** A camera id or a list of them */
        device?: string | string[]
        /** The lowest severity to send */
        severity?: 'info' | 'warning' | 'error' | 'critical'
      }
      /** Number of the newest fact: `state` includes it, later notifications have higher numbers */
      seq: number
      /** Identifies this life of the service: numbers from another one mean nothing */
      epoch: string
      /** The present state as notifications; empty if resumed */
      state: {
        method:
          | 'camera.connected'
          | 'camera.disconnected'
          | 'camera.status_change'
          | 'camera.capability_detected'
          | 'camera.capability_error'
          | 'camera_status_update'
          | 'recording.start'
          | 'recording.stop'
          | 'recording.progress'
          | 'recording.interrupted'
          | 'recording.resumed'
          | 'recording.error'
          | 'recording.quarantined'
          | 'mediamtx.recording_started'
          | 'mediamtx.recording_stopped'
          | 'mediamtx.recording_failed'
          | 'recording_status_update'
          | 'snapshot.taken'
          | 'snapshot.error'
          | 'recording.deleted'
          | 'snapshot.deleted'
          | 'storage.cleanup'
          | 'storage.switched'
          | 'discovery.started'
          | 'discovery.progress'
          | 'discovery.found'
          | 'discovery.completed'
          | 'system.health'
          | 'system.error'
          | 'system.startup'
          | 'system.shutdown'
          | 'system.clock_jumped'
          | 'simulation.step'
          | 'system.config_changed'
          | 'system.config_refused'
          | 'system_health_update'
          | 'mediamtx.stream'
          | 'mediamtx.path'
          | 'mediamtx.error'
          | 'mediamtx.path_drifted'
          | 'mediamtx.stream_started'
          | 'mediamtx.stream_stopped'
        params: {
          device?: string
          severity: 'info' | 'warning' | 'error' | 'critical'
          seq: number
          at: string
          timestamp: string
        }
      }[]
      /** With `since`: whether all facts after it follow right after this reply */
      resumed?: boolean
      /** Why it was not resumed */
      reason?: 'buffer_exceeded' | 'other_epoch' | 'in_the_future'
    }
  }
  /** Unsubscribes this connection from topics; without topics, from all of them. Role: viewer. */
  unsubscribe_events: {
    params: {
      topics?: string[]
    }
    result: {
      unsubscribed: boolean
      topics: string[]
    }
  }
  /** Returns the number of subscriptions to each topic, and the topics of this connection. Role: viewer. */
  get_subscription_stats: {
    params: Record<string, never>
    result: {
      global_stats: {
        total_subscriptions: number
        /** Number of connections with a subscription */
        active_clients: number
        /** Topic → number of connections */
        topic_counts: Record<string, number>
      }
      client_topics: string[]
      client_id: string
      /** Number of the newest fact */
      seq: number
      /** Identifies this life of the service: numbers from another one mean nothing */
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
        /** Code of the reason */
        reason?: string
        /** The reason in one sentence */
        details?: string
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
        /** Code of the reason */
        reason?: string
        /** The reason in one sentence */
        details?: string
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
        /** Code of the reason */
        reason?: string
        /** The reason in one sentence */
        details?: string
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
  /** Adds an RTSP stream as a camera and keeps it over restarts; the same URL again returns the same camera. The name of the host must resolve. Role: operator. */
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
        /** Code of the reason */
        reason?: string
        /** The reason in one sentence */
        details?: string
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
        /** Code of the reason */
        reason?: string
        /** The reason in one sentence */
        details?: string
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
        /** Code of the reason */
        reason?: string
        /** The reason in one sentence */
        details?: string
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
  /** Returns the health of the service and its parts, and the reasons for it. Role: admin. */
  get_status: { params: Record<string, never>; result: Status }
  /** Returns the same as get_status, under the name that some clients use. Role: admin. */
  get_system_health: { params: Record<string, never>; result: Status }
  /** Returns the progress of the start, and the cameras that can be used. Role: viewer. */
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
  /** Returns the version and the capabilities of the service. Role: viewer. */
  get_server_info: {
    params: Record<string, never>
    result: {
      name: string
      version: string
      build_date: string
      /** For older clients; this service is not written in Go */
      go_version: string
      node_version: string
      architecture: string
      capabilities: string[]
      supported_formats: string[]
      max_cameras: number
      media_server?: {
        kind: 'external' | 'managed' | 'embedded'
        /** Why this kind of media server is used */
        why: string
        version?: string
        state: string
      }
      stream_protocols: string[]
      /** Whether faults are simulated: such a service is not for production */
      simulation: boolean
    }
  }
  /** Returns the usage of the disk that holds the recordings and snapshots, when it will be full, and whether retention deletes files. Role: admin. */
  get_storage_info: {
    params: Record<string, never>
    result: {
      total_space: number
      used_space: number
      available_space: number
      usage_percentage: number
      recordings_size: number
      snapshots_size: number
      /** Number of recordings that contain nothing and were moved aside */
      quarantined_files?: number
      /** Their bytes, which are part of recordings_size */
      quarantined_size?: number
      low_space_warning: boolean
      /** blind: the disk cannot be measured, so recordings are refused */
      state: 'ok' | 'warning' | 'critical' | 'blind' | 'unknown'
      since: string
      /** Code of the reason */
      reason?: string
      /** The reason in one sentence */
      details?: string
      /** Why the files, or those of one folder, are not counted in the sizes */
      files_unreadable?: {
        /** Code of the reason */
        reason: string
        /** The reason in one sentence */
        details?: string
      }
      /** The folder that takes new recordings, whose disk is described here, and why it is the fallback; absent without storage.fallback_path */
      folder?: {
        in_use: 'main' | 'fallback'
        since: string
        /** Code of the reason */
        reason?: string
        /** The reason in one sentence */
        details?: string
      }
      /** Number of protected recordings */
      protected_files: number
      protected_size: number
      /** When recordings will be refused; absent: too little was recorded lately */
      forecast?: {
        bytes_per_day: number
        /** The recordings since this time are counted */
        from: string
        /** Absent: the disk will not be full, by this rate and by retention */
        days_left?: number
      }
      retention: {
        policy_type: 'age' | 'size' | 'manual'
        enabled: boolean
        /** Why retention deletes nothing (protections_lost), or nothing by age; absent: it is not suspended */
        suspended?: {
          /** Code of the reason */
          reason: string
          /** The reason in one sentence */
          details?: string
        }
        /** Number of files that are not deleted by age: their dates cannot be right */
        files_undated?: number
      }
    }
  }
  /** Simulates a fault of a camera, the media server, the disk or the clock, if simulation is enabled. Role: admin. */
  simulate: {
    params: {
      /** For faults of a camera: a virtual or simulated camera */
      device?: string
      /** `start` begins the scenario of `serve --simulate` that waits for it (`start: asked`) */
      action:
        | 'unplug'
        | 'plug'
        | 'replug'
        | 'twin'
        | 'stall'
        | 'resume'
        | 'busy'
        | 'kill_server'
        | 'hang_server'
        | 'resume_server'
        | 'disk_nearly_full'
        | 'disk_full'
        | 'disk_read_only'
        | 'disk_ok'
        | 'jump_clock'
        | 'start'
      /** For plug, replug and twin of a simulated camera: the USB port, as in `1.2` */
      port?: string
      /** For jump_clock: how far forward, or back if negative */
      seconds?: number
    }
    result: {
      /** As in the request */
      device?: string
      action: string
      status: 'DONE'
    }
  }
  /** Returns the load of the host and the metrics of cameras, recordings and streams. Role: admin. */
  get_metrics: {
    params: Record<string, never>
    result: {
      timestamp: string
      system_metrics: {
        cpu_usage: number
        memory_usage: number
        disk_usage: number
        /** For older clients; number of sockets, timers and files that the runtime waits for */
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
          /** Whether a file is growing */
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
  /** Sets the rule for deleting old files; it is kept over restarts. Role: admin. */
  set_retention_policy: {
    params: {
      policy_type: 'age' | 'size' | 'manual'
      /** Required by `age` */
      max_age_days?: number
      /** 10⁹ bytes each; required by `size` */
      max_size_gb?: number
      /** Whether the service applies it by itself */
      enabled: boolean
    }
    result: {
      policy_type: 'age' | 'size' | 'manual'
      max_age_days?: number
      max_size_gb?: number
      enabled: boolean
      message: string
      success: true
      /** Why retention deletes nothing (protections_lost), or nothing by age; absent: it is not suspended */
      suspended?: {
        /** Code of the reason */
        reason: string
        /** The reason in one sentence */
        details?: string
      }
    }
  }
  /** Applies the retention policy now, also if it is not enabled; with dry_run it only returns what would be deleted. By age, a cleanup for all cameras confirms that the clock is right: it ends a suspension, and has no limit. After the list of protected recordings was lost, nothing is deleted until it is called with accept_lost_protections. Role: admin. */
  cleanup_old_files: {
    params: {
      dry_run?: boolean
      /** Since 1.1. True accepts that recordings may have been protected that are no longer known (suspended: protections_lost): protect them again first. Ignored with dry_run */
      accept_lost_protections?: boolean
    }
    result: {
      /** False for a dry run */
      cleanup_executed: boolean
      files_deleted: number
      space_freed: number
      message: string
      recordings_removed: number
      snapshots_removed: number
      dry_run: boolean
      /** In the order of deletion, oldest first; at most 1000 */
      files: string[]
      /** Files that could not be deleted, or have a date that cannot be right; at most 100 */
      files_kept: {
        filename: string
        /** Code of the reason */
        reason: string
        /** The reason in one sentence */
        details?: string
      }[]
      /** Why retention deletes nothing (protections_lost), or nothing by age; absent: it is not suspended */
      suspended?: {
        /** Code of the reason */
        reason: string
        /** The reason in one sentence */
        details?: string
      }
    }
  }
  /** Lists the connections of the API, and the readers of streams. Role: admin. */
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
        /** over: the caller's rights have ended and the connection is about to close */
        state: 'unauthenticated' | 'authenticated' | 'over'
        user?: string
        role?: 'viewer' | 'operator' | 'admin'
        credential?: 'token' | 'key' | 'certificate'
        /** For revoke_token and revoke_api_key: a token's jti or hash, a key's id, a certificate's fingerprint */
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
        /** For revoke_token and revoke_api_key: a token's jti or hash, a key's id, a certificate's fingerprint */
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
  /** Ends a session and the media sessions of its credential; with `revoke` also the credential, for good. Role: admin. */
  end_session: {
    params: {
      /** From list_sessions */
      session_id: string
      /** Default false: the client may authenticate again */
      revoke?: boolean
    }
    result: {
      session_id: string
      ended: true
      revoked: boolean
      media_ended: number
    }
  }
  /** Creates an API key; the key itself is returned only once. Role: admin. */
  create_api_key: {
    params: {
      role: 'viewer' | 'operator' | 'admin'
      /** Any characters except control characters */
      user: string
      /** Camera ids or patterns (camera0, camera1*); absent: every camera */
      cameras?: string[]
      /** Life in seconds; 0: never expires; default api_key_management.default_expiry */
      expires_in?: number
    }
    result: {
      id: string
      /** The beginning of the key, to recognise it by */
      prefix: string
      user: string
      role: 'viewer' | 'operator' | 'admin'
      /** Camera ids or patterns (camera0, camera1*); absent: every camera */
      cameras?: string[]
      status: 'active' | 'expired' | 'revoked'
      created_at: string
      /** Absent: never */
      expires_at?: string
      /** Written once a minute; a kill -9 loses the last minute */
      last_used_at?: string
      revoked_at?: string
      /** The key itself: returned only once, and not stored */
      api_key: string
    }
  }
  /** Lists the API keys, newest first; ended ones stay in the list for 30 days. Role: admin. */
  list_api_keys: {
    params: Record<string, never>
    result: {
      keys: {
        id: string
        /** The beginning of the key, to recognise it by */
        prefix: string
        user: string
        role: 'viewer' | 'operator' | 'admin'
        /** Camera ids or patterns (camera0, camera1*); absent: every camera */
        cameras?: string[]
        status: 'active' | 'expired' | 'revoked'
        created_at: string
        /** Absent: never */
        expires_at?: string
        /** Written once a minute; a kill -9 loses the last minute */
        last_used_at?: string
        revoked_at?: string
      }[]
      total: number
    }
  }
  /** Replaces an API key with a new one with the same rights and life; the old one ends at once. Role: admin. */
  rotate_api_key: {
    params: {
      /** Id of an API key, from list_api_keys */
      id: string
    }
    result: {
      id: string
      /** The beginning of the key, to recognise it by */
      prefix: string
      user: string
      role: 'viewer' | 'operator' | 'admin'
      /** Camera ids or patterns (camera0, camera1*); absent: every camera */
      cameras?: string[]
      status: 'active' | 'expired' | 'revoked'
      created_at: string
      /** Absent: never */
      expires_at?: string
      /** Written once a minute; a kill -9 loses the last minute */
      last_used_at?: string
      revoked_at?: string
      /** The key itself: returned only once, and not stored */
      api_key: string
    }
  }
  /** Revokes an API key for good, and ends its sessions, streams and links. Role: admin. */
  revoke_api_key: {
    params: {
      /** Id of an API key, from list_api_keys */
      id: string
    }
    result: {
      id: string
      /** The beginning of the key, to recognise it by */
      prefix: string
      user: string
      role: 'viewer' | 'operator' | 'admin'
      /** Camera ids or patterns (camera0, camera1*); absent: every camera */
      cameras?: string[]
      status: 'active' | 'expired' | 'revoked'
      created_at: string
      /** Absent: never */
      expires_at?: string
      /** Written once a minute; a kill -9 loses the last minute */
      last_used_at?: string
      revoked_at?: string
    }
  }
  /** Revokes a token for good, also one that was never used, and ends its sessions, streams and links. Role: admin. */
  revoke_token: {
    params: {
      /** The token's jti; for a token without it the credential_id of list_sessions (sha256:…) */
      jti: string
    }
    result: {
      jti: string
      revoked: true
    }
  }
  /** Lists authentications, refusals and changes, newest first. Role: admin. */
  get_audit_log: {
    params: {
      limit?: number
      /** Only entries with a lower seq: `next_before` of the previous page */
      before?: number
      user?: string
      action?: string
    }
    result: {
      entries: {
        seq: number
        at: string
        event: 'authentication' | 'refusal' | 'change' | 'deletion'
        /** The method, or another action such as `GET /files` */
        action: string
        result: 'ok' | 'refused' | 'failed'
        /** Empty: not authenticated */
        user: string
        role?: 'viewer' | 'operator' | 'admin'
        /** The credential: `token:<jti or hash>`, `key:<id>` or `certificate:<fingerprint>` */
        credential?: string
        /** Empty: several addresses, or this host */
        address: string
        session?: string
        request?: string
        /** What the action was about: a camera, a file, the id of a key */
        subject?: string
        reason?: string
        /** Number of similar entries suppressed since the last one written; the other members are those of the last one */
        count?: number
      }[]
      /** Number of all entries, whatever the filters */
      total: number
      /** Absent: there are no older entries */
      next_before?: number
    }
  }
  /** Lists the changes of state of the service, newest first, with their causes. Role: viewer. */
  get_history: {
    params: {
      /** Camera id, as in camera0 */
      device?: string
      /** One actor with its children, as in `storage` */
      actor?: string
      /** Only entries from this time on */
      since?: string
      /** Only entries up to this time */
      until?: string
      limit?: number
      /** Only older entries: `next_cursor` of the previous page */
      cursor?: number
      /** Only newer entries: the highest `seq` that the client has */
      after?: number
    }
    result: {
      entries: {
        seq: number
        at: string
        /** The actor, as in `camera:camera0/recording`, `storage`, `link`; `service` */
        actor: string
        /** The machine and the fingerprint of its chart */
        machine?: string
        /** States that were left; absent: the actor began */
        from?: string
        /** States that were entered; absent: the actor ended */
        to?: string
        /** The state in the words of the API, if it changed or has another reason */
        state?: string
        event: string
        /** What happened, in one sentence for people */
        text: string
        cause?: {
          event: string
          /** The entry that it follows from; absent: it came from outside */
          seq?: number
          /** The actor or effect that sent the event */
          actor?: string
          /** Who asked for it; only shown to this user and to administrators */
          by?: {
            user: string
            request: string
          }
        }
        /** What was observed: errno, exit_code, http_status, line, udev_action, available … */
        evidence?: Record<string, string | number | boolean>
      }[]
      /** Absent: there are no older entries */
      next_cursor?: number
    }
  }
  /** Explains a state: since when, by which causes, on what evidence, and what is allowed now. Role: viewer. */
  explain: {
    params: {
      /** Camera id, as in camera0 */
      device?: string
      /** Camera id: explains its recording, or its last one */
      recording?: string
      component?: 'mediamtx' | 'storage' | 'discovery'
    }
    result: {
      subject: string
      state: string
      /** When this state began */
      since?: string
      /** The state in one sentence for people */
      text: string
      /** Code of the reason */
      reason?: string
      /** The reason in one sentence */
      details?: string
      /** What was observed: errno, exit_code, http_status, line, udev_action, available … */
      evidence?: Record<string, string | number | boolean>
      /** The latest change of the state, then what led to it; then, of a camera, what ended its stream */
      causes: {
        seq: number
        at: string
        /** The actor, as in `camera:camera0/recording`, `storage`, `link`; `service` */
        actor: string
        /** The machine and the fingerprint of its chart */
        machine?: string
        /** States that were left; absent: the actor began */
        from?: string
        /** States that were entered; absent: the actor ended */
        to?: string
        /** The state in the words of the API, if it changed or has another reason */
        state?: string
        event: string
        /** What happened, in one sentence for people */
        text: string
        cause?: {
          event: string
          /** The entry that it follows from; absent: it came from outside */
          seq?: number
          /** The actor or effect that sent the event */
          actor?: string
          /** Who asked for it; only shown to this user and to administrators */
          by?: {
            user: string
            request: string
          }
        }
        /** What was observed: errno, exit_code, http_status, line, udev_action, available … */
        evidence?: Record<string, string | number | boolean>
      }[]
      /** How a state began that lasts since then; of a good state, the fault before it */
      before?: {
        seq: number
        at: string
        /** The actor, as in `camera:camera0/recording`, `storage`, `link`; `service` */
        actor: string
        /** The machine and the fingerprint of its chart */
        machine?: string
        /** States that were left; absent: the actor began */
        from?: string
        /** States that were entered; absent: the actor ended */
        to?: string
        /** The state in the words of the API, if it changed or has another reason */
        state?: string
        event: string
        /** What happened, in one sentence for people */
        text: string
        cause?: {
          event: string
          /** The entry that it follows from; absent: it came from outside */
          seq?: number
          /** The actor or effect that sent the event */
          actor?: string
          /** Who asked for it; only shown to this user and to administrators */
          by?: {
            user: string
            request: string
          }
        }
        /** What was observed: errno, exit_code, http_status, line, udev_action, available … */
        evidence?: Record<string, string | number | boolean>
      }[]
      /** Delays that run, the next one first */
      timers: {
        name: string
        until: string
        /** What happens then */
        effect: string
      }[]
      allowed_methods: string[]
      refused_methods: {
        method: string
        /** Code of the reason */
        reason: string
        details: string
        /** What must happen before the method is allowed */
        needs: string
      }[]
      /** The camera disconnects again and again; absent: it does not */
      flapping?: {
        disconnects: number
        /** Seconds in which they happened */
        window_s: number
        /** Median interval in seconds */
        every_s: number
      }
    }
  }
  /** Returns every key of the configuration with its value and its source; credentials are masked. Role: admin. */
  get_config: {
    params: Record<string, never>
    result: {
      /** Number of the version in force; 0: there is no file */
      version: number
      /** Whether a change is being applied or reverted */
      changing: boolean
      values: {
        key: string
        /** As written in the file; credentials are masked: *** */
        value: unknown
        origin: 'default' | 'file' | 'environment' | 'flag'
        /** live: while the service runs. reconnects: the same, and the cameras that it concerns reconnect. restart: at the next start of the service */
        applies: 'live' | 'reconnects' | 'restart'
      }[]
      /** Changed keys that apply at the next start of the service, also those of earlier changes */
      needs_restart: string[]
      /** Code of the reason */
      reason?: string
      /** The reason in one sentence */
      details?: string
    }
  }
  /** Changes the configuration file by a merge patch (RFC 7396) and applies it; null returns a key to its default. The reply comes when the service is healthy again; otherwise the change is reverted. Role: admin. */
  set_config: {
    params: {
      /** Groups of keys, as in the file. A list replaces the whole list. A masked value (***) stays as it is */
      patch: Record<string, never>
      /** Only returns what would change */
      dry_run?: boolean
    }
    result: {
      success: true
      dry_run: boolean
      /** Number of the version in force; 0: there is no file */
      version: number
      /** Empty: no value differs */
      changes: {
        key: string
        /** As written in the file; credentials are masked: *** */
        from: unknown
        /** As written in the file; credentials are masked: *** */
        to: unknown
        /** live: while the service runs. reconnects: the same, and the cameras that it concerns reconnect. restart: at the next start of the service */
        applies: 'live' | 'reconnects' | 'restart'
        /** Of `cameras`: the cameras that it concerns */
        cameras?: {
          name: string
          /** updated: without a reconnection */
          change: 'added' | 'removed' | 'reconnected' | 'updated'
        }[]
      }[]
      /** Changed keys that apply at the next start of the service, also those of earlier changes */
      needs_restart: string[]
      /** Such as keys that the environment or a flag overrides */
      warnings: string[]
    }
  }
  /** Lists the versions of the configuration file that are kept, newest first. Role: admin. */
  get_config_history: {
    params: {
      limit?: number
      offset?: number
    }
    result: {
      versions: {
        /** Number of the version in force; 0: there is no file */
        version: number
        at: string
        /** The client that made it; absent: no client */
        user?: string
        /** Where the change came from. start: the file as it was when the service started */
        origin: 'start' | 'file' | 'signal' | 'client'
        /** Whether it is in force */
        current: boolean
      }[]
      total: number
    }
  }
  /** Writes an earlier version of the configuration file again and applies it, as a new version. Role: admin. */
  rollback_config: {
    params: {
      /** From get_config_history */
      version: number
    }
    result: {
      success: true
      dry_run: boolean
      /** Number of the version in force; 0: there is no file */
      version: number
      /** Empty: no value differs */
      changes: {
        key: string
        /** As written in the file; credentials are masked: *** */
        from: unknown
        /** As written in the file; credentials are masked: *** */
        to: unknown
        /** live: while the service runs. reconnects: the same, and the cameras that it concerns reconnect. restart: at the next start of the service */
        applies: 'live' | 'reconnects' | 'restart'
        /** Of `cameras`: the cameras that it concerns */
        cameras?: {
          name: string
          /** updated: without a reconnection */
          change: 'added' | 'removed' | 'reconnected' | 'updated'
        }[]
      }[]
      /** Changed keys that apply at the next start of the service, also those of earlier changes */
      needs_restart: string[]
      /** Such as keys that the environment or a flag overrides */
      warnings: string[]
    }
  }
  /** Returns one file for a report of a fault: configuration, health, metrics, log, and the trace of the last events. Credentials are masked. Role: admin. */
  get_support_bundle: {
    params: Record<string, never>
    result: {
      /** A name for the file */
      filename: string
      bytes: number
      /** The file in Base64: JSON lines, compressed with gzip */
      content: string
    }
  }
  /** Sets the lowest level that is logged, of the service or of one module, until the service ends or the level in the configuration changes. Role: admin. */
  set_log_level: {
    params: {
      /** default: that of the configuration (logging.level), or for a module that of the service */
      level: 'error' | 'warn' | 'info' | 'debug' | 'default'
      /** The field module of the lines. Absent: all without a level of their own */
      module?: 'access' | 'actors' | 'api' | 'cameras' | 'media_server' | 'storage' | 'streams'
    }
    result: {
      level: 'error' | 'warn' | 'info' | 'debug'
      /** The modules that have a level of their own */
      modules: Record<string, 'error' | 'warn' | 'info' | 'debug'>
    }
  }
  /** Lists the running state machines, parents first, with their present states. Role: admin. */
  get_actors: {
    params: Record<string, never>
    result: {
      actors: {
        /** As in the log: `camera:camera0`, `camera:camera0/recording` */
        actor: string
        /** Absent: the root */
        parent?: string
        /** Its page: `docs/statecharts/<machine>.md` */
        machine: string
        /** The active states without children, dotted, as in `online.available`; several if they are parallel */
        states: string[]
        since?: string
      }[]
    }
  }
  /** Returns this API as an OpenRPC document. Role: none needed. */
  'rpc.discover': {
    params: Record<string, never>
    result: {
      openrpc: string
      info: {
        title: string
        /** Version of the API */
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

/** The params of the notifications of each topic. */
export interface Notifications {
  'camera.connected': {
    device: string
    name: string
    status: 'CONNECTED'
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; numbers without a notification leave gaps */
    seq: number
    /** Time of the fact */
    at: string
    /** The same as `at`, for older clients */
    timestamp: string
  }
  'camera.disconnected': {
    device: string
    status: 'DISCONNECTED'
    /** Code of the reason */
    reason: string
    /** The reason in one sentence */
    details?: string
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; numbers without a notification leave gaps */
    seq: number
    /** Time of the fact */
    at: string
    /** The same as `at`, for older clients */
    timestamp: string
  }
  'camera.status_change': {
    device: string
    name?: string
    old_status: 'CONNECTED' | 'DISCONNECTED' | 'ERROR'
    new_status: 'CONNECTED' | 'DISCONNECTED' | 'ERROR'
    status?: 'CONNECTED' | 'DISCONNECTED' | 'ERROR'
    /** Code of the reason */
    reason?: string
    /** The reason in one sentence */
    details?: string
    retired?: true
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; numbers without a notification leave gaps */
    seq: number
    /** Time of the fact */
    at: string
    /** The same as `at`, for older clients */
    timestamp: string
  }
  'camera.capability_detected': {
    device: string
    formats: string[]
    /** Code of the reason */
    reason?: string
    /** The reason in one sentence */
    details?: string
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; numbers without a notification leave gaps */
    seq: number
    /** Time of the fact */
    at: string
    /** The same as `at`, for older clients */
    timestamp: string
  }
  'camera.capability_error': {
    device: string
    /** Code of the reason */
    reason: string
    /** The reason in one sentence */
    details?: string
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; numbers without a notification leave gaps */
    seq: number
    /** Time of the fact */
    at: string
    /** The same as `at`, for older clients */
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
        kind: 'usb' | 'rtsp' | 'virtual' | 'v4l2'
        /** The camera's own state, more exact than status */
        state: string
        /** When it entered this state */
        since: string
        /** Code of the reason */
        reason?: string
        /** The reason in one sentence */
        details?: string
        identity: {
          basis: 'serial' | 'port' | 'model' | 'name'
          confidence: 'high' | 'medium' | 'low'
          /** Another camera reports the same serial: both are identified by their USB port */
          ambiguous: boolean
        }
        identity_confidence: 'high' | 'medium' | 'low'
        identity_ambiguous: boolean
        connected_at?: string
        pipeline?: {
          kind: 'copy' | 'encode' | 'pull'
          /** Why this pipeline was selected: one sentence for people, not a code */
          reason: string
          source_format: string
          profile?: string
          level?: string
          /** Of an encoded stream: libx264, h264_vaapi … */
          encoder?: string
          /** Why this encoder was selected: one sentence for people, not a code */
          encoder_reason?: string
        }
        /** Since 1.1. Only of RTSP cameras, as far as it is known */
        media?: {
          video: {
            /** As in RTP: H264, H265, JPEG */
            codec: string
            resolution?: string
            fps?: number
            /** Absent: the camera does not tell */
            b_frames?: boolean
          }
          audio?: {
            /** AAC, PCMA, PCMU, OPUS … */
            codec: string
            sample_rate?: number
            channels?: number
            /** Whether recordings contain it */
            recorded: boolean
          }
        }
        stream_state: 'INACTIVE' | 'STARTING' | 'ACTIVE' | 'ERROR'
        recording?: {
          status: 'STARTING' | 'RECORDING' | 'INTERRUPTED' | 'STOPPING' | 'STOPPED' | 'FAILED'
          /** Code of the reason */
          reason?: string
          /** The reason in one sentence */
          details?: string
          /** Whether its file grows */
          growing: boolean
          format: 'fmp4' | 'mp4' | 'mkv'
          filename?: string
          /** The newest 100; list_recordings returns all */
          files: string[]
          file_count: number
          start_time?: string
          /** INTERRUPTED: time of the last media */
          since?: string
          /** What an interrupted recording waits for; absent: it is tried again, or its file is still open */
          waits_for?: 'camera' | 'storage' | 'server'
          /** The newest 100 times without media, oldest first */
          gaps: {
            from: string
            to: string
            /** Code of the reason */
            reason: string
            /** The reason in one sentence */
            details?: string
          }[]
        }
        /** Methods that the camera would accept now */
        allowed_methods: string[]
        /** Methods that it would refuse now: the code of the reason, as in explain, and the details of the error */
        refused_methods: {
          method: string
          reason: string
          details: string
        }[]
        severity: 'info' | 'warning' | 'error' | 'critical'
        /** Number of the fact; numbers without a notification leave gaps */
        seq: number
        /** Time of the fact */
        at: string
        /** The same as `at`, for older clients */
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
        /** Number of the fact; numbers without a notification leave gaps */
        seq: number
        /** Time of the fact */
        at: string
        /** The same as `at`, for older clients */
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
    /** Number of the fact; numbers without a notification leave gaps */
    seq: number
    /** Time of the fact */
    at: string
    /** The same as `at`, for older clients */
    timestamp: string
  }
  'recording.stop': {
    device: string
    /** The first file; absent if none was written */
    filename?: string
    files: string[]
    /** Seconds of media */
    duration: number
    file_size: number
    format: 'fmp4' | 'mp4' | 'mkv'
    /** Times without media, oldest first */
    gaps: {
      from: string
      to: string
      /** Code of the reason */
      reason: string
      /** The reason in one sentence */
      details?: string
    }[]
    /** Code of the reason */
    reason: string
    /** The reason in one sentence */
    details?: string
    start_time?: string
    end_time: string
    status: 'STOPPED'
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; numbers without a notification leave gaps */
    seq: number
    /** Time of the fact */
    at: string
    /** The same as `at`, for older clients */
    timestamp: string
  }
  'recording.progress': {
    device: string
    status: 'RECORDING' | 'INTERRUPTED'
    /** The newest file; absent while none is known */
    filename?: string
    /** Code of the reason */
    reason?: string
    /** The reason in one sentence */
    details?: string
    resumed?: true
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; numbers without a notification leave gaps */
    seq: number
    /** Time of the fact */
    at: string
    /** The same as `at`, for older clients */
    timestamp: string
  }
  'recording.interrupted':
    | {
        device: string
        status: 'INTERRUPTED'
        /** The newest file; absent while none is known */
        filename?: string
        /** It continues by itself when it can */
        will_resume: true
        /** Code of the reason */
        reason: string
        /** The reason in one sentence */
        details?: string
        severity: 'info' | 'warning' | 'error' | 'critical'
        /** Number of the fact; numbers without a notification leave gaps */
        seq: number
        /** Time of the fact */
        at: string
        /** The same as `at`, for older clients */
        timestamp: string
      }
    | {
        device: string
        /** The first file; absent if none was written */
        filename?: string
        files: string[]
        /** Seconds of media */
        duration: number
        file_size: number
        format: 'fmp4' | 'mp4' | 'mkv'
        /** Times without media, oldest first */
        gaps: {
          from: string
          to: string
          /** Code of the reason */
          reason: string
          /** The reason in one sentence */
          details?: string
        }[]
        /** Code of the reason */
        reason: string
        /** The reason in one sentence */
        details?: string
        start_time?: string
        end_time: string
        status: 'INTERRUPTED'
        /** It continues by itself when it can */
        will_resume: true
        severity: 'info' | 'warning' | 'error' | 'critical'
        /** Number of the fact; numbers without a notification leave gaps */
        seq: number
        /** Time of the fact */
        at: string
        /** The same as `at`, for older clients */
        timestamp: string
      }
  'recording.resumed': {
    device: string
    status: 'RECORDING'
    filename: string
    gap: {
      from: string
      to: string
      /** Code of the reason */
      reason: string
      /** The reason in one sentence */
      details?: string
    }
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; numbers without a notification leave gaps */
    seq: number
    /** Time of the fact */
    at: string
    /** The same as `at`, for older clients */
    timestamp: string
  }
  'recording.error':
    | {
        device: string
        /** The first file; absent if none was written */
        filename?: string
        files: string[]
        /** Seconds of media */
        duration: number
        file_size: number
        format: 'fmp4' | 'mp4' | 'mkv'
        /** Times without media, oldest first */
        gaps: {
          from: string
          to: string
          /** Code of the reason */
          reason: string
          /** The reason in one sentence */
          details?: string
        }[]
        /** Code of the reason */
        reason: string
        /** The reason in one sentence */
        details?: string
        start_time?: string
        end_time: string
        status: 'ERROR'
        severity: 'info' | 'warning' | 'error' | 'critical'
        /** Number of the fact; numbers without a notification leave gaps */
        seq: number
        /** Time of the fact */
        at: string
        /** The same as `at`, for older clients */
        timestamp: string
      }
    | {
        device: string
        status: 'INTERRUPTED'
        /** The newest file; absent while none is known */
        filename?: string
        /** It continues by itself when it can */
        will_resume: true
        /** Code of the reason */
        reason: string
        /** The reason in one sentence */
        details?: string
        severity: 'info' | 'warning' | 'error' | 'critical'
        /** Number of the fact; numbers without a notification leave gaps */
        seq: number
        /** Time of the fact */
        at: string
        /** The same as `at`, for older clients */
        timestamp: string
      }
  'recording.quarantined': {
    device: string
    /** Its name in the quarantine */
    filename: string
    /** Code of the reason */
    reason: string
    /** The reason in one sentence */
    details?: string
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; numbers without a notification leave gaps */
    seq: number
    /** Time of the fact */
    at: string
    /** The same as `at`, for older clients */
    timestamp: string
  }
  'mediamtx.recording_started': {
    device: string
    filename: string
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; numbers without a notification leave gaps */
    seq: number
    /** Time of the fact */
    at: string
    /** The same as `at`, for older clients */
    timestamp: string
  }
  'mediamtx.recording_stopped': {
    device: string
    /** The first file; absent if none was written */
    filename?: string
    files: string[]
    /** Seconds of media */
    duration: number
    file_size: number
    format: 'fmp4' | 'mp4' | 'mkv'
    /** Times without media, oldest first */
    gaps: {
      from: string
      to: string
      /** Code of the reason */
      reason: string
      /** The reason in one sentence */
      details?: string
    }[]
    /** Code of the reason */
    reason: string
    /** The reason in one sentence */
    details?: string
    start_time?: string
    end_time: string
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; numbers without a notification leave gaps */
    seq: number
    /** Time of the fact */
    at: string
    /** The same as `at`, for older clients */
    timestamp: string
  }
  'mediamtx.recording_failed': {
    device: string
    /** The first file; absent if none was written */
    filename?: string
    files: string[]
    /** Seconds of media */
    duration: number
    file_size: number
    format: 'fmp4' | 'mp4' | 'mkv'
    /** Times without media, oldest first */
    gaps: {
      from: string
      to: string
      /** Code of the reason */
      reason: string
      /** The reason in one sentence */
      details?: string
    }[]
    /** Code of the reason */
    reason: string
    /** The reason in one sentence */
    details?: string
    start_time?: string
    end_time: string
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; numbers without a notification leave gaps */
    seq: number
    /** Time of the fact */
    at: string
    /** The same as `at`, for older clients */
    timestamp: string
  }
  recording_status_update: {
    device: string
    status: 'RECORDING' | 'STOPPED' | 'ERROR' | 'STARTING'
    filename?: string
    duration?: number
    format?: 'fmp4' | 'mp4' | 'mkv'
    /** Code of the reason */
    reason?: string
    /** The reason in one sentence */
    details?: string
    startTime?: string
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; numbers without a notification leave gaps */
    seq: number
    /** Time of the fact */
    at: string
    /** The same as `at`, for older clients */
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
    /** Number of the fact; numbers without a notification leave gaps */
    seq: number
    /** Time of the fact */
    at: string
    /** The same as `at`, for older clients */
    timestamp: string
  }
  'snapshot.error': {
    device: string
    status: 'FAILED'
    /** Code of the reason */
    reason: string
    /** The reason in one sentence */
    details?: string
    passed_over: {
      tier: number
      /** Code of the reason */
      reason: string
      /** The reason in one sentence */
      details?: string
    }[]
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; numbers without a notification leave gaps */
    seq: number
    /** Time of the fact */
    at: string
    /** The same as `at`, for older clients */
    timestamp: string
  }
  'recording.deleted': {
    device: string
    filename: string
    file_size: number
    /** Code of the reason */
    reason: string
    /** The reason in one sentence */
    details?: string
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; numbers without a notification leave gaps */
    seq: number
    /** Time of the fact */
    at: string
    /** The same as `at`, for older clients */
    timestamp: string
  }
  'snapshot.deleted': {
    device: string
    filename: string
    file_size: number
    /** Code of the reason */
    reason: string
    /** The reason in one sentence */
    details?: string
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; numbers without a notification leave gaps */
    seq: number
    /** Time of the fact */
    at: string
    /** The same as `at`, for older clients */
    timestamp: string
  }
  'storage.cleanup': {
    files_deleted: number
    space_freed: number
    files_kept: number
    /** Code of the reason */
    reason?: string
    /** The reason in one sentence */
    details?: string
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; numbers without a notification leave gaps */
    seq: number
    /** Time of the fact */
    at: string
    /** The same as `at`, for older clients */
    timestamp: string
  }
  'storage.switched': {
    to: 'main' | 'fallback'
    /** Code of the reason */
    reason: string
    /** The reason in one sentence */
    details?: string
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; numbers without a notification leave gaps */
    seq: number
    /** Time of the fact */
    at: string
    /** The same as `at`, for older clients */
    timestamp: string
  }
  'discovery.started': {
    skydio_enabled: boolean
    generic_enabled: boolean
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; numbers without a notification leave gaps */
    seq: number
    /** Time of the fact */
    at: string
    /** The same as `at`, for older clients */
    timestamp: string
  }
  'discovery.progress': {
    done: number
    total: number
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; numbers without a notification leave gaps */
    seq: number
    /** Time of the fact */
    at: string
    /** The same as `at`, for older clients */
    timestamp: string
  }
  'discovery.found': {
    url: string
    name: string
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; numbers without a notification leave gaps */
    seq: number
    /** Time of the fact */
    at: string
    /** The same as `at`, for older clients */
    timestamp: string
  }
  'discovery.completed': {
    total_found: number
    scan_duration_ms: number
    errors: string[]
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; numbers without a notification leave gaps */
    seq: number
    /** Time of the fact */
    at: string
    /** The same as `at`, for older clients */
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
    /** The state of each part, since when, and the reason */
    reasons: {
      camera_monitor: {
        state: string
        since: string
        /** Code of the reason */
        reason?: string
        /** The reason in one sentence */
        details?: string
      }
      mediamtx: {
        state: string
        since: string
        /** Code of the reason */
        reason?: string
        /** The reason in one sentence */
        details?: string
      }
      storage: {
        state: string
        since: string
        /** Code of the reason */
        reason?: string
        /** The reason in one sentence */
        details?: string
      }
      /** Since 1.1. Only while nothing is deleted, because the list of protected recordings is lost */
      retention?: {
        state: 'suspended'
        /** Code of the reason */
        reason: string
        /** The reason in one sentence */
        details?: string
      }
    }
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; numbers without a notification leave gaps */
    seq: number
    /** Time of the fact */
    at: string
    /** The same as `at`, for older clients */
    timestamp: string
  }
  'system.error': {
    component: string
    /** Code of the reason */
    reason: string
    /** The reason in one sentence */
    details?: string
    device?: string
    error?: string
    available_space?: number
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; numbers without a notification leave gaps */
    seq: number
    /** Time of the fact */
    at: string
    /** The same as `at`, for older clients */
    timestamp: string
  }
  'system.startup': {
    version: string
    build_info: {
      version: string
      build_date: string
    }
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; numbers without a notification leave gaps */
    seq: number
    /** Time of the fact */
    at: string
    /** The same as `at`, for older clients */
    timestamp: string
  }
  'system.shutdown': {
    /** Code of the reason */
    reason: string
    /** The reason in one sentence */
    details?: string
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; numbers without a notification leave gaps */
    seq: number
    /** Time of the fact */
    at: string
    /** The same as `at`, for older clients */
    timestamp: string
  }
  'system.clock_jumped': {
    /** What the clock would have shown */
    from: string
    /** What it showed instead */
    to: string
    /** The difference; negative if the clock was set back */
    by_ms: number
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; numbers without a notification leave gaps */
    seq: number
    /** Time of the fact */
    at: string
    /** The same as `at`, for older clients */
    timestamp: string
  }
  'simulation.step': {
    /** As in `simulate` */
    action: string
    status: 'DONE' | 'FAILED'
    /** Number of the step in the file; absent: a client asked */
    step?: number
    device?: string
    /** Name of the camera in the file */
    name?: string
    /** Code of the reason */
    reason?: string
    /** The reason in one sentence */
    details?: string
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; numbers without a notification leave gaps */
    seq: number
    /** Time of the fact */
    at: string
    /** The same as `at`, for older clients */
    timestamp: string
  }
  'system.config_changed': {
    status: 'APPLIED' | 'ROLLED_BACK'
    origin: 'start' | 'file' | 'signal' | 'client'
    /** The client that asked; absent: no client */
    user?: string
    /** Number of the new version; 0: it could not be kept */
    version?: number
    /** The keys that changed */
    keys: string[]
    /** Changed keys that apply at the next start of the service */
    needs_restart?: string[]
    /** Code of the reason */
    reason?: string
    /** The reason in one sentence */
    details?: string
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; numbers without a notification leave gaps */
    seq: number
    /** Time of the fact */
    at: string
    /** The same as `at`, for older clients */
    timestamp: string
  }
  'system.config_refused': {
    origin: 'file' | 'signal'
    /** Code of the reason */
    reason: string
    /** The reason in one sentence */
    details?: string
    /** The keys that break a rule; a key is empty if the text cannot be read at all */
    faults: {
      key: string
      rule: string
    }[]
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; numbers without a notification leave gaps */
    seq: number
    /** Time of the fact */
    at: string
    /** The same as `at`, for older clients */
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
    /** The state of each part, since when, and the reason */
    reasons: {
      camera_monitor: {
        state: string
        since: string
        /** Code of the reason */
        reason?: string
        /** The reason in one sentence */
        details?: string
      }
      mediamtx: {
        state: string
        since: string
        /** Code of the reason */
        reason?: string
        /** The reason in one sentence */
        details?: string
      }
      storage: {
        state: string
        since: string
        /** Code of the reason */
        reason?: string
        /** The reason in one sentence */
        details?: string
      }
      /** Since 1.1. Only while nothing is deleted, because the list of protected recordings is lost */
      retention?: {
        state: 'suspended'
        /** Code of the reason */
        reason: string
        /** The reason in one sentence */
        details?: string
      }
    }
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; numbers without a notification leave gaps */
    seq: number
    /** Time of the fact */
    at: string
    /** The same as `at`, for older clients */
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
    /** Code of the reason */
    reason?: string
    /** The reason in one sentence */
    details?: string
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; numbers without a notification leave gaps */
    seq: number
    /** Time of the fact */
    at: string
    /** The same as `at`, for older clients */
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
    /** Code of the reason */
    reason?: string
    /** The reason in one sentence */
    details?: string
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; numbers without a notification leave gaps */
    seq: number
    /** Time of the fact */
    at: string
    /** The same as `at`, for older clients */
    timestamp: string
  }
  'mediamtx.error': {
    /** Code of the reason */
    reason: string
    /** The reason in one sentence */
    details?: string
    component?: string
    state?: string
    device?: string
    name?: string
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; numbers without a notification leave gaps */
    seq: number
    /** Time of the fact */
    at: string
    /** The same as `at`, for older clients */
    timestamp: string
  }
  'mediamtx.path_drifted': {
    device: string
    name: string
    /** Code of the reason */
    reason: string
    /** The reason in one sentence */
    details?: string
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; numbers without a notification leave gaps */
    seq: number
    /** Time of the fact */
    at: string
    /** The same as `at`, for older clients */
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
    /** Code of the reason */
    reason?: string
    /** The reason in one sentence */
    details?: string
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; numbers without a notification leave gaps */
    seq: number
    /** Time of the fact */
    at: string
    /** The same as `at`, for older clients */
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
    /** Code of the reason */
    reason?: string
    /** The reason in one sentence */
    details?: string
    severity: 'info' | 'warning' | 'error' | 'critical'
    /** Number of the fact; numbers without a notification leave gaps */
    seq: number
    /** Time of the fact */
    at: string
    /** The same as `at`, for older clients */
    timestamp: string
  }
}

/** The notification `session.expired`, which is sent without a subscription. */
export interface SessionExpired {
  reason: 'token_expired' | 'revoked' | 'ended'
  session_id: string
  /** When the connection is closed (4401) unless it authenticates again */
  closes_at: string
  at: string
}
