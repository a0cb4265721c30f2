#!/usr/bin/env python3
"""Writes the corpora of fuzz_sctp and fuzz_signaling from the recorded call
signalling in tests/data/traces. Needs python3-cryptography.

usage: fuzz/corpus_tgcall.py
"""
import gzip
import hashlib
import json
import os
import struct

from cryptography.hazmat.primitives.ciphers import (Cipher, algorithms, modes)

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TRACES = os.path.join(ROOT, "tests", "data", "traces")
PEER_TSN = 0x100


def decrypt(key, blob, sender_is_caller):
    x = (0 if sender_is_caller else 8) + 128
    msg_key = blob[:16]
    a = hashlib.sha256(msg_key + key[x:x + 36]).digest()
    b = hashlib.sha256(key[40 + x:76 + x] + msg_key).digest()
    cipher = Cipher(algorithms.AES(a[:8] + b[8:24] + a[24:32]),
                    modes.CTR(b[:4] + a[8:16] + b[24:28]))
    return cipher.decryptor().update(blob[16:])


def blobs(name):
    with open(os.path.join(TRACES, name + ".blobs"), encoding="ascii") as f:
        for line in f:
            _, direction, text = line.split()
            yield direction[0] == "a", bytes.fromhex(text)


def step(operation, body):
    return struct.pack(">BH", operation, len(body)) + body


def text_step(operation, text):
    return bytes([operation]) + text + b"\n"


def chunk(kind, flags, body):
    n = 4 + len(body)
    return struct.pack(">BBH", kind, flags, n) + body + bytes(-n % 4)


def chunks(packet):
    at = 12
    while at + 4 <= len(packet):
        kind, flags, n = struct.unpack_from(">BBH", packet, at)
        yield kind, flags, packet[at + 4:at + n]
        at += (n + 3) & ~3


def data(tsn, flags, text, ssn=0):
    return chunk(0, flags, struct.pack(">IHHI", tsn, 0, ssn, 53) + text)


def write(target, name, content):
    folder = os.path.join(ROOT, "fuzz", "corpus", target)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as f:
        f.write(content)


def sctp_recorded(name, from_caller):
    """What one side sent to an open association, its TSNs moved to ours."""
    out = bytes([2 | 4])
    first = None
    for caller, packet in blobs(name):
        if caller != from_caller:
            continue
        body = b""
        for kind, flags, value in chunks(packet):
            if kind == 0:
                tsn = struct.unpack_from(">I", value)[0]
                first = tsn if first is None else first
                value = struct.pack(">I", PEER_TSN + tsn - first) + value[4:]
            if kind in (0, 3, 4, 5, 6, 7, 9):
                body += chunk(kind, flags, value)
        if body:
            out += step(0, body)
    return out


def sctp_corpus():
    for name in ("12.0.0", "13.0.0", "13.0.0-sctp2026"):
        for caller in (True, False):
            write("sctp", "%s-%s" % (name, "ab"[not caller]),
                  sctp_recorded(name, caller))
    init = next(p for c, p in blobs("13.0.0") if p[12] == 1)
    init_ack = next(p for c, p in blobs("13.0.0") if p[12] == 2)
    write("sctp", "opening", bytes([0]) + step(1, init[12:]) + step(4, b"") +
          step(4, data(1, 3, b"hello")))
    write("sctp", "collision", bytes([1]) + step(1, init[12:]) +
          step(0, init_ack[12:]) + step(4, b"") + step(0, chunk(11, 0, b"")))
    write("sctp", "echoed", bytes([3 | 4]) + step(5, bytes(60)) +
          step(0, chunk(9, 0, struct.pack(">HHI", 3, 8, 0))) +
          step(0, data(PEER_TSN, 3, b"x")))
    write("sctp", "restart", bytes([2 | 4]) + step(1, init[12:]) +
          step(4, b"") + step(2, init))
    unknown = b"".join(struct.pack(">HH", t, 7) + b"odd\0"
                       for t in (0x8001, 0xc123, 0xbfff, 0x7fff))
    write("sctp", "parameters",
          bytes([0]) + step(1, chunk(1, 0, init[16:32] + unknown)))
    write("sctp", "fragments", bytes([2]) + b"".join(
        step(0, data(PEER_TSN + tsn, flags, b"part" * 5))
        for tsn, flags in ((0, 2), (2, 1), (1, 0), (1, 0), (4, 3), (3, 3),
                           (9, 7))))
    write("sctp", "gaps", bytes([2 | 4]) +
          step(0, chunk(3, 0, struct.pack(">IIHHHHI", 0x0f0f0f0e, 9999, 1, 1,
                                          2, 3, 7))) + step(5, bytes(99)))
    write("sctp", "reset", bytes([2]) + step(0, chunk(130, 0, struct.pack(
        ">HHIIIH", 13, 18, 7, 0, 1, 0))) + step(0, chunk(
            192, 0, struct.pack(">IHH", PEER_TSN + 5, 0, 0))))
    write("sctp", "shutdown", bytes([2 | 4]) + step(
        0, chunk(7, 0, struct.pack(">I", 0x04040403))) + step(5, bytes(99)) +
        step(0, chunk(14, 0, b"")) + step(0, chunk(8, 0, b"")) +
        step(6, b"text"))
    write("sctp", "unknown", bytes([2]) + step(
        0, chunk(0x7f, 0, b"what")) + step(0, chunk(0xff, 1, b"")) +
        step(0, chunk(0xbf, 0, b"") + chunk(0x3f, 0, b"")) +
        step(3, chunk(6, 1, b"")) + step(0, data(PEER_TSN, 3, b"")))
    sctp_refusals(init)


