#!/usr/bin/env python3
"""Writes the kept corpus of fuzz_refer: what PBXs send to transfer a call, and
what is wrong with it in one place.

usage: fuzz/corpus_refer.py
"""
import os

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus",
                      "refer")
TO = "Refer-To: <sip:200@pbx>"
ATTENDED = ("Refer-To: <sip:2@h?X=1&Replaces=a%40b%3Bto-tag%3D1%3B"
            "from-tag%3D2&Require=replaces>")
REPLACES = "Replaces: a@b;to-tag=1;from-tag=2"
CASES = {
    "blind": (
        TO, "r: sip:200@pbx", TO + "\r\nReferred-By: <sip:me@pbx>",
        'Refer-To: "Bob" <sips:200@pbx;user=phone;method=INVITE>',
        TO + "\r\nRefer-Sub: false", TO + "\r\nRefer-Sub: true",
        TO + "\r\n" + TO, "Refer-To: <sip:1@h>, <sip:2@h>",
        "Refer-To: <sip:>", 'Refer-To: "Bob <sip:1@h>', "Refer-To: <tel:+999>",
        "Refer-To: <http://h/>", "Refer-To: <sip:1@h;method=BYE>",
        "Refer-To: <sip:1@h;method=INVITE;method=BYE>", "",
        "Refer-To: <sip:%s@h>" % ("a" * 505),
        "Refer-To: <sip:%s@h>" % ("a" * 506), "Refer-To: ", "Refer-To: <>",
        "Refer-To: <sip:a b@h>", "Refer-To: <sip:1@h;x=\">",
        TO + "\r\nReferred-By: <sip:me@pbx>" + "x" * 300,
        TO + "\r\nReferred-By: a\0b", "Refer-To: <sip:1@h;>",
        TO + "\r\nReferred-By: ", "Refer-To: sip:200@pbx;method=INVITE",
        "Refer-To: <sip:1@h\0>", "Refer-To: <sip:1@h;a\0>"),
    "attended": (
        ATTENDED, ATTENDED.replace("from-tag%3D2", ""),
        ATTENDED.replace("%3B", "%3b").replace("%40", "%4A"),
        ATTENDED.replace("from-tag%3D2", "from-tag%3D2%0"),
        ATTENDED.replace("from-tag%3D2", "from-tag%3D2%g0"),
        ATTENDED.replace("from-tag%3D2", "from-tag%3D2%0g"),
        ATTENDED.replace("from-tag%3D2", "from-tag%3D2%"),
        ATTENDED.replace("a%40b", "a%0d%0aX:"), ATTENDED.replace("a%40b", "%00"),
        ATTENDED.replace("a%40b", "a" * 300), ATTENDED.replace("X=1", ""),
        ATTENDED.replace("X=1", "Replaces=a%3Bto-tag%3D1%3Bfrom-tag%3D2"),
        ATTENDED.replace("X=1&Replaces=", "X"),
        ATTENDED.replace("X=1&", "").replace("&Require=replaces", ""),
        "Refer-To: <sip:1@h?>", "Refer-To: <sip:1@h?&&=&>",
        "Refer-To: <sip:1@h;method=INVITE?Replaces=>"),
    "replaces": (
        REPLACES, "Replaces: a@b ; from-tag=2;\r\n  to-tag = 1;early-only",
        REPLACES + ";early-only", "Replaces: a@b;to-tag=1",
        "Replaces: a@b;from-tag=1", REPLACES + ";to-tag=1",
        REPLACES + ";from-tax=2;early-only", REPLACES + ";from-tag=2",
        "Replaces: ;to-tag=1;from-tag=2", "Replaces: a;to-tag=;from-tag=2",
        "Replaces: a;to-tag=1;from-tag", "Replaces:", "Replaces: ;;;=;",
        REPLACES + "\r\n" + REPLACES, TO + "\r\n" + REPLACES),
    "event": (
        "Event: refer", "o: refer; id=17", "Event: refer;x=1;id=17",
        "Event: refer;id=x", "Event: refer;id=4294967296", "Event: presence",
        "Event: refer;id=4294967295", "Event: refer;id=1;id=2", "Event:",
        "Event: refer;id", "Event: refer;", "Event: REFER;ID= 5 "),
}

if __name__ == "__main__":
    os.makedirs(FOLDER, exist_ok=True)
    for name, cases in CASES.items():
        for i, lines in enumerate(cases):
            with open(os.path.join(FOLDER, "%s-%02d" % (name, i)), "wb") as f:
                f.write(lines.encode("latin-1"))
