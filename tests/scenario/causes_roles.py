#!/usr/bin/env python3
"""Rows of the catalogue that speak of parts of the gateway: each part is
really stopped, switched off, or made unusable. And the checks of REGISTER and
INVITE that ask for them, in their order.

    causes_roles.py BUILD [NAME-PART]

# run: check 150 beside
"""
import os
import sqlite3
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
from tests.harness import causes  # noqa: E402
from tests.harness.process import wait_for  # noqa: E402
from tests.harness.sip import Client  # noqa: E402
from tests.harness.stage import (OFFICE, PBX, Stage, equal,  # noqa: E402
                                 play, user)

ACCOUNTS = {name: {"id": 510 + i, "phone": "9996699904%02d" % i,
                   "first_name": name.title()}
            for i, name in enumerate(("owned", "revoked", "single"))}
OTHER_ADDRESS = "127.0.0.66"    # may be banned
NOTHING_IN_COMMON = [(9, "G723/8000"), (18, "G728/8000")]
UNREADABLE = "a.b"


def command(s, text):
    answer = s.gateway.ask(text, 30)
    assert answer and answer["ok"], (text, answer)


def registers(s, login, address="127.0.0.1"):
    c = Client(s.gateway.address, login, PBX["password"], address)
    s.clients.append(c)
    return c.register()


def becomes(s, login, row, words=None):
    """REGISTER is refused with this row, as soon as the Worker knows."""
    wanted = "SIP/2.0 " + causes.status(row, words)
    wait_for("REGISTER of %s to be told %s" % (login, wanted),
             lambda: registers(s, login).line == wanted, 15, 0.2)
    m = causes.visible(s, lambda: registers(s, login))
    causes.line_is(m, row, words)


def works(s, login="pbx"):
    wait_for("REGISTER of %s to pass" % login,
             lambda: registers(s, login).code == 200, 15, 0.2)


def sdp(s, common=True):
    v = s.voice()
    return v.sdp() if common else v.sdp(codecs=NOTHING_IN_COMMON)


def refused(s, client, row, words=None, to="user_1", common=True, **more):
    m = client.call(to, sdp(s, common)).final()
    causes.line_is(m, row, words)
    return m


def wrong_in_all(s, client, row, words=None):
    """Neither codec nor identifier is right: that is checked later."""
    return refused(s, client, row, words, UNREADABLE, False)


def telegram_calls(s, row, number, account=OFFICE):
    """A Telegram user calls and reads why it fails."""
    s.telegram.ask("call", user=1000 + number, to=account["id"])
    causes.wait_text(s, 1000 + number, account["id"], causes.status(row))
    wait_for("his call to be over", lambda: not s.telegram.calls())


def rewrite(s, old, new):
    with open(s.gateway.config) as f:
        text = f.read()
    assert old in text, old
    with open(s.gateway.config, "w") as f:
        f.write(text.replace(old, new, 1))


# -- the Manager ----------------------------------------------------------------
def manager_stopped(s):
    """Both checks ask for it before they ask who calls."""
    works(s)
    command(s, "role stop manager")
    wait_for("the Worker to be old enough",
             lambda: time.monotonic() - s.worker_since > 10.5)
    causes.line_is(causes.visible(s, lambda: registers(s, "pbx")), 41)
    causes.visible(s, lambda: refused(s, s.pbx, 41))
    wrong_in_all(s, s.client("nobody", register=False), 41)
    causes.line_is(registers(s, "nobody"), 41)
    c = s.client("pbx", register=False)
    causes.line_is(c.register(credentials=False), 41)
    telegram_calls(s, 41, 11)


def outage_bans_nobody(s):
    """Behaviour 3.18: a Manager outage never bans."""
    for _ in range(8):
        causes.line_is(registers(s, "pbx", OTHER_ADDRESS), 41)
    command(s, "role start manager")
    works(s)
    equal(registers(s, "pbx", OTHER_ADDRESS).code, 200)
    works(s)


# -- the Worker -------------------------------------------------------------------
def worker_stopped(s):
    command(s, "role stop worker")
    telegram_calls(s, 50, 12)
    r = wait_for("the record", lambda: next(
        (r for r in s.gateway.records() if r["telegram_user"] == "1012"),
        None))
    causes.record_is(r, 50, hop="gateway", sip_status_source="local",
                     direction="telegram-to-sip")


