#!/usr/bin/env python3
"""Telegram ends a session, or makes it unusable for a while: what an
administrator sees, what a call is told, and that the others go on.

    faults_session.py BUILD [NAME-PART]

# run: check 120 beside
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
from tests.harness.process import wait_for  # noqa: E402
from tests.harness.stage import (OFFICE, PBX, Stage, equal,  # noqa: E402
                                 play, user)

# (name of the session, what Telegram does, the state it is in then, its
# reason). One account each.
ENDS = [
    ("unregistered", ("logout", {}),
     "key_unregistered", "AUTH_KEY_UNREGISTERED"),
    ("revoked", ("logout", {"reason": "SESSION_REVOKED"}),
     "revoked", "SESSION_REVOKED"),
    ("expired", ("logout", {"reason": "SESSION_EXPIRED"}),
     "expired", "SESSION_EXPIRED"),
    ("deactivated", ("set", {"banned": "USER_DEACTIVATED"}),
     "deactivated", "USER_DEACTIVATED"),
    ("banned", ("set", {"banned": "USER_DEACTIVATED_BAN"}),
     "banned", "USER_DEACTIVATED_BAN"),
    ("duplicated", ("fault", {"fault": "error", "code": 406,
                              "text": "AUTH_KEY_DUPLICATED"}),
     "duplicated", "AUTH_KEY_DUPLICATED"),
    ("outdated", ("fault", {"fault": "error", "code": 406,
                            "text": "UPDATE_APP_TO_LOGIN"}),
     "update_app_to_login", "UPDATE_APP_TO_LOGIN"),
    ("forgotten", ("forget", {}), "key_unknown", "AUTH_KEY_UNKNOWN"),
    ("frozen", ("set", {"frozen": True}), "frozen", "FROZEN_METHOD_INVALID"),
]
DEAD = {"key_unregistered", "revoked", "expired", "deactivated", "banned",
        "duplicated", "key_unknown"}


def account(i):
    return {"id": 510 + i, "phone": "9996699901%02d" % i,
            "first_name": "Office%d" % i}


def row(s, name):
    return next(r for r in s.gateway.rows("sessions") if r["session"] == name)


def refused(s, client, to, status):
    call = client.call(to, s.voice().sdp())
    m = call.final()
    equal(m.line, "SIP/2.0 " + status)
    r = s.record(call.call_id)
    equal("%d %s" % (r["sip_status"], r["reason"]), status)


def works(s, client):
    call = client.call("user_1", s.voice().sdp())
    call.answered()
    equal(call.bye().code, 200)


def ends(name, fault, state, reason):
    def test(s):
        i = [e[0] for e in ENDS].index(name)
        client = s.client(name)
        op, arguments = fault
        s.telegram.ask(op, user=510 + i, **arguments)
        # A key that nobody knows is found out without a question.
        if name != "forgotten":
            refused(s, client, "user_1", "500 FROZEN_METHOD_INVALID" if
                    state == "frozen" else "503 Session is not running")
        wait_for("the state %s of %s" % (state, name),
                 lambda: row(s, name)["state"] == state)
        equal(row(s, name)["reason"], reason)
        # And again, now that it is known.
        refused(s, client, "user_1", "500 FROZEN_METHOD_INVALID" if
                state == "frozen" else "503 Session is not running")
        if state in DEAD:
            equal(client.register().line,
                  "SIP/2.0 403 Telegram session is inactive")
    return test


def others_go_on(s):
    equal(row(s, "office")["state"], "ready")
    works(s, s.pbx)


def kept(s):
    """A restart forgets none of these states."""
    equal(s.gateway.stop(), 0)
    s.gateway.start()
    wait_for("the office to be ready",
             lambda: row(s, "office")["state"] == "ready")
    for name, _, state, reason in ENDS:
        if state in DEAD:
            r = row(s, name)
            equal((name, r["state"], r["reason"]), (name, state, reason))
    s.pbx = s.client()
    works(s, s.pbx)


def login_again(s):
    """What a new log-in mends."""
    name = "revoked"
    i = [e[0] for e in ENDS].index(name)
    s.gateway.login(name, lambda: s.telegram.code(account(i)["phone"]))
    wait_for("the session to be ready",
             lambda: row(s, name)["state"] == "ready")
    works(s, s.client(name))


def lost_and_back(s):
    """Telegram refuses connections: offline, and ready again by itself."""
    s.telegram.ask("refuse")
    s.telegram.ask("drop")
    wait_for("the session to be offline",
             lambda: row(s, "office")["state"] == "offline")
    refused(s, s.pbx, "user_1", "503 Session is not running")
    s.telegram.ask("refuse", on=False)
    wait_for("the session to be ready",
             lambda: row(s, "office")["state"] == "ready", 30)
    works(s, s.pbx)


def repaired(op, **arguments):
    """What a session must not even notice."""
    def test(s):
        s.telegram.ask(op, **arguments)
        works(s, s.pbx)
        works(s, s.pbx)
        equal(row(s, "office")["state"], "ready")
    return test


def clock_wrong(s):
    """Hours off, both ways, while connected and on a new connection."""
    for offset in (7200, -7200, 0):
        s.telegram.ask("clock", offset_s=offset)
        wait_for("a call at %d s" % offset, lambda: called(s), 30)
        s.telegram.ask("drop", user=OFFICE["id"])
        wait_for("the session to be ready again",
                 lambda: row(s, "office")["state"] == "ready", 30)
        works(s, s.pbx)


def called(s):
    call = s.pbx.call("user_1", s.voice().sdp())
    if call.final().code != 200:
        return False
    call.answered()
    call.bye()
    return True


TESTS = [("scenario_fault_session_" + e[0], ends(*e)) for e in ENDS] + [
    ("scenario_fault_others_go_on", others_go_on),
    ("scenario_fault_states_are_kept", kept),
    ("scenario_fault_login_again", login_again),
    ("scenario_fault_connections_refused", lost_and_back),
    ("scenario_fault_new_salt", repaired("salt")),
    ("scenario_fault_new_session", repaired("renew")),
    ("scenario_fault_unknown_update", repaired(
        "fault", fault="unknown", update="updateNewMessage", times=0)),
    ("scenario_fault_wrong_clock", clock_wrong),
]

if __name__ == "__main__":
    offices = [account(i) for i in range(len(ENDS))]
    sessions = {"office": "+" + OFFICE["phone"]}
    trunks = [PBX]
    for i, end in enumerate(ENDS):
        sessions[end[0]] = "+" + offices[i]["phone"]
        trunks.append({"name": end[0], "session": end[0], "login": end[0],
                       "password": PBX["password"]})
    stage = Stage("faults_session", [user(1)] + offices, trunks=trunks,
                  sessions=sessions)
    stage.pbx = stage.client()
    play(stage, TESTS, "scenario_fault_session_nothing_left")
