#!/usr/bin/env python3
"""Serves an MPEG-4 clip over RTSP on loopback, for tests, until it is ended.

usage: rtsp_server.py CLIP.mp4 [PORT]

Prints the port it listens on (PORT, or a free one) as its first line. Every client gets the clip from its
start, at /clip. Exit status 77: GStreamer's RTSP server for Python is not installed.
"""
import sys

try:
    import gi

    gi.require_version("Gst", "1.0")
    gi.require_version("GstRtspServer", "1.0")
    from gi.repository import GLib, Gst, GstRtspServer
except (ImportError, ValueError) as error:
    print(f"GStreamer's RTSP server for Python is not installed: {error}", file=sys.stderr)
    sys.exit(77)


def main():
    clip = sys.argv[1]
    port = sys.argv[2] if len(sys.argv) > 2 else "0"
    Gst.init(None)
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(
        f'( filesrc location="{clip}" ! qtdemux ! rtpmp4vpay name=pay0 pt=96 config-interval=1 )')
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(port)
    server.get_mount_points().add_factory("/clip", factory)
    if server.attach(None) == 0:
        print(f"cannot listen on port {port}", file=sys.stderr)
        sys.exit(1)
    print(server.get_bound_port(), flush=True)
    GLib.MainLoop().run()


main()
