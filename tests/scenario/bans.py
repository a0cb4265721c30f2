#!/usr/bin/env python3
"""Who offends is banned, who does not is not; bans are shown, lifted and
outlive the process.

    bans.py BUILD [NAME-PART]

# run: check 60 beside
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
from tests.harness.process import wait_for  # noqa: E402
from tests.harness.sip import Client  # noqa: E402
from tests.harness.stage import PBX, Stage, equal, play, user  # noqa: E402

# The attacker and the PBX are on different addresses of the loopback.
ATTACKER, GUEST, STRANGER = "127.0.0.66", "127.0.0.67", "127.0.0.68"
SCANNER, FLOOD = "127.0.0.69", "127.0.0.70"


def phone_at(s, address, login="pbx"):
    c = Client(s.gateway.address, login, PBX["password"], address)
    s.clients.append(c)
    return c


def ban_of(s, address):
    return next((b for b in s.gateway.rows("bans")
                 if b["address"] == address), None)


def wrong_passwords(s):
    """Five are answered, the sixth is not."""
    c = phone_at(s, ATTACKER)
    for _ in range(5):
        equal(c.register(password="guess").line, "SIP/2.0 403 Wrong password")
    row = wait_for("the ban", lambda: ban_of(s, ATTACKER))
    equal((row["reason"], row["times"]), ("403 Wrong password", 1))
    assert 1790 <= row["seconds"] <= 1800, row
    before = len(c.received)
    c.request("OPTIONS", "sip:x@" + s.gateway.address, "silent", 1,
              "<sip:x@y>", "t")
    # A request sent after it is answered to others: it was passed over.
    equal(s.pbx.register().code, 200)
    equal(len(c.received), before)
    assert s.gateway.counters()["sip.from banned address"] >= 1


def others_call(s):
    """Nobody else notices."""
    m = s.pbx.call("user_1", s.voice().sdp())
    equal(m.answered().code, 200)
    equal(m.bye().code, 200)


def restarted(s):
    """A ban is kept over a restart."""
    equal(s.gateway.stop(), 0)
    s.gateway.start()
    s.gateway.wait_sessions_ready()
    row = wait_for("the ban to be known again", lambda: ban_of(s, ATTACKER))
    equal((row["reason"], row["times"]), ("403 Wrong password", 1))
    equal(s.pbx.register().code, 200)


def lifted(s):
    answer = s.gateway.ask("ban lift " + ATTACKER)
    assert answer["ok"], answer
    equal(phone_at(s, ATTACKER).register().code, 200)
    answer = s.gateway.ask("ban lift " + ATTACKER)
    equal(answer["error"], "this address is not banned")
    assert not ban_of(s, ATTACKER)


def by_hand(s):
    assert s.gateway.ask("ban add " + GUEST)["ok"]
    equal(ban_of(s, GUEST)["reason"], "by hand")
    equal(s.gateway.ask("ban add 127.0.0.1")["error"],
          "this address is never banned")
    equal(s.gateway.ask("ban add pbx")["error"], "not an address")
    assert s.gateway.ask("ban lift " + GUEST)["ok"]


def unknown_logins_and_405(s):
    """Different offences add up; the first challenge is none."""
    c = phone_at(s, GUEST, "nobody")
    for _ in range(2):
        equal(c.register().line, "SIP/2.0 404 Route not found")
    for _ in range(9):
        equal(c.register(credentials=False).code, 401)
    d = phone_at(s, GUEST, "idle")
    for _ in range(3):
        equal(d.call("user_1", s.voice().sdp()).final().line,
              "SIP/2.0 405 REGISTER is required first")
    row = wait_for("the ban", lambda: ban_of(s, GUEST))
    equal(row["reason"], "405 REGISTER is required first")
    assert s.gateway.ask("ban lift " + GUEST)["ok"]


def forged(s):
    """Garbage in the name of a registered PBX does it no harm; somebody
    unknown is banned for it."""
    c = phone_at(s, GUEST)
    equal(c.register().code, 200)
    for _ in range(20):
        c.send(b"INVITE \x00\xff garbage\r\n\r\n")
    equal(c.register().code, 200)
    equal(ban_of(s, GUEST), None)
    stranger = phone_at(s, ATTACKER)
    for _ in range(20):
        stranger.send(b"INVITE \x00\xff garbage\r\n\r\n")
    row = wait_for("the ban", lambda: ban_of(s, ATTACKER))
    equal(row["reason"], "unparsable message")


def refused(s):
    """Who was refused, how often and why; nobody who answered a challenge."""
    c = phone_at(s, STRANGER)
    equal(c.register(password="guess").code, 403)
    for _ in range(3):
        equal(c.register(credentials=False).code, 401)
    row = next(r for r in s.gateway.rows("refused")
               if r["address"] == STRANGER)
    equal([row[k] for k in ("401", "403", "404", "405", "unparsable",
                            "scanner", "reason", "banned")],
          [4, 1, 0, 0, 0, 0, "401 Unauthorized", False])
    equal(c.register().code, 200)
    row = next(r for r in s.gateway.rows("refused")
               if r["address"] == STRANGER)
    equal((row["401"], row["403"]), (0, 1))
    assert s.gateway.ask("ban add " + STRANGER)["ok"]
    assert next(r["banned"] for r in s.gateway.rows("refused")
                if r["address"] == STRANGER)
    assert s.gateway.ask("ban lift " + STRANGER)["ok"]


def options(c, s, agent, n):
    uri = "sip:x@" + s.gateway.address
    head = ("OPTIONS %s SIP/2.0\r\nVia: SIP/2.0/UDP %s:%d;branch=z9hG4bK%s%d;"
            "rport\r\nFrom: <sip:x@x>;tag=1\r\nTo: <%s>\r\nCall-ID: %s%d\r\n"
            "CSeq: 1 OPTIONS\r\nMax-Forwards: 9\r\nUser-Agent: %s\r\n"
            "Content-Length: 0\r\n\r\n")
    c.send((head % (uri, c.host, c.port, c.login, n, uri, c.login, n,
                    agent)).encode())


def scanners(s):
    """Dropped by their names, without an answer; others are answered."""
    c = phone_at(s, SCANNER)
    before = s.gateway.counters().get("sip.scanner", 0)
    for n, agent in enumerate(("friendly-scanner", "SIPCLI/v1.8",
                               "Acme Dialer 5", "x pplsip")):
        options(c, s, agent, n)
    options(c, s, "SIPClient 7 (iWarrior)", 9)
    wait_for("the answer to another one", lambda: c.received)
    equal([m.get("Call-ID")[-1] for m in c.received], ["9"])
    equal(s.gateway.counters()["sip.scanner"] - before, 4)
    options(c, s, "friendly-scanner", 10)
    row = wait_for("the ban", lambda: ban_of(s, SCANNER))
    equal(row["reason"], "scanner")
    assert s.gateway.ask("ban lift " + SCANNER)["ok"]


def too_many(s):
    """Requests over the rate are dropped, counted and told once; the others
    of this address, and other addresses, are answered."""
    c = phone_at(s, FLOOD)
    for n in range(200):
        options(c, s, "phone", n)
    wait_for("requests to be dropped", lambda: s.gateway.counters().get(
        "sip.over the rate limit", 0) > 20)
    equal(s.pbx.register().code, 200)
    assert 40 <= len(c.received) <= 150, len(c.received)
    told = [r for r in s.log().splitlines() if "too many requests" in r]
    equal(len(told), 1)
    assert FLOOD in told[0], told
    row = next(r for r in s.gateway.rows("refused")
               if r["address"] == FLOOD)
    equal((row["rate"], row["banned"]), (1, False))


def replayed(s):
    """Credentials that were used are worth nothing to somebody who has heard
    them: a new challenge, and no word on whether they were right."""
    heard = []
    plain = s.pbx.send
    s.pbx.send = lambda text: (heard.append(text), plain(text))
    try:
        equal(s.pbx.register().code, 200)
    finally:
        s.pbx.send = plain
    line = next(x for x in heard[-1].split("\r\n")
                if x.startswith("Authorization: "))
    assert "qop=auth" in line and "nc=" in line, line
    thief = phone_at(s, STRANGER)
    thief.request("REGISTER", "sip:%s:%d" % thief.server, "replay", 7,
                  "<sip:pbx@%s>" % thief.server[0], "r",
                  [tuple(line.split(": ", 1))])
    m = thief.answer_of("replay", 7, "REGISTER")
    equal(m.code, 401)
    assert "stale=true" in m.get("WWW-Authenticate"), m.get("WWW-Authenticate")
    equal(ban_of(s, STRANGER), None)


def unlogged(s):
    """No secret, right or guessed, and no response computed of one."""
    for text in (PBX["password"], "guess", "response="):
        assert text not in s.log(), text


TESTS = [
    ("scenario_ban_after_wrong_passwords", wrong_passwords),
    ("scenario_ban_harms_nobody_else", others_call),
    ("scenario_ban_outlives_a_restart", restarted),
    ("scenario_ban_lifted", lifted),
    ("scenario_ban_by_hand", by_hand),
    ("scenario_ban_adds_up_offences", unknown_logins_and_405),
    ("scenario_ban_not_by_forged_packets", forged),
    ("scenario_refused_are_shown", refused),
    ("scenario_scanners_are_dropped", scanners),
    ("scenario_rate_limit", too_many),
    ("scenario_digest_replay_is_refused", replayed),
    ("scenario_security_logs_no_secrets", unlogged),
]

if __name__ == "__main__":
    stage = Stage("bans", [user(1)], (PBX, dict(PBX, name="idle",
                                                login="idle")),
                  sip="never_ban = 127.0.0.1\nrate_limit = 20\n"
                  "drop_user_agents = acme dialer, other\n")
    stage.pbx = stage.client()
    play(stage, TESTS, "scenario_ban_nothing_left")
