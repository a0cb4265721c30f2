#!/usr/bin/env python3
"""What is left of a call and what can be seen of it: records, log lines, the
tables of `gramline -x`.

    calls_record.py BUILD [NAME-PART]

# run: check 90 beside
"""
import json
import os
import re
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
from tests.harness.process import wait_for  # noqa: E402
from tests.harness.stage import (OFFICE, Stage, equal, phone,  # noqa: E402
                                 play, user)

FIELDS = ["call", "direction", "trunk", "session", "from", "to",
          "telegram_user", "sip_call_id", "invite", "ringing", "answer",
          "connected", "end", "duration_s", "codec", "version", "emoji",
          "sip_status", "reason", "sip_status_source", "hop", "ended_by",
          "digits"]
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
COLUMNS = {
    "calls": "call direction state trunk session from to codec version "
             "seconds sip_rx sip_tx telegram_rx telegram_tx",
    "trunks": "trunk kind session priority enabled declared calls state "
              "worker cause source user_agent",
    "bans": "worker address reason times seconds",
    "sessions": "session storage state since reason next_call phone "
                "username text",
    "status": "worker calls rtp_ports media_threads descriptors rss_kib",
    "version": "program version",
    "counters": "area kind count",
}


def talk(s, to=phone(1), digits=""):
    """An answered call and its record, after both sides have sent sound."""
    v = s.voice()
    call = s.pbx.call(to, v.sdp())
    v.talk_to(call.answered())
    v.digits(digits)
    wait_for("sound and digits", lambda: v.count() > 20 and v.sent > 20 and
             not v.events)
    call.bye()
    v.remote = None
    return call, s.record(call.call_id)


# -- records ------------------------------------------------------------------
def answered(s):
    began = time.time()
    call, r = talk(s)
    for field in FIELDS + ["sip_media", "telegram_media"]:
        assert field in r, field
    times = [r[k] for k in ("invite", "ringing", "answer", "connected", "end")]
    assert all(TIME.match(t) for t in times), times
    equal(times, sorted(times))
    stamp = time.strftime("%Y-%m-%dT%H:%M", time.gmtime(began))
    assert times[0] >= stamp, times
    equal({k: r[k] for k in ("direction", "trunk", "session", "from", "to",
                             "telegram_user", "codec", "version",
                             "sip_status", "reason", "sip_status_source",
                             "hop", "ended_by", "digits")},
          {"direction": "sip-to-telegram", "trunk": "pbx",
           "session": "office", "from": "pbx", "to": phone(1),
           "telegram_user": "1001", "codec": "PCMA", "version": "13.0.0",
           "sip_status": 200, "reason": "OK", "sip_status_source": "local",
           "hop": "sip", "ended_by": "calling", "digits": 0})
    # Some emoji are one character, flags and digits are two.
    assert 4 <= len(r["emoji"]) <= 8, r["emoji"]
    sip, tg = r["sip_media"], r["telegram_media"]
    assert sip["rx_packets"] > 10 and sip["tx_packets"] > 10, sip
    assert tg["rx_packets"] > 3 and tg["tx_packets"] > 3, tg
    equal((sip["rx_lost"], sip["foreign"], sip["buffer"]["undecodable"]),
          (0, 0, 0))
    assert tg["connect_us"] > 0 and "host 127.0.0.1:" in tg["remote"], tg


def refused(s):
    """Where the code comes from, and which hop is to blame."""
    for to, code, reason, source, hop, by in (
            ("user_2", 486, "User declined the call", "remote", "telegram",
             "called"),
            ("nobody_here", 404, "USERNAME_NOT_OCCUPIED", "remote",
             "telegram", "called"),
            ("12", 404, "Not Found", "local", "gateway", "gateway")):
        call = s.pbx.call(to, s.voice().sdp())
        equal(call.final().status, "%d %s" % (code, reason))
        r = s.record(call.call_id)
        equal((r["sip_status"], r["reason"], r["sip_status_source"],
               r["hop"], r["ended_by"]), (code, reason, source, hop, by))
        equal((r["answer"], r["connected"], r["duration_s"]), (None, None, 0))
        assert "sip_media" not in r


def digits(s):
    """log_digits = yes: the last of them, the others masked."""
    _, r = talk(s, digits="4711#")
    equal((r["digits"], r["digit_values"]), (5, "****#"))
    with open(s.gateway.records_path) as f:
        assert "4711" not in f.read()
    assert "4711" not in s.log()


def lines(s):
    """One JSON object a line, one line a call, no call twice."""
    with open(s.gateway.records_path, "rb") as f:
        data = f.read()
    assert data.endswith(b"\n")
    rows = [json.loads(t) for t in data.splitlines()]
    ids = [r["call"] for r in rows]
    equal(len(set(ids)), len(ids))
    assert all(re.match(r"^[A-Za-z0-9]{16}$", i) for i in ids), ids


def log_lines(s):
    """Both legs' lines carry the id; numbers are masked."""
    call, r = talk(s)
    mine = [t for t in s.log().splitlines() if "[%s]" % r["call"] in t]
    for area in ("worker", "sip", "telegram", "call"):
        assert any(t.split()[2] == area for t in mine), (area, mine)
    assert any(call.call_id in t for t in mine)
    assert phone(1) not in s.log() and phone(1)[1:] not in s.log()
    assert OFFICE["phone"] not in s.log()


