#!/usr/bin/env python3
"""Writes the corpus of fuzz_sdp: the descriptions in the recorded exchanges of
10.0.0 and 11.0.0 (tests/data/traces), and odd ones made of them.  Needs
python3-cryptography.

usage: fuzz/corpus_sdp.py
"""
import gzip
import json
import os
import struct

import corpus_tgcall as recorded


def entries(plain):
    """The JSON texts of one acked packet."""
    at = 0
    while at + 5 <= len(plain):
        kind = plain[at + 4]
        at += 5
        if kind == 127:
            n, = struct.unpack_from(">I", plain, at)
            yield plain[at + 4:at + 4 + n]
            at += 4 + n


def descriptions(key, name, from_caller):
    """(is an offer, text) as sent, repeats left out."""
    seen = []
    for caller, blob in recorded.blobs(name):
        if caller != from_caller:
            continue
        parts = [blob]
        if blob[:4] == b"\x13\x88\x13\x88":
            parts = [v[12:] for k, _, v in recorded.chunks(blob) if k == 0]
        for part in parts:
            plain = recorded.decrypt(key, part, caller)
            texts = ([gzip.decompress(plain[4:])]
                     if plain[4:6] == b"\x1f\x8b" else entries(plain))
            for text in texts:
                message = json.loads(text)
                if message["@type"] in ("offer", "answer"):
                    step = (message["@type"] == "offer",
                            message["sdp"].encode())
                    if step not in seen:
                        seen.append(step)
    return seen


def write(name, caller, steps):
    recorded.write("sdp", name, bytes([caller]) + b"\0".join(
        bytes([48 + offer]) + text for offer, text in steps))


def odd(offer):
    """One step away from right, each in one way."""
    def changed(old, new):
        assert old in offer, old
        return offer.replace(old, new)

    yield changed(b"\r\n", b"\n")
    yield changed(b"m=audio 9", b"m=audio 0")
    yield changed(b"m=audio 9", b"m=audio 0").replace(
        b"a=rtcp-mux", b"a=bundle-only\r\na=rtcp-mux")
    yield changed(b"m=audio 9", b"m=video 9")
    yield changed(b"m=application", b"m=audio")
    yield changed(b"UDP/DTLS/SCTP", b"DTLS/UDP")
    for setup in (b"active", b"passive", b"holdconn", b""):
        yield changed(b"a=setup:actpass", b"a=setup:" + setup)
    for direction in (b"sendonly", b"recvonly", b"inactive"):
        yield changed(b"a=sendrecv", b"a=" + direction)
    yield changed(b"a=fingerprint:sha-256", b"a=fingerprint:sha-1")
    yield changed(b"a=fingerprint:sha-256 ", b"a=fingerprint:sha-256 G")
    yield changed(b"opus/48000", b"opus/16000")
    yield changed(b"a=rtpmap:111", b"a=rtpmap:96")
    yield changed(b"a=rtpmap:111", b"a=rtpmap:x")
    yield changed(b"a=extmap:3", b"a=extmap:15")
    yield changed(b"a=extmap:3", b"a=extmap:3/sendrecv")
    yield changed(b"a=extmap:3", b"a=extmap:x")
    yield changed(b"extensions-01", b"extensions-01 v1")
    yield changed(b"a=mid:0", b"a=mid:")
    yield changed(b"a=mid:0", b"a=mid:" + b"m" * 40)
    yield changed(b"a=ssrc:", b"a=ssrc:x")
    yield changed(b"a=rtcp-mux", b"a=candidate:1 1 udp 2122260223 10.99.0.1 "
                  b"41906 typ host generation 0")
    yield changed(b"m=audio 9", b"m=audio 65536")
    yield changed(b" 2 IN IP4", b" x IN IP4")
    yield changed(b"v=0", b"v=1")
    yield changed(b"t=0 0", b"t")
    yield changed(b"t=0 0", b"a=ice-ufrag:sess\r\na=ice-pwd:ion\r\na=sendonly")
    yield offer + b"m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:2\r\n" * 20
    yield b""


def main():
    path = os.path.join(recorded.TRACES, "key.hex")
    with open(path, encoding="ascii") as f:
        key = bytes.fromhex(f.read().strip())
    for name in ("10.0.0", "11.0.0"):
        for caller in (True, False):
            steps = descriptions(key, name, caller)
            # Who speaks to us is not the caller when we are.
            write("%s-%s" % (name, "ab"[not caller]), not caller, steps)
    offer = descriptions(key, "10.0.0", True)[0][1]
    for i, text in enumerate(odd(offer)):
        write("odd-%02d" % i, i & 1, [(True, text)])
    answer = descriptions(key, "10.0.0", False)[0][1]
    write("collision", True, [(True, offer), (False, answer)])


if __name__ == "__main__":
    main()
