#!/usr/bin/env python3
"""A SIP phone calls Telegram users: who is meant, what the phone is told, in
which order, and how it ends.

    calls_outgoing.py BUILD [NAME-PART]

# run: check 180 beside
"""
import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
from tests.harness.process import wait_for  # noqa: E402
from tests.harness.stage import (OFFICE, Stage, equal, phone,  # noqa: E402
                                 play, user)

USERS = [
    user(1), user(2, "decline"), user(3, "busy"), user(4, "ignore"),
    user(5, "offline"), user(6, privacy={"call": "nobody"}),
    user(7, app={"versions": ["2.4.4"]}), user(8), user(9),
    user(10, app={"ring_after_ms": 900}),
    user(11, blocked=[OFFICE["id"]]),
    # Its media never comes up.
    user(12, app={"endpoint": ["/bin/sh", "-c", "cat >/dev/null"]}),
    user(13, app={"hangup_after_ms": 400}), user(14, "ignore"),
    user(15, "offline"),
]


def codes(call):
    return [m.code for m in call.answers()]


def refused(s, to, status):
    """The phone dials and is told exactly this; the record says it too."""
    call = s.pbx.call(to, s.voice().sdp())
    m = call.final()
    equal(m.line, "SIP/2.0 " + status)
    assert all(c in (100, 180, m.code) for c in codes(call)), codes(call)
    record = s.record(call.call_id)
    equal("%d %s" % (record["sip_status"], record["reason"]), status)
    equal(m.get("X-Gateway-Event"), record["call"])
    return call, m


def up(s, to, of, voice=None):
    """(call, Telegram's call) with both sides talking."""
    call = s.pbx.call(to, (voice or s.voice()).sdp())
    call.answered()
    return call, s.tg_call(of, "active")


def ended(s, call_id, reason):
    c = wait_for("the end in Telegram", lambda: next(
        (c for c in s.telegram.calls(True) if c["id"] == call_id and
         c["state"] == "ended"), None))
    equal(c["reason"], reason)
    return c


# -- who is meant -------------------------------------------------------------
def reaches(s, identifier, number):
    call, tg = up(s, identifier, 1000 + number)
    equal(tg["callee"]["user"], 1000 + number)
    equal(call.bye().code, 200)
    ended(s, tg["id"], "hangup")
    s.known.add(tg["id"])


def by_phone(s):
    for text in (phone(1), phone(1)[1:]):
        reaches(s, text, 1)


def by_username(s):
    for text in ("user_8", "%40user_8", "tg%23user_8", "tg#user_8", "USER_8"):
        reaches(s, text, 8)


def by_id(s):
    """Known from an earlier call by name; never met: 470."""
    reaches(s, "user_9", 9)
    reaches(s, "01009", 9)
    refused(s, "01005", "470 Anonymous user")
    refused(s, "0123456789", "470 Anonymous user")


def unknown(s):
    refused(s, "nobody_at_all", "404 USERNAME_NOT_OCCUPIED")
    refused(s, "+999660007777", "404 Not Found")
    for text in ("12", "a.b", "%2b%2b1"):
        refused(s, text, "404 Not Found")


# -- how it goes --------------------------------------------------------------
def answered(s):
    """100, 180, 200, in this order; 200 with one codec of ours."""
    call = s.pbx.call(phone(1), s.voice().sdp())
    ok = call.answered()
    tg = s.tg_call(1001, "active")
    equal([m.line for m in call.answers()],
          ["SIP/2.0 100 Trying", "SIP/2.0 180 Ringing", "SIP/2.0 200 OK"])
    assert "m=audio" in ok.sdp and "PCMA/8000" in ok.sdp, ok.sdp
    row = s.gateway.rows("calls")[0]
    equal((row["state"], row["direction"], row["codec"], row["version"]),
          ("up", "sip-to-telegram", "PCMA", "13.0.0"))
    equal(call.bye().line, "SIP/2.0 200 OK")
    equal(ended(s, tg["id"], "hangup")["by"], 0)
    s.gateway.wait_idle()


