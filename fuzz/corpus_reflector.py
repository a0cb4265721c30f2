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


def rows(*packets):
    return b"\0" + b"".join(struct.pack(">H", len(p)) + p for p in packets)


def stream(piece, *packets):
    return bytes([piece]) + b"".join(
        struct.pack("<I", len(p)) + p for p in packets)


FILES = {
    "datagrams": rows(HELLO, DATA), "foreign": rows(FOREIGN, DATA[:20]),
    "cut": rows(LONG, DATA[:28]), "stream": stream(255, HELLO, DATA),
    "pieces": stream(3, DATA, DATA), "endless": stream(9, DATA) +
    b"\xff\xff\xff\xff", "name": b"reflector-2-287454020.reflector",
}

if __name__ == "__main__":
    os.makedirs(sys.argv[1], exist_ok=True)
    for name, content in FILES.items():
        with open(os.path.join(sys.argv[1], name), "wb") as f:
            f.write(content)
