#!/usr/bin/env python3
"""The three ways to connect a PBX: it registers with us, we register with it,
or both know the other's address. Who is trusted, and who rings first.

    trunk_kinds.py BUILD [NAME-PART]

# run: check 120 beside
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
from tests.harness.pbx import Pbx  # noqa: E402
from tests.harness.process import wait_for  # noqa: E402
from tests.harness.sip import Client  # noqa: E402
from tests.harness.stage import (OFFICE, PBX, Stage, equal,  # noqa: E402
                                 play, user)

# Each session's account, and what it is called by.
REGISTERING = {"id": 502, "phone": "999669990002", "first_name": "Second"}
STATIC = {"id": 503, "phone": "999669990003", "first_name": "Third"}
GUARDED = {"id": 504, "phone": "999669990004", "first_name": "Fourth"}
PASSWORD = PBX["password"]
AT_SIP, AT_TELEGRAM = 1000, 440     # the tone that this side must hear


def talk(s, sip, message):
    """Both sides of an answered call hear the other one; then it ends."""
    s.voice_now.talk_to(message)
    wait_for("the phone to hear", lambda: s.voice_now.heard(AT_SIP) > 0.4)
    before = len(s.gateway.records())
    equal(sip.bye().code, 200)
    wait_for("the record", lambda: len(s.gateway.records()) > before)
    r = s.gateway.records()[-1]
    equal((r["sip_status"], r["telegram_media"]["rx_packets"] > 3,
           r["sip_media"]["rx_packets"] > 3), (200, True, True))
    return r


def from_telegram(s, account, pbx):
    """A call of user 1 to an account: the INVITE at the PBX."""
    skip = len(pbx.invites())
    s.telegram.ask("call", user=1001, to=account["id"])
    return pbx.wait_invite(skip=skip)


def to_telegram(s, call):
    m = call.answered()
    r = talk(s, call, m)
    equal(r["direction"], "sip-to-telegram")
    return r


# -- we register with the PBX -------------------------------------------------
def registered(s):
    """MD5 at one, SHA-256 at the other."""
    for name, pbx in (("out", s.pbx), ("out256", s.pbx256)):
        s.gateway.wait_trunk(name)
        row = next(r for r in s.gateway.rows("trunks") if r["trunk"] == name)
        equal((row["kind"], row["source"], row["cause"]),
              ("gateway-to-pbx", pbx.address, ""))


def refused(s):
    """A registrar that says no is quoted, and the trunk is passed over."""
    s.gateway.wait_trunk("denied", "unregistered")
    row = wait_for("the refusal to be known", lambda: next(
        (r for r in s.gateway.rows("trunks")
         if r["trunk"] == "denied" and r["cause"]), None))
    equal(row["cause"], "403 Account is closed")


def out_called(s):
    """Telegram calls: number and domain as set, credentials when asked."""
    i = from_telegram(s, REGISTERING, s.pbx)
    m = i.message
    assert m.uri == "sip:700@" + s.pbx.address, m.uri
    assert m.get("From").startswith('"User1" <sip:999660000001@127.0.0.1>'), \
        m.get("From")
    equal(m.get("X-TG-ID"), "1001")
    s.voice_now = s.voice("alaw", AT_TELEGRAM)
    i.answer(s.voice_now.sdp())
    r = talk(s, i, m)
    equal((r["trunk"], r["to"]), ("out", "700"))


def out_calls(s):
    """A call to the contact that we registered comes from that PBX."""
    s.voice_now = s.voice("alaw", AT_TELEGRAM)
    c = s.pbx.call_contact("gw", "user_1", s.voice_now.sdp())
    equal(to_telegram(s, c)["trunk"], "out")


def out_calls_plain(s):
    """A PBX that drops the contact's parameters: by its address, the number
    in To."""
    s.voice_now = s.voice("alaw", AT_TELEGRAM)
    c = s.pbx.call_contact("gw", "gw", "", "sip:gw@" + s.gateway.address)
    c.final()
    c.to = "<sip:user_1@127.0.0.1>"
    c.call_id += "b"
    c.invite(s.voice_now.sdp(), (), False)
    equal(to_telegram(s, c)["trunk"], "out")


def out_forged(s):
    """Somebody else's line, or our login from another place."""
    for contact in (s.pbx.contacts["gw"].replace("line=", "line=0"),
                    "sip:other@" + s.gateway.address):
        c = s.pbx.call_contact("gw", "user_1", s.voice().sdp(), contact)
        equal(c.final().line, "SIP/2.0 401 Unauthorized")


def given_up(s):
    """A clean stop ends the registrations; the next start has the same
    contact."""
    contact = s.pbx.contacts["gw"]
    equal(s.gateway.stop(), 0)
    wait_for("the contacts to be removed",
             lambda: not s.pbx.contacts and not s.pbx256.contacts)
    s.gateway.start()
    s.gateway.wait_sessions_ready()
    s.gateway.wait_trunk("out")
    equal(s.pbx.contacts["gw"], contact)


# -- by address ---------------------------------------------------------------
def static_called(s):
    """Two trunks to one address: each INVITE carries its own field."""
    equal({r["trunk"]: r["state"] for r in s.gateway.rows("trunks")
           if r["kind"] == "ip"}, {"east": "static", "west": "static"})
    skip = len(s.peer.invites())
    s.telegram.ask("call", user=1001, to=STATIC["id"])
    calls = {}
    for n in range(2):
        i = s.peer.wait_invite(skip=skip + n)
        i.ring()
        calls[i.message.get("X-Office")] = i
    equal(set(calls), {"east", "west"})
    equal(calls["east"].message.uri, "sip:701@127.0.0.1:%d" % s.peer.port)
    equal(calls["west"].message.uri, "sip:702@127.0.0.1:%d" % s.peer.port)
    s.voice_now = s.voice("alaw", AT_TELEGRAM)
    calls["west"].answer(s.voice_now.sdp())
    calls["east"].wait_request("CANCEL")
    r = talk(s, calls["west"], calls["west"].message)
    equal((r["trunk"], r["to"]), ("west", "702"))


