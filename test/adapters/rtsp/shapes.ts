import type { SourceDescription } from '../../../machines/domain/ports.js'

/**
 * Answers of cameras, shortened. A shape with a report in brackets follows that public report; the others are variants
 * of such shapes. Nothing was recorded from a camera here.
 */
export interface Shape {
  what: string
  /** Raw answers to OPTIONS, DESCRIBE …, in order; the last one is repeated. */
  answers: string[]
  expected: SourceDescription
  /** The scheme with which the last request is authorised. */
  scheme?: 'Digest' | 'Basic'
}

export const bodyOf = (answer: string): string => /\r?\n\r?\n([\s\S]*)$/.exec(answer)?.[1] ?? ''

const crlf = (text: string): string => text.replace(/\n/g, '\r\n')
const options = crlf('RTSP/1.0 200 OK\nCSeq: {cseq}\nPublic: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\n\n')
const head = 'RTSP/1.0 200 OK\nCSeq: {cseq}\nContent-Type: application/sdp\nContent-Length: {length}\n'
const sps = 'Z0LADNoFB+wEQAAAAwBAAAAHo8UKqA==,aM4PyA=='
const h264: SourceDescription = { codec: 'H264', width: 320, height: 240, fps: 15, reorders: false }
const unsized: SourceDescription = { codec: 'H264' }
const alaw = { codec: 'PCMA', rate: 8000 }

const session = 'v=0\no=- 0 0 IN IP4 0.0.0.0\ns=Media\nt=0 0\na=control:*\n'
const video = `m=video 0 RTP/AVP 96\na=control:trackID=0\na=rtpmap:96 H264/90000\n`
const format = `a=fmtp:96 packetization-mode=1;sprop-parameter-sets=${sps}\n`
const whole = session + video + format
const audio = 'm=audio 0 RTP/AVP 8\na=control:trackID=1\n'

/** A camera whose description is unusual. */
const described = (what: string, sdp: string, expected: SourceDescription = h264): Shape => ({
  what,
  answers: [options, crlf(`${head}\n${sdp}`)],
  expected,
})
/** A camera whose messages are unusual. */
const answered = (what: string, ...answers: string[]): Shape => ({ what, answers, expected: h264 })
/** A camera that asks for credentials. */
const asking = (what: string, challenge: string, scheme: 'Digest' | 'Basic'): Shape => ({
  what,
  answers: [options, crlf(`RTSP/1.0 401 Unauthorized\nCSeq: {cseq}\n${challenge}\n\n`), crlf(`${head}\n${whole}`)],
  expected: h264,
  scheme,
})
const reply = (heading: string): string => crlf(`RTSP/1.0 200 OK\n${heading}\n\n${whole}`)
const length = 'Content-Length: {length}'

