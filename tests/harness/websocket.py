"""SIP over WebSocket, as a phone in a browser speaks it (RFC 6455, RFC 7118);
used by sip.Client like the connections of wire.py."""
import base64
import os
import re
import socket
import ssl

from . import wire

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
ANSWER = re.compile(rb"HTTP/1\.1 (\d+) ")


def frame(opcode, payload, final=True, masked=True):
    key = os.urandom(4) if masked else b""
    n = len(payload)
    head = bytes([opcode | (0x80 if final else 0)])
    bit = 0x80 if masked else 0
    if n < 126:
        head += bytes([bit | n])
    elif n < 65536:
        head += bytes([bit | 126]) + n.to_bytes(2, "big")
    else:
        head += bytes([bit | 127]) + n.to_bytes(8, "big")
    if masked:
        payload = bytes(b ^ key[i % 4] for i, b in enumerate(payload))
    return head + key + payload


def request(**fields):
    """The opening handshake; a field of None is left out."""
    all_fields = {
        "Host": "gateway.example", "Upgrade": "websocket",
        "Connection": "keep-alive, Upgrade",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
        "Sec-WebSocket-Version": "13", "Sec-WebSocket-Protocol": "sip",
        "Origin": "https://phone.example",
        **{k.replace("_", "-"): v for k, v in fields.items()}}
    return ("GET /ws HTTP/1.1\r\n" + "".join(
        "%s: %s\r\n" % f for f in all_fields.items() if f[1] is not None)
        + "\r\n").encode()


class WebSocket(wire.Stream):
    """`closed` is the code that the other side closed with, `pongs` what came
    back. split: every message goes in fragments with a ping between."""

    def __init__(self, connection, name, opening=None, split=False):
        super().__init__(connection, name)
        self.closed, self.pongs, self.split = None, [], split
        super().sendto(opening or request(), None)
        while b"\r\n\r\n" not in self.data:
            chunk = self.chunk()
            if not chunk:
                raise OSError("closed")
            self.data += chunk
        self.answer, _, self.data = self.data.partition(b"\r\n\r\n")
        self.status = int(ANSWER.match(self.answer).group(1))

    def raw(self, data):
        super().sendto(data, None)

    def sendto(self, data, _):
        if self.split:
            self.raw(frame(TEXT, data[:20], final=False)
                     + frame(PING, b"between") + frame(0, data[20:]))
        else:
            self.raw(frame(TEXT, data))

    def message(self):
        while True:
            if len(self.data) < 2:
                return None
            assert not self.data[1] & 0x80, "a server's frame is masked"
            n, at = self.data[1], 2
            if n == 126:
                n, at = int.from_bytes(self.data[2:4], "big"), 4
            elif n == 127:
                n, at = int.from_bytes(self.data[2:10], "big"), 10
            if len(self.data) < at + n:
                return None
            opcode, payload = self.data[0] & 15, self.data[at:at + n]
            self.data = self.data[at + n:]
            if opcode == CLOSE:
                self.closed = int.from_bytes(payload[:2], "big")
                raise OSError("closed")
            if opcode == PONG:
                self.pongs.append(payload)
            else:
                return payload


def ws(port, source="127.0.0.1", **more):
    return WebSocket(socket.create_connection(
        ("127.0.0.1", port), source_address=(source, 0)), "WS", **more)


def wss(port, ca_file, name, **more):
    context = ssl.create_default_context(cafile=ca_file)
    return WebSocket(context.wrap_socket(
        socket.create_connection(("127.0.0.1", port)),
        server_hostname=name), "WSS", **more)
