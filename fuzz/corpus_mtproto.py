#!/usr/bin/env python3
"""Writes the kept corpus of the target mtproto: the messages a server sends,
one or several to a file.

usage: fuzz/corpus_mtproto.py fuzz/corpus/mtproto
"""
import gzip
import os
import struct
import sys
import zlib

BASE = 1700000000 << 32
# What the target's client sends, in order: ping, salt request, their
# container, three queries.
PING, SALTS, CONTAINER, Q1, Q2, Q3 = (BASE + 4 * i for i in range(6))


def u32(*v):
    return b"".join(struct.pack("<I", x & 0xffffffff) for x in v)


def u64(*v):
    return b"".join(struct.pack("<Q", x & (2**64 - 1)) for x in v)


def tl_bytes(b):
    head = bytes([len(b)]) if len(b) < 254 else \
        b"\xfe" + struct.pack("<I", len(b))[:3]
    return head + b + bytes(-(len(head) + len(b)) % 4)


def longs(*v):
    return u32(0x1cb5c415, len(v)) + u64(*v)


def packed(b, how=lambda b: gzip.compress(b, mtime=0)):
    return u32(0x3072cfa1) + tl_bytes(how(b))


def container(*bodies):
    out = u32(0x73f1f8dc, len(bodies))
    for i, b in enumerate(bodies):
        out += u64(BASE + 0x1000001 + 4 * i) + u32(2 * i + 1, len(b)) + b
    return out


def result(query, body):
    return u32(0xf35c6d01) + u64(query) + body


def error(code, text):
    return u32(0x2144ca19, code) + tl_bytes(text)


UPDATE = u32(0xe317af7e)
TRUE = u32(0x997275b5)
NEW_SESSION = u32(0x9ec20908) + u64(PING, 77, 88)
PONG = u32(0x347773c5) + u64(PING, 5)
FUTURE = u32(0xae500895) + u64(SALTS) + u32(1700000000, 6) + b"".join(
    u32(1700000000 + i * 1800, 1700003600 + i * 1800) + u64(i)
    for i in range(6))


def bad(msg, code):
    return u32(0xa7eff811) + u64(msg) + u32(1, code)


