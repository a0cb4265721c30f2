#!/usr/bin/env python3
"""Reaching Telegram: transports, proxies, IP versions. Each time a whole
program logs in with a new key, then runs with the kept one.

    program_transport.py BUILD [NAME-PART]

# run: check 150 beside
"""
import os
import re
import shutil
import socket
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
from tests.harness.gateway import Gateway  # noqa: E402
from tests.harness.process import Tap, wait_for  # noqa: E402
from tests.harness.proxies import HttpConnect, Mtproto, Socks5  # noqa: E402
from tests.harness.rtp import Voice  # noqa: E402
from tests.harness.sip import Client  # noqa: E402
from tests.harness.stage import (  # noqa: E402
    OFFICE, PBX, equal, phone, user)
from tests.harness.telegram import Telegram  # noqa: E402

BUILD = os.path.abspath(sys.argv[1])
PART = sys.argv[2] if len(sys.argv) > 2 else ""
FOLDER = os.path.join(BUILD, "scenario", "program_transport")
NUMBER = OFFICE["phone"]
SECRET = bytes.fromhex("3f6a1cc05b7e8d9216403a5b77e1c2d4")
PASSWORD = ("gateway", "a:b c\"d")


class World:
    def __init__(self):
        shutil.rmtree(FOLDER, ignore_errors=True)
        self.telegram = Telegram(BUILD, os.path.join(FOLDER, "telegram"),
                                 [OFFICE, user(1)])
        self.telegram.start()
        self.gateways, self.made, self.kept = 0, [], None

    def gateway(self, telegram="", proxy=None, dc=None):
        """proxy: lines of [proxy]; dc: instead of the simulator's."""
        self.gateways += 1
        settings = self.telegram.settings()
        if dc:
            settings = "\n".join(
                [line for line in settings.split("\n")
                 if not line.startswith("dc =")] + dc)
        g = Gateway(BUILD, os.path.join(FOLDER, "g%d" % self.gateways),
                    settings + "\n" + telegram, {"office": "+" + NUMBER},
                    [PBX], "16384-18384", proxy and "[proxy]\n" + proxy or "")
        self.made.append(g)
        return g

    def close(self):
        for g in self.made:
            if g.process and g.process.alive():
                g.process.kill()
        equal(self.telegram.stop(), 0)

    def logged_in(self):
        """A gateway that has a log-in to be copied; never started."""
        if not self.kept:
            self.kept = self.gateway()
            self.kept.login("office", self.code)
        return self.kept

    def code(self):
        return self.telegram.code(NUMBER)

    def logins(self):
        return sum(e.get("event") == "login" for _, e in self.telegram.events)


def works(w, g, cut=None):
    """Logs in, and resumes; cut(): loses the connection once."""
    g.login("office", w.code)
    before = w.logins()
    g.start()
    g.wait_sessions_ready()
    if cut:
        cut()
        g.wait_sessions_ready()
    equal(g.stop(), 0)
    equal(w.logins(), before)


def lines(type_, proxy, **more):
    return "\n".join(["type = " + type_, "host = " + proxy.host,
                      "port = %d" % proxy.port] +
                     ["%s = %s" % item for item in more.items()]) + "\n"


# -- transports ---------------------------------------------------------------
def transport(name, obfuscated):
    def test(w):
        works(w, w.gateway("transport = %s\nobfuscated = %s" %
                           (name, obfuscated)))
    return test


# -- proxies ------------------------------------------------------------------
def through(w, proxy, text, telegram=""):
    g = w.gateway(telegram, text)

    def cut():
        n = len(proxy.seen)
        proxy.cut()
        wait_for("a new connection", lambda: len(proxy.seen) > n)
    try:
        works(w, g, cut)
        target = (w.telegram.host, w.telegram.port)
        assert len(proxy.seen) >= 3, proxy.seen
        assert all(s == target for s in proxy.seen), proxy.seen
        assert not proxy.refused, proxy.refused
    finally:
        proxy.stop()
    return g


def socks5(w):
    p = Socks5()
    through(w, p, lines("socks5", p))


def socks5_password(w):
    p = Socks5(PASSWORD, host="::1")
    g = through(w, p, lines("socks5", p, username=PASSWORD[0],
                            password="\"a:b c\\\"d\""))
    assert PASSWORD[1] not in g.process.text()


def http(w):
    p = HttpConnect()
    through(w, p, lines("http", p))


def http_password(w):
    p = HttpConnect(PASSWORD)
    g = through(w, p, lines("http", p, username=PASSWORD[0],
                            password="\"a:b c\\\"d\""), "transport = full")
    assert PASSWORD[1] not in g.process.text()


def mtproto(padded):
    def test(w):
        p = Mtproto(SECRET, {2: (w.telegram.host, w.telegram.port)}, padded)
        text = ("dd" if padded else "") + SECRET.hex()
        g = through(w, p, lines("mtproto", p, secret=text))
        assert SECRET.hex() not in g.process.text()
    return test


