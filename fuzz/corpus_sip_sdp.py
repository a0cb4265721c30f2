#!/usr/bin/env python3
"""Writes the kept corpus of fuzz_sip_sdp: the bodies of what fuzz_sip keeps.

usage: fuzz/corpus_sip_sdp.py
"""
import os

CORPUS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus")

if __name__ == "__main__":
    os.makedirs(os.path.join(CORPUS, "sip_sdp"), exist_ok=True)
    for name in sorted(os.listdir(os.path.join(CORPUS, "sip"))):
        with open(os.path.join(CORPUS, "sip", name), "rb") as f:
            body = f.read().partition(b"\r\n\r\n")[2]
        if body.startswith(b"v=") and len(body) < 4096:
            with open(os.path.join(CORPUS, "sip_sdp", name), "wb") as f:
                f.write(body)
