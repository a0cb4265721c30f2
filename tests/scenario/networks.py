#!/usr/bin/env python3
"""Where phones sit: IPv6, and behind a NAT that their messages know nothing of.

    networks.py BUILD [NAME-PART]

# run: check 60 beside
"""
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
from tests.harness.process import free_port, wait_for  # noqa: E402
from tests.harness.rtp import Voice  # noqa: E402
from tests.harness.sip import Client  # noqa: E402
from tests.harness.stage import (OFFICE, PBX, Stage, equal,  # noqa: E402
                                 play, user)

AT_SIP, AT_TELEGRAM = 1000, 440     # the tone that this side must hear


def client(s, login="pbx", address="127.0.0.1"):
    server = "[::1]:%d" % s.six if ":" in address else s.gateway.address
    c = Client(server, login, PBX["password"], address)
    s.clients.append(c)
    return c


def voice(s, address):
    v = Voice("alaw", AT_TELEGRAM, address)
    s.voices.append(v)
    return v


def hears(v):
    wait_for("the phone to hear", lambda: v.heard(AT_SIP) > 0.4)


def over(s, bye):
    before = len(s.gateway.records())
    equal(bye().code, 200)
    wait_for("the record", lambda: len(s.gateway.records()) > before)
    r = s.gateway.records()[-1]
    assert r["sip_media"]["rx_packets"] > 3, r
    assert r["telegram_media"]["rx_packets"] > 3, r
    return r


# -- IPv6 ------------------------------------------------------------------------
def six(s):
    """Registers, calls and is called; addresses are written as IPv6."""
    c, v = client(s, address="::1"), voice(s, "::1")
    equal(c.register().code, 200)
    equal(s.gateway.trunk("pbx")["source"], "[::1]:%d" % c.port)
    call = c.call("user_1", v.sdp())
    m = call.answered()
    assert "\r\nc=IN IP6 ::1\r\n" in m.sdp, m.sdp
    assert m.contact_uri().startswith("sip:user_1@[::1]:%d" % s.six), \
        m.get("Contact")
    v.talk_to(m)
    hears(v)
    assert over(s, call.bye)["sip_media"]["remote"].startswith("[::1]:")
    skip = len(c.invites())
    s.telegram.ask("call", user=1001, to=OFFICE["id"])
    i = c.wait_invite(skip=skip)
    assert i.message.get("Via").startswith("SIP/2.0/UDP [::1]:"), \
        i.message.get("Via")
    v = voice(s, "::1")
    v.talk_to(i.message)
    i.answer(v.sdp())
    hears(v)
    over(s, i.bye)


def six_trusted(s):
    equal(client(s, "near", "::1").register().code, 200)
    equal(client(s, "far", "::1").register().line,
          "SIP/2.0 403 Untrusted IP address")


# -- NAT ---------------------------------------------------------------------------
def behind_nat(s):
    """A phone that knows only an address that nobody can reach."""
    c = client(s)
    c.host, c.real = "10.98.76.54", c.port
    c.port = 5060
    c.contact = "sip:pbx@10.98.76.54:5060"
    return c, voice(s, "127.0.0.1")


def nat_calls(s):
    """rport: the answer comes to the source, and tells it."""
    c, v = behind_nat(s)
    m = c.register()
    equal(m.code, 200)
    assert ";rport=%d" % c.real in m.get("Via"), m.get("Via")
    assert ";received=127.0.0.1" in m.get("Via"), m.get("Via")
    call = c.call("user_1", v.sdp(address="10.98.76.54"))
    m = call.answered()
    v.talk_to(m)
    hears(v)    # at the source of what it sends, not where its SDP says
    r = over(s, call.bye)
    equal(r["sip_media"]["remote"], "127.0.0.1:%d" % v.port)


def nat_called(s):
    """Requests go to where the phone registered from; so does our BYE."""
    c, v = behind_nat(s)
    equal(c.register().code, 200)
    skip = len(c.invites())
    s.telegram.ask("call", user=1001, to=OFFICE["id"])
    i = c.wait_invite(skip=skip)
    i.answer(v.sdp(address="10.98.76.54"))
    v.talk_to(i.message)
    hears(v)
    before = len(s.gateway.records())
    s.telegram.ask("hangup", call=s.tg_call(1001, "active")["id"])
    i.wait_request("BYE")
    wait_for("the record", lambda: len(s.gateway.records()) > before)


def thief(s):
    """While the phone speaks, nobody else gets its audio or is heard, even
    with the right payload type and source identifier."""
    c, v = behind_nat(s)
    equal(c.register().code, 200)
    call = c.call("user_1", v.sdp(address="10.98.76.54"))
    m = call.answered()
    v.talk_to(m)
    hears(v)
    other = voice(s, "127.0.0.9")
    other.ssrc, other.hertz = v.ssrc, 1700
    other.talk_to(m)
    wait_for("the other to have sent", lambda: other.sent > 100)
    at = time.monotonic()
    wait_for("the phone to hear on", lambda: v.heard(AT_SIP, at) > 0.4)
    equal(other.count(), 0)
    r = over(s, call.bye)
    equal(r["sip_media"]["remote"], "127.0.0.1:%d" % v.port)
    assert r["sip_media"]["foreign"] >= 100, r["sip_media"]


def moves(s):
    """A phone whose NAT gives it another port is found again."""
    c, v = behind_nat(s)
    equal(c.register().code, 200)
    call = c.call("user_1", v.sdp(address="10.98.76.54"))
    m = call.answered()
    v.talk_to(m)
    hears(v)
    v.remote = None
    later = voice(s, "127.0.0.1")
    later.ssrc, later.seq, later.ts = v.ssrc, v.seq, v.ts
    later.talk_to(m)
    hears(later)
    equal(over(s, call.bye)["sip_media"]["remote"],
          "127.0.0.1:%d" % later.port)


TESTS = [
    ("scenario_ipv6_phone", six),
    ("scenario_ipv6_trusted_networks", six_trusted),
    ("scenario_nat_phone_calls", nat_calls),
    ("scenario_nat_phone_is_called", nat_called),
    ("scenario_nat_audio_is_not_stolen", thief),
    ("scenario_nat_port_changes_under_way", moves),
]


if __name__ == "__main__":
    port = free_port()
    stage = Stage("networks", [user(1)], [
        PBX, dict(PBX, name="near", login="near", trusted_ips="::1/128",
                  priority=5),
        dict(PBX, name="far", login="far", trusted_ips="2001:db8::/32",
             priority=6)],
        sip="listen = [::1]:%d\npublic_address = 203.0.113.9\n" % port)
    stage.six = port
    stage.telegram.behave(1001, **{
        "in": stage.tone(AT_SIP), "out": stage.path("heard-%c-%u.wav")})
    play(stage, TESTS, "scenario_networks_nothing_left")
