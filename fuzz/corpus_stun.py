#!/usr/bin/env python3
"""Writes fuzz/corpus/stun: messages as the apps send them, in the records of
fuzz_stun.c. Run it in the project's root after a change of either."""
import os
import struct
import zlib

COOKIE = 0x2112A442
REQUEST, INDICATION, SUCCESS, ERROR = 0x001, 0x011, 0x101, 0x111
# The agent draws its tie-breaker (8 bytes), then a check, then a query.
CHECK_TID = bytes(range(8, 20))
QUERY_TID = bytes(range(20, 32))
PEER_TID = b"peer tid 001"


def attribute(kind, value=b""):
    return struct.pack(">HH", kind, len(value)) + value + bytes(-len(value) % 4)


def message(kind, tid, *attributes, signed=True):
    body = b"".join(attributes)
    if signed:
        body += attribute(0x0008, bytes(20))
    head = struct.pack(">HHI", kind, len(body) + 8, COOKIE) + tid
    crc = zlib.crc32(head + body) ^ 0x5354554E
    return head + body + attribute(0x8028, struct.pack(">I", crc))


def xor4(tid, address, port):
    return attribute(0x0020, struct.pack(
        ">BBHI", 0, 1, port ^ (COOKIE >> 16), address ^ COOKIE))


def record(flags, datagram):
    return struct.pack(">BH", flags, len(datagram)) + datagram


USERNAME = attribute(0x0006, b"abcd:efgh")
PRIORITY = attribute(0x0024, struct.pack(">I", 0x6E7F1EFF))
CONTROLLING = attribute(0x802A, bytes(8))
CONTROLLED = attribute(0x8029, bytes(8))
USE_CANDIDATE = attribute(0x0025)
NOMINATION = attribute(0xC001, struct.pack(">I", 1))
NETWORK = attribute(0xC057, struct.pack(">I", 0x00010002))
RETRANSMIT = attribute(0xFF00, struct.pack(">I", 3))
HOME = 0x0A000001

request = message(REQUEST, PEER_TID, USERNAME, NETWORK, CONTROLLING, PRIORITY)
nominating = message(REQUEST, PEER_TID, USERNAME, CONTROLLING, USE_CANDIDATE,
                     PRIORITY, RETRANSMIT)
renominating = message(REQUEST, PEER_TID, USERNAME, CONTROLLING, NOMINATION,
                       PRIORITY)
conflict = message(REQUEST, PEER_TID, USERNAME, CONTROLLED, PRIORITY)
unknown = message(REQUEST, PEER_TID, USERNAME, attribute(0x7001, b"abc"))
answer = message(SUCCESS, CHECK_TID, xor4(CHECK_TID, HOME, 4000))
reflexive = message(SUCCESS, CHECK_TID, xor4(CHECK_TID, 0xC6336401, 6001))
mapped = message(SUCCESS, QUERY_TID, attribute(
    0x0001, struct.pack(">BBHI", 0, 1, 6001, 0xC6336401)), signed=False)
switch = message(ERROR, CHECK_TID,
                 attribute(0x0009, b"\0\0\x04\x57Role Conflict"))
refused = message(ERROR, CHECK_TID, attribute(0x0009, b"\0\0\x04\x01No"),
                  attribute(0x0014, b"realm"), attribute(0x0015, b"nonce"))
keep = message(INDICATION, PEER_TID, attribute(
    0x0020, struct.pack(">BBH", 0, 2, 4000 ^ (COOKIE >> 16)) + bytes(16)))
bare = message(REQUEST, PEER_TID, signed=False)

# TURN's (RFC 8656): Allocate granted and challenged, a Data indication.
ADDRESS = struct.pack(">BBHI", 0, 1, 4000 ^ 0x2112, HOME ^ COOKIE)
allocated = message(0x103, CHECK_TID, attribute(0x0016, ADDRESS),
                    attribute(0x000D, struct.pack(">I", 600)))
challenge = message(0x113, CHECK_TID, attribute(0x0009, b"\0\0\x04\x01No"),
                    attribute(0x0014, b"realm"), attribute(0x0015, b"nonce"))
