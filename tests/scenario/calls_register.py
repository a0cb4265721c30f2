#!/usr/bin/env python3
"""A PBX registers: every answer to REGISTER and to calls without one, as it
stands on the wire.

    calls_register.py BUILD [NAME-PART]

# run: check 120 beside
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
from tests.harness.process import wait_for  # noqa: E402
from tests.harness.sip import Client  # noqa: E402
from tests.harness.stage import (PBX, Stage, equal, phone, play,  # noqa: E402
                                 user)

OTHER = dict(PBX, name="second", login="other", password="another one")


def challenge(s):
    c = s.client(register=False)
    m = c.register(credentials=False)
    equal(m.line, "SIP/2.0 401 Unauthorized")
    scheme = m.get("WWW-Authenticate")
    for part in ('Digest realm="gramline"', 'qop="auth"', "algorithm=MD5",
                 'nonce="'):
        assert part in scheme, scheme
    # Every challenge draws a nonce of its own.
    assert c.register(credentials=False).get("WWW-Authenticate") != scheme
    equal(s.gateway.trunk("pbx")["state"], "unregistered")


def wrong_password(s):
    m = s.client(register=False).register(password="guessed")
    equal(m.line, "SIP/2.0 403 Wrong password")
    equal(s.gateway.trunk("pbx")["state"], "unregistered")


def unknown_login(s):
    for login in ("nobody", "PBX", "pbx2"):
        c = Client(s.gateway.address, login, PBX["password"])
        s.clients.append(c)
        equal(c.register().line, "SIP/2.0 404 Route not found")


def other_login_and_name(s):
    """The user in To is not the one who proved himself."""
    c = s.client(register=False)
    equal(c.register(aor="other").code, 403)
    equal(s.gateway.trunk("second")["state"], "unregistered")


def invite_first(s):
    c = s.client(register=False)
    m = c.call(phone(1), s.voice().sdp()).final()
    equal(m.line, "SIP/2.0 405 REGISTER is required first")
    m = c.call(phone(1), s.voice().sdp(), credentials=False).final()
    equal(m.line, "SIP/2.0 401 Unauthorized")
    c.password = "guessed"
    m = c.call(phone(1), s.voice().sdp()).final()
    equal(m.line, "SIP/2.0 403 Wrong password")
    c.login = "nobody"
    m = c.call(phone(1), s.voice().sdp()).final()
    equal(m.line, "SIP/2.0 404 Route not found")


def registered(s):
    c = s.client(register=False)
    m = c.register(expires=120)
    equal(m.line, "SIP/2.0 200 OK")
    equal(m.get("Contact"), "<%s>;expires=120" % c.contact)
    s.gateway.wait_trunk("pbx")
    row = s.gateway.trunk("pbx")
    equal(row["source"], "127.0.0.1:%d" % c.port)
    equal(s.gateway.trunk("second")["state"], "unregistered")


def several(s):
    """Two logins at once; the newest contact of one login wins."""
    a, b = s.client(), s.client()
    other = Client(s.gateway.address, "other", OTHER["password"])
    s.clients.append(other)
    equal(other.register().code, 200)
    s.gateway.wait_trunk("second")
    m = b.register()
    equal(m.all("Contact"), ["<%s>;expires=300" % b.contact])
    equal(s.gateway.trunk("pbx")["source"], "127.0.0.1:%d" % b.port)
    # What the older one gives up is no longer the trunk's.
    equal(a.register(expires=0).line, "SIP/2.0 200 OK")
    equal(s.gateway.trunk("pbx")["state"], "registered")
    other.register(expires=0)
    s.gateway.wait_trunk("second", "unregistered")


def unregister(s):
    c = s.client()
    s.gateway.wait_trunk("pbx")
    m = c.register(expires=0)
    equal((m.line, m.all("Contact")), ("SIP/2.0 200 OK", []))
    s.gateway.wait_trunk("pbx", "unregistered")
    m = c.call(phone(1), s.voice().sdp()).final()
    equal(m.line, "SIP/2.0 405 REGISTER is required first")


def unregister_all(s):
    """"Contact: *" needs Expires: 0 (RFC 3261 10.2.2)."""
    c = s.client()
    s.gateway.wait_trunk("pbx")
    equal(c.register(expires=60, contact="*").code, 400)
    equal(s.gateway.trunk("pbx")["state"], "registered")
    equal(c.register(expires=0, contact="*").line, "SIP/2.0 200 OK")
    s.gateway.wait_trunk("pbx", "unregistered")


def brief(s):
    m = s.client(register=False).register(expires=5)
    equal((m.line, m.get("Min-Expires")),
          ("SIP/2.0 423 Interval Too Brief", "60"))


def bounded(s):
    c = s.client(register=False)
    m = c.register(expires=999999)
    equal(m.get("Contact"), "<%s>;expires=3600" % c.contact)


def repeated(s):
    """Refreshing keeps the trunk; its log says so once a change."""
    c = s.client()
    for _ in range(3):
        equal(c.register().code, 200)
    equal(s.gateway.trunk("pbx")["state"], "registered")
    c.register(expires=0)
    s.gateway.wait_trunk("pbx", "unregistered")


def counted(s):
    """Refusals are counted by kind, for those who watch for guessers."""
    counters = s.gateway.counters()
    for kind in ("unknown login", "wrong password",
                 "call without registration"):
        assert counters.get("sip." + kind, 0) > 0, counters


def secret_kept(s):
    text = s.log()
    assert PBX["password"] not in text and "guessed" not in text
    assert wait_for("registrations in the log",
                    lambda: "registered from 127.0.0.1:" in s.log())


TESTS = [
    ("scenario_register_challenge", challenge),
    ("scenario_register_wrong_password", wrong_password),
    ("scenario_register_unknown_login", unknown_login),
    ("scenario_register_for_another", other_login_and_name),
    ("scenario_register_first", invite_first),
    ("scenario_register_accepted", registered),
    ("scenario_register_newest_contact_wins", several),
    ("scenario_register_removed", unregister),
    ("scenario_register_wildcard", unregister_all),
    ("scenario_register_too_brief", brief),
    ("scenario_register_bounded", bounded),
    ("scenario_register_refreshed", repeated),
    ("scenario_register_refusals_counted", counted),
    ("scenario_register_password_not_logged", secret_kept),
]

if __name__ == "__main__":
    play(Stage("calls_register", [user(1)], trunks=(PBX, OTHER)), TESTS,
         "scenario_register_nothing_left")
