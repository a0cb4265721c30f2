#!/usr/bin/env python3
"""Writes the kept corpus of fuzz_rules: the published examples of both kinds
of rules, and what is one step away from right.

usage: fuzz/corpus_rules.py
"""
import os

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus",
                      "rules")
USER = ("999661234567", "anna", "5092208953", "Анна Müller 😀")
DIAL = (
    ("[^+*#\\w]= ^8=7", "8 (926) 123-45-67"),
    ("^(8|\\+7)([0-9]{10})$=7\\2", "+79261234567"),
    ("^(8|\\+7)(?=\\d{10})=7.", "89261234567"), (".*=", "any text\nof two"),
    ("=", "+999"), ("^\\+=00", "+49301234"), ("^\\d{4}$", "12345"),
    ("[^+*#\\w]= ^\\+7= ^\\d{10}$", "+7 926 123-45-67"),
    ("`^8=7 \u2212=`", "8\u22121"), ("1=2=3 (=)1=\\1\\0 [=]=\\. []=]=", "1=2"),
    ("[^]=]=2 [[:digit:]=]=2 [\\]=]=\\\\ [[:=]=3 \\[=\\=", "[]=1x"),
    ("x*=-", "axbä€😀"), ("(a+)+$=7", "a" * 40 + "!"), ("(1)=\\2", "1"),
    ("(1)(2)(3)?=<\\2\\1\\3\\0>", "12"), ("a=1\\", "a"), ("=7", "1"),
    ("^8=7 (", "8"), ("\ud800", "1"), ("a= =", "a"), ("(?:(?R)?a|b)*", "aab"),
    ("(a)(b)(c)(d)=\\4\\1 x=\\4", "abcd"), ("[", "1"), ("a" * 512, "1"),
    (" ".join(["a=b"] * 65), "a"), ("1=" + "2" * 480, "1" * 599), ("=", "\xff"),
    ("(?<=a)b=\\0.1", "ab"), ("1=\\9", "1"), ("$=\\0", "1"), (")=1", "1"),
    ("a=b", ""), ("`", "1"), ("``", "1"), ("=", "1" * 200),
)
CALLER = (
    ("{phone}\n{username}\n0{userid}", "05092208953"),
    ("tg#{username}\n+{phone}\n{userid}", "tg#anna"),
    ("+{phone} ({name})\n@{username} ({name})\n{name_ascii}", "x"),
    ("{username}-{userid}\r\n\n  {phone}0x", "anna-77"),
    ("{phone}\n{userid}", "12345"), ("{phone}{userid}", "1234567890123456"),
    ("{username}_{userid}", "anna_7_7"), ("{userid}0\nfixed", "50"),
    ("fixed", "fixed"), ("{mail}", "x"), ("{phone", "x"), ("a}b", "x"),
    ("+{phone}@{username}", "+12345@@a_long_name_of_32_characters"),
    ("{phone}\n{username}", "@anna"), ("{phone}", "+0123"), ("", "tg#an"),
    ("a{phone}" * 40, "1"), ("{name}{userid}", "x1"), ("_{username}9", "_ab99"),
)


def write(name, setting, text, user):
    parts = [p.encode("utf-8", "surrogatepass") if p != "\xff" else b"\xff"
             for p in (setting, text) + user]
    with open(os.path.join(FOLDER, name), "wb") as f:
        f.write(b"\0".join(parts))


if __name__ == "__main__":
    os.makedirs(FOLDER, exist_ok=True)
    for i, (setting, text) in enumerate(DIAL):
        write("dial-%02d" % i, setting, text, ("", "", "", ""))
    for i, (setting, text) in enumerate(CALLER):
        write("caller-%02d" % i, setting, text, USER)
        write("hidden-%02d" % i, setting, text, ("", "", "7", ""))