def ringing_when_received(s):
    """180 only when the user's device has the call."""
    call = s.pbx.call("user_10", s.voice().sdp())
    trying = call.wait_code(100)
    tg = s.tg_call(1010)
    equal((tg["state"], codes(call)), ("requested", [100]))
    ring = call.wait_code(180)
    assert ring.at - trying.at > 0.8, ring.at - trying.at
    assert s.telegram.ask("call-status", call=tg["id"])["call"]["received"]
    call.answered()
    call.bye()


def answer_when_media_up(s):
    """A user who accepted, but whose media never connects, is no answer."""
    call = s.pbx.call("user_12", s.voice().sdp())
    tg = s.tg_call(1012, "active")
    wait_for("the call to connect", lambda: any(
        r["state"] == "connecting" for r in s.gateway.rows("calls")))
    equal(codes(call), [100, 180])
    call.cancel()
    equal(call.final().line, "SIP/2.0 487 Request Terminated")
    ended(s, tg["id"], "hangup")


def declined(s):
    refused(s, "user_2", "486 User declined the call")


def busy(s):
    call, _ = refused(s, "user_3", "486 Busy Here")
    assert 180 not in codes(call)


def never_answers(s):
    """The gateway's own limit (ring_timeout = 2)."""
    call, _ = refused(s, "user_4", "480 Temporarily Unavailable")
    assert 180 in codes(call)
    ended(s, s.tg_call(1004)["id"], "missed")


def missed(s):
    """Telegram's limit: it says Missed."""
    call = s.pbx.call("user_14", s.voice().sdp())
    tg = s.tg_call(1014, "ringing")
    s.telegram.ask("hangup", call=tg["id"], reason="missed")
    equal(call.final().line, "SIP/2.0 480 Temporarily Unavailable")


def offline(s):
    """No device ever received it (device_timeout = 1)."""
    call, _ = refused(s, "user_5", "480 Temporarily Unavailable")
    equal(codes(call), [100, 480])
    ended(s, s.tg_call(1005)["id"], "missed")


def cancelled(s):
    """While ringing, and before."""
    for to, of, state in (("user_14", 1014, "ringing"),
                          ("user_15", 1015, "requested")):
        call = s.pbx.call(to, s.voice().sdp())
        tg = s.tg_call(of, state)
        equal(call.cancel().line, "SIP/2.0 200 OK")
        equal(call.final().line, "SIP/2.0 487 Request Terminated")
        ended(s, tg["id"], "missed")
        record = s.record(call.call_id)
        equal((record["sip_status"], record["ended_by"]), (487, "calling"))
        s.known.add(tg["id"])


def cancelled_at_once(s):
    """Before the user is even found: nothing rings afterwards."""
    call = s.pbx.call("user_9", s.voice().sdp())
    call.wait_code(100)
    call.cancel()
    equal(call.final().line, "SIP/2.0 487 Request Terminated")
    equal(s.record(call.call_id)["sip_status"], 487)
    s.gateway.wait_idle()
    wait_for("no call left", lambda: not s.telegram.calls())


def telegram_hangs_up(s):
    call, tg = up(s, "user_13", 1013)
    call.wait_request("BYE")
    equal(ended(s, tg["id"], "hangup")["by"], 1)
    record = s.record(call.call_id)
    equal((record["sip_status"], record["ended_by"]), (200, "called"))


# -- what is refused ----------------------------------------------------------
def restricted(s):
    refused(s, "user_6", "403 USER_PRIVACY_RESTRICTED")


def outdated(s):
    refused(s, "user_7", "500 PARTICIPANT_VERSION_OUTDATED")


def blocked(s):
    refused(s, "user_11", "500 USER_IS_BLOCKED")


def flood(s):
    """Told once; until then nobody is asked, and everybody sees until when."""
    def row():
        return s.gateway.rows("sessions")[0]

    s.telegram.ask("set", user=OFFICE["id"], flood_wait_s=4)
    _, m = refused(s, "user_1", "503 Too Many Requests: retry after 4")
    equal(m.get("Retry-After"), "4")
    s.telegram.ask("set", user=OFFICE["id"], flood_wait_s=0)
    equal((row()["state"], row()["next_call_why"]), ("ready", "FLOOD_WAIT_4"))
    assert row()["next_call"].endswith("Z"), row()
    m = s.pbx.call("user_1", s.voice().sdp()).final()
    assert m.line in ["SIP/2.0 503 Too Many Requests: retry after %d" % n
                      for n in (1, 2, 3, 4)], m.line
    equal(m.line.split()[-1], m.get("Retry-After"))
    wait_for("the next permitted call", lambda: row()["next_call"] == "now")
    call = s.pbx.call("user_1", s.voice().sdp())
    call.answered()
    call.bye()
    s.gateway.wait_idle()


