#!/usr/bin/env python3
"""Writes the kept corpus of fuzz_field: values of a trunk's settings, right
and one step away from it.

usage: fuzz/corpus_field.py
"""
import os

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus",
                      "field")
INVITE = ("INVITE sip:7@192.0.2.1 SIP/2.0\r\n"
          "Via: SIP/2.0/UDP 192.0.2.4:5060;branch=z9hG4bK7\r\n"
          "From: <sip:a@192.0.2.4>;tag=1\r\nTo: <sip:7@192.0.2.1>\r\n"
          "Call-ID: 1\r\nCSeq: 1 INVITE\r\n%s\r\nContent-Length: 0\r\n\r\n")
VALUES = {
    "field": (
        "X-Office: 5", "X-Office:5", "X-Office : 5 \t", "x-office:\t5 6",
        "X-Office", ":5", "X-Office:", "X-Office:  ", "Via: x", "v: x",
        "Content-Type: x", "Proxy-Route: x", "To:x", "T: x", "X Office: 5",
        "X-Office: " + "5" * 128, "X" * 64 + ": 5", "X-Office: \u00e4\u20ac",
        "X-Office: a\x01b", "X-Office: 5\r\nVia: x", "!%*_+`'~.-: \"<>;,",
        "X-Office: a:b", "", "WWW-x: 1", "X-Offices-: 5 6 7 8 9 0 1 2"),
    "trusted_ips": (
        "192.0.2.1", "192.0.2.0/24, 2001:db8::/32 198.51.100.7", "192.0.2.1/24",
        "pbx.example", "", ", ,", "192.0.2.1," * 17, "2001:db8::1/129", "x" * 99),
    "codecs": ("opus,alaw", "OPUS mulaw", "opus,opus", "mp3", "", ",", "g722,"
               "gsm,ilbc,speex,amr,g729,slin,opus,alaw,mulaw", "x" * 99),
    "domain": ("pbx.example", "pbx.example:5080", "[2001:db8::1]:5060", "a b",
               "pbx:", ":5060", "pbx:555555", "192.0.2.1", "a;b", "h" * 200),
    "address": ("192.0.2.1", "192.0.2.1:5080", "[2001:db8::1]:5060", "pbx",
                "2001:db8::1", "192.0.2.1:", "192.0.2.1:99999", "x" * 200),
    "number": ("700", "+49*_.-a", "7 0", "7@b", "7" * 200),
    "login": ("gw", "g w", "a\"b", "\u00e4", "", "l" * 64, "a@b", "a\x7f"),
    "password": ("secret", "\x01", "\u00e4", "p" * 200, "  "),
    "caller_phone": ("{phone}\n{userid}", "{phone", "{name}", "x" * 300, "\x02"),
    "caller_name": ("{name_ascii}\t", "{mail}", "\xff"),
    "dial_rules": ("^8=7 (", "[^+*#\\w]= ^8=7", "=", "x" * 600),
    "kind": ("ip", "pbx-to-gateway", "gateway-to-pbx", "IP", "x"),
    "priority": ("0", "1000", "1001", "-1", "x", "07", " 7"),
    "enabled": ("yes", "no", "on", "x"), "transport": ("tcp", "udp", "smtp"),
    "lines": ("5", "99999"), "owner": ("o", "\x1b"), "hat": ("1",), "": ("",),
    "session": ("office",), "preset": ("tg2sip", "x"), "worker": ("w1",),
}


def write(name, key, value, header):
    parts = (key, value, INVITE % header)
    with open(os.path.join(FOLDER, name), "wb") as f:
        f.write(b"\0".join(p.encode("latin-1" if p == "\xff" else "utf-8")
                           for p in parts))


if __name__ == "__main__":
    os.makedirs(FOLDER, exist_ok=True)
    for key, values in VALUES.items():
        for i, value in enumerate(values):
            header = value if key == "field" and i < 8 else "x-office: 5"
            write("%s-%02d" % (key or "none", i), key, value, header)
