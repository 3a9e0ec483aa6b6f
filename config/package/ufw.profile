[camera-service]
title=MediaMTX camera service
description=API and console (8002), RTSP (8554), HLS (8888) and WebRTC (8889, media over UDP 8189)
ports=8002,8554,8888,8889/tcp|8189/udp
