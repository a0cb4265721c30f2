#!/usr/bin/env python3
"""Writes the kept corpus of fuzz_sip_sdp: the bodies of what fuzz_sip keeps.

usage: fuzz/corpus_sip_sdp.py
"""
import os

# SRTP, as phones and PBXs write it; what cannot be used too.
KEY = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
PRINT = ":".join("%02X" % n for n in range(32))
CRYPTO = ["1 AES_CM_128_HMAC_SHA1_80 inline:" + KEY,
          "2 AES_CM_128_HMAC_SHA1_32 inline:%s|2^20" % KEY,
          "3 AES_256_CM_HMAC_SHA1_80 inline:%s%s WSH=64 -X=1" % (
              KEY, "AAAAAAAAAAAAAAAAAAAAAA=="),
          "4 AES_CM_128_HMAC_SHA1_80 inline:%s|2^20|1:4" % KEY,
          "5 AES_CM_128_HMAC_SHA1_80 inline:%s UNENCRYPTED_SRTP" % KEY,
          "x AES inline:?", "6 A-B inline:" + KEY, "7 AES_CM outline:" + KEY,
          "8 AES_CM_128_HMAC_SHA1_80 inline:%s-A=="  % KEY, "12345678901 A"]
PRINTS = ["sha-256 " + PRINT, "sha-1 00:01", "sha-256 " + PRINT[:-1] + "x",
          "sha-256 " + PRINT.lower().replace(":", "-"), "SHA-256 0"]


def section(protocol, lines, port=1000):
    return "m=audio %d %s 8 0\r\n" % (port, protocol) + "".join(
        "a=%s\r\n" % x for x in lines)


def descriptions():
    head = ("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1"
            "\r\nt=0 0\r\n")
    crypto = ["crypto:" + c for c in CRYPTO]
    yield "srtp-sdes", head + section("RTP/SAVP", crypto)
    yield "srtp-optional", head + section("RTP/AVP", crypto[:2])
    for n, setup in enumerate(("actpass", "active", "passive", "holdconn",
                               "none")):
        yield "srtp-dtls-%d" % n, head + section(
            "UDP/TLS/RTP/SAVP" + "F" * (n % 2),
            ["setup:" + setup] + ["fingerprint:" + PRINTS[n]])
    yield "srtp-session", (head + "a=fingerprint:%s\r\na=setup:active\r\n" %
                           PRINTS[0] + section("RTP/SAVPF", crypto[:1]) +
                           section("RTP/AVP", []) + section("RTP/AVPF", [], 0))


CORPUS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus")

if __name__ == "__main__":
    os.makedirs(os.path.join(CORPUS, "sip_sdp"), exist_ok=True)
    for name in sorted(os.listdir(os.path.join(CORPUS, "sip"))):
        with open(os.path.join(CORPUS, "sip", name), "rb") as f:
            body = f.read().partition(b"\r\n\r\n")[2]
        if body.startswith(b"v=") and len(body) < 4096:
            with open(os.path.join(CORPUS, "sip_sdp", name), "wb") as f:
                f.write(body)
    for name, text in descriptions():
        with open(os.path.join(CORPUS, "sip_sdp", name), "w", newline="") as f:
            f.write(text)