def rpc_timeout(s):
    """Telegram takes the request and says nothing."""
    s.telegram.process.child.send_signal(signal.SIGSTOP)
    try:
        call = s.pbx.call("user_1", s.voice().sdp())
        m = call.final(40)
        equal(m.line, "SIP/2.0 408 Timeout of waiting RPC result")
    finally:
        s.telegram.process.child.send_signal(signal.SIGCONT)
    r = s.record(call.call_id)
    equal((r["sip_status"], r["sip_status_source"], r["hop"]),
          (408, "local", "telegram"))
    s.gateway.wait_sessions_ready()
    reaches(s, "user_1", 1)


def codec_mismatch(s):
    v = s.voice()
    call = s.pbx.call("user_1", v.sdp(codecs=[(9, "G722/8000"),
                                              (18, "G729/8000")]))
    m = call.final()
    equal(m.line, "SIP/2.0 488 Not Acceptable Here")
    equal(m.get("Warning"), '304 gramline "offered: G722 G729; '
          'supported: opus PCMA PCMU"')
    record = s.record(call.call_id)
    equal((record["sip_status"], record["reason"], record["ended_by"]),
          (488, "Not Acceptable Here", "gateway"))
    assert not s.telegram.calls()


def session_down(s):
    """Without Telegram calls are refused at once; with it they go again."""
    s.telegram.stop()
    wait_for("the session to be lost", lambda: any(
        r["state"] != "ready" for r in s.gateway.rows("sessions")))
    refused(s, "user_1", "503 Session is not running")
    s.telegram.start()
    s.gateway.wait_sessions_ready()
    reaches(s, "user_1", 1)


def every_call_recorded(s):
    """As many records as calls; log lines of both legs carry the id."""
    records = s.gateway.records()
    wanted = {m.get("Call-ID") for m in s.pbx.received if m.code and
              m.cseq[1] == "INVITE" and m.code >= 200 and m.code != 401}
    equal({r["sip_call_id"] for r in records}, wanted)
    equal(len(records), len(wanted))


TESTS = [
    ("scenario_outgoing_by_phone", by_phone),
    ("scenario_outgoing_by_username", by_username),
    ("scenario_outgoing_by_user_id", by_id),
    ("scenario_outgoing_unknown", unknown),
    ("scenario_outgoing_answered", answered),
    ("scenario_outgoing_ringing_when_received", ringing_when_received),
    ("scenario_outgoing_answer_when_media_up", answer_when_media_up),
    ("scenario_outgoing_declined", declined),
    ("scenario_outgoing_busy", busy),
    ("scenario_outgoing_never_answered", never_answers),
    ("scenario_outgoing_missed", missed),
    ("scenario_outgoing_offline", offline),
    ("scenario_outgoing_cancelled", cancelled),
    ("scenario_outgoing_cancelled_at_once", cancelled_at_once),
    ("scenario_outgoing_telegram_hangs_up", telegram_hangs_up),
    ("scenario_outgoing_privacy", restricted),
    ("scenario_outgoing_version_outdated", outdated),
    ("scenario_outgoing_blocked", blocked),
    ("scenario_outgoing_codec_mismatch", codec_mismatch),
    ("scenario_outgoing_flood_wait", flood),
    ("scenario_outgoing_rpc_timeout", rpc_timeout),
    ("scenario_outgoing_session_down", session_down),
    ("scenario_outgoing_every_call_recorded", every_call_recorded),
]

if __name__ == "__main__":
    stage = Stage("calls_outgoing", USERS,
                  sip="device_timeout = 1\nring_timeout = 2")
    stage.pbx = stage.client()
    play(stage, TESTS, "scenario_outgoing_nothing_left")