export const shapes: Shape[] = [
  described('an ordinary one', whole),
  // Messages.
  answered('Cseq: 0 (luisiam/homebridge-foscamcamera#6)', options.replace('{cseq}', '0'), reply(`Cseq: 0\n${length}`)),
  answered('no CSeq (Parrot-Developers/librtsp#2)', options.replace('CSeq: {cseq}\r\n', ''), reply(length)),
  answered(
    'a CSeq that is off by one (scottlamb/retina#133)',
    options.replace('{cseq}', '77'),
    reply(`CSeq: 78\n${length}`),
  ),
  answered('CSeq without a space, in lower case', options.replace('CSeq: ', 'cseq:'), reply(`cseq:{cseq}\n${length}`)),
  answered('a CSeq that is no number', options.replace('{cseq}', 'abc'), reply(`CSeq: x\n${length}`)),
  answered('the same Content-Length twice', options, reply(`CSeq: {cseq}\n${length}\n${length}`)),
  answered('a line without colon in the header', options, reply(`CSeq: {cseq}\nServer Rtsp\n${length}`)),
  answered('bare line feeds', options, `${head}\n${whole}`),
  answered('bare line feeds in the header only', options, `${head}\n${crlf(whole)}`),
  answered('a status without a phrase', options.replace(' OK', ''), reply(`CSeq: {cseq}\n${length}`)),
  answered('two spaces in the status line', options.replace('1.0 200', '1.0  200'), reply(`CSeq: {cseq}\n${length}`)),
  answered('a space behind the status line', options.replace('OK', 'OK '), reply(`CSeq: {cseq}\n${length}`)),
  answered('spaces before the colon', options, reply('CSeq : {cseq}\nContent-Length : {length}')),
  answered('a folded header line', options, reply(`CSeq: {cseq}\nPublic: OPTIONS,\n DESCRIBE\n${length}`)),
  answered(
    'an empty Content-Length in OPTIONS',
    options.replace('\r\n\r\n', '\r\nContent-Length:\r\n\r\n'),
    reply(`CSeq: {cseq}\n${length}`),
  ),
  answered(
    'OPTIONS that is not implemented (405)',
    options.replace('200 OK', '405 Method Not Allowed'),
    reply(`CSeq: {cseq}\n${length}`),
  ),
  answered('OPTIONS that is an error (500)', options.replace('200 OK', '500 Error'), reply(`CSeq: {cseq}\n${length}`)),
  answered('zeros between two messages', `${options}\0\0\0`, reply(`CSeq: {cseq}\n${length}`)),
  answered('empty lines between two messages', `${options}\r\n\r\n`, reply(`CSeq: {cseq}\n${length}`)),
  answered(
    'an interim answer',
    options,
    `RTSP/1.0 100 Continue\r\nCSeq: {cseq}\r\n\r\n${reply(`CSeq: {cseq}\n${length}`)}`.replaceAll(
      '{length}',
      String(crlf(whole).length),
    ),
  ),
  answered(
    'a request of the camera in between',
    `${options}OPTIONS * RTSP/1.0\r\nCSeq: 5\r\n\r\n`,
    reply(`CSeq: {cseq}\n${length}`),
  ),
  answered('a Content-Base that is a path', options, reply(`CSeq: {cseq}\nContent-Base: /live/\n${length}`)),
  answered('an empty Content-Base', options, reply(`CSeq: {cseq}\nContent-Base:\n${length}`)),
  // Credentials.
  asking(
    'digest and basic, in two lines (bluenviron/mediamtx#3116)',
    'WWW-Authenticate: Digest realm="IP Camera(12345)", nonce="n", stale="FALSE"\nWWW-Authenticate: Basic realm="IP Camera(12345)"',
    'Digest',
  ),
  asking(
    'basic before digest',
    'WWW-Authenticate: Basic realm="a"\nWWW-Authenticate: Digest realm="a", nonce="n"',
    'Digest',
  ),
  asking('a nonce without qop', 'WWW-Authenticate: Digest realm="Login to 4F0123",nonce="9f0c"', 'Digest'),
  asking('an empty qop', 'WWW-Authenticate: Digest realm="a", nonce="n", qop=""', 'Digest'),
  asking('two kinds of qop', 'WWW-Authenticate: Digest realm="a", nonce="n", qop="auth,auth-int"', 'Digest'),
  asking('an algorithm in quotes', 'WWW-Authenticate: Digest realm="a", nonce="n", algorithm="MD5"', 'Digest'),
  asking(
    'an algorithm that nobody knows, beside basic',
    'WWW-Authenticate: Digest realm="a", nonce="n", algorithm=MD5-sess\nWWW-Authenticate: Basic realm="a"',
    'Basic',
  ),
  asking('a scheme in lower case', 'www-authenticate: digest realm="a", nonce="n"', 'Digest'),
  asking('basic alone', 'WWW-Authenticate: Basic realm="/"', 'Basic'),
  asking('basic without a realm', 'WWW-Authenticate: Basic', 'Basic'),
  // Descriptions.
  described(
    'm=application/TP-LINK (scottlamb/moonfire-nvr#238)',
    `${whole}${audio}m=application/TP-LINK 0 RTP/AVP smart/1/90000\na=control:track3\na=rtpmap:95 TP-LINK/90000\n`,
    { ...h264, audio: alaw },
  ),
  described(
    'm=application of ONVIF metadata (bluenviron/gortsplib#479)',
    `${whole}m=application 0 RTP/AVP 107\na=control:trackID=4\na=rtpmap:107 vnd.onvif.metadata/90000\n`,
  ),
  described(
    'an empty sprop-parameter-sets',
    `${session}${video}a=fmtp:96 packetization-mode=1; sprop-parameter-sets=\n`,
    unsized,
  ),
  described('no sprop-parameter-sets', `${session}${video}a=fmtp:96 packetization-mode=1\n`, unsized),
  described('no fmtp', `${session}${video}`, unsized),
  described('sprop-parameter-sets with a comma behind', `${session}${video}a=fmtp:96 sprop-parameter-sets=${sps},\n`),
  described('broken base64', `${session}${video}a=fmtp:96 sprop-parameter-sets=%%%\n`, unsized),
  described('the codec in lower case', whole.replace('H264', 'h264')),
  described('a space behind the colons', whole.replace('rtpmap:', 'rtpmap: ').replace('fmtp:', 'fmtp: ')),
  described('semicolons without end', whole.replace('packetization-mode=1;', ';packetization-mode=1;;')),
  described('fmtp before rtpmap', `${session}m=video 0 RTP/AVP 96\n${format}a=rtpmap:96 H264/90000\na=control:1\n`),
  described('no rtpmap, but parameters of H.264', `${session}m=video 0 RTP/AVP 96\n${format}`),
  described('an rtpmap with another number', whole.replace('m=video 0 RTP/AVP 96', 'm=video 0 RTP/AVP 99')),
  described('a section without a number', whole.replace('RTP/AVP 96', 'RTP/AVP')),
  described('several numbers in a section', whole.replace('RTP/AVP 96', 'RTP/AVP 96 97 98')),
  described('spaces at the ends of lines', whole.replaceAll('\n', ' \n')),
  described(
    'a frame rate and a size beside the codec',
    `${session}${video}a=framerate:12.50\na=framesize:96 640-480\n`,
    { codec: 'H264', width: 640, height: 480, fps: 12.5 },
  ),
  described('x-dimensions and x-framerate', `${session}${video}a=x-dimensions:1920,1080\na=x-framerate:25\n`, {
    codec: 'H264',
    width: 1920,
    height: 1080,
    fps: 25,
  }),
  described('MJPEG by its static number', `${session}m=video 0 RTP/AVP 26\na=control:0\n`, { codec: 'JPEG' }),
  described('audio first', session + audio + video + format, { ...h264, audio: alaw }),
  described(
    'a back channel before the audio (ONVIF profile T)',
    `${whole}m=audio 0 RTP/AVP 0\na=sendonly\na=control:back\n${audio}a=recvonly\n`,
    { ...h264, audio: alaw },
  ),
  described(
    'AAC with its own number',
    `${whole}m=audio 0 RTP/AVP 97\na=rtpmap:97 MPEG4-GENERIC/16000/2\na=fmtp:97 streamtype=5;mode=AAC-hbr;config=1410\n`,
    { ...h264, audio: { codec: 'AAC', rate: 16_000, channels: 2 } },
  ),
  described(
    'SRTP in the description',
    whole
      .replace('RTP/AVP', 'RTP/SAVP')
      .replace('a=control:t', 'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:eA\na=control:t'),
  ),
  described('RTP/AVP/TCP', whole.replace('RTP/AVP', 'RTP/AVP/TCP')),
  described('unknown lines', `${whole}x\n=\na\na=\nb=AS:4000\nm\nk=prompt\n`),
  answered('a CSeq with a space behind it (bluenviron/gortsplib#437)', options, reply(`CSeq: {cseq} \n${length}`)),
  described('a session without its beginning (AlexxIT/go2rtc#679)', video + format),
  described(
    'a section of an unknown kind (bluenviron/gortsplib#484)',
    `${whole}m=vzinfo 0 RTP/AVP 108\na=control:trackID=7\na=rtpmap:108 vnd.onvif.metadata/90000\n`,
  ),
  described(
    'fmtp of another number for AAC (bluenviron/mediacommon#144)',
    `${session}m=video 0 RTP/AVP 96\na=control:trackID=video\na=rtpmap:96 H264/90000\na=fmtp:96 profile-level-id=4D0014;packetization-mode=0\n` +
      'm=audio 0 RTP/AVP 104\na=control:trackID=audio\na=rtpmap:104 MPEG4-GENERIC/16000\na=fmtp:97 mode=AAC-hbr;config=1408\n',
    { codec: 'H264', audio: { codec: 'AAC', rate: 16_000 } },
  ),
  described(
    'H.265 with its parameter sets (pixelbender/go-sdp#5)',
    `${session}m=video 0 RTP/AVP 96\na=control:track1\na=rtpmap:96 H265/90000\na=fmtp:96 profile-id=1;level-id=153;` +
      'sprop-vps=QAEMAf//AUAAAAMAAAMAAAMAAAMAmawJ;sprop-sps=QgEBAUAAAAMAAAMAAAMAAAMAmaADwIARB8uWu5G4NcqqbAgAAAMACAAAAwB4QA==;' +
      'sprop-pps=RAHAc8BBgwk=\nm=audio 0 RTP/AVP 8\na=rtpmap:8 PCMA/8000\na=control:track2\n' +
      'm=application/tp-link 0 RTP/AVP smart/0/25000\na=rtpmap:95 tp-link/25000\na=control:track3\n',
    { codec: 'H265', width: 1920, height: 1080, reorders: false, audio: alaw },
  ),
]
