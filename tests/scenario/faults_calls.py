#!/usr/bin/env python3
"""Faults of Telegram in the middle of calls: what the phone is told, byte for
byte, or that it hears nothing of them.

    faults_calls.py BUILD [NAME-PART]

# run: check 200 beside
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
from tests.harness import tones  # noqa: E402
from tests.harness.process import wait_for  # noqa: E402
from tests.harness.stage import (OFFICE, PBX, Stage, equal,  # noqa: E402
                                 phone, play, user)

AT_SIP, AT_TELEGRAM = 1000, 440     # the tone that this side must hear
SIGNAL = "updatePhoneCallSignalingData"
# What the phone is told when a query of a call is refused. A flood closes the
# account for its seconds: each has an account of its own.
REFUSALS = [
    ("privacy", "phone.requestCall", 403, "USER_PRIVACY_RESTRICTED",
     "403 USER_PRIVACY_RESTRICTED"),
    ("premium", "phone.requestCall", 406, "PRIVACY_PREMIUM_REQUIRED",
     "403 PRIVACY_PREMIUM_REQUIRED"),
    ("blocked", "phone.requestCall", 400, "USER_IS_BLOCKED",
     "500 USER_IS_BLOCKED"),
    ("outdated", "phone.requestCall", 400, "PARTICIPANT_VERSION_OUTDATED",
     "500 PARTICIPANT_VERSION_OUTDATED"),
    ("internal", "phone.requestCall", 500, "PARTICIPANT_CALL_FAILED",
     "500 PARTICIPANT_CALL_FAILED"),
    ("dh", "messages.getDhConfig", 400, "RANDOM_LENGTH_INVALID",
     "500 RANDOM_LENGTH_INVALID"),
    ("confirm", "phone.confirmCall", 406, "CALL_PROTOCOL_COMPAT_LAYER_INVALID",
     "500 CALL_PROTOCOL_COMPAT_LAYER_INVALID"),
    ("not_occupied", "contacts.resolveUsername", 400, "USERNAME_NOT_OCCUPIED",
     "404 USERNAME_NOT_OCCUPIED"),
    ("name_invalid", "contacts.resolveUsername", 400, "USERNAME_INVALID",
     "404 USERNAME_NOT_OCCUPIED"),
]
FLOODS = [
    ("flood_calls", "phone.requestCall", 420, "FLOOD_WAIT_31",
     "503 Too Many Requests: retry after 31"),
    ("flood_names", "contacts.resolveUsername", 420, "FLOOD_WAIT_32",
     "503 Too Many Requests: retry after 32"),
    ("peer_flood", "phone.requestCall", 400, "PEER_FLOOD", "503 PEER_FLOOD"),
]


def refused(s, client, to, status, seconds=30):
    call = client.call(to, s.voice().sdp())
    m = call.final(seconds)
    equal(m.line, "SIP/2.0 " + status)
    r = s.record(call.call_id)
    equal(("%d %s" % (r["sip_status"], r["reason"]), r["hop"]),
          (status, "telegram"))
    return m


def order(s, fault, **arguments):
    return s.telegram.ask("fault", fault=fault, user=OFFICE["id"], **arguments)


def works(s, to="user_1"):
    call = s.pbx.call(to, s.voice().sdp())
    call.answered()
    equal(call.bye().code, 200)


# -- refusals -----------------------------------------------------------------
fresh = iter(range(20, 60))     # users nobody has looked up yet


def refusal(method, code, text, status):
    def test(s):
        order(s, "error", method=method, code=code, text=text)
        refused(s, s.pbx, "user_%d" % next(fresh), status)
    return test


def flood(name, method, code, text, status):
    def test(s):
        i = [f[0] for f in FLOODS].index(name)
        client = s.client(name)
        s.telegram.ask("fault", fault="error", user=520 + i, method=method,
                       code=code, text=text)
        m = refused(s, client, "user_%d" % next(fresh), status)
        if text.startswith("FLOOD"):
            equal(m.get("Retry-After"), text.rsplit("_", 1)[1])
        works(s)    # the others are not concerned
    return test


# -- answers that do not come -------------------------------------------------
def hangs(s):
    """10 s are the limit of behaviour 8.3; two calls wait together."""
    order(s, "hang", method="contacts.resolveUsername")
    calls = [s.pbx.call("user_%d" % next(fresh), s.voice().sdp())]
    wait_for("the first to hang",
             lambda: not s.telegram.ask("faults")["faults"])
    order(s, "hang", method="phone.requestCall")
    calls.append(s.pbx.call("user_%d" % next(fresh), s.voice().sdp()))
    for call in calls:
        m = call.final(40)
        equal(m.line, "SIP/2.0 408 Timeout of waiting RPC result")
        wait = m.at - call.wait_code(100).at
        assert 9 < wait < 25, wait
    works(s)


def passes(fault, method, **arguments):
    """The phone notices nothing but the time it takes."""
    def test(s):
        order(s, fault, method=method, **arguments)
        works(s, "user_%d" % next(fresh))
        equal(s.telegram.ask("faults")["faults"], [])
        s.gateway.wait_sessions_ready()
    return test


# -- updates of calls ---------------------------------------------------------
def accepted_is_lost(fault):
    """The user has answered, but we are never told: ring_timeout = 3."""
    def test(s):
        order(s, fault, update="updatePhoneCall", skip=1)
        refused(s, s.pbx, "user_2", "480 Temporarily Unavailable")
        works(s)
    return test


def updates(fault):
    def test(s):
        order(s, fault, update="updatePhoneCall", times=3, ms=300)
        works(s)
        s.telegram.ask("fault-cancel")
    return test


# -- calls with voices --------------------------------------------------------
def talk(s, to="user_1", of=1001):
    """(call, voice, Telegram's call) with both sides heard."""
    v = s.voice()
    call = s.pbx.call(to, v.sdp())
    v.talk_to(call.answered())
    tg = s.tg_call(of, "active")
    heard_both(s, v, tg, of)
    return call, v, tg


def heard_both(s, v, tg, of=1001, more=0.5):
    out = s.path("heard-%s-%d.wav" % (tg["id"], of))

    def at_telegram():
        return (tones.file_heard(out, AT_TELEGRAM)
                if os.path.exists(out) else 0.0)
    a, b = v.heard(AT_SIP), at_telegram()
    wait_for("both sides to hear the other", lambda: (
        v.heard(AT_SIP) >= a + more and at_telegram() >= b + more), 30, 0.1)


def over(s, call, v):
    v.remote = None
    equal(call.bye().code, 200)
    s.known |= {c["id"] for c in s.telegram.calls(True)}


def blobs(fault, version, **arguments):
    """Signalling to us, and to the user, meets the fault; they hear each
    other all the same."""
    def test(s):
        s.telegram.ask("set", user=1001, version=version)
        order(s, fault, update=SIGNAL, **arguments)
        call, v, tg = talk(s)
        equal(tg["version"], version)
        over(s, call, v)
        s.telegram.ask("set", user=1001, version="")
        s.telegram.ask("fault-cancel")
    return test


def interrupted(op, **arguments):
    """In a call; media does not ask Telegram."""
    def test(s):
        call, v, tg = talk(s)
        s.telegram.ask(op, **arguments)
        heard_both(s, v, tg, more=1.5)
        s.gateway.wait_sessions_ready()
        over(s, call, v)
        wait_for("the end in Telegram", lambda: not s.telegram.calls())
        s.gateway.wait_idle()
    return test


def drop_while_ringing(s):
    """The connection is lost while the user's device rings."""
    call = s.pbx.call("user_3", s.voice().sdp())
    call.wait_code(180)
    s.telegram.ask("drop")
    call.answered()
    call.bye()


def drop_after_request(s):
    """What Telegram tells of a call while we are away is not told again: an
    answer within that time is missed, a later one is not."""
    order(s, "drop-after", method="phone.requestCall")
    refused(s, s.pbx, "user_1", "480 Temporarily Unavailable")
    order(s, "drop-after", method="phone.requestCall")
    works(s, "user_3")


def revoked_in_a_call(s):
    """Somebody ends our log-in while we talk: the call is over, its record
    says why."""
    client = s.client("revoked")
    v = s.voice()
    call = client.call("user_1", v.sdp())
    v.talk_to(call.answered())
    s.telegram.ask("logout", user=530, reason="SESSION_REVOKED")
    second = client.call("user_2", s.voice().sdp())
    equal(second.final().line, "SIP/2.0 503 Session is not running")
    call.wait_request("BYE")
    v.remote = None
    r = s.record(call.call_id)
    equal((r["sip_status"], r["reason"], r["hop"]),
          (503, "Session is not running", "telegram"))
    for c in s.telegram.calls():
        s.telegram.ask("hangup", call=c["id"])


TESTS = [("scenario_fault_refusal_" + r[0], refusal(*r[1:]))
         for r in REFUSALS] + [
    ("scenario_fault_refusal_" + f[0], flood(*f)) for f in FLOODS] + [
    ("scenario_fault_hang", hangs),
    ("scenario_fault_slow_request", passes("slow", "phone.requestCall",
                                           ms=3000)),
    ("scenario_fault_drop_before_request", passes(
        "drop-before", "phone.requestCall")),
    ("scenario_fault_drop_answer_of_request", passes(
        "drop-answer", "phone.requestCall")),
    ("scenario_fault_drop_after_request", drop_after_request),
    ("scenario_fault_drop_answer_of_confirm", passes(
        "drop-answer", "phone.confirmCall")),
    ("scenario_fault_drop_before_resolve", passes(
        "drop-before", "contacts.resolveUsername")),
    ("scenario_fault_accepted_lost", accepted_is_lost("lose")),
    ("scenario_fault_accepted_unknown", accepted_is_lost("unknown")),
    ("scenario_fault_call_updates_repeated", updates("repeat")),
    ("scenario_fault_call_updates_swapped", updates("swap")),
    ("scenario_fault_call_updates_late", updates("delay")),
    ("scenario_fault_blobs_lost", blobs("lose", "13.0.0", skip=1, times=2)),
    ("scenario_fault_blobs_repeated", blobs("repeat", "13.0.0", times=0)),
    ("scenario_fault_blobs_swapped", blobs("swap", "13.0.0", times=4)),
    ("scenario_fault_blobs_lost_9.0.0", blobs("lose", "9.0.0", skip=1,
                                              times=2)),
    ("scenario_fault_blobs_repeated_7.0.0", blobs("repeat", "7.0.0",
                                                  times=0)),
    ("scenario_fault_drop_in_a_call", interrupted("drop")),
    ("scenario_fault_silence_in_a_call", interrupted("silence", ms=4000)),
    ("scenario_fault_drop_while_ringing", drop_while_ringing),
    ("scenario_fault_revoked_in_a_call", revoked_in_a_call),
]

if __name__ == "__main__":
    offices = [{"id": 520 + i, "phone": "9996699902%02d" % i,
                "first_name": "Office%d" % i} for i in range(len(FLOODS))]
    offices.append({"id": 530, "phone": "999669990299",
                    "first_name": "Revoked"})
    names = [f[0] for f in FLOODS] + ["revoked"]
    sessions = dict({"office": "+" + OFFICE["phone"]}, **{
        n: "+" + o["phone"] for n, o in zip(names, offices)})
    trunks = [PBX] + [dict(PBX, name=n, session=n, login=n) for n in names]
    folder = os.path.join(os.path.abspath(sys.argv[1]), "scenario",
                          "faults_calls")
    users = [user(1, app={"in": os.path.join(folder, "1000.wav"),
                          "out": os.path.join(folder, "heard-%c-%u.wav")}),
             user(2), user(3, app={"after_ms": 1500})]
    users += [user(i, app={"after_ms": 800}) for i in range(20, 60)]
    stage = Stage("faults_calls", users + offices, trunks=trunks, sessions=sessions,
                  sip="ring_timeout = 3")
    stage.tone(AT_SIP)
    stage.pbx = stage.client()
    play(stage, TESTS, "scenario_fault_calls_nothing_left")