SEEDS = {
    "start": [container(NEW_SESSION, PONG, FUTURE)],
    "answers": [result(Q1, TRUE), result(Q2, packed(TRUE * 40)),
                result(Q3, error(420, b"FLOOD_WAIT_3"))],
    "answers_container": [container(result(Q1, TRUE), result(Q3, TRUE),
                                    u32(0x62d6b459) + longs(Q2))],
    "not_inited": [result(Q1, error(400, b"CONNECTION_NOT_INITED"))] * 4,
    "wait_failed": [result(Q2, error(400, b"MSG_WAIT_FAILED")),
                    result(Q3, error(400, b"MSG_WAIT_TIMEOUT"))],
    "broken_gzip": [result(Q1, u32(0x3072cfa1) + tl_bytes(b"\x1f\x8b\x08"))],
    "gzip_zlib": [packed(container(PONG, UPDATE), zlib.compress)],
    "gzip_nested": [packed(packed(packed(packed(UPDATE))))],
    "update": [UPDATE, packed(UPDATE)],
    "unknown": [u32(0xdeadbeef, 1, 2), u32(0xc4f9186b), b"\1\2"],
    "bad_salt": [u32(0xedab447b) + u64(CONTAINER) + u32(2, 48) + u64(99)],
    "bad_low": [bad(Q1, 16), bad(Q2, 20), bad(CONTAINER, 48)],
    "bad_high": [bad(Q1, 17)],
    "bad_seqno": [bad(Q2, 32), bad(Q3, 64)],
    "restart": [NEW_SESSION, u32(0x9ec20908) + u64(Q3, 78, 89)],
    "detailed": [u32(0x276d3ec6) + u64(Q1, BASE + 0x2000001) + u32(40, 0),
                 u32(0x809db6df) + u64(BASE + 1) + u32(40, 0)],
    "resend": [u32(0x7d861a08) + longs(Q1, Q2)],
    "state_req": [u32(0xda69fb52) + longs(BASE + 1, BASE + 5)],
    # after the empty message the client asks for the states of Q1..Q3; the
    # request follows Q3, the ping and the salt request it goes with
    "states": [b"", u32(0x04deb57d) + u64(BASE + 4 * 6) +
               tl_bytes(b"\1\2\4")],
    "states_lost": [b"", u32(0x04deb57d) + u64(BASE + 4 * 6) +
                    tl_bytes(b"\4\1\3")],
    "all_info": [u32(0x8cc0d131) + longs(Q1) + tl_bytes(b"\4")],
    "nested_container": [container(container(PONG))],
    "cut_container": [container(PONG, FUTURE)[:-12]],
    # refused for one thing each
    "lengths": [u32(0xedab447b) + u64(CONTAINER), u32(0xae500895) + u64(SALTS) +
                u32(1700000000, 6), u32(0xae500895, 0), u32(0x276d3ec6, 1),
                u32(0x04deb57d) + u64(SALTS), u32(0xda69fb52, 0x1cb5c415, 9),
                u32(0xda69fb52) + longs(*range(513)), u32(0x7d861a08, 0),
                u32(0x73f1f8dc, 2), u32(0x73f1f8dc, 2000), u32(0x3072cfa1)],
    "container_ids": [u32(0x73f1f8dc, 1) + u64(BASE + 8) + u32(1, 4) + TRUE,
                      u32(0x73f1f8dc, 1) + u64(BASE + 9) + u32(1, 3) + TRUE],
    "result_cut": [u32(0xf35c6d01, 1), result(Q1, b""), result(Q1, b"\1\2"),
                   result(Q1, u32(0x2144ca19, 400)),
                   result(Q2, u32(0x3072cfa1)),
                   result(Q3, packed(b"\1"))],
    "repeated": [container(PONG, UPDATE)] * 2 + [u32(0x276d3ec6) + u64(
        Q1, BASE + 0x1000001) + u32(40, 0)],
    "states_of_nobody": [u32(0x04deb57d) + u64(1) + tl_bytes(b"\1"), b"",
                         u32(0x04deb57d) + u64(1) + tl_bytes(b"\1"),
                         u32(0x04deb57d) + u64(BASE + 4 * 6)],
    "acks": [container(*[UPDATE] * 70), u32(0x809db6df) + u64(
        BASE + 0x1000005) + u32(40, 0)],
    "resends": [b"".join([u32(0x809db6df) + u64(BASE + 1 + 4 * i) +
                          u32(40, 0)]) for i in range(70)],
    "state_of_none": [u32(0xda69fb52) + longs()],
    "no_salts": [FUTURE, u32(0xae500895) + u64(SALTS) + u32(1700000000, 0)],
    "many_salts": [u32(0xae500895) + u64(SALTS) + u32(1700000000, 70) +
                   b"".join(u32(1700000000 + i, 1700003600 + i) + u64(i)
                            for i in range(70))],
    "salt_again": [NEW_SESSION, NEW_SESSION, u32(0xedab447b) + u64(CONTAINER) +
                   u32(2, 48) + u64(88)],
    "bad_high_restart": [bad(Q1, 17), NEW_SESSION],
    "short": [u32(0xa7eff811), u32(0x9ec20908), u32(0xf35c6d01), PONG[:8]],
}


def main():
    os.makedirs(sys.argv[1], exist_ok=True)
    for name, bodies in SEEDS.items():
        with open(os.path.join(sys.argv[1], name), "wb") as f:
            for b in bodies:
                f.write(struct.pack("<H", len(b)) + b)
    # what still comes under the key before
    with open(os.path.join(sys.argv[1], "key_before"), "wb") as f:
        for b in (UPDATE, container(PONG, UPDATE, FUTURE), bad(Q1, 48),
                  result(Q1, TRUE), NEW_SESSION, packed(PONG), container(
                      PONG, UPDATE), u32(0x62d6b459) + longs(Q2)) + tuple(
                          u32(i, 0, 0) for i in (
                              0xedab447b, 0x04deb57d, 0x276d3ec6, 0x809db6df,
                              0x7d861a08, 0xda69fb52, 0x8cc0d131)):
            f.write(struct.pack("<H", 0x8000 | len(b)) + b)


if __name__ == "__main__":
    main()
