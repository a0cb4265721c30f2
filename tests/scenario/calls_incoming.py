#!/usr/bin/env python3
"""Telegram users call the gateway's account: what the PBX is shown, and how
the call ends on both sides.

    calls_incoming.py BUILD [NAME-PART]

# run: check 180 beside
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
from tests.harness.process import wait_for  # noqa: E402
from tests.harness.sip import Client  # noqa: E402
from tests.harness.stage import (OFFICE, PBX, Stage, equal,  # noqa: E402
                                 play, user)

HIDDEN = {"phone": "nobody"}
USERS = [
    user(1), user(2, privacy=HIDDEN), user(3, privacy=HIDDEN, username=""),
    user(4, first_name="Zoë", last_name="Ђорђевић 🎈", privacy=HIDDEN),
    user(5, first_name='An"na\\', last_name=""),
]
# A second trunk of the same session, with tg2sip's spelling.
SECOND = dict(PBX, name="second", login="other", preset="tg2sip",
              caller_name="{name}")
HEADERS = ("X-TG-ID", "X-TG-FirstName", "X-TG-LastName", "X-TG-Username",
           "X-TG-Phone")


class Ring:
    """A Telegram user's call, ringing at the phone of a login."""

    def __init__(self, s, number=1, phone=None, **call):
        self.s, self.phone = s, phone or s.pbx
        self.before = len(self.phone.invites())
        s.telegram.ask("call", user=1000 + number, to=OFFICE["id"], **call)
        self.tg = s.tg_call(1000 + number)
        s.known.add(self.tg["id"])
        self.sip = self.phone.wait_invite(skip=self.before)
        self.id = self.sip.message.get("X-GW-Context")

    def answer(self):
        v = self.s.voice()
        self.sip.ring()
        self.sip.answer(v.sdp())
        v.talk_to(self.sip.message)
        wait_for("the call to be up", lambda: any(
            r["call"] == self.id and r["state"] == "up"
            for r in self.s.gateway.rows("calls")))
        return self

    def status(self):
        return self.s.telegram.ask("call-status",
                                   call=self.tg["id"])["call"]

    def ended(self, reason, by=None):
        c = wait_for("the end in Telegram", lambda: (
            lambda c: c if c["state"] == "ended" else None)(self.status()))
        equal(c["reason"], reason)
        if by is not None:
            equal(c["by"], by)
        return c

    def record(self, code, ended_by):
        r = self.s.record(call=self.id)
        equal((r["sip_status"], r["ended_by"], r["direction"]),
              (code, ended_by, "telegram-to-sip"))
        return r


# -- what the PBX sees --------------------------------------------------------
def shown(s, number, from_user, from_header, headers):
    r = Ring(s, number)
    m = r.sip.message
    assert m.uri == s.pbx.contact, m.uri
    assert m.get("From").startswith(from_header), m.get("From")
    assert "<sip:%s@" % from_user in m.get("From"), m.get("From")
    equal([m.get(h) for h in HEADERS], headers)
    equal(len(r.id), 16)
    for codec in ("opus/48000/2", "PCMA/8000", "PCMU/8000",
                  "telephone-event/8000"):
        assert codec in m.sdp, m.sdp
    equal(r.status()["state"], "ringing")
    r.sip.refuse(486, "Busy Here")
    r.ended("busy")
    row = r.record(486, "called")
    equal((row["telegram_user"], row["from"], row["trunk"]),
          (str(1000 + number), from_user, "pbx"))
    equal(row["sip_call_id"], r.sip.call_id)


def with_phone(s):
    shown(s, 1, "999660000001", '"User1" <',
          ["1001", "User1", None, "user_1", "999660000001"])


def with_username(s):
    shown(s, 2, "user_2", '"User2" <',
          ["1002", "User2", None, "user_2", None])


def with_id_only(s):
    shown(s, 3, "01003", '"User3" <', ["1003", "User3", None, None, None])


