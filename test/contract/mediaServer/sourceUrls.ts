/**
 * Source URLs of paths, and whether MediaMTX v1.20.1 accepts them. It parses them with Go's `net/url`. A refused URL in
 * the file ends the server at its start; over the API it is a 400.
 */
export const sourceUrls: readonly { url: string; accepted: boolean }[] = [
  // Plain addresses.
  { url: 'rtsp://192.0.2.1/stream', accepted: true },
  { url: 'rtsp://camera.example:8554/a/b', accepted: true },
  { url: 'rtsps://camera.example/a', accepted: true },
  { url: 'rtsp://camera.example', accepted: true },
  { url: 'rtsp://user:secret@camera.example/a', accepted: true },
  { url: 'rtsp://user:secret@[2001:db8::1]:554/a', accepted: true },
  { url: 'rtsp://[fe80::1%25eth0]/a', accepted: true },
  { url: 'rtsp://camera.example/a?channel=1&subtype=0', accepted: true },

  // The scheme must be in lower case.
  { url: 'RTSP://camera.example/a', accepted: false },
  { url: 'Rtsps://camera.example/a', accepted: false },
  { url: 'rtspu://camera.example/a', accepted: false },
  { url: 'rtsp:/camera.example/a', accepted: false },
  { url: 'camera.example/a', accepted: false },
  { url: ' rtsp://camera.example/a', accepted: false },

  // User and password come together.
  { url: 'rtsp://user@camera.example/a', accepted: false },
  { url: 'rtsp://user:@camera.example/a', accepted: false },
  { url: 'rtsp://:secret@camera.example/a', accepted: false },
  { url: 'rtsp://@camera.example/a', accepted: true },

  // Characters of user and password.
  { url: 'rtsp://user:50%@camera.example/a', accepted: false },
  { url: 'rtsp://user:50%zz@camera.example/a', accepted: false },
  { url: 'rtsp://user:50%25@camera.example/a', accepted: true },
  { url: 'rtsp://us%er:secret@camera.example/a', accepted: false },
  { url: 'rtsp://user:%40%3A%2F@camera.example/a', accepted: true },
  { url: 'rtsp://user:a b@camera.example/a', accepted: false },
  { url: 'rtsp://user:a\tb@camera.example/a', accepted: false },
  { url: 'rtsp://user:a\u007fb@camera.example/a', accepted: false },
  { url: 'rtsp://user:a^b@camera.example/a', accepted: false },
  { url: 'rtsp://user:a{b@camera.example/a', accepted: false },
  { url: 'rtsp://user:a}b@camera.example/a', accepted: false },
  { url: 'rtsp://user:a|b@camera.example/a', accepted: false },
  { url: 'rtsp://user:a<b@camera.example/a', accepted: false },
  { url: 'rtsp://user:a>b@camera.example/a', accepted: false },
  { url: 'rtsp://user:a"b@camera.example/a', accepted: false },
  { url: 'rtsp://user:a`b@camera.example/a', accepted: false },
  { url: 'rtsp://user:a\\b@camera.example/a', accepted: false },
  { url: 'rtsp://user:a[b@camera.example/a', accepted: false },
  { url: 'rtsp://user:a]b@camera.example/a', accepted: false },
  { url: 'rtsp://user:pässword@camera.example/a', accepted: false },
  { url: 'rtsp://user:p%C3%A4ssword@camera.example/a', accepted: true },
  { url: "rtsp://user:-._~!$&'()*+,;=@camera.example/a", accepted: true },
  { url: 'rtsp://user:a:b@camera.example/a', accepted: true },
  { url: 'rtsp://user:a@b@camera.example/a', accepted: true },

  // These end the user's part, so the text in front of them is read as host and port.
  { url: 'rtsp://user:a/b@camera.example/a', accepted: false },
  { url: 'rtsp://user:a#b@camera.example/a', accepted: false },
  { url: 'rtsp://user:a?b@camera.example/a', accepted: false },
  { url: 'rtsp://user:1/2@camera.example/a', accepted: true },
  { url: 'rtsp://user:12#34@camera.example/a', accepted: true },
  { url: 'rtsp://user:12?34@camera.example/a', accepted: true },

  // Host and port.
  { url: 'rtsp://', accepted: false },
  { url: 'rtsp:///a', accepted: false },
  { url: 'rtsp://user:secret@/a', accepted: false },
  { url: 'rtsp://camera.example:rtsp/a', accepted: false },
  { url: 'rtsp://camera.example:/a', accepted: true },
  { url: 'rtsp://camera.example:99999/a', accepted: true },
  { url: 'rtsp://camera example/a', accepted: false },
  { url: 'rtsp://camera%20example/a', accepted: false },
  { url: 'rtsp://camera%/a', accepted: false },
  { url: 'rtsp://camera{0}/a', accepted: false },
  { url: 'rtsp://camera|0/a', accepted: false },
  { url: 'rtsp://camera_0/a', accepted: true },
  { url: 'rtsp://kamera-süd/a', accepted: true },
  { url: 'rtsp://[2001:db8::1/a', accepted: false },
  { url: 'rtsp://[2001:db8::1]:x/a', accepted: false },
  { url: 'rtsp://[2001:db8::g]/a', accepted: false },
  { url: 'rtsp://[192.0.2.1]/a', accepted: false },
  { url: 'rtsp://[fe80::1%eth0]/a', accepted: false },
  { url: 'rtsp://2001:db8::1/a', accepted: true },

  // Path, query and fragment.
  { url: 'rtsp://camera.example/a b', accepted: true },
  { url: 'rtsp://camera.example/{a}|^"<b>`\\', accepted: true },
  { url: 'rtsp://camera.example/gärten', accepted: true },
  { url: 'rtsp://camera.example/50%', accepted: false },
  { url: 'rtsp://camera.example/50%zz', accepted: false },
  { url: 'rtsp://camera.example/50%25', accepted: true },
  { url: 'rtsp://camera.example/a\nb', accepted: false },
  { url: 'rtsp://camera.example/a?rate=50%', accepted: true },
  { url: 'rtsp://camera.example/a?b\r', accepted: false },
  { url: 'rtsp://camera.example/a#50%', accepted: false },
]