relayed = message(0x017, PEER_TID, attribute(0x0012, ADDRESS),
                  attribute(0x0013, b"hello"), signed=False)

# One step away from right each.
def bare_message(kind, *attributes):
    return message(kind, PEER_TID, *attributes, signed=False)


def with_length(datagram, length):
    return datagram[:2] + struct.pack(">H", length) + datagram[4:]


def error(hundreds, rest):
    return message(ERROR, CHECK_TID, attribute(
        0x0009, bytes([0, 0, hundreds, rest])))


SHORT = [bare_message(kind, attribute(what, value)) for kind, what, value in (
    (REQUEST, 0x0024, b"\0\0"), (REQUEST, 0x802A, b"\0\0\0\0"),
    (SUCCESS, 0x0020, b"\0\1\0"), (INDICATION, 0x0020, b"\0\2" + bytes(8)),
    (SUCCESS, 0x0001, b"\0\3" + bytes(6)), (REQUEST, 0x0008, bytes(19)),
    (REQUEST, 0x8028, bytes(3)), (ERROR, 0x0009, b"\0\0"),
    (0x103, 0x000D, b"\0"))]
SOME = attribute(0x0001, struct.pack(">BBHI", 0, 1, 6001, 0xC6336401))
many_unknown = message(REQUEST, PEER_TID, *(
    attribute(0x7001 + i) for i in range(10)))
behind_fingerprint = with_length(
    bare_message(REQUEST) + attribute(0x8028, bytes(4)), 16)
behind_integrity = message(REQUEST, PEER_TID, USERNAME, attribute(
    0x0008, bytes(20)), PRIORITY)
six = message(SUCCESS, CHECK_TID, attribute(
    0x0001, struct.pack(">BBH", 0, 2, 4000) + bytes(16)))
half = bare_message(REQUEST, attribute(0x0006, b"abcd:efgh"))[:-6]
ODD = [request[:i] for i in (0, 2, 4, 8, 19, 20)] + [
    with_length(request[:20], 0), with_length(request, len(request)),
    with_length(request[:-2], len(request) - 22), b"\x40" + request[1:],
    request[:4] + b"\0\0\0\0" + request[8:],
    with_length(half, len(half) - 20),
    with_length(request[:-8], len(request) - 28)]

CASES = {
    "short": [record(0, m) for m in SHORT],
    "odd": [record(1, m) for m in ODD],
    "errors": [record(0, error(*e)) for e in (
        (2, 0), (7, 0), (3, 0), (4, 100), (6, 99))],
    "many_unknown": [record(0, many_unknown)],
    "order": [record(0, behind_fingerprint), record(0, behind_integrity)],
    "mapped_twice": [record(0, message(SUCCESS, CHECK_TID, SOME, SOME)),
                     record(0, six)],
    "relayed_odd": [record(0, message(0x103, CHECK_TID, attribute(
        0x7002, b"odd"), attribute(0x8022, b"server")))],
    "turn": [record(0, allocated), record(0, challenge), record(0, relayed)],
    "request": [record(0, request)],
    "nominating": [record(0, request), record(2, answer), record(0, nominating)],
    "renominating": [record(0, answer), record(2, renominating)],
    "conflict": [record(0, conflict)],
    "unknown": [record(0, unknown)],
    "reflexive": [record(0, reflexive), record(2, request)],
    "mapped": [record(1, mapped)],
    "switch": [record(0, switch), record(2, request)],
    "refused": [record(0, refused)],
    "keep": [record(0, keep)],
    "keeps": [record(0, keep)] * 8,
    "keeps_bare": [record(0, message(INDICATION, PEER_TID, attribute(
        0x0020, struct.pack(">BBH", 0, 2, port) + bytes(16)), signed=False))
                   for port in range(4000, 4008)],
    "bare": [record(1, bare)],
    "restart": [record(0, answer), record(0, nominating), record(6, request)],
    "stranger": [record(1, request), record(3, nominating), record(1, answer)],
}

for name, records in CASES.items():
    path = os.path.join("fuzz", "corpus", "stun", name)
    with open(path, "wb") as f:
        f.write(b"".join(records))
