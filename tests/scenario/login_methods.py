#!/usr/bin/env python3
# run: check 120 beside
"""Every way to log an account in, by `gramline login` on a terminal against the
simulated Telegram, and log-out.

usage: login_methods.py BUILD [PART]
"""
import os
import re
import shutil
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from harness.gateway import Gateway
from harness.process import Tap, wait_for
from harness.telegram import Telegram
from harness.terminal import Terminal

TOKEN = "7001:AA-token_for_tests"
# Fictitious numbers: country code 999 is not assigned.
ACCOUNTS = [
    {"id": 1, "phone": "999661000001", "first_name": "Plain",
     "code_ways": ["app", "sms"]},
    {"id": 2, "phone": "999661000002", "first_name": "Locked",
     "password": "correct horse", "password_hint": "a battery",
     "email": "locked@mail.example"},
    {"id": 3, "phone": "999661000003", "first_name": "Mailed",
     "code_ways": ["email"], "email": "mailed@mail.example"},
    {"id": 4, "phone": "999661000004", "first_name": "Robot",
     "username": "a_robot", "bot_token": TOKEN},
    {"id": 5, "phone": "999661000005", "first_name": "Forgetful",
     "password": "forgotten", "email": "forgetful@mail.example"},
    {"id": 6, "phone": "999661000006", "first_name": "Closed",
     "password": "no way back"},
    {"id": 7, "phone": "999661000007", "first_name": "Away", "dc": 4,
     "password": "far away"},
]
SESSIONS = {"plain": 1, "locked": 2, "mailed": 3, "robot": 4, "forgetful": 5,
            "closed": 6, "away": 7, "scanned": 0}


class World:
    def __init__(self, build):
        folder = os.path.join(os.path.abspath(build), "scenario",
                              "login_methods")
        shutil.rmtree(folder, ignore_errors=True)
        self.telegram = Telegram(os.path.abspath(build),
                                 os.path.join(folder, "telegram"), ACCOUNTS,
                                 dcs=[{"id": 2}, {"id": 4}])
        self.telegram.start()
        sessions = {name: "+99966100000%d" % n if n else ""
                    for name, n in SESSIONS.items()}
        self.gateway = Gateway(os.path.abspath(build),
                               os.path.join(folder, "gateway"),
                               self.settings(), sessions, [])

    def settings(self):
        """Both data centres, that of most accounts first."""
        dcs = re.findall(r"ready dc=(\d+) address=(\S+) ",
                         self.telegram.process.text())
        lines = [line for line in self.telegram.settings().splitlines()
                 if not line.startswith("dc ")]
        return "\n".join(lines + ["dc = %s %s" % d for d in sorted(dcs)])

    def verb(self, verb, session, *options):
        return Terminal([self.gateway.program, verb, "-c", self.gateway.config,
                         *options, session])

    def code(self, user):
        return self.telegram.code("99966100000%d" % user)

    def login(self, session, user):
        """Up to the code; what follows is the test's."""
        t = self.verb("login", session)
        t.expect("Code: ")
        t.type(self.code(user))
        return t

    def state(self, session):
        return next(r for r in self.gateway.rows("sessions")
                    if r["session"] == session)["state"]

    def ready(self, session):
        wait_for("session %s to be ready" % session,
                 lambda: self.state(session) == "ready")


def logged_in(t, name):
    t.expect("Logged in as " + name)
    assert t.end() == 0, t.seen


def scenario_login_code_wrong_resent_right(w):
    t = w.verb("login", "plain")
    t.expect("(app)")
    t.expect("Type r to have it sent again (sms)")
    t.expect("Code: ")
    t.type("00000x")
    t.expect("the code is wrong (PHONE_CODE_INVALID)")
    t.expect("Code: ")
    t.type("r")
    t.expect("(sms)")
    t.expect("Code: ")
    t.type("r")
    t.expect("SEND_CODE_UNAVAILABLE")
    t.expect("Code: ")
    t.type(w.code(1))
    logged_in(t, "Plain (id 1)")
    w.ready("plain")


def scenario_login_code_given_up(w):
    t = w.verb("login", "locked")
    t.expect("Code: ")
    t.type("q")
    assert t.end() == 1, t.seen
    assert w.telegram.try_code("999661000002") is None


def scenario_login_password(w):
    t = w.login("locked", 2)
    t.expect("hint: a battery")
    t.expect("Password: ")
    t.type("wrong horse")
    t.expect("the password is wrong (PASSWORD_HASH_INVALID)")
    t.expect("Password: ")
    t.type("correct horse")
    logged_in(t, "Locked (id 2)")
    # Typed without echo, and nowhere in the log.
    assert "horse" not in t.seen, t.seen
    assert "horse" not in w.gateway.process.text()
    w.ready("locked")


def scenario_login_password_flood_is_named(w):
    for _ in range(2):
        t = w.login("closed", 6)
        for _ in range(3):
            t.expect("Password: ")
            t.type("guess")
        if t.end() == 1 and "FLOOD_WAIT" in t.seen:
            break
    assert "Telegram asks to wait 60 s (FLOOD_WAIT_60)" in t.seen, t.seen
    assert "recover" not in t.seen, t.seen


