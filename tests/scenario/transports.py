#!/usr/bin/env python3
"""SIP over connections: phones and PBXs over TLS, called on the connection they
made; certificates that are right and wrong; names found by DNS.

    transports.py BUILD [NAME-PART]

# run: check 90 beside
"""
import os
import shutil
import socket
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
from tests.harness import wire  # noqa: E402
from tests.harness.certificates import Authority  # noqa: E402
from tests.harness.dns import NameServer  # noqa: E402
from tests.harness.pbx import Pbx  # noqa: E402
from tests.harness.process import free_port, wait_for  # noqa: E402
from tests.harness.stage import (OFFICE, PBX, Stage, equal,  # noqa: E402
                                 play, user)

SECOND = {"id": 502, "phone": "999669990002", "first_name": "Second"}
THIRD = {"id": 503, "phone": "999669990003", "first_name": "Third"}
PASSWORD = PBX["password"]
AT_SIP, AT_TELEGRAM = 1000, 440     # the tone that this side must hear


def talk(s, sip, message):
    """Both sides of an answered call hear the other one; then it ends."""
    v = s.voice_now
    v.talk_to(message)
    wait_for("the phone to hear", lambda: v.heard(AT_SIP) > 0.4)
    before = len(s.gateway.records())
    equal(sip.bye().code, 200)
    wait_for("the record", lambda: len(s.gateway.records()) > before)
    r = s.gateway.records()[-1]
    equal((r["sip_status"], r["telegram_media"]["rx_packets"] > 3,
           r["sip_media"]["rx_packets"] > 3), (200, True, True))
    return r


def calls_user(s, client):
    s.voice_now = s.voice("alaw", AT_TELEGRAM)
    c = client.call("user_1", s.voice_now.sdp())
    return talk(s, c, c.answered())


def is_called(s, client, account=OFFICE):
    skip = len(client.invites())
    s.telegram.ask("call", user=1001, to=account["id"])
    i = client.wait_invite(skip=skip)
    s.voice_now = s.voice("alaw", AT_TELEGRAM)
    i.answer(s.voice_now.sdp())
    talk(s, i, i.message)
    return i


def row_of(s, name):
    return next(r for r in s.gateway.rows("trunks") if r["trunk"] == name)


# -- phones that come to us ----------------------------------------------------
def phone(s, w):
    """Registers over a connection, calls and is called on it."""
    c = s.client(wire=w)
    wait_for("the source of the trunk", lambda: row_of(s, "pbx")["source"]
             == "%s:%d" % (c.host, c.port))
    calls_user(s, c)
    i = is_called(s, c)
    assert ";transport=%s" % w.name.lower() in i.message.contact_uri(), \
        i.message.get("Contact")
    assert i.message.get("Via").startswith("SIP/2.0/%s " % w.name)
    c.close()


def phone_tls(s):
    """Our own certificate, made at the first start, named by the realm."""
    own = s.path("gateway", "data", "certificate.pem")
    equal(os.stat(own).st_mode & 0o777, 0o600)
    phone(s, wire.tls("127.0.0.1", s.tls, own, "gramline"))


def phone_tcp(s):
    phone(s, wire.tcp("127.0.0.1", s.gateway.sip_port))


def connection_expiry(s):
    """Never longer than a silent connection is kept."""
    c = s.client(register=False, wire=wire.tls("127.0.0.1", s.tls))
    m = c.register(expires=3600)
    equal(m.get("Contact").rsplit("expires=")[1], "600")
    c.close()


def connection_broken(s):
    """A phone without its connection cannot be called: that is known at once.
    It can be when it is back."""
    for way in (lambda: wire.tls("127.0.0.1", s.tls),
                lambda: wire.tcp("127.0.0.1", s.gateway.sip_port)):
        c = s.client(wire=way())
        s.gateway.wait_trunk("pbx")
        c.close()
        s.gateway.wait_trunk("pbx", "unregistered", 5)
        before = len(s.gateway.records())
        s.telegram.ask("call", user=1001, to=OFFICE["id"])
        wait_for("the record", lambda: len(s.gateway.records()) > before)
        r = s.gateway.records()[-1]
        equal((r["sip_status"], r["reason"]),
              (503, "SIP account is unavailable"))
        c = s.client(wire=way())
        s.gateway.wait_trunk("pbx")
        is_called(s, c)
        c.close()


# -- PBXs that we come to -------------------------------------------------------
def registered(s):
    """By a name from DNS, which is asked for in the hello and stands in its
    certificate; calls in both directions over that one connection."""
    s.gateway.wait_trunk("out")
    equal(s.pbx.socket.names[-1], "pbx.example")
    s.voice_now = s.voice("alaw", AT_TELEGRAM)
    c = s.pbx.call_contact("gw", "user_1", s.voice_now.sdp())
    equal(talk(s, c, c.answered())["trunk"], "out")
    i = is_called(s, s.pbx, SECOND)
    assert i.message.uri.startswith("sip:700@pbx.example:"), i.message.uri
    equal(s.pbx.socket.accepted, 1)


