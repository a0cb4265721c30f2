#!/usr/bin/env python3
"""The configuration: every mistake is named with file, line and reason, by
`check` and by `run` alike, and nothing starts.

    program_config.py BUILD [NAME-PART]

# run: check 60 beside
"""
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
from tests.harness.process import Tap  # noqa: E402
from tests.harness.stage import equal  # noqa: E402

BUILD = os.path.abspath(sys.argv[1])
PART = sys.argv[2] if len(sys.argv) > 2 else ""
FOLDER = os.path.join(BUILD, "scenario", "program_config")
PROGRAM = os.path.join(BUILD, "gramline")
FILE = os.path.join(FOLDER, "gramline.conf")

GOOD = """[gramline]
data = %s/data
control = %s/control.sock
key_file = %s/secret.key
[telegram]
api_id = 4242
api_hash = 0123456789abcdef
[sip]
listen = 127.0.0.1:5060
[session office]
phone = +999660000001
[trunk pbx]
session = office
login = pbx
password = top secret
""" % (FOLDER, FOLDER, FOLDER)
END = len(GOOD.splitlines())

# (name, text to be replaced or "" for "at the end", new text, line, reason)
BAD = [
    ("no_section", "[gramline]", "data = here\n[gramline]", 1,
     "key 'data' stands before any section"),
    ("open_bracket", "[sip]", "[sip", 8, "a section needs a closing bracket"),
    ("no_equals", "api_id = 4242", "api_id 4242", 6,
     "neither a section nor key = value"),
    ("misspelt_key", "listen =", "lissten =", 9, "unknown key 'lissten' in section [sip]"),
    ("misspelt_section", "[sip]", "[sips]", 8, "unknown section [sips]"),
    ("key_twice", "api_id = 4242", "api_id = 1\napi_id = 2", 7,
     "api_id: stands in line 6 already"),
    ("section_twice", "", "[session office]", END + 1,
     "section [session office] stands in line 10 too"),
    ("control_character", "login = pbx", "login = p\x1bbx", 14,
     "the line holds a control character"),
    ("not_utf8", "login = pbx", b"login = p\xe4bx", 14,
     "the line is not UTF-8"),
    ("quote_open", "login = pbx", 'login = "pbx', 14,
     "the quote is not closed"),
    ("no_telegram", "[telegram]\napi_id = 4242\napi_hash = 0123456789abcdef\n",
     "", 0, "section [telegram] is missing"),
    ("no_api_id", "api_id = 4242\n", "", 5,
     "section [telegram] needs 'api_id'"),
    ("api_id_text", "= 4242", "= many", 6,
     "api_id: a number from 1 to 2147483647 is expected"),
    ("no_api_hash", "api_hash = 0123456789abcdef\n", "", 5,
     "section [telegram] needs 'api_hash'"),
    ("transport", "api_id = 4242", "api_id = 1\ntransport = pigeon", 7,
     "transport: transport is intermediate, padded, "
     "abridged or full"),
    ("dc", "api_id = 4242", "api_id = 1\ndc = 2 venus:443", 7,
     "dc: dc is ID ADDRESS:PORT"),
    ("rsa_key", "api_id = 4242", "api_id = 1\nrsa_key = /nowhere.pem", 7,
     "rsa_key: no usable RSA key in /nowhere.pem"),
    ("version", "api_id = 4242", "api_id = 1\nversions = 13.0.0, 4.5.6", 7,
     "versions: unknown library version 4.5.6"),
    ("version_none", "api_id = 4242", "api_id = 1\nversions = ,", 7,
     "versions: no version given"),
    ("log", "[telegram]", "log = loud\n[telegram]", 5,
     "log: log is one of error, warn, info, debug"),
    ("listen_name", "127.0.0.1:5060", "localhost:5060", 9,
     "listen: listen is ADDRESS:PORT, with a literal address"),
    ("listen_no_port", "127.0.0.1:5060", "127.0.0.1", 9,
     "listen: listen is ADDRESS:PORT, with a literal address"),
    ("rtp_backwards", "[session", "rtp = 20000-10000\n[session", 10,
     "rtp: rtp is FIRST-LAST, ports from 1024"),
    ("rtp_low", "[session", "rtp = 80-1000\n[session", 10,
     "rtp: rtp is FIRST-LAST, ports from 1024"),
    ("rtp_rest", "[session", "rtp = 2000-3000x\n[session", 10,
     "rtp: rtp is FIRST-LAST, ports from 1024"),
    ("boolean", "[session", "tcp = maybe\n[session", 10,
     "tcp: yes or no is expected"),
    ("public_name", "[session", "public_address = pbx.test\n[session", 10,
     "public_address: public_address is a literal address"),
    ("device_timeout", "[session", "device_timeout = 0\n[session", 10,
     "device_timeout: a number from 1 to 300 is expected"),
    ("ring_timeout", "[session", "ring_timeout = -5\n[session", 10,
     "ring_timeout: a number from 1 to 3600 is expected"),
    ("session_no_name", "", "[session]\nphone = 1", END + 1,
     "a session needs a name"),
    ("trunk_no_name", "", "[trunk]\nlogin = a", END + 1,
     "a trunk needs a name"),
    ("trunk_no_login", "login = pbx\n", "", 12,
     "login: a trunk of kind pbx-to-gateway needs it"),
    ("trunk_empty_login", "login = pbx", "login =", 14,
     "login: a trunk of kind pbx-to-gateway needs it"),
    ("trunk_empty_password", "password = top secret", "password =", 15,
     "password: a trunk of kind pbx-to-gateway needs it"),
    ("trunk_other_session", "session = office", "session = nowhere", 13,
     "session: there is no [session nowhere]"),
    ("trunk_kind", "login = pbx", "login = pbx\nkind = magic", 15,
     "kind: it is one of pbx-to-gateway, gateway-to-pbx, ip"),
    ("trunk_codec", "login = pbx", "login = pbx\ncodecs = alaw, mp3", 15,
     "codecs: there is no codec mp3"),
    ("trunk_no_codec", "login = pbx", "login = pbx\ncodecs = ,", 15,
     "codecs: no codec given"),
    ("trunk_preset", "login = pbx", "login = pbx\npreset = sip2tg", 15,
     "preset: it is one of tg2sip"),
    ("trunk_rule", "login = pbx", "login = pbx\ncaller_phone = {fone}", 15,
     "caller_phone: unknown parameter or unclosed brace"),
    ("trunk_login_twice", "", "[trunk b]\nsession = office\nlogin = pbx\n"
     "password = p", END + 3, "login: trunk pbx has this login already"),
]


