#!/usr/bin/env python3
# run: check 60 beside
"""What an account knows over a restart: users it has looked up, and when it may
call again; and what it looks up anew.

usage: account_peers.py BUILD [PART]
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
from tests.harness.process import wait_for  # noqa: E402
from tests.harness.stage import Stage, equal, phone, user  # noqa: E402

LOOKUPS = ("contacts.resolveUsername", "contacts.resolvePhone")


def call(s, number):
    """The final answer to an INVITE; an answered call is hung up."""
    c = s.pbx.call(number, s.voice().sdp())
    m = c.final()
    if m.code == 200:
        c.answered()
        c.bye()
        s.gateway.wait_idle()
    return m


def restart(s):
    assert s.gateway.stop() == 0
    s.gateway.start()
    s.gateway.wait_sessions_ready()
    equal(s.pbx.register().code, 200)


class NoLookups:
    """Whoever is looked up is unknown, by orders to the simulator."""

    def __init__(self, s):
        self.s = s

    def __enter__(self):
        for method in LOOKUPS:
            self.s.telegram.ask("fault", fault="error", method=method,
                                code=400, text="LOOKED_UP", times=0)

    def __exit__(self, *why):
        self.s.telegram.ask("fault-cancel")


def row(s):
    return s.gateway.rows("sessions")[0]


def kept(s):
    for number in ("user_1", phone(2)):
        equal(call(s, number).code, 200)
    with NoLookups(s):
        for number in ("user_1", phone(2)):
            equal(call(s, number).code, 200)
        restart(s)
        for number in ("user_1", "USER_1", phone(2), "01001", "01002"):
            equal(call(s, number).code, 200)
        equal(call(s, "user_3").line, "SIP/2.0 500 LOOKED_UP")


def refused(s):
    """Telegram does not know him by what we know: the next call asks."""
    s.telegram.ask("fault", fault="error", method="phone.requestCall",
                   code=400, text="USER_ID_INVALID")
    equal(call(s, "user_1").line, "SIP/2.0 404 Chat not found")
    with NoLookups(s):
        equal(call(s, "user_1").line, "SIP/2.0 500 LOOKED_UP")
        equal(call(s, "01001").line, "SIP/2.0 470 Anonymous user")
    equal(call(s, "user_1").code, 200)


def renamed(s):
    """A user is followed to his new name; the old one is nobody's then."""
    equal(call(s, "user_2").code, 200)
    s.telegram.ask("rename", user=1002, username="berta", first_name="Berta")
    with NoLookups(s):
        wait_for("the new name to be known",
                 lambda: call(s, "berta").code == 200)
    equal(call(s, "user_2").line, "SIP/2.0 404 USERNAME_NOT_OCCUPIED")
    # Another one takes it: nobody is called by mistake.
    s.telegram.ask("rename", user=1004, username="user_2")
    equal(call(s, "user_2").code, 200)
    assert 1004 in [c["callee"]["user"] for c in s.telegram.calls(True)]


def flood_kept(s):
    """A restart does not make Telegram forget, so neither do we."""
    s.telegram.ask("fault", fault="error", method="phone.requestCall",
                   code=420, text="FLOOD_WAIT_7")
    equal(call(s, "user_1").line,
          "SIP/2.0 503 Too Many Requests: retry after 7")
    restart(s)
    r = row(s)
    equal(r["next_call_why"], "FLOOD_WAIT_7")
    assert r["next_call"].endswith("Z"), r
    m = call(s, "user_1")
    equal((m.code, m.line.split()[-1]), (503, m.get("Retry-After")))
    assert 1 <= int(m.get("Retry-After")) <= 7, m.line
    wait_for("the next permitted call", lambda: row(s)["next_call"] == "now")
    equal(call(s, "user_1").code, 200)


def peer_flood(s):
    """Strangers are not called for a while; whom we called before are."""
    s.telegram.ask("fault", fault="error", method="phone.requestCall",
                   code=400, text="PEER_FLOOD")
    equal(call(s, "user_3").line, "SIP/2.0 503 PEER_FLOOD")
    equal((row(s)["next_call"], row(s)["next_new_peer_why"]),
          ("now", "PEER_FLOOD"))
    equal(call(s, "user_5").line, "SIP/2.0 503 PEER_FLOOD")
    equal(call(s, "user_1").code, 200)
    restart(s)
    equal(call(s, "user_5").line, "SIP/2.0 503 PEER_FLOOD")
    equal(call(s, phone(2)).code, 200)


def main():
    s = Stage("account_peers", [user(n) for n in (1, 2, 3, 4, 5)])
    s.pbx = s.client()
    for name, test in (("scenario_peers_kept_over_a_restart", kept),
                       ("scenario_peers_refused_are_looked_up", refused),
                       ("scenario_peers_renamed_are_followed", renamed),
                       ("scenario_flood_kept_over_a_restart", flood_kept),
                       ("scenario_flood_of_peers_spares_those_met",
                        peer_flood)):
        s.run(name, test, s)
    s.done("scenario_peers_nothing_left")


if __name__ == "__main__":
    sys.exit(main())
