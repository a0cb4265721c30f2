#!/usr/bin/env python3
"""Writes the kept corpus of fuzz_digest: the examples' headers, and each with
one thing changed.

usage: fuzz/corpus_digest.py
"""
import os
import sys

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus",
                      "digest")
CREDENTIALS = (
    'Digest username="pbx", realm="gramline", nonce="OURS", '
    'uri="sip:gramline", response="0123456789abcdef0123456789abcdef", '
    'algorithm=MD5, cnonce="0a4f113b", qop=auth, nc=00000001')
CHALLENGE = (
    'Digest realm="atlanta.example", qop="auth-int , auth", '
    'nonce="f84f1cec41e6cbe5aea9c8e88d359", opaque="5ccc069c403ebaf9f", '
    'stale=FALSE, algorithm=SHA-256')
CHANGES = (
    (CREDENTIALS, "credentials", (
        ("Digest ", "Basic "), ("Digest ", "Digest"), ("Digest ", ""),
        ("nc=00000001", "nc=0000000g"), ("nc=00000001", "nc=00000000"),
        ("nc=00000001", "nc=1"), ("nc=00000001", "nc=ffffffff"),
        ("MD5", "SHA-256"), ("MD5", "SHA-512-256"), ("MD5", ""),
        ("qop=auth", "qop=auth-int"), (", qop=auth", ""), ("pbx", "p\\\"x"),
        ("pbx", "p" * 200), ("gramline\"", "other\""), ("OURS", "x" * 300),
        ("OURS", "0" * 48), ("OURS", "z" * 48), ("OURS", ""), ('"pbx"', '"p'),
        ("0123456789abcdef0123456789abcdef", "0123456789ABCDEF" * 2),
        ("0123456789abcdef0123456789abcdef", "0123"), ("username", "user name"),
        ("username=", "username"), (", nc=00000001", ", nc=00000001 , ,\t"),
        ('cnonce="0a4f113b", ', ""), ("uri=", "URI =  "), ("pbx", "p\0x"),
        ("pbx", "\u00e4\\\\\x01"), ("nc=00000001", "nc"), ('"pbx"', '"pbx\\'),
        ("nc=00000001", "nc=00000001" + ", x=y" * 60), ("auth, nc", ", nc"),
    )),
    (CHALLENGE, "challenge", (
        ("FALSE", "true"), ("auth-int , auth", "auth-int"), ("f84f", "\t\r\n"),
        ("auth-int , auth", ""), ("SHA-256", "MD5"), ("SHA-256", "\"MD5\""),
        ("opaque", "domain"), ('realm="atlanta.example", ', ""),
        (', algorithm=SHA-256', ""), ("atlanta", "a\\\"\\\\\x7f"),
        ("stale=", "stale==,"), ("5ccc069c403ebaf9f", "o" * 300),
    )),
)


def write(name, how, text):
    with open(os.path.join(FOLDER, name), "wb") as f:
        f.write(bytes([how]) + text.encode("latin-1"))


if __name__ == "__main__":
    os.makedirs(FOLDER, exist_ok=True)
    for whole, name, changes in CHANGES:
        for how in range(4):
            write("%s-right%d" % (name, how), how, whole)
        for i, (what, instead) in enumerate(changes):
            if what not in whole:
                sys.exit("%s %d: %r is not there" % (name, i, what))
            write("%s-%02d" % (name, i), 3, whole.replace(what, instead, 1))