def utf8_names(s):
    """Headers byte for byte; the display name in ASCII by default."""
    shown(s, 4, "user_4", '"Zoe ', ["1004", "Zoë", "Ђорђевић 🎈", "user_4",
                                    None])


def quoted_names(s):
    shown(s, 5, "999660000005", '"An\\"na\\\\" <',
          ["1005", 'An"na\\', None, "user_5", "999660000005"])


# -- how it goes --------------------------------------------------------------
def phone_hangs_up(s):
    r = Ring(s).answer()
    equal(r.status()["state"], "active")
    equal(r.sip.bye().line, "SIP/2.0 200 OK")
    r.ended("hangup", by=1)
    row = r.record(200, "called")
    assert row["invite"] <= row["ringing"] <= row["answer"] <= \
        row["connected"] <= row["end"], row


def telegram_hangs_up(s):
    r = Ring(s).answer()
    s.telegram.ask("hangup", call=r.tg["id"])
    r.sip.wait_request("BYE")
    r.ended("hangup", by=0)
    r.record(200, "calling")


def hangs_up_after(s):
    """The simulated user's own clock."""
    r = Ring(s, hangup_after_ms=2000)
    r.answer()
    r.sip.wait_request("BYE")
    r.record(200, "calling")


def refused(s):
    for code, text, reason in ((486, "Busy Here", "busy"),
                               (603, "Decline", "busy"),
                               (600, "Busy Everywhere", "busy"),
                               (480, "Temporarily Unavailable", "disconnect"),
                               (404, "Not Found", "disconnect"),
                               (302, "Moved Temporarily", "disconnect"),
                               (503, "Down\tfor a while", "disconnect")):
        r = Ring(s)
        r.sip.refuse(code, text)
        r.ended(reason)
        row = r.record(code, "called")
        equal((row["sip_status_source"], row["hop"]), ("remote", "sip"))
        equal(row["reason"], text.replace("\t", ""))


def not_answered(s):
    """ring_timeout = 2: CANCEL to the phone, an end in Telegram."""
    r = Ring(s)
    r.sip.ring()
    r.sip.wait_request("CANCEL")
    r.ended("disconnect")
    r.record(480, "gateway")


def caller_cancels(s):
    r = Ring(s)
    r.sip.ring()
    s.telegram.ask("hangup", call=r.tg["id"], reason="missed")
    r.sip.wait_request("CANCEL")
    r.sip.wait_request("ACK")
    r.record(487, "calling")


def cancel_crosses_answer(s):
    """The phone answers while CANCEL is under way: ACK, then BYE."""
    s.pbx.obeys_cancel = False
    try:
        r = Ring(s)
        r.sip.ring()
        s.telegram.ask("hangup", call=r.tg["id"], reason="missed")
        r.sip.wait_request("CANCEL")
        r.sip.answer(s.voice().sdp())
        r.sip.wait_request("BYE")
        r.record(487, "calling")
    finally:
        s.pbx.obeys_cancel = True


def nobody_registered(s):
    s.pbx.register(expires=0)
    s.telegram.ask("call", user=1001, to=OFFICE["id"])
    tg = s.tg_call(1001, "ended")
    equal(tg["reason"], "disconnect")
    row = s.gateway.records()[-1]
    equal((row["sip_status"], row["reason"], row["telegram_user"]),
          (503, "SIP account is unavailable", "1001"))
    equal(s.pbx.register().code, 200)


def no_common_codec(s):
    """An answer that fits nothing we offered."""
    r = Ring(s)
    v = s.voice()
    r.sip.answer(v.sdp(codecs=[(9, "G722/8000")]))
    r.sip.wait_request("BYE")
    r.ended("disconnect")
    r.record(488, "called")


# -- several phones -----------------------------------------------------------
def other_phone(s, login):
    c = Client(s.gateway.address, login, PBX["password"])
    s.clients.append(c)
    equal(c.register().code, 200)
    return c


