#!/usr/bin/env python3
"""Adds to the kept corpus of fuzz_rtp: streams that jump, restart and come
twice, and packets one step away from right.

usage: fuzz/corpus_rtp.py
"""
import os
import struct

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus",
                      "rtp")
PCMU, OPUS = 0, 111


def rtp(seq, payload=b"\xff" * 20, first=0x80, pt=PCMU, ssrc=5, middle=b""):
    return struct.pack(">BBHII", first, pt, seq & 0xffff, seq * 160, ssrc) + \
        middle + payload


def extended(profile, block, seq=1):
    return rtp(seq, b"\xf8\xff", 0x90, OPUS, middle=struct.pack(
        ">HH", profile, len(block) // 4) + block)


def report(kind, count, body, first=0x80):
    return struct.pack(">BBH", first | count, kind, len(body) // 4) + body


def block(lost):
    return struct.pack(">IIIIII", 7, lost, 9, 0, 0x11223344, 6)


SENDER = struct.pack(">IQIII", 5, 1 << 40, 160, 2, 40)
BYE = report(203, 1, struct.pack(">I", 5))
CASES = {
    "in_order": [rtp(i) for i in range(1, 6)],
    "jump_and_restart": [rtp(1), rtp(2), rtp(9000), rtp(20000), rtp(20001),
                         rtp(20002)],
    "misordered": [rtp(1), rtp(2), rtp(4), rtp(3), rtp(3)],
    "wrap": [rtp(65534), rtp(65535), rtp(65536), rtp(65537)],
    "another_source": [rtp(1), rtp(2), rtp(3, ssrc=6), rtp(9, ssrc=6)],
    "empty": [rtp(1, b""), rtp(2, b""), rtp(3)],
    "lost_many": [rtp(1), rtp(2), rtp(900), rtp(901), report(
        200, 1, SENDER + block(0x7f000001)), rtp(903)],
    "short": [rtp(1)[:i] for i in (1, 8, 11, 12)],
    "version": [rtp(1, first=0), rtp(1, first=0xc0), rtp(1, first=0x40)],
    "sources": [rtp(1, first=0x82), rtp(1, first=0x8f)],
    "padding_odd": [rtp(1, b"ab\0", 0xa0), rtp(2, b"ab\4", 0xa0),
                    rtp(3, b"", 0xa0), rtp(4, b"a\2", 0xa0)],
    "one_byte_odd": [extended(0xbede, b) for b in (
        b"\0\0\0\0", b"\xf0abc", b"\x12ab\0", b"\x10a\x20b\x30c\0\0",
        b"\0\0\0\x1f", bytes(i << 4 & 0x70 | 0x10 for i in range(40)))],
    "two_byte_odd": [extended(0x1000, b) for b in (
        b"\1\xff\0\0", b"\1\0\2\1x\0\0\0", b"\0\0\0\7", bytes(8),
        b"\x0f\1x\0", b"\1\x11" + bytes(18), b"\1\1x" * 12)],
    "another_profile": [extended(0x4321, b"abcd"), rtp(1, b"", 0x90,
                                                       middle=b"\xbe\xde\0")],
    "reports_odd": [report(201, 2, struct.pack(">I", 5) + block(0xffffffff)),
                    report(200, 0, SENDER[:12]), report(201, 0, b""),
                    report(203, 0, b""), report(203, 3, bytes(4)),
                    report(203, 2, bytes(8))],
    "reports_many": [report(201, 9, struct.pack(">I", 5) + block(0xffffff) * 9),
                     report(201, 0, bytes(4)) + BYE],
    "reports_refused": [b"", b"\x80\xc9", report(201, 0, bytes(4))[:6],
                        report(201, 0, bytes(4), 0x40), report(
                            201, 0, bytes(4)) + b"\x40\xc9\0\0", report(
                            201, 0, bytes(4)) + b"\x80\x10\0\0", report(
                            201, 0, bytes(4)) + b"\x80\xe0\0\0"],
    "report_padding": [report(201, 0, bytes(4) + b"\0\0\0\4", 0xa0),
                       report(201, 0, bytes(4), 0xa0) + BYE,
                       report(201, 0, b"", 0xa0) + b"\0\0\0\0",
                       report(201, 0, b"\0\0\0\x63", 0xa0),
                       BYE + report(201, 0, b"", 0xa0)],
}

if __name__ == "__main__":
    for name, datagrams in CASES.items():
        with open(os.path.join(FOLDER, name), "wb") as f:
            f.write(b"".join(bytes([len(d)]) + d for d in datagrams))
