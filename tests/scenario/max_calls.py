#!/usr/bin/env python3
"""No more calls at once than the trunk, the session and [sip] allow: one more
gets 503 Service Unavailable, until one has ended.

    max_calls.py BUILD [NAME-PART]

# run: check 60 beside
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
from tests.harness.process import wait_for  # noqa: E402
from tests.harness.stage import (OFFICE, PBX, Stage, equal,  # noqa: E402
                                 play, user)

FULL = "SIP/2.0 503 Service Unavailable"
SECOND = {"id": 502, "phone": "999669990002", "first_name": "Second"}


def up(s, phone):
    """A call that is answered."""
    c = phone.call("user_1", s.voice().sdp())
    equal(c.answered().code, 200)
    return c


def refused(s, phone):
    equal(phone.call("user_1", s.voice().sdp()).final().line, FULL)
    r = wait_for("the record", lambda: [
        r for r in s.gateway.records() if r["cause"] == "MAX_CALLS"])[-1]
    equal((r["sip_status"], r["sip_status_source"]), (503, "local"))


def over(s, *calls):
    for c in calls:
        equal(c.bye().code, 200)
    s.gateway.wait_idle()


def trunk(s):
    """One of the narrow trunk; others of its session go on."""
    a = up(s, s.narrow)
    refused(s, s.narrow)
    b = up(s, s.pbx)
    over(s, a, b)
    over(s, up(s, s.narrow))


def session(s):
    """Two of the first session, whichever trunk; the second session goes on."""
    calls = [up(s, s.pbx), up(s, s.pbx)]
    refused(s, s.pbx)
    refused(s, s.narrow)
    over(s, up(s, s.other), *calls)


def system(s):
    """Three in all."""
    calls = [up(s, s.pbx), up(s, s.other), up(s, s.other)]
    refused(s, s.other)
    refused(s, s.pbx)
    over(s, *calls)


def from_telegram(s):
    """No phone rings, the caller reads why."""
    calls = [up(s, s.other) for _ in range(3)]
    before = len(s.pbx.invites())
    known = len(s.gateway.records())
    s.telegram.ask("call", user=1001, to=OFFICE["id"])
    wait_for("the record", lambda: len(s.gateway.records()) > known)
    r = s.gateway.records()[-1]
    equal((r["sip_status"], r["reason"], r["cause"]),
          (503, "Service Unavailable", "MAX_CALLS"))
    equal(len(s.pbx.invites()), before)
    over(s, *calls)


TESTS = [
    ("scenario_max_calls_of_a_trunk", trunk),
    ("scenario_max_calls_of_a_session", session),
    ("scenario_max_calls_of_the_system", system),
    ("scenario_max_calls_from_telegram", from_telegram),
]

if __name__ == "__main__":
    stage = Stage("max_calls", [user(1), SECOND], (
        PBX, dict(PBX, name="narrow", login="narrow", max_calls="1"),
        dict(PBX, name="other", login="other", session="second")),
        sip="max_calls = 3\n",
        sessions={"office": "+" + OFFICE["phone"],
                  "second": "+" + SECOND["phone"]},
        session_lines={"office": "max_calls = 2"})
    stage.pbx, stage.narrow, stage.other = (
        stage.client(name) for name in ("pbx", "narrow", "other"))
    play(stage, TESTS, "scenario_max_calls_nothing_left")