def scenario_login_password_after_migration(w):
    t = w.login("away", 7)
    t.expect("Password: ")
    t.type("far away")
    logged_in(t, "Away (id 7)")
    w.ready("away")


def scenario_login_password_recovered_by_email(w):
    t = w.login("forgetful", 5)
    t.expect("recover it by e-mail")
    t.expect("Password: ")
    t.type("")
    t.expect("f***@mail.example")
    t.expect("Recovery code: ")
    code = w.telegram.ask("recovery-code", user=5)["code"]
    t.type("x" + code)
    t.expect("New password")
    t.type("")
    assert t.end() == 1, t.seen
    assert "the code is wrong (CODE_INVALID)" in t.seen, t.seen
    # Once more, with a new password; then that one is the account's.
    t = w.login("forgetful", 5)
    t.expect("Password: ")
    t.type("")
    t.expect("Recovery code: ")
    t.type(w.telegram.ask("recovery-code", user=5)["code"])
    t.expect("New password")
    t.type("remembered")
    logged_in(t, "Forgetful (id 5)")
    t = w.verb("logout", "forgetful")
    assert t.end() == 0, t.seen
    t = w.login("forgetful", 5)
    t.expect("Password: ")
    t.type("remembered")
    logged_in(t, "Forgetful (id 5)")


def scenario_login_code_by_email(w):
    t = w.verb("login", "mailed")
    t.expect("by e-mail, mailed@mail.example")
    t.expect("Code: ")
    t.type(w.code(3))
    logged_in(t, "Mailed (id 3)")


def scenario_login_bot_token(w):
    t = w.verb("login", "robot", "--bot")
    t.expect("Bot token: ")
    t.type(TOKEN + "x")
    assert t.end() == 1 and "ACCESS_TOKEN_INVALID" in t.seen, t.seen
    t = w.verb("login", "robot", "--bot")
    t.expect("Bot token: ")
    t.type(TOKEN)
    logged_in(t, "Robot (id 4)")
    assert TOKEN not in t.seen, t.seen
    w.ready("robot")


def qr_url(t):
    t.expect("tg://login?token=")
    t.expect("\n")
    return "tg://login?token=" + t.seen[:t.at].rsplit("=", 1)[1].strip()


def scenario_login_qr(w):
    t = w.verb("login", "scanned", "--qr")
    url = qr_url(t)
    # The lines above it: half blocks, and as many as they must be.
    drawn = [x for x in t.seen.splitlines() if "\u2580" in x or "\u2584" in x]
    assert 14 <= len(drawn) <= 25, t.seen
    assert len({len(x) for x in drawn}) == 1, t.seen
    w.telegram.ask("qr-accept", user=1, url=url)
    logged_in(t, "Plain (id 1)")
    w.ready("scanned")
    t = w.verb("logout", "scanned")
    assert t.end() == 0, t.seen


def scenario_login_qr_migration_and_password(w):
    t = w.verb("login", "scanned", "--qr")
    w.telegram.ask("qr-accept", user=7, url=qr_url(t))
    t.expect("Password: ")
    t.type("far away")
    logged_in(t, "Away (id 7)")
    w.ready("scanned")


def scenario_login_list_and_logout(w):
    t = w.verb("logins", "plain")
    assert t.end() == 0 and "simulated" in t.seen, t.seen
    t = w.verb("login", "plain")
    assert t.end() == 1 and "ALREADY_LOGGED_IN" in t.seen, t.seen
    t = w.verb("logout", "plain")
    t.expect("Logged out.")
    assert t.end() == 0
    wait_for("the session to be dead",
             lambda: w.state("plain") == "logged_out")
    row = next(r for r in w.gateway.rows("sessions")
               if r["session"] == "plain")
    assert row["reason"] == "LOGGED_OUT", row


def scenario_login_kept_over_restart(w):
    assert w.gateway.stop() == 0
    w.gateway.start()
    for session in ("locked", "robot", "away", "forgetful"):
        w.ready(session)


def scenario_login_stops_cleanly(w):
    assert w.gateway.stop() == 0, w.gateway.process.text()[-3000:]
    assert w.telegram.stop() == 0


def main():
    tap = Tap()
    w = World(sys.argv[1])
    part = sys.argv[2] if len(sys.argv) > 2 else ""
    w.gateway.start()
    for f in (scenario_login_code_wrong_resent_right,
              scenario_login_code_given_up,
              scenario_login_password,
              scenario_login_password_flood_is_named,
              scenario_login_password_after_migration,
              scenario_login_password_recovered_by_email,
              scenario_login_code_by_email,
              scenario_login_bot_token,
              scenario_login_qr,
              scenario_login_qr_migration_and_password,
              scenario_login_list_and_logout,
              scenario_login_kept_over_restart,
              scenario_login_stops_cleanly):
        if part in f.__name__ or f is scenario_login_stops_cleanly:
            tap.run(f.__name__, f, w)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