def sctp_refusals(init):
    """One step away from right each; a case is how it begins, and steps."""
    wait, opened, echoed = 1, 2, 3
    first, second, third = (data(PEER_TSN + i, 3, b"text") for i in range(3))
    fixed = init[16:32]
    cut_inits = [chunk(1, 0, fixed[:at] + bytes(n) + fixed[at + n:])
                 for at, n in ((0, 4), (8, 2), (10, 2))]
    known = b"".join(struct.pack(">HHI", t, 8, 1)
                     for t in (5, 6, 8, 9, 11, 12, 0xc000, 0xc006))
    shutdown = chunk(7, 0, struct.pack(">I", 0))
    stale, other = (chunk(9, 0, struct.pack(">HHI", cause, 8, 0))
                    for cause in (3, 6))
    reset = [chunk(130, 0, struct.pack(">HHII", kind, 12, 7, 0))
             for kind in (12, 13, 14, 15, 16, 17, 18, 19)]
    forward = [chunk(192, 0, struct.pack(">I", PEER_TSN + n))
               for n in (-1, 2, 1)]
    head = struct.pack(">HHII", 5000, 5000, 0x0a0a0a0a, 0)
    cases = (
        (opened, [chunk(0, 3, bytes(11)), chunk(192, 0, b"\0"),
                  chunk(7, 0, b"\0"), chunk(130, 0, b"\0\r\0\6zz"),
                  chunk(130, 0, b"\0\r\0\2"), chunk(130, 0, b"\0"),
                  chunk(9, 0, b"\0\3\0\2"), chunk(1, 0, fixed),
                  first + b"\0\3\0\2", first + b"\0", b""]),
        (opened, [first + chunk(6, 0, b""), first]),
        (wait, [first, shutdown, stale, other, chunk(6, 0, b"")]),
        (echoed, [first, second]), (echoed, [stale, other]),
        (echoed, [other, shutdown, chunk(3, 0, bytes(12)), chunk(11, 0, b"")]),
        (echoed, [chunk(10, 0, bytes(8)), forward[0]]),
        (opened, [chunk(11, 0, b""), chunk(5, 0, b""), chunk(14, 0, b""),
                  chunk(4, 0, b"\0\1\0\4")] + reset),
        (opened, [shutdown, first, shutdown]),
        (opened, [first, first, third, third, data(PEER_TSN + 99999, 3, b"x")]),
        (opened, [third, second, data(PEER_TSN + 4, 7, b"y"),
                  data(PEER_TSN + 5, 3, b"z")] + forward + [first]),
        (opened, [data(PEER_TSN, 2, b"be") + data(PEER_TSN + 2, 0, b"x"),
                  data(PEER_TSN + 1, 1, b"gin"), data(PEER_TSN + 3, 1, b"")]),
        (opened, [data(PEER_TSN + n, flags, b"part") for n, flags in (
            (0, 2), (2, 3), (3, 3), (1, 1), (4, 2), (6, 3), (5, 1))]),
        (opened, [data(PEER_TSN + n, flags, b"part") for n, flags in (
            (0, 2), (2, 1), (3, 3), (1, 0), (4, 3))]),
        (opened, [first] * 20), (opened, [chunk(10, 0, bytes(40)) + first]),
        (0, [first, chunk(6, 1, b""), chunk(14, 1, b"")]),
    )
    for i, (how, packets) in enumerate(cases):
        write("sctp", "refused-%02d" % i, bytes([how]) + b"".join(
            step(0, p) for p in packets) + step(5, bytes(30)))
    for i, body in enumerate(cut_inits + [
            chunk(1, 0, fixed[:15]), chunk(1, 0, fixed) + first,
            chunk(1, 0, fixed + known), chunk(1, 0, fixed + b"\x80\1\0\2"),
            chunk(1, 0, fixed + b"\x80"), chunk(1, 0, fixed + struct.pack(
                ">HH", 0xc555, 300) + bytes(296) + known)]):
        write("sctp", "init-%02d" % i, bytes([0]) + step(1, body))
    write("sctp", "init-tagged", bytes([2]) + step(0, chunk(1, 0, fixed)))
    for i, packet in enumerate((
            head[:11], b"\0\1" + head[2:], head[:2] + b"\0\1" + head[4:],
            head, head + chunk(6, 1, b""), head + chunk(14, 1, b""),
            head + chunk(6, 0, b""))):
        write("sctp", "head-%02d" % i, bytes([2]) + step(2, packet))


