#!/usr/bin/env python3
"""What PBXs do within a call and around it: hold with music, session timers,
several phones of one login, 3xx, who calls.

    calls_dialogs.py BUILD [NAME-PART]

# run: check 90 beside
"""
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
from tests.harness import tones  # noqa: E402
from tests.harness.process import wait_for  # noqa: E402
from tests.harness.sip import Client  # noqa: E402
from tests.harness.stage import (OFFICE, PBX, Stage, equal,  # noqa: E402
                                 play, user)
from tests.harness.talk import (AT_SIP, AT_TELEGRAM,  # noqa: E402
                                give_voice, record_of, ring)

MANY = {"id": 502, "phone": "999669990002", "first_name": "Many"}
LOST = {"id": 503, "phone": "999669990003", "first_name": "Lost"}
# Its owner has another device, which takes what rings for long.
SHARED = dict(id=504, phone="999669990004", first_name="Shared",
              app={"behaviour": "answer", "ring_after_ms": 50,
                   "after_ms": 1500})
USERS = [MANY, LOST, SHARED, user(1), user(2)]
MUSIC = 620
SILENCE_S = 0.5
ELSEWHERE = 'SIP;cause=200;text="Call completed elsewhere"'


# -- within a call --------------------------------------------------------------
def hold_with_music(s):
    """The Telegram user hears what the PBX plays, then silence, then the phone
    again; the phone hears nothing."""
    v = s.voice("alaw", AT_TELEGRAM)
    c = s.pbx.call("user_1", v.sdp())
    v.talk_to(c.answered())
    tg = s.tg_call(1001, "active")
    out = s.path("heard-%s-1001.wav" % tg["id"])

    def heard(hertz):
        return (tones.file_heard(out, hertz) if os.path.exists(out) else 0)
    wait_for("the phone to be heard", lambda: heard(AT_TELEGRAM) > 0.3)
    m = c.reinvite(v.sdp("sendonly", version=2))
    assert "a=recvonly" in m.sdp, m.sdp
    v.hertz = MUSIC
    wait_for("the music to be heard", lambda: heard(MUSIC) > 0.5)
    assert v.count(time.monotonic() - 0.3) == 0
    v.muted = True
    muted = tones.file_seconds(out)
    wait_for("silence", lambda: tones.file_seconds(out) > muted + SILENCE_S and
             tones.tail_heard(out, MUSIC, SILENCE_S) == 0)
    v.hertz, v.muted = AT_TELEGRAM, False
    since, floor = time.monotonic(), heard(AT_TELEGRAM)
    equal(c.reinvite(v.sdp(version=3)).code, 200)
    wait_for("both to hear the other", lambda: heard(AT_TELEGRAM) > floor + 0.3
             and v.heard(AT_SIP, since) > 0.3)
    equal(c.bye().code, 200)


def refresh_answered(s):
    """The trunk asks for 6 s: UPDATE every 3 s, to a phone that has it."""
    v = s.voice()
    c = s.timed.call("user_1", v.sdp(), [("Allow", "INVITE, UPDATE")])
    m = c.answered()
    v.talk_to(m)
    equal(m.get("Session-Expires"), "6;refresher=uas")
    for n in range(2):
        u = c.wait_request("UPDATE", skip=n)
        s.timed.respond(u, 200, "OK", [
            ("Session-Expires", "6;refresher=uac"), ("Supported", "timer")])
    assert not c.requests("BYE")
    equal(c.bye().code, 200)


def timer_expires(s):
    """A phone that promised to refresh and is gone: BYE, with the reason."""
    v = s.voice()
    c = s.timed.call("user_2", v.sdp(), [("Supported", "timer")])
    m = c.answered()
    v.talk_to(m)
    equal((m.get("Session-Expires"), m.get("Require")),
          ("6;refresher=uac", "timer"))
    at = time.monotonic()
    bye = c.wait_request("BYE")
    assert 3.5 < bye.at - at < 5.5, bye.at - at
    assert bye.get("Reason").startswith(
        'SIP;cause=408;text="Session timer expired"'), bye.get("Reason")
    r = s.record(c.call_id)
    equal((r["sip_status"], r["ended_by"]), (408, "calling"))


