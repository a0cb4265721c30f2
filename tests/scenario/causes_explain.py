#!/usr/bin/env python3
"""`explain invite`: which trunk an INVITE would be of, and which check would
refuse it; the same as a real one is told.

    causes_explain.py BUILD [NAME-PART]

# run: check 60 beside
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
from tests.harness.process import wait_for  # noqa: E402
from tests.harness.stage import PBX, Stage, equal, play, user  # noqa: E402

HERE = "127.0.0.1:5070"
CHECKS = 12
UNREADABLE = "a.b"


def explain(s, source=HERE, number="user_1", **settings):
    a = s.gateway.ask("explain invite", source=source, number=number,
                      settings=settings)
    assert a["ok"], a
    rows = a["rows"]
    equal([r["check"] for r in rows], list(range(1, CHECKS + 1)))
    return rows


def stops(s, check, text, **settings):
    """Fails at this check, with these words; all before pass, none after."""
    rows = explain(s, **settings)
    equal([r["verdict"] for r in rows],
          ["passes"] * (check - 1) + ["fails"] +
          ["not reached"] * (CHECKS - check))
    got = rows[check - 1]["text"]
    assert got.startswith(text), got
    return rows


def same_as_real(s, text, client, number="user_1", codecs=None,
                 credentials=True):
    """What a real INVITE is told."""
    v = s.voice()
    sdp = v.sdp(codecs=codecs) if codecs else v.sdp()
    m = client.call(number, sdp, credentials=credentials).final()
    equal(m.line, "SIP/2.0 " + text)


def by_login(s):
    rows = explain(s, login="pbx", codecs="g729,alaw")
    equal([r["verdict"] for r in rows], ["passes"] * 11 + ["not asked"])
    equal(rows[2]["text"], "trunk pbx, by its login")
    equal(rows[9]["text"], "PCMA")
    equal(rows[10]["text"], "user_1 reads as username user_1")


def by_field(s):
    """Two trunks of one address."""
    for name in ("east", "west"):
        rows = explain(s, source="127.0.0.9", header="x-office: " + name)
        equal(rows[2]["text"].split(",")[0], "trunk " + name)
        equal(rows[11]["verdict"], "not asked")


def numbers(s):
    for number, text in (("+999660000001", "phone 999660000001"),
                         ("01234567890", "id 1234567890"),
                         ("someone", "username someone")):
        rows = explain(s, number=number, login="pbx")
        equal(rows[10]["text"], "%s reads as %s" % (number, text))


def nobody(s):
    stops(s, 3, "401 Unauthorized: no credentials, and no trunk of kind ip")
    stops(s, 3, "401 Unauthorized: no credentials, and no trunk of kind ip",
          source="127.0.0.9", header="X-Office: north")
    same_as_real(s, "401 Unauthorized", s.pbx, credentials=False)


def unknown_login(s):
    stops(s, 3, "404 Route not found: no trunk has the login nobody",
          login="nobody")
    same_as_real(s, "404 Route not found",
                 s.client("nobody", register=False))


def untrusted(s):
    stops(s, 4, "403 Untrusted IP address", login="far")
    rows = explain(s, source="192.0.2.7", login="far")
    equal(rows[3]["verdict"], "passes")
    same_as_real(s, "403 Untrusted IP address",
                 s.client("far", register=False))


def unregistered(s):
    stops(s, 5, "405 REGISTER is required first", login="idle")
    same_as_real(s, "405 REGISTER is required first",
                 s.client("idle", register=False))


def codecs(s):
    stops(s, 10, "488 Not Acceptable Here", login="pbx",
          codecs="g729,iLBC/8000", number="a.b")
    same_as_real(s, "488 Not Acceptable Here", s.pbx, "a.b",
                 [(18, "G729/8000"), (97, "iLBC/8000")])


def identifier(s):
    stops(s, 11, "404 Not Found", login="pbx", number="a.b")
    same_as_real(s, "404 Not Found", s.pbx, "a.b")


def session(s):
    """Telegram cannot be reached: known after the first refused call."""
    s.telegram.stop()
    wait_for("the session to be lost", lambda: any(
        r["state"] != "ready" for r in s.gateway.rows("sessions")))
    stops(s, 8, "503 Session is not running", login="pbx", codecs="g729")
    stops(s, 8, "503 Session is not running", login="pbx", number="a.b")
    stops(s, 8, "503 Session is not running", login="pbx")
    same_as_real(s, "503 Session is not running", s.pbx, "a.b")
    same_as_real(s, "503 Session is not running", s.pbx, "user_1",
                 [(18, "G729/8000")])
    s.telegram.start()
    s.gateway.wait_sessions_ready()


def misuse(s):
    for arguments, text in (
            ({"source": "pbx", "number": "1"},
             "the source is ADDRESS or ADDRESS:PORT"),
            ({"source": HERE}, "argument missing: number"),
            ({"source": HERE, "number": "1", "settings": {"header": "x"}},
             "a header is NAME:VALUE"),
            ({"source": HERE, "number": "1", "settings": {"codec": "g722"}},
             "there are login, codecs, header and line"),
            ({"source": HERE, "number": "1", "settings": {"login": 'a"b'}},
             "no INVITE can be like that"),
            ({"source": HERE, "number": "1",
              "settings": {"header": "X Y: 1"}},
             "no INVITE can be like that")):
        equal(s.gateway.ask("explain invite", **arguments)["error"], text)


def nothing_happens(s):
    """No line taken, no record, no offence."""
    before = len(s.gateway.records()), s.gateway.counters()
    explain(s, login="nobody")
    explain(s, login="pbx")
    equal((len(s.gateway.records()), s.gateway.counters()), before)
    equal(s.gateway.rows("calls"), [])


def limits(s):
    """Of the trunk's subscription, and of what the machine may carry."""
    for login, text in (("single", "402 Amount of lines is exceeded"),
                        ("full", "503 Service Unavailable")):
        client = s.client(login)
        equal(explain(s, login=login)[8]["verdict"], "passes")
        call = client.call("user_1", s.voice().sdp())
        call.answered()
        stops(s, 9, text, login=login, codecs="g729")
        same_as_real(s, text, client, UNREADABLE)
        equal(call.bye().code, 200)


