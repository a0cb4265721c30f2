#!/usr/bin/env python3
"""Through a router that translates addresses and ports: a phone behind it, and
the gateway itself behind it.

    nat.py BUILD [NAME-PART]

# run: check 90
"""
import os
import re
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
from tests.harness import tones, wire  # noqa: E402
from tests.harness.process import Tap, wait_for  # noqa: E402
from tests.harness.router import (HOST, LAN, PUBLIC, WAN,  # noqa: E402
                                  Router, impossible)
from tests.harness.rtp import Voice  # noqa: E402
from tests.harness.sip import Client  # noqa: E402
from tests.harness.stage import OFFICE, PBX, Stage, equal, user  # noqa: E402

SECOND = {"id": 502, "phone": "999669990002", "first_name": "Second"}
AT_SIP, AT_TELEGRAM = 1000, 440     # the tone that this side must hear
RTP = "17000-17100"
PORT = 5060
REFRESH = [("Session-Expires", "6;refresher=uac"), ("Supported", "timer")]
FORGOTTEN_S = 3     # by the router, of ports that are silent


class Phone(Client):
    """Sends a request where its URI says, and an answer where the request
    came from: there is no proxy that would find the way for it."""

    def __init__(self, server, login, address, connection=None):
        self.way = (server, PORT)
        super().__init__("%s:%d" % self.way, login, PBX["password"], address,
                         connection)

    def take(self, m):
        self.way = m.source
        super().take(m)

    def request(self, method, uri, *words, **more):
        host, port = re.search(r"@?([\d.]+):(\d+)", uri).groups()
        self.way = (host, int(port))
        return super().request(method, uri, *words, **more)

    def send(self, text):
        self.socket.sendto(text.encode(), self.way)


class Speaker(Voice):
    """It goes on where nobody can be reached."""

    def packet(self, *words, **more):
        try:
            return super().packet(*words, **more)
        except OSError:
            return True


def phone(s, login="pbx", tcp=False):
    """Registered, on the far side of the router."""
    def make():
        return Phone(s.server, login, s.router.there,
                     wire.tcp(s.server, PORT) if tcp else None)
    c = s.router.inside(make)
    s.clients.append(c)
    equal(c.register().code, 200)
    return c


def voice(s):
    v = s.router.inside(lambda: Speaker("alaw", AT_TELEGRAM, s.router.there))
    s.voices.append(v)
    return v


def telegram_hears(s):
    out = s.path("heard-%s-1001.wav" % s.tg_call(1001, "active")["id"])

    def heard():
        if not os.path.exists(out):
            return 0
        samples, rate = tones.load(out)
        return tones.heard(samples, AT_TELEGRAM, rate)
    wait_for("Telegram to hear", lambda: heard() > 0.4)


def both_hear(s, v):
    wait_for("the phone to hear", lambda: v.heard(AT_SIP) > 0.4)
    telegram_hears(s)


def calls(s, c):
    """An answered call of the phone, with its voice."""
    v = voice(s)
    call = c.call("user_1", v.sdp())
    v.talk_to(call.answered())
    return call, v


def is_called(s, c, account=OFFICE):
    v, skip = voice(s), len(c.invites())
    s.telegram.ask("call", user=1001, to=account["id"])
    i = c.wait_invite(skip=skip)
    c.respond(i.message, 200, "OK", REFRESH, v.sdp())
    i.wait_request("ACK")
    v.talk_to(i.message)
    return i, v


def refreshed(dialog, v):
    """The gateway's INVITE within the dialog (session_timer = 6) arrives, and
    so does its ACK."""
    skip = len(dialog.requests("INVITE")), len(dialog.requests("ACK"))
    m = dialog.wait_request("INVITE", skip=skip[0])
    dialog.client.respond(m, 200, "OK", REFRESH, v.sdp())
    dialog.wait_request("ACK", skip=skip[1])


def ended_by_telegram(s):
    """The record of what was the only call."""
    call, before = s.tg_call(1001, "active")["id"], len(s.gateway.records())
    s.telegram.ask("hangup", call=call)
    s.known.add(call)
    wait_for("the record", lambda: len(s.gateway.records()) > before)
    return s.gateway.records()[-1]


# -- the phone behind the router -------------------------------------------
def source(s, name="pbx"):
    """Where the trunk is registered from."""
    text = next(r["source"] for r in s.gateway.rows("trunks")
                if r["trunk"] == name)
    host, port = text.rsplit(":", 1)
    return host, int(port)


def phone_behind(s, tcp=False):
    """Registers, calls and is called; the port that the gateway sees is the
    router's, for SIP as for audio."""
    c = phone(s, tcp=tcp)
    wait_for("the registration", lambda: source(s)[0] == PUBLIC)
    assert source(s)[1] != c.port, "the router did not change the port"
    for make in (calls, is_called):
        dialog, v = make(s, c)
        both_hear(s, v)
        refreshed(dialog, v)
        host, port = ended_by_telegram(s)["sip_media"]["remote"].split(":")
        dialog.wait_request("BYE")
        equal(host, PUBLIC)
        assert int(port) != v.port, "the router did not change the port"
    dialog, v = is_called(s, c)
    both_hear(s, v)
    equal(dialog.bye().code, 200)