# -- tables -------------------------------------------------------------------
def cli(s, *words):
    return s.gateway.cli(*words, "-s", s.gateway.control)


def table(s, what):
    """Rows of the printed table, as dicts; the header is checked."""
    done = cli(s, "-x", "show " + what)
    equal((done.returncode, done.stderr), (0, ""))
    head, *rows = done.stdout.splitlines()
    equal(head.split(), COLUMNS[what].split())
    if rows == ["(none)"]:
        return []
    starts = [m.start() for m in re.finditer(r"\S+", head)] + [None]
    return [{name: row[a:b].strip() for name, a, b in
             zip(head.split(), starts, starts[1:])} for row in rows]


def tables(s):
    """The same rows as text, as JSON, and over the socket."""
    v = s.voice()
    call = s.pbx.call(phone(1), v.sdp())
    v.talk_to(call.answered())
    for what in COLUMNS:
        done = cli(s, "-x", "show " + what, "--json")
        answer = json.loads(done.stdout)
        equal((done.returncode, answer["ok"], answer["columns"]),
              (0, True, COLUMNS[what].split()))
        equal(len(table(s, what)), len(answer["rows"]))
    row = table(s, "calls")[0]
    equal({k: row[k] for k in ("direction", "state", "trunk", "session",
                               "from", "to", "codec", "version")},
          {"direction": "sip-to-telegram", "state": "up", "trunk": "pbx",
           "session": "office", "from": "pbx", "to": phone(1),
           "codec": "PCMA", "version": "13.0.0"})
    wait_for("packets to be counted", lambda: all(
        int(table(s, "calls")[0][k]) > 10
        for k in ("sip_rx", "sip_tx", "telegram_rx", "telegram_tx")))
    equal({k: table(s, "status")[0][k] for k in ("calls", "rtp_ports")},
          {"calls": "1", "rtp_ports": "1"})
    session = table(s, "sessions")[0]
    equal((session["session"], session["state"], session["username"]),
          ("office", "ready", OFFICE["username"]))
    assert OFFICE["phone"] not in session["phone"], session
    trunk = table(s, "trunks")[0]
    equal((trunk["trunk"], trunk["state"], trunk["source"]),
          ("pbx", "registered", "127.0.0.1:%d" % s.pbx.port))
    version = table(s, "version")[0]
    assert re.match(r"^\d+\.\d+\.\d+", version["version"]), version
    equal(s.gateway.cli("--version").stdout,
          "gramline %s\n" % version["version"])
    call.bye()
    v.remote = None
    s.gateway.wait_idle()
    equal(table(s, "calls"), [])


def by_configuration(s):
    """-c finds the socket by the configuration."""
    done = s.gateway.cli("-x", "show version", "-c", s.gateway.config)
    equal(done.returncode, 0)


def refused_commands(s):
    done = cli(s, "-x", "show everything")
    equal((done.returncode, done.stdout, done.stderr),
          (1, "", "gramline: unknown command\n"))
    done = cli(s, "-x", "show everything", "--json")
    equal((done.returncode, json.loads(done.stdout)["ok"]), (1, False))
    done = s.gateway.cli("-x", "show calls", "-s", s.path("no.sock"))
    equal((done.returncode, done.stderr), (
        1, "gramline: %s: No such file or directory\n" % s.path("no.sock")))
    equal(s.gateway.cli("-x").returncode, 2)
    equal(s.gateway.cli("run", "away", "now").returncode, 2)


def no_escapes(s):
    """What a peer sent does not steer the terminal that shows it."""
    c = s.client(register=False)
    c.headers = [("User-Agent", "Phone\x1b[31m\x07 \u00e4")]
    equal(c.register().code, 200)
    done = cli(s, "-x", "show trunks")
    assert "Phone [31m" in done.stdout, done.stdout
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f]", done.stdout), done.stdout
    equal(s.pbx.register().code, 200)


def asked_after(s):
    """Telegram asks for a rating and the debug log, whoever hangs up."""
    for by_phone in (True, False):
        voice = s.voice()
        call = s.pbx.call("user_1", voice.sdp())
        voice.talk_to(call.answered())
        tg = s.tg_call(1001, "active")
        s.known.add(tg["id"])
        if by_phone:
            call.bye()
        else:
            s.telegram.ask("hangup", call=tg["id"])
            call.wait_request("BYE")
        voice.remote = None

        def ours():
            c = s.telegram.ask("call-status", call=tg["id"])["call"]
            return c["caller"]["rating"], c["caller"]["debug"]

        wait_for("both answers", lambda: ours() == (5, True))


TESTS = [
    ("scenario_record_answered", answered),
    ("scenario_record_refused", refused),
    ("scenario_record_asked_after", asked_after),
    ("scenario_record_digits_masked", digits),
    ("scenario_record_lines", lines),
    ("scenario_record_log_carries_id", log_lines),
    ("scenario_show_tables", tables),
    ("scenario_show_by_configuration", by_configuration),
    ("scenario_show_refused", refused_commands),
    ("scenario_show_no_escapes", no_escapes),
]

if __name__ == "__main__":
    stage = Stage("calls_record", [user(1), user(2, "decline")],
                  sip="log_digits = yes", call={"ask_after": True})
    stage.telegram.behave(1001, **{"in": stage.tone(1000)})
    stage.pbx = stage.client()
    play(stage, TESTS, "scenario_record_nothing_left")