def switched_off(s):
    """One made by a command, for those of the file are the file's."""
    for command in ('trunk add off session=office login=off password="%s"' %
                    PBX["password"], "trunk disable off"):
        answer = s.gateway.ask(command)
        assert answer["ok"], answer
    wait_for("the trunk to be out of use", lambda: explain(
        s, login="off")[5]["verdict"] == "fails")
    equal(explain(s, login="off")[5]["text"], "503 Account is not running")
    same_as_real(s, "503 Account is not running",
                 s.client("off", register=False))


def by_command_line(s):
    out = s.gateway.cli("-x", "explain invite 127.0.0.9 user_1 "
                        "header=X-Office:west codecs=alaw", "-s",
                        s.gateway.control).stdout
    for part in ("trunk west, by its address", "PCMA",
                 "user_1 reads as username user_1", "not asked"):
        assert part in out, out


TESTS = [
    ("scenario_explain_invite_by_login", by_login),
    ("scenario_explain_invite_by_address_and_field", by_field),
    ("scenario_explain_invite_reads_numbers", numbers),
    ("scenario_explain_invite_of_nobody", nobody),
    ("scenario_explain_invite_unknown_login", unknown_login),
    ("scenario_explain_invite_untrusted", untrusted),
    ("scenario_explain_invite_unregistered", unregistered),
    ("scenario_explain_invite_codecs", codecs),
    ("scenario_explain_invite_identifier", identifier),
    ("scenario_explain_invite_session", session),
    ("scenario_explain_invite_limits", limits),
    ("scenario_explain_invite_switched_off", switched_off),
    ("scenario_explain_invite_by_command_line", by_command_line),
    ("scenario_explain_invite_misuse", misuse),
    ("scenario_explain_invite_without_effect", nothing_happens),
]

if __name__ == "__main__":
    trunks = [PBX, dict(PBX, name="idle", login="idle"),
              dict(PBX, name="far", login="far", trusted_ips="192.0.2.0/24"),
              dict(PBX, name="single", login="single", lines=1),
              dict(PBX, name="full", login="full", max_calls=1)]
    trunks += [{"name": n, "kind": "ip", "session": "office", "number": 700,
                "address": "127.0.0.9", "field": "X-Office: " + n}
               for n in ("east", "west")]
    stage = Stage("causes_explain", [user(1)], trunks)
    stage.pbx = stage.client()
    play(stage, TESTS, "scenario_explain_nothing_left")