def worker_not_ready(s):
    """It has just been started, and knows no trunk yet: nobody tells it."""
    command(s, "role stop manager")
    command(s, "role start worker")
    s.worker_since = time.monotonic()
    causes.visible(s, lambda: wrong_in_all(s, s.pbx, 48))
    causes.line_is(registers(s, "pbx"), 41)
    command(s, "role start manager")
    works(s)
    s.pbx = s.client()


def worker_inactive(s):
    command(s, "worker disable w1")
    becomes(s, "pbx", 14)
    command(s, "worker enable w1")
    works(s)


def other_worker(s):
    """The trunk is assigned to a Worker that is not this one."""
    becomes(s, "elsewhere", 14)


# -- the Storage ------------------------------------------------------------------
def storage_stopped(s):
    works(s)
    works(s, "single")
    command(s, "role stop storage")
    try:
        without_storage(s)
    finally:
        command(s, "role start storage")
    wait_for("the office to be ready", lambda: any(
        r["session"] == "office" and r["state"] == "ready"
        for r in s.gateway.rows("sessions")))
    works(s)


def without_storage(s):
    becomes(s, "pbx", 13)
    wrong_in_all(s, s.pbx, 45)
    refused(s, s.single, 45)
    # Behaviour 3.4: switched off comes first.
    c = Client(s.gateway.address, "off", "", "127.0.0.9")
    s.clients.append(c)
    m = c.call(UNREADABLE, sdp(s, False), [("X-Office", "off")],
               credentials=False).final()
    causes.line_is(m, 42)


def storage_off(s):
    """Switched off it is as good as stopped; a session that is over, too, is
    told later (check 9 before 10)."""
    command(s, "storage disable s1")
    becomes(s, "revoked", 13)
    command(s, "storage enable s1")
    becomes(s, "revoked", 12)


# -- trunks and sessions ------------------------------------------------------------
def switched_off(s):
    for text in ("trunk add off kind=ip session=office number=7 "
                 "address=127.0.0.9 field=X-Office:off", "trunk disable off"):
        command(s, text)
    c = Client(s.gateway.address, "off", "", "127.0.0.9")
    s.clients.append(c)

    def told():
        return c.call(UNREADABLE, sdp(s, False), [("X-Office", "off")],
                      credentials=False).final()
    wait_for("the trunk to be known", lambda: told().code != 401)
    causes.line_is(causes.visible(s, told, "127.0.0.9"), 42)


def not_permitted(s):
    """The session is given to somebody else; checks 6 before 7."""
    works(s, "owned")
    rewrite(s, "owner = anna", "owner = bob")
    command(s, "reload")
    becomes(s, "owned", 16)
    command(s, "worker disable w1")
    becomes(s, "pbx", 14)
    becomes(s, "owned", 16)
    command(s, "worker enable w1")
    rewrite(s, "owner = bob", "owner = anna")
    command(s, "reload")
    works(s, "owned")


# -- limits -----------------------------------------------------------------------
def no_subscription(s):
    becomes(s, "unpaid", 7, "Subscription is required")


def lines(s):
    """One line, one call; check 9 before 10."""
    works(s, "single")
    call = s.single.call("user_1", sdp(s))
    call.answered()
    refused(s, s.single, 7, "Amount of lines is exceeded")
    wrong_in_all(s, s.single, 7, "Amount of lines is exceeded")
    equal(call.bye().code, 200)
    wait_for("the line to be free again", lambda: s.single.call(
        UNREADABLE, sdp(s)).final().code == 404)


def lines_from_telegram(s):
    call = s.single.call("user_1", sdp(s))
    call.answered()
    s.telegram.ask("call", user=1013, to=ACCOUNTS["single"]["id"])
    causes.wait_text(s, 1013, ACCOUNTS["single"]["id"],
                     causes.status(7, "Amount of lines is exceeded"))
    equal(call.bye().code, 200)


def session_before_limits(s):
    """Check 8 before 9, and 10 before 11 of REGISTER."""
    works(s, "revoked")
    s.telegram.ask("logout", user=ACCOUNTS["revoked"]["id"],
                   reason="SESSION_REVOKED")
    refused(s, s.revoked, 44)
    wait_for("the session to be over", lambda: any(
        r["session"] == "revoked" and r["reason"] == "SESSION_REVOKED"
        for r in s.gateway.rows("sessions")))
    becomes(s, "revoked", 12)
    becomes(s, "revoked_unpaid", 12)
    m = s.peer.call(UNREADABLE, sdp(s, False), [("X-Office", "unpaid")],
                    credentials=False).final()
    causes.line_is(m, 44)