def write(data):
    with open(FILE, "wb") as f:
        f.write(data if isinstance(data, bytes) else data.encode())


def program(*words):
    return subprocess.run([PROGRAM, *words], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=30)


def bad(old, new, line, reason):
    text = GOOD.encode()
    new = new if isinstance(new, bytes) else new.encode()
    if old:
        equal(text.count(old.encode()), 1)
        text = text.replace(old.encode(), new)
    else:
        text += new + b"\n"
    write(text)
    place = "%s:%d: " % (FILE, line) if line else FILE + ": "
    for verb in ("check", "run"):
        done = program(verb, "-c", FILE)
        message = done.stderr.decode()
        equal((done.returncode, done.stdout), (1, b""))
        assert message.startswith("gramline: " + place), message
        assert reason in message, message
        assert message.count("\n") == 1, message
        assert "top secret" not in message, message
    assert not os.path.exists(os.path.join(FOLDER, "data"))


def good():
    write(GOOD)
    done = program("check", "-c", FILE)
    equal((done.returncode, done.stdout.decode(), done.stderr),
          (0, FILE + ": 1 session(s), 1 trunk(s)\n", b""))
    write(GOOD.replace("\n", "\r\n") + "# a comment\r\n\r\n")
    equal(program("check", "-c", FILE).returncode, 0)


def missing():
    done = program("check", "-c", FILE + ".not")
    equal(done.returncode, 1)
    assert FILE + ".not: " in done.stderr.decode(), done.stderr
    assert "No such file" in done.stderr.decode(), done.stderr


def huge():
    write(b"# " + b"x" * 70000 + b"\n" + GOOD.encode())
    message = program("check", "-c", FILE).stderr.decode()
    assert FILE + ":1: the line is longer than" in message, message


def usage():
    for words in ((), ("fly",), ("check", "-q"), ("key",), ("login",)):
        done = program(*words)
        equal(done.returncode, 2)
        assert b"usage: gramline" in done.stderr, done.stderr
    equal(program("--help").returncode, 0)


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    os.makedirs(FOLDER)
    tap = Tap()
    tests = [("scenario_config_good", good, ()),
             ("scenario_config_missing", missing, ()),
             ("scenario_config_huge_line", huge, ()),
             ("scenario_program_usage", usage, ())]
    tests += [("scenario_config_" + name, bad, (old, new, line, reason))
              for name, old, new, line, reason in BAD]
    for name, test, arguments in tests:
        if PART in name:
            tap.run(name, test, *arguments)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
