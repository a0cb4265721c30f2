#!/usr/bin/env python3
"""Adds to the kept corpus of fuzz_tl (tl_schema_test FOLDER writes one object
of each kind) what is refused, and nested texts of every length.

usage: fuzz/corpus_tl.py
"""
import os
import struct

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus",
                      "tl")
VECTOR, ARRAY, STRING, NUMBER, NULL = (0x1cb5c415, 0xf7444763, 0xb71e767a,
                                       0x2be0dfa4, 0x3f6d7b68)
GET_USERS, GET_TTL, GET_STATE = 0x0d91a548, 0x08fc711d, 0xedd4882a
USER_EMPTY = 0xd3bc4b7a


def u32(*v):
    return struct.pack("<%dI" % len(v), *v)


def text(b, long_form=False):
    head = bytes([len(b)]) if len(b) < 254 and not long_form else \
        b"\xfe" + u32(len(b))[:3]
    return head + b + bytes(-(len(head) + len(b)) % 4)


def array(*items):
    return u32(ARRAY, VECTOR, len(items)) + b"".join(items)


def deep(n, item):
    for _ in range(n):
        item = array(item)
    return item


def said(b):
    return u32(STRING) + text(b)


CASES = {
    "texts": [array(*(said(b"x" * n) for n in (0, 1, 3, 253, 254, 257)))],
    "texts_deep": [deep(n, array(*[said(b"y" * 254)] * n))
                   for n in (2, 3, 4, 5)] + [deep(3, said(b"long " * 55))],
    "number": [array(u32(NUMBER) + struct.pack("<d", 1.5), u32(NULL))],
    "long_form": [u32(STRING) + text(b"short", True)],
    "depth": [deep(n, u32(NULL)) for n in (20, 62, 63, 64, 70)],
    "text_odd": [u32(STRING) + b for b in (
        b"\xff\0\0\0", b"\x05abc", b"\xfe\0\1\0abc", b"\xfe\0", b"",
        b"\2ab")],
    "vector_odd": [u32(ARRAY), u32(ARRAY, VECTOR), u32(ARRAY, NULL, 0),
                   u32(ARRAY, VECTOR, 9, NULL), array(u32(0xdeadbeef)),
                   array(u32(VECTOR)), u32(ARRAY, VECTOR, 0xffffffff),
                   array(u32(NUMBER) + b"\0\0"), array(b""),
                   array(said(b"abc")[:-1])],
    "unknown": [u32(0xdeadbeef), b"\1\2"],
}
RESULTS = {
    "users": (GET_USERS, u32(VECTOR, 1, USER_EMPTY) + struct.pack("<q", 5)),
    "users_odd": (GET_USERS, u32(VECTOR, 1, NULL)),
    "users_cut": (GET_USERS, u32(VECTOR, 9, USER_EMPTY)),
    "ttl": (GET_TTL, u32(0xb8d0afdf, 30)),
    "ttl_cut": (GET_TTL, u32(0xb8d0afdf)),
    "ttl_odd": (GET_TTL, u32(NULL)),
    "state": (GET_STATE, u32(0xa56c2a3e, 1, 2, 3, 4, 5)),
    "no_function": (NULL, u32(NULL)),
}

if __name__ == "__main__":
    for name, objects in CASES.items():
        for i, b in enumerate(objects):
            with open(os.path.join(FOLDER, "%s-%02d" % (name, i)), "wb") as f:
                f.write(u32(0) + b)
    for name, (function, b) in RESULTS.items():
        with open(os.path.join(FOLDER, "result-" + name), "wb") as f:
            f.write(u32(function) + b)