def refusal(make, reason, **more):
    """The session says why, the log too, and nobody's password."""
    def test(w):
        g = w.logged_in()
        p = make(w)
        g2 = w.gateway(proxy=lines(more["type"], p, **{
            k: v for k, v in more.items() if k != "type"}))
        shutil.copytree(os.path.join(g.folder, "data"),
                        os.path.join(g2.folder, "data"))
        shutil.copy(g.key, g2.key)
        g2.start()
        try:
            wait_for("the reason", lambda: any(
                r["state"] == "proxy_refused" and r["reason"] == reason
                for r in g2.rows("sessions")), pause=0.005)
            assert "proxy_refused: " + reason in g2.process.text()
            assert "wr0ng" not in g2.process.text()
            equal(g2.stop(), 0)
        finally:
            p.stop()
    return test


# -- forward secrecy ----------------------------------------------------------
def bound(w):
    return [e for _, e in w.telegram.events if e.get("event") == "bound"]


def secrecy(w):
    before = len(bound(w))
    works(w, w.gateway("forward_secrecy = yes"))
    # A log-in and a run, each with a key of 23 to 24 hours.
    now = bound(w)[before:]
    equal(len(now), 2)
    assert all(23 * 3600 - 60 < e["expires_in"] <= 24 * 3600 for e in now), now


def secrecy_in_a_call(w):
    """Keys change twice and more during a call; it goes on and is ended from
    the far side."""
    g = w.gateway("forward_secrecy = yes\ntemporary_key = 10")
    g.login("office", w.code)
    g.start()
    g.wait_sessions_ready()
    c, v = Client(g.address, "pbx", PBX["password"]), Voice()
    equal(c.register().code, 200)
    before = len(bound(w))
    call = c.call(phone(1), v.sdp())
    v.talk_to(call.answered())
    running = w.telegram.calls()[0]
    wait_for("two more keys", lambda: len(bound(w)) >= before + 2, 40)
    w.telegram.ask("hangup", call=running["id"])
    call.wait_request("BYE")
    assert " to offline" not in g.process.text(), g.process.text()
    equal(g.rows("sessions")[0]["state"], "ready")
    g.wait_idle()
    equal(g.stop(), 0)
    v.close()
    c.close()


def logout(more, running):
    """The data centre is asked to forget the permanent key."""
    def test(w):
        g = w.gateway(more)
        g.login("office", w.code)
        if running:
            g.start()
            g.wait_sessions_ready()
        before = len(w.telegram.events)
        done = g.cli("logout", "-c", g.config, "office")
        equal(done.returncode, 0)
        wait_for("the key to be destroyed", lambda: any(
            e.get("event") == "key-destroyed" and e["permanent"]
            for _, e in w.telegram.events[before:]))
        if running:
            wait_for("the log to say so", lambda:
                     "the key is destroyed" in g.process.text())
            equal(g.rows("sessions")[0]["state"], "logged_out")
            equal(g.stop(), 0)
    return test


# -- addresses ----------------------------------------------------------------
def next_address(w):
    """The first address is nobody's, the second one answers nothing, the third
    one works."""
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        works(w, w.gateway(dc=[
            "dc = 2 127.0.0.1:%d" % stopped(Socks5()).port,
            "dc = 2 127.0.0.1:%d" % deaf.getsockname()[1],
            "dc = 2 %s:%d" % (w.telegram.host, w.telegram.port)]))


class Elsewhere:
    """Another simulated Telegram, of these addresses."""

    def __init__(self, w, name, dcs, **account):
        self.w, self.name = w, name
        self.telegram = Telegram(BUILD, os.path.join(FOLDER, name),
                                 [dict(OFFICE, **account), user(1)], dcs=dcs)
        self.telegram.start()
        self.at = dict(zip(range(len(dcs)), re.findall(
            r"address=(\S+):(\d+)", self.telegram.process.text())))

    def dc(self, number, i=None):
        """The line for the i-th address, or for one where nobody is."""
        host, port = (self.at[i] if i is not None else
                      ("127.0.0.1", stopped(Socks5()).port))
        return "dc = %d %s:%s" % (number, "[%s]" % host if ":" in host
                                  else host, port)

    def gateway(self, folder, dc, telegram=""):
        settings = "\n".join(
            [line for line in self.telegram.settings().split("\n")
             if not line.startswith("dc =")] + [dc, telegram])
        g = Gateway(BUILD, os.path.join(FOLDER, self.name, folder), settings,
                    {"office": "+" + NUMBER}, [PBX])
        self.w.made.append(g)
        return g

    def login(self, g):
        return g.login("office", lambda: self.telegram.code(NUMBER))

    def runs(self, g):
        g.start()
        g.wait_sessions_ready()
        equal(g.stop(), 0)

    def again(self, g, dc, telegram=""):
        """With what g has kept and another configuration."""
        data = os.path.join(g.folder, "data")
        g = self.gateway(os.path.basename(g.folder), dc, telegram)
        assert os.path.exists(data)
        self.runs(g)
        return g

    def close(self):
        equal(self.telegram.stop(), 0)


