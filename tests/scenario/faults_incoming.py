#!/usr/bin/env python3
"""Faults of Telegram in calls from Telegram: what the PBX's phone sees of
them, and what the record says.

    faults_incoming.py BUILD [NAME-PART]

# run: check 150 beside
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
from tests.harness.process import wait_for  # noqa: E402
from tests.harness.stage import (OFFICE, Stage, equal, play,  # noqa: E402
                                 user)

CALL = "updatePhoneCall"


def order(s, fault, **arguments):
    s.telegram.ask("fault", fault=fault, user=OFFICE["id"], **arguments)


def ring(s):
    """A Telegram user's call, as the INVITE at the phone."""
    before = len(s.pbx.invites())
    s.telegram.ask("call", user=1001, to=OFFICE["id"])
    tg = s.tg_call(1001)
    s.known.add(tg["id"])
    incoming = s.pbx.wait_invite(skip=before)
    incoming.ring()
    incoming.tg = tg["id"]
    incoming.gw = incoming.message.get("X-GW-Context")
    return incoming


def answer(s, incoming):
    v = s.voice()
    incoming.answer(v.sdp())
    v.talk_to(incoming.message)
    return v


def is_up(s, incoming):
    return any(r["call"] == incoming.gw and r["state"] == "up"
               for r in s.gateway.rows("calls"))


def talks(s, incoming):
    v = answer(s, incoming)
    wait_for("the call to be up", lambda: is_up(s, incoming), 30)
    v.remote = None
    equal(incoming.bye().code, 200)
    equal(s.record(call=incoming.gw)["sip_status"], 200)


def works(s):
    talks(s, ring(s))


def fails(s, incoming, code, reason, seconds=20):
    """Answered by the phone; then hung up by the gateway, and the record says
    why."""
    v = answer(s, incoming)
    incoming.wait_request("BYE", seconds=seconds)
    v.remote = None
    r = s.record(call=incoming.gw)
    equal((r["sip_status"], r["reason"], r["hop"]), (code, reason, "telegram"))


def accept_refused(s):
    order(s, "error", method="phone.acceptCall", code=406,
          text="CALL_PROTOCOL_COMPAT_LAYER_INVALID")
    fails(s, ring(s), 500, "CALL_PROTOCOL_COMPAT_LAYER_INVALID")
    works(s)


def accept_hangs(s):
    order(s, "hang", method="phone.acceptCall")
    fails(s, ring(s), 408, "Timeout of waiting RPC result", 30)
    works(s)


def accept_survives(fault):
    def test(s):
        order(s, fault, method="phone.acceptCall")
        works(s)
        equal(s.telegram.ask("faults")["faults"], [])
        s.gateway.wait_sessions_ready()
    return test


def rings_once(fault, **arguments):
    """Told twice, or again on a new connection, it is still one call."""
    def test(s):
        before = len(s.pbx.invites())
        order(s, fault, update=CALL, **arguments)
        incoming = ring(s)
        s.telegram.ask("drop")
        wait_for("another connection", lambda: any(
            r["user"] == OFFICE["id"] and r["updates"]
            for r in s.telegram.ask("sessions")["sessions"]))
        talks(s, incoming)
        equal(len(s.pbx.invites()) - before, 1)
        s.telegram.ask("fault-cancel")
    return test


def end_is_lost(s):
    """The caller gives up and nobody tells us: the gateway's own limit."""
    incoming = ring(s)
    order(s, "lose", update=CALL)
    s.telegram.ask("hangup", call=incoming.tg, reason="missed")
    incoming.wait_request("CANCEL", seconds=15)
    s.record(call=incoming.gw)
    works(s)


def begin_is_lost(s):
    """Nothing rings; the next call does."""
    before = len(s.pbx.invites())
    order(s, "lose", update=CALL)
    s.telegram.ask("call", user=1001, to=OFFICE["id"])
    tg = s.tg_call(1001)
    s.known.add(tg["id"])
    s.telegram.ask("hangup", call=tg["id"], reason="missed")
    works(s)
    equal(len(s.pbx.invites()) - before, 1)


TESTS = [
    ("scenario_fault_incoming_accept_refused", accept_refused),
    ("scenario_fault_incoming_accept_hangs", accept_hangs),
    ("scenario_fault_incoming_drop_before_accept",
     accept_survives("drop-before")),
    ("scenario_fault_incoming_drop_answer_of_accept",
     accept_survives("drop-answer")),
    ("scenario_fault_incoming_told_twice", rings_once("repeat", times=3)),
    ("scenario_fault_incoming_told_late", rings_once("delay", ms=500)),
    ("scenario_fault_incoming_end_lost", end_is_lost),
    ("scenario_fault_incoming_begin_lost", begin_is_lost),
]

if __name__ == "__main__":
    stage = Stage("faults_incoming", [user(1)], sip="ring_timeout = 3")
    stage.pbx = stage.client()
    play(stage, TESTS, "scenario_fault_incoming_nothing_left")
