#!/usr/bin/env python3
"""Writes the kept corpus of fuzz_reflector: corpus_reflector.py FOLDER"""
import os
import struct
import sys

PREFIX = bytes(range(12))
OWN, PEER = struct.pack("<I", 0x11223344), struct.pack("<I", 0x55667788)
HELLO = PREFIX + OWN + b"\xff" * 12 + b"\xfd\xff\xff\xff" + bytes(7) + b"\x7b"
DATA = PREFIX + OWN + PEER + b"\0\0\0\x05\xaa\xbb\xcc\xdd\xee\0\0\0"
FOREIGN = b"\xff" + DATA[1:]
LONG = DATA[:20] + b"\0\0\xff\xff" + DATA[24:]
OTHER = PREFIX + PEER + OWN + DATA[20:]
EMPTY = PREFIX + OWN + PEER + b"\0\0\0\0"
# ICE's check and its answer, as they go through a relay: 96 and 64 bytes.
CHECK, ANSWER = (PREFIX + OWN + PEER + struct.pack(">I", n) + bytes(range(n))
                 for n in (96, 64))
HUGE = PREFIX + OWN + PEER + struct.pack(">I", 1800) + bytes(1800)


def rows(*packets):
    return b"\0" + b"".join(struct.pack(">H", len(p)) + p for p in packets)


def stream(piece, *packets):
    return bytes([piece]) + b"".join(
        struct.pack("<I", len(p)) + p for p in packets)


FILES = {
    "datagrams": rows(HELLO, DATA), "foreign": rows(FOREIGN, DATA[:20]),
    "cut": rows(LONG, DATA[:28]), "stream": stream(255, HELLO, DATA),
    "pieces": stream(3, DATA, DATA), "endless": stream(9, DATA) +
    b"\xff\xff\xff\xff", "other": rows(OTHER, EMPTY, HUGE),
    "checks": rows(HELLO, CHECK, ANSWER), "short": rows(DATA[:11], DATA[:12],
                                                         HELLO[:25]),
    "checks_stream": stream(64, HELLO[:20], CHECK, ANSWER, EMPTY),
}
# As the server or a peer names a port, and as nobody does.
NAMES = (b"reflector-2-287454020.reflector", b"reflector-255-1.reflector",
         b"reflector-256-1.reflector", b"reflector-2-0.reflector",
         b"reflector-2-4294967296.reflector", b"reflector-x-1.reflector",
         b"reflector-2-:.reflector", b"reflector-2/1.reflector",
         b"reflector-2-1.reflectors", b"reflector-2-1-reflector",
         b"reflector-2-99999999999999999999999.reflector",
         b"turn-2-1.reflector")
FILES.update(("name-%02d" % i, name) for i, name in enumerate(NAMES))

if __name__ == "__main__":
    os.makedirs(sys.argv[1], exist_ok=True)
    for name, content in FILES.items():
        with open(os.path.join(sys.argv[1], name), "wb") as f:
            f.write(content)
