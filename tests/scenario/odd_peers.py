#!/usr/bin/env python3
"""Peers that keep SIP's rules in odd ways, or are unlucky with the network:
SIPp plays them, and a phone of our own what SIPp cannot write.

    odd_peers.py BUILD [NAME-PART]

# run: check 90
"""
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
from tests.harness.process import wait_for  # noqa: E402
from tests.harness.sipp import Sipp  # noqa: E402
from tests.harness.stage import (OFFICE, PBX, Stage, equal,  # noqa: E402
                                 phone, play, user)

# The second one answers well after the late PRACK.
USERS = [user(1), user(2, app={"after_ms": 2000})]


def record_of(s, before):
    wait_for("the record", lambda: len(s.gateway.records()) > before)
    s.gateway.wait_idle()
    equal(len(s.gateway.records()), before + 1)
    return s.gateway.records()[-1]


def calls(scenario, service="user_1", **expected):
    """The peer calls, in its own way; the record of the one call."""
    def test(s):
        before = len(s.gateway.records())
        s.sipp.play(scenario, service)
        r = record_of(s, before)
        wanted = dict({"sip_status": 200, "trunk": "odd"}, **expected)
        equal({k: r.get(k) for k in wanted}, wanted)
    return test


def called(scenario, act=None, **expected):
    def test(s):
        before = len(s.gateway.records())
        child = s.sipp.start(scenario)
        s.telegram.ask("call", user=1001, to=OFFICE["id"])
        if act:
            act(s)
        s.sipp.finish(child)
        r = record_of(s, before)
        wanted = dict({"sip_status": 200, "trunk": "odd"}, **expected)
        equal({k: r.get(k) for k in wanted}, wanted)
    return test


def gives_up(s):
    wait_for("the phone to ring", lambda: any(
        r["state"] == "ringing" for r in s.gateway.rows("calls")))
    s.telegram.ask("hangup", call=s.tg_call(1001)["id"], reason="missed")


# -- what SIPp cannot write -----------------------------------------------------
def lost_ok(s):
    """The 200 is lost twice: it is sent again until the ACK comes, at growing
    intervals."""
    c = s.pbx.call("user_1", s.voice().sdp())
    copies = [s.pbx.wait("the 200", lambda m: m.code == 200 and c.is_mine(m),
                         skip=n) for n in range(3)]
    equal(len({m.raw for m in copies}), 1)
    gaps = [b.at - a.at for a, b in zip(copies, copies[1:])]
    assert gaps[0] > 0.4 and gaps[1] > gaps[0] * 1.5, gaps
    c.answered()
    # No condition can be waited for: that nothing comes is what is shown, and
    # the next copy would come within 2 s.
    time.sleep(2.5)
    equal(sum(m.code == 200 for m in c.answers()), 3)
    equal(c.bye().code, 200)


def huge_and_folded(s):
    """9,000 bytes over UDP; fields folded, names compact and in any case, blanks
    where they may be."""
    headers = [("X-Filler-%d" % n, "x" * 900) for n in range(8)]
    headers += [("sUbJeCt", "a long\r\n\tlonger  \r\n   line"),
                ("User-Agent", "\r\n Folded\r\n /1.0")]
    c = s.pbx.call("user_1", s.voice().sdp(), headers)
    c.answered()
    equal(c.bye().code, 200)
    equal(s.record(c.call_id)["sip_status"], 200)


def too_many_fields(s):
    """More than a message may have: refused, and the next one is heard."""
    c = s.pbx.call("user_1", s.voice().sdp(),
                   [("X-%d" % n, "x") for n in range(200)], False)
    equal(c.final().code, 513)
    equal(s.pbx.register().code, 200)


TESTS = [
    ("scenario_odd_late_ack", calls("odd_late_ack")),
    ("scenario_odd_lost_200", lost_ok),
    ("scenario_odd_invite_again", calls("odd_invite_again")),
    ("scenario_odd_delayed_offer", calls("odd_delayed_offer", codec="PCMA")),
    ("scenario_odd_glare", calls("odd_glare", trunk="timed")),
    ("scenario_odd_cancel_crosses_200", calls("odd_cancel_race")),
    ("scenario_odd_200_crosses_cancel",
     called("odd_answer_race", gives_up, sip_status=487)),
    ("scenario_odd_huge_and_folded", huge_and_folded),
    ("scenario_odd_too_many_fields", too_many_fields),
    ("scenario_odd_tel_and_utf8",
     calls("odd_tel", phone(1), **{"from": "+999111222",
                                   "from_name": "Zo\u00eb \u0416\u0443\u043a",
                                   "to": phone(1)})),
    ("scenario_odd_prack", calls("odd_prack", "user_2")),
    ("scenario_odd_update_after_prack", called("odd_update", codec="PCMU")),
    ("scenario_odd_forked_answers", called("odd_forked")),
]


def main():
    sipp = Sipp(os.path.join(os.path.abspath(sys.argv[1]), "scenario",
                             "odd_peers_sipp"), "", "odd", "none")
    odd = {"name": "odd", "session": "office", "kind": "ip", "number": "700",
           "address": "127.0.0.1:%d" % sipp.port, "field": "X-Office: odd"}
    # Refreshed after 7 s, so that both sides can do it at once.
    timed = dict(odd, name="timed", field="X-Office: timed", priority=2,
                 session_timer=14)
    # Registered after a call only: SIPp alone is called.
    s = Stage("odd_peers", USERS, trunks=[odd, timed, dict(PBX, priority=1)])
    s.sipp = sipp
    sipp.server = s.gateway.address
    s.pbx = s.client()
    play(s, TESTS, "scenario_odd_nothing_left")


if __name__ == "__main__":
    main()
