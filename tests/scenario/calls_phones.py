#!/usr/bin/env python3
"""Other people's phones, unmodified: SIPp and baresip register, call and are
called.

    calls_phones.py BUILD [NAME-PART]

# run: check 180 beside
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
from tests.harness import tones  # noqa: E402
from tests.harness.phone import Phone  # noqa: E402
from tests.harness.process import wait_for  # noqa: E402
from tests.harness.sipp import Sipp  # noqa: E402
from tests.harness.stage import (OFFICE, PBX, Stage, equal,  # noqa: E402
                                 phone, play, user)

BARE = dict(PBX, name="bare", login="bare", password="secret-2",
            session="second")
SECOND = {"id": 502, "phone": "999669990002", "first_name": "Second",
          "username": "second_line"}
AT_SIP, AT_TELEGRAM = 1000, 440
USERS = [SECOND, user(1), user(2, app={"hangup_after_ms": 500}),
         user(3, "ignore"), user(4, "decline"), user(5)]


def calls_up(s, n=1):
    return wait_for("%d call(s) up" % n, lambda: sum(
        r["state"] == "up" for r in s.gateway.rows("calls")) == n)


def gone(s, reason, of):
    equal(s.tg_call(of, "ended")["reason"], reason)
    s.gateway.wait_idle()


# -- SIPp ---------------------------------------------------------------------
def sipp_registers(s):
    s.sipp.play("register")
    s.gateway.wait_trunk("pbx")
    equal(s.gateway.trunk("pbx")["source"], "127.0.0.1:%d" % s.sipp.port)


def sipp_calls(s):
    s.sipp.play("call", phone(1))
    gone(s, "hangup", 1001)


def sipp_calls_ended(s):
    s.sipp.play("call_ended", "user_2")
    gone(s, "hangup", 1002)


def sipp_cancels(s):
    s.sipp.play("cancel", "user_3")
    gone(s, "missed", 1003)
    equal(s.gateway.records()[-1]["sip_status"], 487)


def sipp_many(s):
    """Ten at once on one account."""
    before = len(s.gateway.records())
    s.sipp.play("call", "user_1", 10)
    wait_for("ten records", lambda: len(s.gateway.records()) == before + 10)
    equal({r["sip_status"] for r in s.gateway.records()[before:]}, {200})
    s.gateway.wait_idle()


def sipp_is_called(s, scenario, act, reason):
    child = s.sipp.start(scenario)
    s.telegram.ask("call", user=1001, to=OFFICE["id"])
    act(s.tg_call(1001))
    s.sipp.finish(child)
    gone(s, reason, 1001)


def sipp_answers(s):
    def act(tg):
        calls_up(s)
        s.telegram.ask("hangup", call=tg["id"])
    sipp_is_called(s, "answer", act, "hangup")


def sipp_answers_and_ends(s):
    sipp_is_called(s, "answer_bye", lambda tg: calls_up(s), "hangup")


def sipp_called_and_cancelled(s):
    def act(tg):
        wait_for("the phone to ring", lambda: any(
            r["state"] == "ringing" for r in s.gateway.rows("calls")))
        s.telegram.ask("hangup", call=tg["id"], reason="missed")
    sipp_is_called(s, "called_cancel", act, "missed")


# -- baresip ------------------------------------------------------------------
class Bare:
    """A baresip that speaks AT_TELEGRAM, for one test."""

    def __init__(self, s, codec="PCMA", password=BARE["password"]):
        self.s, self.count = s, getattr(s, "phones", 0) + 1
        s.phones = self.count
        rate = Phone.CODECS[codec][1]
        speech = s.path("baresip-%d.wav" % rate)
        if not os.path.exists(speech):
            tones.write(speech, AT_TELEGRAM, rate, 30.0)
        self.phone = Phone(s.path("baresip-%d" % self.count),
                           s.gateway.address, "bare", password, codec, speech)

    def __enter__(self):
        return self.phone

    def __exit__(self, *_):
        self.phone.stop()


def heard_both(s, p, of):
    out = s.path("heard-%s-%d.wav" % (s.tg_call(of, "active")["id"], of))
    wait_for("both to hear the other", lambda: (
        p.recordings()[0] and os.path.exists(out) and
        tones.file_heard(p.recordings()[0], AT_SIP) > 0.5 and
        tones.file_heard(out, AT_TELEGRAM) > 0.5), 20, 0.1)


def bare_registers(s):
    with Bare(s) as p:
        p.wait_registered()
        s.gateway.wait_trunk("bare")
        row = s.gateway.trunk("bare")
        assert "baresip" in row["user_agent"], row
    # It unregisters when it is ended.
    s.gateway.wait_trunk("bare", "unregistered")


def bare_wrong_password(s):
    with Bare(s, password="guessed") as p:
        p.process.wait_text("403 Wrong password")


def bare_calls(s, codec):
    with Bare(s, codec) as p:
        p.wait_registered()
        p.dial(phone(5))
        p.wait_event("CALL_RINGING")
        p.wait_event("CALL_ESTABLISHED")
        heard_both(s, p, 1005)
        p.hang_up()
        gone(s, "hangup", 1005)
        equal(s.gateway.records()[-1]["codec"], codec)


def bare_called(s, codec):
    with Bare(s, codec) as p:
        p.wait_registered()
        s.telegram.ask("call", user=1005, to=SECOND["id"])
        e = p.wait_event("CALL_ESTABLISHED")
        assert e["peeruri"].startswith("sip:999660000005@"), e
        heard_both(s, p, 1005)
        s.telegram.ask("hangup", call=s.tg_call(1005)["id"])
        p.wait_event("CALL_CLOSED")
        gone(s, "hangup", 1005)


def bare_refused(s):
    """The phone shows the reason as we gave it."""
    with Bare(s) as p:
        p.wait_registered()
        for to, reason in (("user_4", "486 User declined the call"),
                           ("nobody_there", "404 USERNAME_NOT_OCCUPIED")):
            n = p.count("CALL_CLOSED")
            p.dial(to)
            e = p.wait_event("CALL_CLOSED", after=n)
            assert reason in str(e), e
    s.gateway.wait_idle()


def bare_cancels(s):
    with Bare(s) as p:
        p.wait_registered()
        p.dial("user_3")
        p.wait_event("CALL_RINGING")
        p.hang_up()
        gone(s, "missed", 1003)


def bare_holds(s):
    with Bare(s) as p:
        p.wait_registered()
        p.dial("user_5")
        p.wait_event("CALL_ESTABLISHED")
        heard_both(s, p, 1005)
        p.command("hold")
        row = wait_for("the gateway to stop sending", lambda: still(s))
        p.command("resume")
        wait_for("the gateway to send again", lambda: any(
            r["sip_tx"] > row["sip_tx"] for r in s.gateway.rows("calls")))
        p.hang_up()
        gone(s, "hangup", 1005)


def still(s, last=[None]):
    """The call's row once a report shows no packet more than the one before:
    reports are a second apart."""
    row = s.gateway.rows("calls")[0]
    stopped = last[0] and row["seconds"] >= last[0]["seconds"] + 2 and \
        row["sip_tx"] == last[0]["sip_tx"]
    if not last[0] or row["sip_tx"] != last[0]["sip_tx"]:
        last[0] = row
    return row if stopped else None


TESTS = [
    ("scenario_sipp_registers", sipp_registers),
    ("scenario_sipp_calls", sipp_calls),
    ("scenario_sipp_calls_and_is_ended", sipp_calls_ended),
    ("scenario_sipp_cancels", sipp_cancels),
    ("scenario_sipp_calls_ten_at_once", sipp_many),
    ("scenario_sipp_is_called", sipp_answers),
    ("scenario_sipp_is_called_and_ends", sipp_answers_and_ends),
    ("scenario_sipp_is_called_and_cancelled", sipp_called_and_cancelled),
    ("scenario_baresip_registers", bare_registers),
    ("scenario_baresip_wrong_password", bare_wrong_password),
]
for c in ("PCMA", "PCMU", "opus"):
    TESTS += [("scenario_baresip_calls_" + c.lower(),
               lambda s, c=c: bare_calls(s, c)),
              ("scenario_baresip_is_called_" + c.lower(),
               lambda s, c=c: bare_called(s, c))]
TESTS += [
    ("scenario_baresip_shows_the_reason", bare_refused),
    ("scenario_baresip_cancels", bare_cancels),
    ("scenario_baresip_holds", bare_holds),
]

if __name__ == "__main__":
    stage = Stage("calls_phones", USERS,
                  (dict(PBX, password="secret-1"), BARE),
                  sessions={"office": "+" + OFFICE["phone"],
                            "second": "+" + SECOND["phone"]})
    stage.telegram.behave(1005, **{
        "in": stage.tone(AT_SIP), "out": stage.path("heard-%c-%u.wav")})
    stage.sipp = Sipp(stage.path("sipp"), stage.gateway.address, "pbx",
                      "secret-1")
    play(stage, TESTS, "scenario_phones_nothing_left")
