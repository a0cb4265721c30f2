#!/usr/bin/env python3
"""REGISTER that is refused: the status line, byte for byte, and the checks in
their order: the first that fails is the one told (behaviour 3.4, 3.18).

    causes_register.py BUILD [NAME-PART]

# run: check 60 beside
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
from tests.harness import causes  # noqa: E402
from tests.harness.process import wait_for  # noqa: E402
from tests.harness.stage import (OFFICE, PBX, Stage, equal,  # noqa: E402
                                 play, user)

REVOKED = {"id": 510, "phone": "999669990300", "first_name": "Revoked"}
NETWORKS = {    # trusted_ips: may 127.0.0.1 register?
    "": True,
    "192.0.2.0/24": False,
    "127.0.0.1": True,
    "127.0.0.2": False,
    "2001:db8::/32": False,
    "2001:db8::/32, 127.0.0.0/8": True,
}


def refused(s, login, row, password=None):
    c = s.client(login, register=False)
    m = causes.visible(s, lambda: c.register(password=password))
    causes.line_is(m, row)
    return m


def challenge(s):
    c = s.client("pbx", register=False)
    m = causes.visible(s, lambda: c.register(credentials=False))
    causes.line_is(m, 2)
    assert m.get("WWW-Authenticate").startswith("Digest "), m.headers


def wrong_password(s):
    refused(s, "pbx", 10, "guess")


def untrusted(s):
    refused(s, "far", 11)


def session_inactive(s):
    refused(s, "revoked", 12)
    # It may still take its contact back.
    equal(s.client("revoked", register=False).register(expires=0).code, 200)


def unknown(s):
    refused(s, "nobody", 20)


def in_the_log(s):
    """The event in the answer leads to the log line, which says from where."""
    c = s.client("pbx", register=False)
    m = c.register(password="guess")
    line = wait_for("the log line", lambda: next(
        (t for t in s.log().splitlines()
         if m.get("X-Gateway-Event") in t), None))
    assert "REGISTER" in line and "403 Wrong password" in line, line
    assert "127.0.0.1:%d" % c.port in line, line


def explained(s):
    """What to do stands beside each row of the table."""
    rows = {r["row"]: r for r in s.gateway.rows("causes") if r["row"]}
    for number, (text, _) in causes.ROWS.items():
        r = rows[number]
        got = "%d %s" % (r["code"], r["reason"])
        equal(got, "503 ..." if number == 46 else text)
        assert r["when"] and r["advice"], r


# -- the order: what is checked later is wrong as well ---------------------------
def login_first(s):
    refused(s, "nobody", 20, "guess")


def password_first(s):
    """Behaviour 3.18: an untrusted address with a wrong password, and a
    session that is over."""
    refused(s, "far", 10, "guess")
    refused(s, "far_revoked", 10, "guess")


def address_first(s):
    refused(s, "far_revoked", 11)


def challenge_first(s):
    for login in ("nobody", "far_revoked"):
        m = s.client(login, register=False).register(credentials=False)
        causes.line_is(m, 2)


def networks(s):
    for i, (text, admitted) in enumerate(NETWORKS.items()):
        m = s.client("net%d" % i, register=False).register()
        if admitted:
            equal((text, m.line), (text, "SIP/2.0 200 OK"))
        else:
            causes.line_is(m, 11)


TESTS = [
    ("cause_row_2_register_is_challenged", challenge),
    ("cause_row_10_wrong_password", wrong_password),
    ("cause_row_11_untrusted_address", untrusted),
    ("cause_row_12_session_is_over", session_inactive),
    ("cause_row_20_unknown_login", unknown),
    ("scenario_cause_event_is_in_the_log", in_the_log),
    ("scenario_cause_table_is_the_catalogue", explained),
    ("scenario_register_check_2_challenge_first", challenge_first),
    ("scenario_register_check_3_login_first", login_first),
    ("scenario_register_check_4_password_first", password_first),
    ("scenario_register_check_5_address_first", address_first),
    ("scenario_register_trusted_networks", networks),
]

if __name__ == "__main__":
    far = {"trusted_ips": "192.0.2.0/24"}
    trunks = [PBX, dict(PBX, name="far", login="far", **far),
              dict(PBX, name="revoked", login="revoked", session="revoked"),
              dict(PBX, name="far_revoked", login="far_revoked",
                   session="revoked", **far)]
    trunks += [dict(PBX, name="net%d" % i, login="net%d" % i, trusted_ips=t)
               for i, t in enumerate(NETWORKS)]
    stage = Stage("causes_register", [REVOKED, user(1)], trunks, sessions={
        "office": "+" + OFFICE["phone"], "revoked": "+" + REVOKED["phone"]})
    stage.telegram.ask("logout", user=REVOKED["id"], reason="SESSION_REVOKED")
    c = stage.client("revoked")     # a call finds it out
    causes.line_is(c.call("user_1", stage.voice().sdp()).final(), 44)
    equal(c.register(expires=0).code, 200)
    wait_for("the session to be over", lambda: any(
        r["session"] == "revoked" and r["reason"] == "SESSION_REVOKED"
        for r in stage.gateway.rows("sessions")))
    play(stage, TESTS, "scenario_cause_register_nothing_left")