def phone_behind_tcp(s):
    phone_behind(s, True)


def kept_open(s):
    """The router forgets silent ports: `keepalive` keeps one open, and without
    it nobody gets in."""
    s.router.forgets_udp_after(FORGOTTEN_S)
    kept, left = phone(s), phone(s, "left")
    kept.wait("OPTIONS", lambda m: m.method == "OPTIONS",
              skip=FORGOTTEN_S + 1)
    i, v = is_called(s, kept)
    both_hear(s, v)
    equal(i.bye().code, 200)
    s.telegram.ask("call", user=1002, to=SECOND["id"])
    wait_for("the gateway to call again", lambda: s.log().count(
        "INVITE to trunk left, "))
    time.sleep(0.7)     # it is sent anew after 0.5 s
    equal(left.invites(), [])
    s.telegram.ask("hangup", call=s.tg_call(1002)["id"])


# -- the gateway behind the router -----------------------------------------
def gateway_behind(s, tcp=False):
    """What it writes into its messages is the router's address."""
    c = phone(s, tcp=tcp)
    wait_for("the registration",
             lambda: source(s) == (s.router.there, c.port))
    for make in (calls, is_called):
        dialog, v = make(s, c)
        m = dialog.message if make is is_called else dialog.answers()[-1]
        assert "@%s:%d" % (PUBLIC, PORT) in m.contact_uri(), m.contact_uri()
        equal(m.rtp()[0], PUBLIC)
        both_hear(s, v)
        equal({p[1] for p in list(v.packets)}, {m.rtp()})
        ended_by_telegram(s)
        dialog.wait_request("BYE")


def gateway_behind_tcp(s):
    gateway_behind(s, True)


def without_public_address(s):
    """The same call, when the gateway knows only its own address: neither the
    phone's ACK nor its audio gets there."""
    for v in s.voices:      # the new call may have the port of an earlier one
        v.remote = None
    s.gateway.stop()
    with open(s.gateway.config) as f:
        text = f.read()
    with open(s.gateway.config, "w") as f:
        f.write(text.replace("public_address", "#public_address"))
    s.gateway.start()
    s.gateway.wait_sessions_ready()
    dialog, v = calls(s, phone(s))
    equal(dialog.answers()[-1].rtp()[0], LAN + HOST)
    wait_for("the answer to be repeated", lambda: len(
        [m for m in dialog.answers() if m.code == 200]) > 1)
    wait_for("the phone to hear", lambda: v.heard(AT_SIP) > 0.4)
    assert v.sent > 20, v.sent
    equal(ended_by_telegram(s)["sip_media"]["rx_packets"], 0)


PHONE = [
    ("scenario_nat_router_phone_udp", phone_behind),
    ("scenario_nat_router_phone_tcp", phone_behind_tcp),
    ("scenario_nat_router_kept_open", kept_open),
]
GATEWAY = [
    ("scenario_nat_router_gateway_udp", gateway_behind),
    ("scenario_nat_router_gateway_tcp", gateway_behind_tcp),
    ("scenario_nat_router_gateway_without_public_address",
     without_public_address),
]
LAST = ["scenario_nat_router_phone_nothing_left",
        "scenario_nat_router_gateway_nothing_left"]


def play(tap, name, tests, last, sip="", **router):
    """Its own network, Telegram and gateway; the latter two share a machine.
    """
    r = Router(**router)
    try:
        server = PUBLIC if r.here.startswith(LAN) else r.here
        s = Stage(name, [SECOND, user(1), user(2)], [
            dict(PBX, keepalive=1, session_timer=6),
            dict(PBX, name="left", login="left", session="second")],
            sip="listen = %s:%d\n%s" % (r.here, PORT, sip), rtp=RTP,
            sessions={"office": "+" + OFFICE["phone"],
                      "second": "+" + SECOND["phone"]})
        s.tap, s.router, s.server = tap, r, server
        s.telegram.behave(1001, **{
            "in": s.tone(AT_SIP), "out": s.path("heard-%c-%u.wav")})
        try:
            for label, test in tests:
                s.run(label, test, s)
        finally:
            tap.run(last, s.clean)
            for c in s.clients:
                c.close()
    finally:
        r.remove()


def main():
    tap, why = Tap(), impossible()
    if why:
        for name in [t[0] for t in PHONE + GATEWAY] + LAST:
            tap.skip(name, why)
    else:
        play(tap, "nat-phone", PHONE, LAST[0], within=False,
             masquerade="random")
        play(tap, "nat-gateway", GATEWAY, LAST[1],
             "public_address = %s\n" % PUBLIC, within=True, ports=[
                 ("udp", PORT), ("tcp", PORT), ("udp", RTP)])
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