def signaling_recorded(key, name, from_caller):
    """As plain packets, and as the texts that were in them."""
    plains, texts = [], []
    for caller, blob in blobs(name):
        if caller != from_caller:
            continue
        parts = [blob]
        if blob[:4] == b"\x13\x88\x13\x88":
            parts = [v[12:] for k, _, v in chunks(blob) if k == 0]
        for part in parts:
            plain = decrypt(key, part, caller)
            plains.append(plain)
            if plain[4:6] == b"\x1f\x8b":
                texts.append(gzip.decompress(plain[4:]))
    return plains, texts


FRAMINGS = {"7.0.0": 0, "8.0.0": 1, "9.0.0": 1, "12.0.0": 2, "13.0.0": 2,
            "9.0.0-tdesktop4.6.5": 1}


def web_candidates():
    return json.dumps({"@type": "Candidates", "exchangeId": "1", "ufrag": "u",
                       "candidates": [{
                           "sdpString": "candidate:1 1 udp 1 10.0.0.1 9 typ "
                                        "host", "sdpMid": "0",
                           "sdpMLineIndex": 0, "usernameFragment": "u"}]})


def video_offer():
    feedback = [{"type": t, "subtype": s} for t, s in
                (("goog-remb", ""), ("nack", "pli"))]
    return json.dumps({
        "@type": "NegotiateChannels", "exchangeId": 77, "contents": [
            {"type": "video", "ssrc": "5", "ssrcGroups": [
                {"semantics": "FID", "ssrcs": ["5", "6"]}],
             "payloadTypes": [{"id": 100, "name": "VP8", "clockrate": 90000,
                               "feedbackTypes": feedback, "parameters": {}}],
             "rtpExtensions": [{"id": 13, "uri": "urn:3gpp:video-orientation"}]
             }, {"type": "audio", "ssrc": 9, "payloadTypes": [
                 {"id": 111, "name": "opus", "clockrate": 48000, "channels": 2,
                  "feedbackTypes": [], "parameters": {"minptime": "10"}}],
                 "rtpExtensions": [
                     {"id": 1, "uri": "urn:ietf:params:rtp-hdrext:ssrc-audio-"
                                      "level"}]}]})


def setup(**changes):
    entry = {"hash": "sha-256", "setup": "actpass",
             "fingerprint": ":".join(["AB"] * 32)}
    entry.update((k, v) for k, v in changes.items() if k in entry)
    message = {"@type": "InitialSetup", "ufrag": "aB3d", "pwd": "0" * 24,
               "renomination": False, "fingerprints": [entry]}
    message.update((k, v) for k, v in changes.items() if k not in entry)
    return message


def offer(**changes):
    content = {"type": "audio", "ssrc": "912837465", "ssrcGroups": [],
               "payloadTypes": [], "rtpExtensions": []}
    payload = {"id": 111, "name": "opus", "clockrate": 48000, "channels": 2,
               "feedbackTypes": [{"type": "transport-cc", "subtype": ""}],
               "parameters": {"minptime": "10"}}
    payload.update((k, v) for k, v in changes.items() if k in payload)
    content["payloadTypes"] = [payload]
    content.update((k, v) for k, v in changes.items() if k in content)
    message = {"@type": "NegotiateChannels", "exchangeId": "2837465",
               "contents": [content]}
    message.update((k, v) for k, v in changes.items() if k in message)
    return message