def static_calls(s):
    for office in ("east", "west"):
        s.voice_now = s.voice("alaw", AT_TELEGRAM)
        c = s.peer.call("user_1", s.voice_now.sdp(), [("x-office", office)])
        equal(to_telegram(s, c)["trunk"], office)


def static_unknown(s):
    """Neither credentials nor an address we know: the challenge."""
    for headers in ([], [("X-Office", "north")]):
        c = s.peer.call("user_1", s.voice().sdp(), headers, False)
        equal(c.final().line, "SIP/2.0 401 Unauthorized")


# -- it registers with us ------------------------------------------------------
def untrusted(s):
    """Behaviour 3.18: said only to one who knows the password."""
    c = s.client("far", register=False)
    equal(c.register(password="guess").line, "SIP/2.0 403 Wrong password")
    equal(c.register().line, "SIP/2.0 403 Untrusted IP address")
    c = s.client("near", register=False)
    equal(c.register().line, "SIP/2.0 200 OK")


def priorities(s):
    """Behaviour 3.18: two ring first; both fail, the third rings; one of the
    first two answers, the others do not."""
    first, second, later = (s.client(n) for n in ("a", "b", "c"))

    def ring():
        skip = len(first.invites()), len(second.invites())
        s.telegram.ask("call", user=1001, to=OFFICE["id"])
        both = (first.wait_invite(skip=skip[0]),
                second.wait_invite(skip=skip[1]))
        for i in both:
            i.ring()
        return both
    one, two = ring()
    one.refuse(486, "Busy Here")
    two.refuse(603, "Decline")
    third = later.wait_invite()
    third.refuse(404, "No such extension")
    r = s.record(call=third.message.get("X-GW-Context"))
    equal((r["sip_status"], r["reason"], r["trunk"]),
          (404, "No such extension", "c"))
    one, two = ring()
    s.voice_now = s.voice("alaw", AT_TELEGRAM)
    two.answer(s.voice_now.sdp())
    one.wait_request("CANCEL")
    talk(s, two, two.message)
    equal(len(later.invites()), 1)


TESTS = [
    ("scenario_trunk_registers_at_a_pbx", registered),
    ("scenario_trunk_refused_by_a_pbx", refused),
    ("scenario_trunk_at_a_pbx_is_called", out_called),
    ("scenario_trunk_at_a_pbx_calls", out_calls),
    ("scenario_trunk_at_a_plain_pbx_calls", out_calls_plain),
    ("scenario_trunk_at_a_pbx_forged", out_forged),
    ("scenario_trunk_registration_given_up", given_up),
    ("scenario_trunk_ip_is_called", static_called),
    ("scenario_trunk_ip_calls", static_calls),
    ("scenario_trunk_ip_unknown", static_unknown),
    ("scenario_trunk_untrusted_address", untrusted),
    ("scenario_trunk_priorities", priorities),
]


def out(name, pbx, login, session="second", **more):
    return dict({"name": name, "kind": "gateway-to-pbx", "session": session,
                 "login": login, "password": PASSWORD,
                 "domain": pbx.address, "number": 700}, **more)


def static(name, number, peer):
    return {"name": name, "kind": "ip", "session": "third",
            "address": "127.0.0.1:%d" % peer.port, "number": number,
            "field": "X-Office: " + name}


if __name__ == "__main__":
    pbx = Pbx({"gw": PASSWORD})
    pbx256 = Pbx({"gw256": PASSWORD}, "SHA-256")
    denying = Pbx({})
    denying.refusal = (403, "Account is closed")
    peer = Client("127.0.0.1:9", "peer", "")
    TRUNKS = [
        out("out", pbx, "gw"), out("out256", pbx256, "gw256", "fourth"),
        out("denied", denying, "gw"),
        static("east", 701, peer), static("west", 702, peer),
        dict(PBX, name="far", login="far", session="fourth",
             trusted_ips="192.0.2.0/24, 2001:db8::/32"),
        dict(PBX, name="near", login="near", session="fourth",
             trusted_ips="192.0.2.0/24, 127.0.0.0/8"),
        dict(PBX, name="a", login="a"), dict(PBX, name="b", login="b"),
        dict(PBX, name="c", login="c", priority=1),
    ]
    stage = Stage("trunk_kinds", [REGISTERING, STATIC, GUARDED, user(1)],
                  TRUNKS, sessions={
                      "office": "+" + OFFICE["phone"],
                      "second": "+" + REGISTERING["phone"],
                      "third": "+" + STATIC["phone"],
                      "fourth": "+" + GUARDED["phone"]})
    stage.telegram.behave(1001, **{
        "in": stage.tone(AT_SIP), "out": stage.path("heard-%c-%u.wav")})
    host, port = stage.gateway.address.split(":")
    for c in (pbx, pbx256, denying, peer):
        c.server = (host, int(port))
        stage.clients.append(c)
    stage.pbx, stage.pbx256, stage.peer = pbx, pbx256, peer
    play(stage, TESTS, "scenario_trunk_nothing_left")