def ipv6(w):
    e = Elsewhere(w, "six", [{"id": 2, "host": "::1"}])
    try:
        g = e.gateway("g", e.dc(2, 0), "ip = 6-only")
        e.login(g)
        e.runs(g)
    finally:
        e.close()


def learnt(w):
    """What Telegram tells of addresses is kept: the next start finds it, over
    IPv6, though nobody is at the configured one any more."""
    e = Elsewhere(w, "both", [{"id": 2}, {"id": 2, "host": "::1"}])
    try:
        g = e.gateway("g", e.dc(2, 0))
        e.login(g)
        e.runs(g)
        e.again(g, e.dc(2), "ip = 6-only")
        e.again(g, e.dc(2, 0), "ip = 6")
    finally:
        e.close()


def secret_address(w):
    """An address behind a secret is spoken to with it; one for files only is
    never dialled."""
    e = Elsewhere(w, "secret", [
        {"id": 2, "media_only": True},
        {"id": 2, "host": "127.0.0.2", "tcpo_only": True,
         "secret": "dd" + SECRET.hex()}])
    try:
        g = e.gateway("g", e.dc(2, 0), "obfuscated = no")
        e.login(g)
        e.runs(g)
        e.again(g, e.dc(2), "obfuscated = no")
    finally:
        e.close()


def migrates(w, way):
    """The account lives elsewhere: logged in there, resumed there, though the
    configuration knows no address of that data centre."""
    e = Elsewhere(w, way, [{"id": 2}, {"id": 4}], dc=4)
    try:
        g = e.gateway("g", e.dc(2, 0))
        if way == "network":
            e.telegram.ask("fault", fault="error", method="auth.sendCode",
                           code=303, text="NETWORK_MIGRATE_4", times=1)
        text = e.login(g)
        assert "sends us to 4" in text, text
        for _ in range(2):
            e.runs(g)
        assert "sends us" not in g.process.text()
    finally:
        e.close()


TESTS = [("scenario_transport_%s_%s" % (t, o),
          transport(t, "yes" if o == "obfuscated" else "no"))
         for t, o in (("padded", "obfuscated"), ("padded", "plain"),
                      ("full", "plain"))]
TESTS += [
    ("scenario_proxy_socks5", socks5),
    ("scenario_proxy_socks5_password", socks5_password),
    ("scenario_proxy_http", http),
    ("scenario_proxy_http_password", http_password),
    ("scenario_proxy_mtproto", mtproto(False)),
    ("scenario_proxy_mtproto_padded", mtproto(True)),
    ("scenario_proxy_socks5_wrong_password", refusal(
        lambda w: Socks5(PASSWORD), "proxy: user name or password is wrong",
        type="socks5", username="gateway", password="wr0ng")),
    ("scenario_proxy_socks5_ruleset", refusal(
        lambda w: Socks5(rule=2),
        "proxy: connection not allowed by ruleset", type="socks5")),
    ("scenario_proxy_http_wrong_password", refusal(
        lambda w: HttpConnect(PASSWORD),
        "proxy: user name or password is wrong", type="http",
        username="gateway", password="wr0ng")),
    ("scenario_proxy_http_forbidden", refusal(
        lambda w: HttpConnect(status="403 Forbidden"),
        "proxy: HTTP status 403", type="http")),
    ("scenario_proxy_mtproto_wrong_secret", refusal(
        lambda w: Mtproto(SECRET, {}),
        "proxy: closed without an answer; is the secret right?",
        type="mtproto", secret="00" * 16)),
    ("scenario_proxy_unreachable", refusal(
        lambda w: stopped(Socks5()), "proxy: Connection refused",
        type="socks5")),
    ("scenario_secrecy_works", secrecy),
    ("scenario_secrecy_renews_during_a_call", secrecy_in_a_call),
    ("scenario_logout_destroys_the_key", logout("", True)),
    ("scenario_logout_destroys_the_permanent_key",
     logout("forward_secrecy = yes", True)),
    ("scenario_logout_by_itself", logout("", False)),
    ("scenario_address_next", next_address),
    ("scenario_address_ipv6", ipv6),
    ("scenario_address_learnt_is_kept", learnt),
    ("scenario_address_with_a_secret", secret_address),
    ("scenario_migrate_phone", lambda w: migrates(w, "phone")),
    ("scenario_migrate_network", lambda w: migrates(w, "network")),
]


def stopped(proxy):
    proxy.stop()
    return proxy


def main():
    tap = Tap()
    w = World()
    try:
        for name, test in TESTS:
            if PART in name:
                tap.run(name, test, w)
    finally:
        tap.run("scenario_transport_simulator_stops", w.close)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