# -- several phones ---------------------------------------------------------------
def fork(s):
    """Both phones of one login ring; one answers, the other is told that the
    call was completed elsewhere."""
    one, two = ring(s, MANY, *s.many)
    one.ring()
    two.ring()
    v = s.voice()
    v.talk_to(one.message)
    two.answer(v.sdp())
    cancel = one.wait_request("CANCEL")
    equal(cancel.get("Reason"), ELSEWHERE)
    wait_for("the call to be up", lambda: any(
        r["state"] == "up" for r in s.gateway.rows("calls")))
    equal(two.bye().code, 200)
    equal(record_of(s, two)["sip_status"], 200)
    equal(len([r for r in s.gateway.records() if r["session"] == "many"]), 1)


def fork_both_answer(s):
    """Two lift at the same moment: one has the call, the other a BYE."""
    one, two = ring(s, MANY, *s.many)
    v = s.voice()
    for i in (one, two):
        i.client.obeys_cancel = False
        i.answer(v.sdp())
    wait_for("one BYE", lambda: one.requests("BYE") or two.requests("BYE"))
    loser, winner = (one, two) if one.requests("BYE") else (two, one)
    equal(loser.requests("BYE")[0].get("Reason"), ELSEWHERE)
    assert not winner.requests("BYE")
    for i in (one, two):
        i.client.obeys_cancel = True
    equal(winner.bye().code, 200)


def bindings_end(s):
    """A third contact takes the place of the oldest; * removes all."""
    before = len(s.many[0].invites())
    third = s.client("many")
    for i in ring(s, MANY, s.many[1], third):
        i.ring()
    s.telegram.ask("hangup", call=s.tg_call(1001)["id"], reason="missed")
    third.wait("CANCEL", lambda m: m.method == "CANCEL")
    equal(len(s.many[0].invites()), before)
    third.contact = "*"
    equal(third.register(0).code, 200)
    s.gateway.wait_trunk("many", "unregistered")


def other_device(s):
    """Another device of the account takes the call: the phone does not show a
    missed one."""
    i, = ring(s, SHARED, s.shared)
    i.ring()
    equal(i.wait_request("CANCEL").get("Reason"), ELSEWHERE)
    equal(record_of(s, i)["sip_status"], 487)
    s.telegram.ask("hangup", call=s.tg_call(1001)["id"])


def caller_gives_up(s):
    i, = ring(s, OFFICE, s.pbx)
    i.ring()
    s.telegram.ask("hangup", call=s.tg_call(1001)["id"], reason="missed")
    equal(i.wait_request("CANCEL").get("Reason"),
          'SIP;cause=487;text="Ended", Q.850;cause=16')


# -- sent on ------------------------------------------------------------------------
def redirected(s):
    """302 with two contacts: the better one is busy, the other answers."""
    i, = ring(s, OFFICE, s.pbx)
    skip = len(s.there.invites())
    i.refuse(302, "Moved Temporarily", [
        ("Contact", "<sip:low@127.0.0.1:%d>;q=0.2" % s.there.port),
        ("Contact", "<sip:best@127.0.0.1:%d>" % s.there.port)])
    best = s.there.wait_invite(skip=skip)
    equal(best.message.uri, "sip:best@127.0.0.1:%d" % s.there.port)
    equal(best.call_id, i.call_id)
    best.refuse(486, "Busy Here")
    low = s.there.wait_invite(skip=skip + 1)
    equal(low.message.uri, "sip:low@127.0.0.1:%d" % s.there.port)
    v = s.voice()
    v.talk_to(low.message)
    low.answer(v.sdp())
    equal(low.bye().code, 200)
    equal(record_of(s, i)["sip_status"], 200)


