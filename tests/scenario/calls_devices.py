#!/usr/bin/env python3
"""Several log-ins in one gateway: two of the same account share its calls,
and two accounts may not call each other.

    calls_devices.py BUILD [NAME-PART]

# run: check 90 beside
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
from tests.harness.process import wait_for  # noqa: E402
from tests.harness.stage import (OFFICE, PBX, Stage, equal,  # noqa: E402
                                 play, user)

SECOND = {"id": 502, "phone": "999669990002", "first_name": "Second",
          "username": "second_line"}
DESK = dict(PBX, name="desk", login="desk", session="desk")
OTHER = dict(PBX, name="other", login="other", session="second")


def both_ring(s):
    """A call to the account that two log-ins share: (Telegram's call, the
    INVITE at each phone)."""
    skip = len(s.pbx.invites()), len(s.desk.invites())
    s.telegram.ask("call", user=1001, to=OFFICE["id"])
    tg = s.tg_call(1001)
    a, b = s.pbx.wait_invite(skip=skip[0]), s.desk.wait_invite(skip=skip[1])
    a.ring()
    b.ring()
    assert a.message.get("X-GW-Context") != b.message.get("X-GW-Context")
    return tg, a, b


def outcome(s, invite):
    r = s.record(call=invite.message.get("X-GW-Context"))
    return r["trunk"], r["sip_status"], r["ended_by"]


def status(s, tg):
    return s.telegram.ask("call-status", call=tg["id"])["call"]


def answered_elsewhere(s):
    """One takes the call: the other's phone stops ringing."""
    tg, a, b = both_ring(s)
    v = s.voice()
    a.answer(v.sdp())
    b.wait_request("CANCEL")
    wait_for("the call to be up", lambda: any(
        r["state"] == "up" for r in s.gateway.rows("calls")))
    equal(status(s, tg)["state"], "active")
    equal(len(s.gateway.rows("calls")), 1)
    a.bye()
    equal(outcome(s, a), ("pbx", 200, "called"))
    equal(outcome(s, b), ("desk", 487, "calling"))
    equal(status(s, tg)["reason"], "hangup")


def declined_elsewhere(s):
    """One declines: Telegram ends the call for all devices."""
    tg, a, b = both_ring(s)
    b.refuse(486, "Busy Here")
    a.wait_request("CANCEL")
    equal(outcome(s, b), ("desk", 486, "called"))
    equal(outcome(s, a)[2], "calling")
    equal(status(s, tg)["reason"], "busy")


def cancelled(s):
    tg, a, b = both_ring(s)
    s.telegram.ask("hangup", call=tg["id"], reason="missed")
    for i in (a, b):
        i.wait_request("CANCEL")
        equal(outcome(s, i)[1:], (487, "calling"))


def loop(s):
    """The gateway's own accounts do not call each other."""
    call = s.other.call("office_line", s.voice().sdp())
    m = call.final()
    assert m.code >= 400, m.line
    rows = [r for r in s.gateway.records() if r["telegram_user"] == "502"]
    equal({(r["sip_status"], r["reason"], r["ended_by"]) for r in rows},
          {(482, "Caller has active gateway accounts", "gateway")})
    assert rows


TESTS = [
    ("scenario_devices_answered_elsewhere", answered_elsewhere),
    ("scenario_devices_declined_elsewhere", declined_elsewhere),
    ("scenario_devices_cancelled", cancelled),
    ("scenario_devices_loop_refused", loop),
]

if __name__ == "__main__":
    number = "+" + OFFICE["phone"]
    stage = Stage("calls_devices", [SECOND, user(1)], (PBX, DESK, OTHER),
                  sessions={"office": number, "desk": number,
                            "second": "+" + SECOND["phone"]})
    stage.pbx = stage.client()
    stage.desk = stage.client("desk")
    stage.other = stage.client("other")
    play(stage, TESTS, "scenario_devices_nothing_left")
