#!/usr/bin/env python3
"""`gramline login` and what is kept of it: codes, restarts, the secret key,
transports.

    program_login.py BUILD [NAME-PART]

# run: check 120 beside
"""
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
from tests.harness.gateway import Gateway  # noqa: E402
from tests.harness.process import Process, Tap, wait_for  # noqa: E402
from tests.harness.sip import Client  # noqa: E402
from tests.harness.stage import OFFICE, PBX, equal, phone, user  # noqa: E402
from tests.harness.rtp import Voice  # noqa: E402
from tests.harness.telegram import Telegram  # noqa: E402

BUILD = os.path.abspath(sys.argv[1])
PART = sys.argv[2] if len(sys.argv) > 2 else ""
FOLDER = os.path.join(BUILD, "scenario", "program_login")
NUMBER = OFFICE["phone"]


class Typing:
    """`gramline login` with somebody at the keyboard."""

    def __init__(self, g, *words):
        self.child = subprocess.Popen(
            [g.program, "login", "-c", g.config, *words],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        self.seen, self.at = "", 0

    def wait(self, text):
        """Reads on until the program has said this (once more)."""
        while text not in self.seen[self.at:]:
            chunk = self.child.stdout.read1(4096)
            assert chunk, "login ended: " + self.seen
            self.seen += chunk.decode()
        self.at = self.seen.index(text, self.at) + len(text)
        return self

    def type(self, text):
        self.child.stdin.write(text.encode() + b"\n")
        self.child.stdin.flush()
        return self

    def ended(self, status):
        out, _ = self.child.communicate(timeout=30)
        self.seen += out.decode()
        assert self.child.returncode == status, self.seen
        return self.seen


class World:
    def __init__(self):
        shutil.rmtree(FOLDER, ignore_errors=True)
        self.telegram = Telegram(BUILD, os.path.join(FOLDER, "telegram"),
                                 [OFFICE, user(1)])
        self.telegram.start()
        self.gateways, self.made = 0, []

    def gateway(self, telegram="", sessions=None, extra=""):
        self.gateways += 1
        g = Gateway(BUILD, os.path.join(FOLDER, "g%d" % self.gateways),
                    self.telegram.settings() + "\n" + telegram,
                    sessions or {"office": "+" + NUMBER}, [PBX], "16384-18384",
                    extra)
        g.start_failed = lambda text: start_failed(g, text)
        self.made.append(g)
        return g

    def close(self):
        for g in self.made:
            if g.process and g.process.alive():
                g.process.kill()
        equal(self.telegram.stop(), 0)

    def code(self):
        return self.telegram.code(NUMBER)

    def logins(self):
        return sum(e.get("event") == "login" for _, e in self.telegram.events)

    def logged_in(self):
        """A gateway with a session that works; stopped."""
        g = self.gateway()
        g.login("office", self.code)
        return g


def start_failed(g, text):
    """`gramline run` ends with status 1 and says this."""
    p = Process("gramline", [g.program, "run", "-c", g.config], g.folder)
    wait_for("gramline to give up", lambda: not p.alive())
    equal(p.child.wait(), 1)
    assert text in p.text(), p.text()


def works(g):
    """Starts, is ready without a log-in, and stops well."""
    g.start()
    g.wait_sessions_ready()
    row = g.rows("sessions")[0]
    equal((row["state"], row["username"]), ("ready", OFFICE["username"]))
    equal(g.stop(), 0)


# -- codes --------------------------------------------------------------------
def by_code(w):
    g = w.gateway()
    t = Typing(g, "office").wait("Code: ").type(w.code())
    text = t.ended(0)
    assert "Telegram sent a code of 5 digits" in text, text
    assert "Logged in as Office (id 501)." in text, text
    works(g)
    # What is kept is for nobody else.
    for name in ("data/gramline.db",):
        mode = os.stat(os.path.join(g.folder, name)).st_mode & 0o077
        equal(mode, 0)


def wrong_code(w):
    g = w.gateway()
    t = Typing(g, "office").wait("Code: ").type("1")
    t.wait("PHONE_CODE_INVALID").wait("Code: ").type(w.code())
    assert "Logged in" in t.ended(0)


def wrong_codes(w):
    """Three wrong ones are enough; the next try is a new one."""
    g = w.gateway()
    t = Typing(g, "office")
    for _ in range(3):
        t.wait("Code: ").type("1")
    assert t.ended(1).count("PHONE_CODE_INVALID") == 3
    g.login("office", w.code)
    works(g)


def no_code(w):
    g = w.gateway()
    t = Typing(g, "office").wait("Code: ")
    t.child.stdin.close()
    t.child.stdin = None
    t.ended(1)


def unknown_session(w):
    g = w.gateway()
    text = Typing(g, "nobody").ended(1)
    equal(text, "gramline: there is no [session nobody] in the "
          "configuration\n")
    equal(Typing(g).ended(2).split()[0], "usage:")


def typed_number(w):
    """Without a number in the configuration, or another one given."""
    g = w.gateway(sessions={"office": ""})
    t = Typing(g, "office").wait("Phone number: ").type("+" + NUMBER)
    t.wait("Code: ").type(w.code()).ended(0)
    g = w.gateway(sessions={"office": "+999660005555"})
    t = Typing(g, "--phone", "+" + NUMBER, "office")
    t.wait("Code: ").type(w.code()).ended(0)


def unknown_number(w):
    g = w.gateway(sessions={"office": "+99"})
    assert "PHONE_NUMBER_INVALID" in Typing(g, "office").ended(1)


def while_running(w):
    """The log-in goes through the running gateway; the phone may register
    from then on."""
    g = w.gateway()
    g.start()
    wait_for("nobody to be logged in", lambda: g.rows("sessions") and
             g.rows("sessions")[0]["state"] == "waiting_for_login")
    c = Client(g.address, "pbx", PBX["password"])
    equal(c.register().line, "SIP/2.0 403 Telegram session is inactive")
    Typing(g, "office").wait("Code: ").type(w.code()).ended(0)
    g.wait_sessions_ready()
    wait_for("the phone to be let in", lambda: c.register().code == 200)
    assert PBX["password"] not in g.process.text()
    equal(g.stop(), 0)
    c.close()


def logged_out(w):
    """Telegram ends the log-in: calls and registrations say so, a new log-in
    helps."""
    g = w.logged_in()
    g.start()
    g.wait_sessions_ready()
    c = Client(g.address, "pbx", PBX["password"])
    equal(c.register().code, 200)
    w.telegram.ask("logout", user=OFFICE["id"])
    v = Voice()
    for _ in range(2):    # the first call finds out, the next one knows
        m = c.call("user_1", v.sdp()).final()
        equal(m.line, "SIP/2.0 503 Session is not running")
    row = g.rows("sessions")[0]
    equal((row["state"], row["reason"]),
          ("key_unregistered", "AUTH_KEY_UNREGISTERED"))
    equal(c.register().line, "SIP/2.0 403 Telegram session is inactive")
    Typing(g, "office").wait("Code: ").type(w.code()).ended(0)
    g.wait_sessions_ready()
    call = c.call(phone(1), v.sdp())
    call.answered()
    call.bye()
    g.wait_idle()
    equal(g.stop(), 0)
    v.close()
    c.close()


# -- what is kept -------------------------------------------------------------
def resumed(w):
    g = w.logged_in()
    before = w.logins()
    for _ in range(3):
        works(g)
    equal(w.logins(), before)


def killed(w):
    """After kill -9, too."""
    g = w.logged_in()
    before = w.logins()
    g.start()
    g.wait_sessions_ready()
    g.process.kill()
    works(g)
    equal(w.logins(), before)


def missing_key(w):
    g = w.logged_in()
    before = w.logins()
    os.rename(g.key, g.key + ".away")
    g.start_failed("the secret key file does not exist")
    equal(Typing(g, "office").ended(1).count("secret key file does not"), 1)
    os.rename(g.key + ".away", g.key)
    works(g)
    equal(w.logins(), before)


def wrong_key(w):
    g = w.logged_in()
    before = w.logins()
    os.rename(g.key, g.key + ".away")
    equal(g.cli("key", g.key).returncode, 0)
    g.start_failed("not the key this store was made with")
    assert "not the key" in Typing(g, "office").ended(1)
    os.rename(g.key + ".away", g.key)
    works(g)
    equal(w.logins(), before)


def bad_key(w):
    """Readable by others, cut short, or about to be overwritten."""
    g = w.logged_in()
    os.chmod(g.key, 0o644)
    g.start_failed("readable by others")
    os.chmod(g.key, 0o600)
    with open(g.key) as f:
        text = f.read()
    with open(g.key, "w") as f:
        f.write(text[:40])
    g.start_failed("not 64 hexadecimal digits")
    done = g.cli("key", g.key)
    equal(done.returncode, 1)
    assert "File exists" in done.stderr, done.stderr
    with open(g.key, "w") as f:
        f.write(text)
    works(g)


def key_of_environment(w):
    g = w.logged_in()
    with open(g.key) as f:
        key = f.read().strip()
    with open(g.config) as f:
        text = f.read().replace("key_file = " + g.key, "")
    with open(g.config, "w") as f:
        f.write(text)
    g.start_failed("no secret key: give a key file, GRAMLINE_KEY or the "
                   "systemd credential gramline.key")
    os.environ["GRAMLINE_KEY"] = key
    try:
        works(g)
    finally:
        del os.environ["GRAMLINE_KEY"]
    os.makedirs(os.path.join(g.folder, "credentials"))
    os.rename(g.key, os.path.join(g.folder, "credentials", "gramline.key"))
    os.environ["CREDENTIALS_DIRECTORY"] = os.path.join(g.folder,
                                                       "credentials")
    try:
        works(g)
    finally:
        del os.environ["CREDENTIALS_DIRECTORY"]


# -- transports ---------------------------------------------------------------
def transport(name, obfuscated):
    def test(w):
        g = w.gateway("transport = %s\nobfuscated = %s" % (name, obfuscated))
        g.login("office", w.code)
        works(g)
    return test


TESTS = [
    ("scenario_login_by_code", by_code),
    ("scenario_login_wrong_code", wrong_code),
    ("scenario_login_three_wrong_codes", wrong_codes),
    ("scenario_login_no_code", no_code),
    ("scenario_login_unknown_session", unknown_session),
    ("scenario_login_typed_number", typed_number),
    ("scenario_login_unknown_number", unknown_number),
    ("scenario_login_while_running", while_running),
    ("scenario_login_lost_and_renewed", logged_out),
    ("scenario_login_resumed", resumed),
    ("scenario_login_resumed_after_kill", killed),
    ("scenario_login_missing_key", missing_key),
    ("scenario_login_wrong_key", wrong_key),
    ("scenario_login_bad_key", bad_key),
    ("scenario_login_key_of_environment", key_of_environment),
]
TESTS += [("scenario_login_%s_%s" % (t, "obfuscated" if o == "yes" else
                                     "plain"), transport(t, o))
          for t in ("intermediate", "abridged") for o in ("yes", "no")]


def main():
    tap = Tap()
    w = World()
    try:
        for name, test in TESTS:
            if PART in name:
                tap.run(name, test, w)
    finally:
        tap.run("scenario_login_simulator_stops", w.close)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