def redirected_in_circles(s):
    i, = ring(s, OFFICE, s.pbx)
    i.refuse(302, "Moved Temporarily", [
        ("Contact", "<sip:x@%s>" % s.gateway.address),
        ("Contact", "<%s>" % i.message.uri)])
    r = record_of(s, i)
    equal((r["sip_status"], r["reason"]), (302, "Moved Temporarily"))


# -- who calls ---------------------------------------------------------------------
def asserted(s):
    """The PBX says who it really is, who sent the call on, and that he does
    not want to be shown."""
    v = s.voice()
    for private in (False, True):
        c = s.timed.call("user_1", v.sdp(), [
            ("P-Asserted-Identity", '"Ren\u00e9e" <sip:204@pbx.example>'),
            ("Diversion", "<sip:300@pbx.example>;reason=no-answer")] + (
                [("Privacy", "id")] if private else []))
        c.answered()
        equal(c.bye().code, 200)
        r = s.record(c.call_id)
        equal([r.get(k) for k in ("from", "from_name", "diverted_from",
                                  "anonymous")],
              ["204", None if private else "Ren\u00e9e", "300",
               True if private else None])


def not_named(s):
    """privacy and identity: phones see nobody, the PBX knows."""
    i, = ring(s, LOST, s.lost)
    m = i.message
    assert m.get("From").startswith(
        '"Anonymous" <sip:anonymous@anonymous.invalid>;tag='), m.get("From")
    equal((m.get("Privacy"), m.get("X-TG-ID")), ("id", None))
    assert m.get("P-Asserted-Identity").startswith(
        '"User1" <sip:999660000001@'), m.get("P-Asserted-Identity")
    i.refuse(486, "Busy Here")
    record_of(s, i)


def extension_required(s):
    """A trunk that demands acknowledged ringing of a phone that cannot."""
    c = s.strict.call("user_1", s.voice().sdp())
    m = c.final()
    equal((m.line, m.get("Require")),
          ("SIP/2.0 421 Extension Required", "100rel"))


TESTS = [
    ("scenario_dialog_hold_with_music", hold_with_music),
    ("scenario_dialog_refresh_answered", refresh_answered),
    ("scenario_dialog_timer_expires", timer_expires),
    ("scenario_dialog_fork", fork),
    ("scenario_dialog_fork_both_answer", fork_both_answer),
    ("scenario_dialog_bindings_end", bindings_end),
    ("scenario_dialog_other_device", other_device),
    ("scenario_dialog_caller_gives_up", caller_gives_up),
    ("scenario_dialog_redirected", redirected),
    ("scenario_dialog_redirected_in_circles", redirected_in_circles),
    ("scenario_dialog_asserted", asserted),
    ("scenario_dialog_not_named", not_named),
    ("scenario_dialog_extension_required", extension_required),
]


def main():
    lost = Client("127.0.0.1:9", "lost", "")
    trunks = [
        PBX,
        # Nobody gets as far as calling these from Telegram.
        dict(PBX, name="timed", login="timed", session="shared",
             session_timer=6, priority=1, identity="trust"),
        dict(PBX, name="strict", login="strict", session="shared",
             rel100="required", priority=2),
        dict(PBX, name="many", login="many", session="many", bindings=2),
        dict(PBX, name="shared", login="shared", session="shared"),
        {"name": "lost", "session": "lost", "kind": "ip", "number": "700",
         "address": "127.0.0.1:%d" % lost.port, "field": "X-Office: lost",
         "privacy": "yes", "identity": "send"},
    ]
    s = Stage("calls_dialogs", USERS, trunks=trunks,
              sessions={"office": "+" + OFFICE["phone"],
                        "many": "+" + MANY["phone"],
                        "lost": "+" + LOST["phone"],
                        "shared": "+" + SHARED["phone"]})
    give_voice(s)
    s.meet(lost)
    s.lost, s.there = lost, s.client("nobody", register=False)
    s.pbx, s.timed, s.strict, s.shared = (
        s.client(n) for n in ("pbx", "timed", "strict", "shared"))
    s.many = [s.client("many") for _ in range(2)]
    play(s, TESTS, "scenario_dialog_nothing_left")


if __name__ == "__main__":
    main()
