#!/usr/bin/env python3
"""Writes the kept corpus of fuzz_websocket: handshakes, frames and messages
that are right, and each with one thing changed.

usage: fuzz/corpus_websocket.py
"""
import os

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus",
                      "websocket")
SHAKE = (b"GET /chat HTTP/1.1\r\nHost: server.example.com\r\n"
         b"Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
         b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
         b"Sec-WebSocket-Protocol: chat, sip\r\n"
         b"Sec-WebSocket-Version: 13\r\n\r\n")
SHAKES = (
    (b"GET", b"PUT"), (b"/1.1", b"/1.0"), (b"/chat HTTP/1.1", b""),
    (b"Host: ", b"Hos: "), (b"Host: ", b"Host "), (b"Host: ", b"Ho st: "),
    (b"com\r\n", b"com\n"), (b"\r\n\r\n", b"\r\n"), (b"websocket", b"h2c"),
    (b", Upgrade", b""), (b"nonce", b"no"), (b"dGhl", b"d.hl"),
    (b"ZQ==", b"ZSEh"), (b"chat, sip", b"chat"), (b": 13", b": 8"),
    (b"\r\n\r\n", b"\r\nSec-WebSocket-Version: 13\r\n\r\n"),
    (b"\r\n\r\n", b"\r\nSec-WebSocket-Key: x\r\n\r\n"),
    (SHAKE, b""), (SHAKE, b"a" * 8192), (SHAKE, b"\r\n\r\n"),
)
OPTIONS = (b"OPTIONS sip:g SIP/2.0\r\n"
           b"Via: SIP/2.0/WS x.invalid;branch=z9hG4bK1;rport\r\n"
           b"From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: 1\r\n"
           b"CSeq: 1 OPTIONS\r\nContent-Length: 4\r\n\r\nbody")
MESSAGES = (
    (b"", b""), (b"Content-Length: 4\r\n", b""), (b"4\r\n", b"3\r\n"),
    (b"4\r\n", b"5\r\n"), (b"4\r\n", b"4\r\nl: 4\r\n"), (b"4\r\n", b"x\r\n"),
    (b"/WS ", b"/WSS "), (b"/WS ", b"/TCP "), (b"/WS ", b" / wss "),
    (b"/WS x", b"/WS"), (b"/WS x.invalid", b"/WS"), (b"Via", b"Vie"),
    (b"\r\n\r\nbody", b"\r\n\nbody"), (b"\r\n\r\nbody", b"\r\n"),
    (b"OPTIONS sip:g SIP/2.0", b"SIP/2.0 200 OK"), (b"SIP/2.0\r\n", b"\r\n"),
    (b"Via: SIP/2.0/WS", b"v:\tSIP"), (b"\r\n\r\nbody", b"\n\nbody"),
    (b"SIP/2.0\r\nVia: SIP/2.0/WS x.invalid;",
     b"SIP/2.0\r\nVia: SIP/2.0/WS x.invalid\r\nX: "),
)
ANSWER = (b"SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP x.invalid;branch=z9hG4bK1;"
          b"rport=50000;received=127.0.0.1\r\nContent-Length: 2\r\n\r\nab")
ANSWERS = (
    (b"", b""), (b"2\r\n", b"3\r\n"), (b"2\r\n", b"x\r\n"),
    (b"Content-Length: 2\r\n", b""), (b"\r\n\r\nab", b"\r\n"),
    (b"SIP/2.0 200 OK\r\n", b"\r\nSIP/2.0 200 OK\r\n"),
    (b"SIP/2.0 200 OK", b"what"), (b"Via", b"Vie"), (b"/TCP x", b"/TCP"),
    (b"SIP/2.0 200 OK", b"BYE sip:p@x.invalid SIP/2.0"),
    (b"ab", b"abSIP/2.0 180 Ringing\r\nv: SIP/2.0/TCP x\r\nl: 0\r\n\r\n"),
    (ANSWER, b"x" * 66000),
)


def frame(first, payload, mask=b"\x37\xfa\x21\x3d", length=None):
    n = len(payload) if length is None else length
    head = bytes([first, 0x80 | (n if n < 126 else 126 if n < 65536 else 127)])
    if n >= 126:
        head += n.to_bytes(2 if n < 65536 else 8, "big")
    return head + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload))


def frames():
    plain = bytes(4)
    yield frame(0x81, b"Hello") + frame(0x82, OPTIONS) + frame(0x81, OPTIONS)
    yield frame(1, b"OPTIONS s", plain) + frame(0x89, b"p", plain) + \
        frame(0, b"ip", plain) + frame(0x8a, b"", plain) + \
        frame(0x80, b":g SIP", plain) + b"and some more bytes behind it"
    yield frame(1, b"Hello", plain) + frame(0x80, b", world!", plain) + \
        frame(0x81, b"and another one", plain)
    for n in range(1, 9):
        yield frame(2, b"a" * n, plain) + \
            frame(0x80, b"b" * n, plain) + frame(0x82, b"c" * 90, plain)
    yield frame(0x88, b"\x03\xe8bye") + frame(0x81, b"more")
    yield frame(0x88, b"")
    for code in (1, 999, 1004, 1005, 1006, 1014, 1015, 3000, 4999, 5000):
        yield frame(0x88, code.to_bytes(2, "big"))
    yield frame(0x88, b"\x03")
    yield frame(0x88, b"\x03\xe8\xff")
    yield frame(0x81, b"\xff\xfe")
    yield b"\x81\x05Hello"
    for first in (0xc1, 0x83, 0x8b, 9, 0x80):
        yield frame(first, b"x")
    yield frame(1, b"a") + frame(0x81, b"b")
    yield frame(0x89, b"a" * 126)
    yield b"\x82\xfe\x00\x7d" + bytes(4) + b"a" * 125
    yield b"\x82\xff" + (256).to_bytes(8, "big") + bytes(260)
    yield b"\x82\xff\x80" + bytes(20)
    yield b"\x82\xff" + (65536).to_bytes(8, "big") + bytes(20)
    yield frame(2, bytes(40000)) + frame(0x80, bytes(40000))
    for old, new in MESSAGES:
        yield frame(0x81, OPTIONS.replace(old, new, 1), plain)


def rows():
    yield b"\0" + SHAKE + b"next"
    for old, new in SHAKES:
        yield b"\0" + SHAKE.replace(old, new, 1)
    for i, stream in enumerate(frames()):
        yield b"\1" + (b"\0" if i % 3 == 0 and len(stream) < 999
                       else b"\xff") + stream
    for old, new in ANSWERS:
        yield b"\2" + ANSWER.replace(old, new, 1)


if __name__ == "__main__":
    os.makedirs(FOLDER, exist_ok=True)
    for number, row in enumerate(rows()):
        with open(os.path.join(FOLDER, "%03d" % number), "wb") as f:
            f.write(row)
