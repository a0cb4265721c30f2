#!/usr/bin/env python3
"""Writes the kept corpus of fuzz_codec: a second of a tone in every codec, and
payloads one step away from right.

usage: fuzz/corpus_codec.py
"""
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)
from tests.harness import codecs, tones  # noqa: E402

FOLDER = os.path.join(ROOT, "fuzz", "corpus", "codec")
# By their places in media_codecs().
ORDER = ["opus", "alaw", "mulaw", "g722", "gsm", "speex-16", "speex-8",
         "amr-aligned", "amr", "l16-48", "l16-16", "l16-8"]
SPEEX, AMR_ALIGNED, AMR, PARAMETERS = 6, 7, 8, 12


def entry(which, payloads):
    return bytes([which]) + b"".join(
        bytes([len(p)]) + p for p in payloads if len(p) < 256)


def bits(text):
    """Ones and zeros; blanks do not count; filled up as RFC 5574 does."""
    text = text.replace(" ", "")
    fill = -len(text) % 8
    text += ("0" + "1" * (fill - 1)) if fill else ""
    return int(text, 2).to_bytes(len(text) // 8, "big")


def zeros(*frames, request=15, aligned=False, good=1, last=0):
    """AMR frames of zeros, by their types."""
    size = dict(enumerate(codecs.Amr.BITS))
    pad = "00" if aligned else ""
    text = format(request, "04b") + ("0000" if aligned else "")
    for i, kind in enumerate(frames):
        text += "%d%s%d%s" % (i + 1 < len(frames) or last,
                              format(kind, "04b"), good, pad)
    for kind in frames:
        text += "0" * size.get(kind, 0)
        if aligned:
            text += "0" * (-len(text) % 8)
    return int(text + "0" * (-len(text) % 8), 2).to_bytes(
        (len(text) + 7) // 8, "big")


def amr_cases(aligned):
    def z(*frames, **more):
        return zeros(*frames, aligned=aligned, **more)
    good = [z(k, request=k) for k in range(9)]
    return {
        "modes": good,
        "frames": [z(7, 7), z(0, 8, 15), z(8, 8, 8), z(1, 2, 3, 4, 5, 6)],
        "no_data": [z(15), z(15, 15, request=3), z(7, good=0)],
        "reserved": [z(9), z(7, 10), z(14)],
        "requests": [z(7, request=r) for r in (8, 14, 15)],
        "too_many": [z(*[15] * 6), z(*[15] * 7), z(15, last=1)],
        "cut": [z(7)[:n] for n in (1, 2, 5, 31)] + [z(7) + b"\0"],
        "longer": [z(2) + b"\0", z(8) + b"\xff\xff"],
    }


NARROW = [5, 43, 119, 160, 220, 300, 364, 492, 79]
LAYER = [4, 36, 112, 192, 352]


def narrow(mode):
    return "0" + format(mode, "04b") + "0" * (NARROW[mode] - 5)


def layer(mode):
    return "1" + format(mode, "03b") + "0" * (LAYER[mode] - 4)


SPEEX_CASES = {
    "modes": [bits(narrow(m)) for m in range(9)],
    "layers": [bits(narrow(0) + layer(m)) for m in range(5)] + [
        bits(narrow(1) + layer(0) + layer(1)),
        bits(narrow(0) + layer(0) + layer(0) + layer(0)),
        bits(layer(0) + narrow(0))],
    "several": [bits(narrow(0) * n) for n in (2, 6, 7)] + [
        bits(narrow(3) + narrow(8))],
    "reserved": [bits("0" + format(m, "04b") + "0" * 19) for m in
                 (9, 12)] + [bits(narrow(0) + "1101 0000"),
                             bits(narrow(0) + "1111 0000")],
    "requests": [bits(narrow(0) + "01110" + format(c, "04b") + "0" * n)
                 for c, n in ((0, 1), (3, 4), (8, 8), (11, 16), (13, 32),
                              (15, 64), (15, 3))] + [
        bits(narrow(0) + "01101" + format(c, "04b") + "0" * (5 + 8 * c))
        for c in (0, 2)],
    "end": [bits("01111 111"), bits(narrow(0) + "01111 111"),
            bits(narrow(0) + "01110 00")[:1], b"\x00", b"\x03\x9f",
            b"\x03\xb7\xff"],
    "cut": [bits(narrow(4))[:n] for n in (1, 10, 26)] + [
        bits(narrow(0) + layer(2))[:6]],
}
TEXTS = ["octet-align=1", "mode-set=0,2,4,7; octet-align=1", "mode-set=8",
         "mode-set=1,", "mode-set=", "mode-set=0;mode-set=7",
         "crc=0; robust-sorting=0; octet-align=0", "crc=1", "interleaving=9",
         "vbr=on;cng", "annexb=no", "mode-change-period=2;octet-align=1"]


def main():
    os.makedirs(FOLDER, exist_ok=True)
    files = {}
    for i, name in enumerate(ORDER):
        c = codecs.make(name)
        packets = c.packets(tones.sine(440, c.rate // 5, c.rate))
        files["tone_" + name] = entry(i, packets[:4] + [b""] + packets[4:])
    for name, packets in SPEEX_CASES.items():
        files["speex_" + name] = entry(SPEEX, packets)
        files["speex_wide_" + name] = entry(SPEEX - 1, packets)
    for which, aligned in ((AMR, False), (AMR_ALIGNED, True)):
        for name, packets in amr_cases(aligned).items():
            files["amr_%s%s" % ("aligned_" * aligned, name)] = entry(
                which, packets)
    for i, text in enumerate(TEXTS):
        files["parameters_%d" % i] = bytes([PARAMETERS]) + text.encode()
    for name, data in files.items():
        with open(os.path.join(FOLDER, name), "wb") as f:
            f.write(data)
    print("%d files" % len(files))


if __name__ == "__main__":
    main()
