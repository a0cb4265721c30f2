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
from tests.harness.talk import (AT_TELEGRAM, answers, calls,  # noqa: E402
                                calls_contact, give_voice, record_of, ring,
                                talk)

# Each session's account, and what it is called by.
REGISTERING = {"id": 502, "phone": "999669990002", "first_name": "Second"}
STATIC = {"id": 503, "phone": "999669990003", "first_name": "Third"}
GUARDED = {"id": 504, "phone": "999669990004", "first_name": "Fourth"}
PASSWORD = PBX["password"]


def to_telegram(record, trunk):
    equal((record["direction"], record["trunk"]), ("sip-to-telegram", trunk))


# -- we register with the PBX -------------------------------------------------
def registered(s):
    """MD5 at one, SHA-256 at the other."""
    for name, pbx in (("out", s.pbx), ("out256", s.pbx256)):
        s.gateway.wait_trunk(name)
        row = s.gateway.trunk(name)
        equal((row["kind"], row["source"], row["cause"]),
              ("gateway-to-pbx", pbx.address, ""))


def refused(s):
    """A registrar that says no is quoted, and the trunk is passed over."""
    s.gateway.wait_trunk("denied", "unregistered")
    cause = wait_for("the refusal to be known",
                     lambda: s.gateway.trunk("denied")["cause"])
    equal(cause, "403 Account is closed")


def out_called(s):
    """Telegram calls: number and domain as set, credentials when asked."""
    i, = ring(s, REGISTERING, s.pbx)
    m = i.message
    assert m.uri == "sip:700@" + s.pbx.address, m.uri
    assert m.get("From").startswith('"User1" <sip:999660000001@127.0.0.1>'), \
        m.get("From")
    equal(m.get("X-TG-ID"), "1001")
    r = answers(s, i)
    equal((r["trunk"], r["to"]), ("out", "700"))


def out_calls(s):
    """A call to the contact that we registered comes from that PBX."""
    to_telegram(calls_contact(s, s.pbx, "gw"), "out")


def out_calls_plain(s):
    """A PBX that drops the contact's parameters: by its address, the number
    in To."""
    voice = s.voice("alaw", AT_TELEGRAM)
    c = s.pbx.call_contact("gw", "gw", "", "sip:gw@" + s.gateway.address)
    c.final()
    c.to = "<sip:user_1@127.0.0.1>"
    c.call_id += "b"
    c.invite(voice.sdp(), (), False)
    to_telegram(talk(s, c, c.answered(), voice), "out")


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
    offices = {}
    for n in range(2):
        i = s.peer.wait_invite(skip=skip + n)
        i.ring()
        offices[i.message.get("X-Office")] = i
    equal(set(offices), {"east", "west"})
    equal(offices["east"].message.uri, "sip:701@127.0.0.1:%d" % s.peer.port)
    equal(offices["west"].message.uri, "sip:702@127.0.0.1:%d" % s.peer.port)
    r = answers(s, offices["west"])
    offices["east"].wait_request("CANCEL")
    equal((r["trunk"], r["to"]), ("west", "702"))


def static_calls(s):
    for office in ("east", "west"):
        to_telegram(calls(s, s.peer, [("x-office", office)]), office)


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

    def both_ring():
        both = ring(s, OFFICE, first, second)
        for i in both:
            i.ring()
        return both
    one, two = both_ring()
    one.refuse(486, "Busy Here")
    two.refuse(603, "Decline")
    third = later.wait_invite()
    third.refuse(404, "No such extension")
    r = record_of(s, third)
    equal((r["sip_status"], r["reason"], r["trunk"]),
          (404, "No such extension", "c"))
    one, two = both_ring()
    answers(s, two)
    one.wait_request("CANCEL")
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
    give_voice(stage)
    stage.meet(pbx, pbx256, denying, peer)
    stage.pbx, stage.pbx256, stage.peer = pbx, pbx256, peer
    play(stage, TESTS, "scenario_trunk_nothing_left")