def odd_texts():
    """One step away from right, each in one way."""
    for setup_name in ("active", "passive", "other", 1):
        yield setup(setup=setup_name)
    for fingerprint in ("AB:CD", ":".join(["AG"] * 32), "." .join(["AB"] * 32),
                        None):
        yield setup(fingerprint=fingerprint)
    yield setup(hash="sha-1")
    yield setup(renomination="true")
    yield setup(renomination=None)
    yield setup(ufrag="")
    yield setup(ufrag="u" * 300)
    yield setup(pwd=5)
    for exchange in ("", "x", "4294967296", 4294967296, -1, 7, "99999999999",
                     1.5, None):
        yield offer(exchangeId=exchange)
    yield offer(contents=5)
    yield offer(contents=[])
    yield offer(type="video")
    yield offer(type=None)
    for ssrc in (0, "0", 5, "x"):
        yield offer(ssrc=ssrc)
    for groups in (1, [1], [{"semantics": "FID", "ssrcs": ["1", 2]}],
                   [{"semantics": "FID", "ssrcs": 1}],
                   [{"semantics": "FID", "ssrcs": ["x"]}]):
        yield offer(ssrcGroups=groups)
    for payloads in (1, [], [1], [{"id": 1}]):
        yield offer(payloadTypes=payloads)
    for number in (-1, 128, "111"):
        yield offer(id=number)
    yield offer(name="G" * 200)
    yield offer(name="PCMU")
    yield offer(clockrate="8000")
    yield offer(channels="2")
    for feedback in (1, [1], [{"type": "nack"}], [{"type": 1, "subtype": ""}]):
        yield offer(feedbackTypes=feedback)
    for parameters in (1, {"a": 1}, {"a" * 200: "b"}):
        yield offer(parameters=parameters)
    cc = "http://www.ietf.org/id/" \
        "draft-holmer-rmcat-transport-wide-cc-extensions-01"
    for extensions in (1, [1], [{"id": "1", "uri": cc}], [{"id": 15, "uri": cc}],
                       [{"id": 0, "uri": cc}], [{"id": 3, "uri": "urn:x"}],
                       [{"id": 3, "uri": cc}, {"id": 4, "uri": cc},
                        {"id": 5, "uri": "urn:ietf:params:rtp-hdrext:sdes:mid"
                         }]):
        yield offer(rtpExtensions=extensions)
    for candidates in (1, [1], [{"sdpString": 1}], [{"sdpString": ""}],
                       [{"sdpString": "candidate:" + "x" * 1100}],
                       [{"sdpString": "candidate:1"}] * 70):
        yield {"@type": "Candidates", "candidates": candidates}
    for state in ({}, {"muted": 1}, {"muted": False},
                  {"muted": True, "lowBattery": 1}):
        yield dict({"@type": "MediaState"}, **state)
    yield {"@type": 5}
    yield [[[[[[[[[[[[[[[]]]]]]]]]]]]]]]


def signaling_corpus():
    with open(os.path.join(TRACES, "key.hex"), encoding="ascii") as f:
        key = bytes.fromhex(f.read().strip())
    for name, framing in FRAMINGS.items():
        for caller in (True, False):
            plains, texts = signaling_recorded(key, name, caller)
            how = bytes([framing << 1 | (not caller)])
            side = "ab"[not caller]
            write("signaling", "%s-%s" % (name, side),
                  how + b"".join(step(0, p) for p in plains))
            for i, text in enumerate(texts):
                if name == "13.0.0":
                    write("signaling", "text-%s%d" % (side, i),
                          how + text_step(1, text))
            if texts:
                write("signaling", "%s-%s-texts" % (name, side),
                      how + b"".join(text_step(2, t) for t in texts))
    for i, text in enumerate(odd_texts()):
        write("signaling", "odd-%02d" % i,
              bytes([i & 1]) + text_step(1, json.dumps(text).encode()))
    one = "7f000000027b7d"  # type 127, "{}"
    for i, text in enumerate((
            "00000001", "000000017e", "00000001ff", "00000001fe00000002fe",
            "40000001" + one + "00", "400000017f000000037b7d",
            "400000017fffffffff7b7d", "80000001" + one,
            "80000001" + one + "00000002" + one,
            "00000001" + one + "80000002" + one, "00000005" + one +
            "00000004" + one + "00000004" + one, "00000001fe40000001ff"
            "40000002ff40000003ff" + "40000009" + one)):
        write("signaling", "acked-%02d" % i, bytes([3]) +
              step(0, bytes.fromhex(text)) + text_step(3, bytes(60)) +
              step(0, bytes.fromhex("00000020fe40000021" + one)))
    state = {"@type": "MediaState", "muted": True, "lowBattery": False,
             "videoState": "inactive", "screencastState": "inactive",
             "videoRotation": 0}
    write("signaling", "texts", bytes([4]) +
          text_step(1, json.dumps(state).encode()) +
          text_step(1, web_candidates().encode()) +
          text_step(1, video_offer().encode()) + text_step(3, bytes(60)) +
          text_step(1, b'{"@type":"other","x":["\\"[",1.5e3,null]}'))


if __name__ == "__main__":
    sctp_corpus()
    signaling_corpus()