# -- the database -----------------------------------------------------------------
def database(s):
    """Another process holds it: nothing can be written."""
    path = os.path.join(s.gateway.folder, "data", "gramline.db")
    works(s)
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("BEGIN EXCLUSIVE")
    try:
        s.pbx.call("user_1", sdp(s)).cancel()   # something to be written
        becomes(s, "pbx", 38)
        # Check 11 before 12, and the database before what comes later.
        becomes(s, "unpaid", 7, "Subscription is required")
        wrong_in_all(s, s.pbx, 38)
        telegram_calls(s, 38, 14)
    finally:
        db.execute("ROLLBACK")
        db.close()
    works(s)


# -- another configuration ----------------------------------------------------------
def no_registrar(s):
    """Check 7 before 8, and 8 before 9."""
    equal(s.gateway.stop(), 0)
    rewrite(s, "[sip]\n", "[sip]\nregistrar = no\n")
    s.gateway.start()
    wait_for("the office to be ready", lambda: any(
        r["session"] == "office" and r["state"] == "ready"
        for r in s.gateway.rows("sessions")))
    becomes(s, "pbx", 15)
    becomes(s, "elsewhere", 14)
    command(s, "storage disable s1")
    becomes(s, "pbx", 15)
    command(s, "worker disable w1")
    becomes(s, "pbx", 14)
    command(s, "worker enable w1")
    command(s, "storage enable s1")


TESTS = [
    ("cause_row_7_no_subscription", no_subscription),
    ("cause_row_7_lines_are_used", lines),
    ("cause_row_7_lines_are_used_from_telegram", lines_from_telegram),
    ("cause_row_14_worker_is_off", worker_inactive),
    ("cause_row_14_worker_is_another", other_worker),
    ("cause_row_16_session_of_somebody_else", not_permitted),
    ("cause_row_42_trunk_is_off", switched_off),
    ("scenario_checks_session_before_limits", session_before_limits),
    ("cause_row_13_storage_is_off", storage_off),
    ("cause_row_45_storage_is_stopped", storage_stopped),
    ("cause_row_38_database_is_locked", database),
    ("cause_row_41_manager_is_stopped", manager_stopped),
    ("scenario_manager_outage_bans_nobody", outage_bans_nobody),
    ("cause_row_50_worker_is_stopped", worker_stopped),
    ("cause_row_48_worker_just_started", worker_not_ready),
    ("cause_row_15_worker_without_registrar", no_registrar),
]

if __name__ == "__main__":
    sessions = dict({"office": "+" + OFFICE["phone"]}, **{
        n: "+" + a["phone"] for n, a in ACCOUNTS.items()})
    unpaid = {"subscription": "nobodys"}
    trunks = [
        PBX, dict(PBX, name="elsewhere", login="elsewhere", worker="w2"),
        dict(PBX, name="unpaid", login="unpaid", **unpaid),
        dict(PBX, name="single", login="single", session="single", lines=1),
        dict(PBX, name="owned", login="owned", session="owned",
             owner="anna"),
        dict(PBX, name="revoked", login="revoked", session="revoked"),
        dict(PBX, name="revoked_unpaid", login="revoked_unpaid",
             session="revoked", **unpaid),
        {"name": "peer", "kind": "ip", "session": "revoked", "number": 7,
         "address": "127.0.0.9", "field": "X-Office: unpaid",
         "subscription": "nobodys"},
    ]
    stage = Stage("causes_roles", [user(1)] + [user(n) for n in range(11, 20)]
                  + list(ACCOUNTS.values()), trunks, sessions=sessions,
                  sip="never_ban = 127.0.0.1",
                  session_lines={"owned": "owner = anna"})
    stage.worker_since = time.monotonic()
    stage.pbx = stage.client()
    stage.single = stage.client("single")
    stage.revoked = stage.client("revoked")
    stage.peer = Client(stage.gateway.address, "peer", "", "127.0.0.9")
    stage.clients.append(stage.peer)
    play(stage, TESTS, "scenario_cause_roles_nothing_left")
