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
from tests.harness.talk import (calls, calls_contact,  # noqa: E402
                                give_voice, is_called)

SECOND = {"id": 502, "phone": "999669990002", "first_name": "Second"}
THIRD = {"id": 503, "phone": "999669990003", "first_name": "Third"}
PASSWORD = PBX["password"]


# -- phones that come to us ----------------------------------------------------
def phone(s, w):
    """Registers over a connection, calls and is called on it."""
    c = s.client(wire=w)
    wait_for("the source of the trunk", lambda: s.gateway.trunk("pbx")["source"]
             == "%s:%d" % (c.host, c.port))
    calls(s, c)
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
    equal(calls_contact(s, s.pbx, "gw")["trunk"], "out")
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
                 lambda: s.gateway.trunk(name)["cause"] == "503 " + text)
        equal(s.gateway.trunk(name)["state"], "unregistered")


def unverified(s):
    """tls_verify = no takes any."""
    s.gateway.wait_trunk("any")


# -- servers by DNS -------------------------------------------------------------
def srv_registers(s):
    """The first of three servers is silent: the second is used soon."""
    s.gateway.wait_trunk("srv", seconds=20)
    equal(s.gateway.trunk("srv")["source"], s.first.address)
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
    give_voice(stage)
    stage.meet(*pbxs.values(), first, second)
    shutil.rmtree(folder)
    play(stage, TESTS, "scenario_transports_nothing_left")