def fork(s):
    """Both trunks of the session ring, each with its own spelling; the first
    answer wins."""
    other = other_phone(s, "other")
    r = Ring(s, 4)
    second = other.wait_invite()
    equal(second.message.get("X-GW-Context"), r.id)
    assert '"Zoë Ђорђевић 🎈" <sip:tg%23user_4@' in \
        second.message.get("From"), second.message.get("From")
    second.ring()
    r.answer()
    cancel = second.wait_request("CANCEL")
    assert "Call completed elsewhere" in cancel.get("Reason"), cancel.raw
    r.sip.bye()
    equal(r.record(200, "called")["trunk"], "pbx")
    other.register(expires=0)


def fork_refused(s):
    """One phone's refusal leaves the others ringing; the last one tells."""
    other = other_phone(s, "other")
    r = Ring(s)
    second = other.wait_invite()
    r.sip.refuse(486, "Busy Here")
    r.sip.wait_request("ACK")
    equal(r.status()["state"], "ringing")
    second.refuse(480, "Temporarily Unavailable")
    r.ended("busy")
    r.record(486, "called")
    other.register(expires=0)


def behind_nat(s):
    """The phone's contact is an address that only its own network knows:
    calls go the way the REGISTER came, and so does BYE."""
    keep, s.pbx.contact = s.pbx.contact, "sip:pbx@10.9.9.9:5060"
    try:
        equal(s.pbx.register(expires=0, contact="*").code, 200)
        equal(s.pbx.register().code, 200)
        r = Ring(s).answer()
        equal(r.sip.message.uri, s.pbx.contact)
        s.telegram.ask("hangup", call=r.tg["id"])
        r.sip.wait_request("BYE")
        r.record(200, "calling")
        v = s.voice()
        call = s.pbx.call("user_1", v.sdp())
        call.answered()
        s.telegram.ask("hangup", call=s.tg_call(1001, "active")["id"])
        call.wait_request("BYE")
    finally:
        s.pbx.register(expires=0, contact="*")
        s.pbx.contact = keep
        equal(s.pbx.register().code, 200)


def logged(s):
    """Both legs' lines carry the call's id."""
    r = Ring(s).answer()
    r.sip.bye()
    r.record(200, "called")
    lines = [text for text in s.log().splitlines() if "[%s]" % r.id in text]
    for area in ("sip", "telegram", "call", "worker"):
        assert any(t.split()[2] == area for t in lines), (area, lines)
    assert any(r.sip.call_id in t for t in lines), lines


TESTS = [
    ("scenario_incoming_caller_with_phone", with_phone),
    ("scenario_incoming_caller_with_username", with_username),
    ("scenario_incoming_caller_with_id_only", with_id_only),
    ("scenario_incoming_caller_utf8_names", utf8_names),
    ("scenario_incoming_caller_quoted_name", quoted_names),
    ("scenario_incoming_phone_hangs_up", phone_hangs_up),
    ("scenario_incoming_telegram_hangs_up", telegram_hangs_up),
    ("scenario_incoming_hangs_up_after", hangs_up_after),
    ("scenario_incoming_refused_by_phone", refused),
    ("scenario_incoming_not_answered", not_answered),
    ("scenario_incoming_caller_cancels", caller_cancels),
    ("scenario_incoming_cancel_crosses_answer", cancel_crosses_answer),
    ("scenario_incoming_nobody_registered", nobody_registered),
    ("scenario_incoming_no_common_codec", no_common_codec),
    ("scenario_incoming_fork", fork),
    ("scenario_incoming_fork_refused", fork_refused),
    ("scenario_incoming_phone_behind_nat", behind_nat),
    ("scenario_incoming_log_carries_id", logged),
]

if __name__ == "__main__":
    stage = Stage("calls_incoming", USERS, trunks=(PBX, SECOND),
                  sip="ring_timeout = 2")
    stage.pbx = stage.client()
    play(stage, TESTS, "scenario_incoming_nothing_left")