def refused(s):
    """Each wrong certificate is the trunk's cause."""
    for name, text in (
            ("stranger", "Certificate of stranger.example: unable to get "
             "local issuer certificate"),
            ("other", "Certificate of other.example: hostname mismatch"),
            ("expired", "Certificate of expired.example: certificate has "
             "expired")):
        wait_for("the cause of trunk " + name,
                 lambda: row_of(s, name)["cause"] == "503 " + text)
        equal(row_of(s, name)["state"], "unregistered")


def unverified(s):
    """tls_verify = no takes any."""
    s.gateway.wait_trunk("any")


# -- servers by DNS -------------------------------------------------------------
def srv_registers(s):
    """The first of three servers is silent: the second is used soon."""
    s.gateway.wait_trunk("srv", seconds=20)
    equal(row_of(s, "srv")["source"], s.first.address)
    assert ("_sip._udp.srv.example", "SRV") in s.dns.asked, s.dns.asked
    i = is_called(s, s.first, THIRD)
    equal(i.message.uri, "sip:700@srv.example")


def srv_elsewhere(s):
    """That one dies: the next call goes on to the third, within seconds."""
    equal(s.second.invites(), [])
    s.first.take = lambda message: None
    at = time.monotonic()
    is_called(s, s.second, THIRD)
    assert time.monotonic() - at < 25     # not the 32 s of a transaction


TESTS = [
    ("scenario_tls_phone", phone_tls),
    ("scenario_connection_broken", connection_broken),
    ("scenario_tcp_phone", phone_tcp),
    ("scenario_tls_registration_is_refreshed_in_time", connection_expiry),
    ("scenario_tls_registers_at_a_pbx", registered),
    ("scenario_tls_wrong_certificate_is_the_cause", refused),
    ("scenario_tls_unverified", unverified),
    ("scenario_srv_dead_server_is_passed_over", srv_registers),
    ("scenario_srv_call_goes_on_to_another", srv_elsewhere),
]


def out(name, pbx, **more):
    return dict({"name": name, "kind": "gateway-to-pbx", "session": "second",
                 "login": "gw", "password": PASSWORD, "transport": "tls",
                 "domain": "%s.example:%d" % (name, pbx.port), "number": 700},
                **more)


if __name__ == "__main__":
    folder = tempfile.mkdtemp()
    ours, theirs = Authority(folder), Authority(folder, "another")
    CERTIFICATES = {
        "pbx": ours.certificate("pbx.example"),
        "stranger": theirs.certificate("stranger.example"),
        "other": ours.certificate("mine.example"),
        "expired": ours.certificate("expired.example", (-9, -2)),
    }
    CERTIFICATES["any"] = CERTIFICATES["stranger"]
    pbxs = {name: Pbx({"gw": PASSWORD}, wire=wire.Listener(path))
            for name, path in CERTIFICATES.items()}
    dns = NameServer({("%s.example" % name, "A"): ["127.0.0.1"]
                      for name in pbxs})
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    silent.bind(("127.0.0.1", 0))
    first, second = Pbx({"gw": PASSWORD}), Pbx({"gw": PASSWORD})
    dns.records[("_sip._udp.srv.example", "SRV")] = [
        (n, 1, port, "host%d.srv.example" % n) for n, port in (
            (3, second.port), (1, silent.getsockname()[1]), (2, first.port))]
    for n in range(1, 4):
        dns.records[("host%d.srv.example" % n, "A")] = ["127.0.0.1"]
    trunks = [PBX, out("out", pbxs["pbx"], domain="pbx.example:%d" %
                       pbxs["pbx"].port)]
    trunks += [out(n, pbxs[n]) for n in ("stranger", "other", "expired")]
    trunks.append(out("any", pbxs["any"], tls_verify="no"))
    trunks.append(out("srv", first, session="third", domain="srv.example",
                      transport="udp"))
    tls = free_port()
    stage = Stage("transports", [SECOND, THIRD, user(1)], trunks,
                  sip="tls = 127.0.0.1:%d\nca_file = %s\ndns = %s\n" % (
                      tls, ours.path, dns.address),
                  sessions={"office": "+" + OFFICE["phone"],
                            "second": "+" + SECOND["phone"],
                            "third": "+" + THIRD["phone"]})
    stage.tls, stage.pbx, stage.dns = tls, pbxs["pbx"], dns
    stage.first, stage.second = first, second
    stage.telegram.behave(1001, **{
        "in": stage.tone(AT_SIP), "out": stage.path("heard-%c-%u.wav")})
    for p in [*pbxs.values(), first, second]:
        p.server = ("127.0.0.1", stage.gateway.sip_port)
        stage.clients.append(p)
    shutil.rmtree(folder)
    play(stage, TESTS, "scenario_transports_nothing_left")
