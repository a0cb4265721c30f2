"""A gateway with several Telegram accounts and trunks, a simulated Telegram
with one user a call, SIP lines, and calls in both directions, each direction
with a tone of its own."""
import os
import shutil
import tempfile
import time

from . import chorus
from .gateway import Gateway
from .lines import Lines
from .process import Timeout, wait_for
from .telegram import Telegram

# Fictitious numbers: country code 999 is not assigned.
OFFICE_ID, USER_ID = 1001, 2001
FIRST_HZ, STEP_HZ = 350, 30
SANITIZER_WORDS = ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer",
                   "runtime error:", "Assertion", "SUMMARY: ")


def say(text):
    print("# %s %s" % (time.strftime("%H:%M:%S"), text), flush=True)


class Call:
    """Number i of a crowd: its user, its tones, where it is now."""

    def __init__(self, crowd, i, account):
        self.crowd, self.i, self.account = crowd, i, account
        self.user = USER_ID + i
        self.phone = "99966100%04d" % i
        self.username = "user_%d" % self.user
        self.to_telegram = i % 2 == 0
        self.sip_hz = FIRST_HZ + STEP_HZ * 2 * i
        self.telegram_hz = self.sip_hz + STEP_HZ
        self.line = None
        self.wav_in = self.wav_out = ""
        self.telegram_id = None
        self.marks = (0, 0.0)

    def name(self):
        return "call %d %s %s" % (self.i, "to" if self.to_telegram else "from",
                                  self.phone)

    def start(self):
        self.line = None
        if os.path.exists(self.wav_out):
            os.unlink(self.wav_out)
        if self.to_telegram:
            # By name: new phone numbers are looked up one in three seconds.
            self.line = self.crowd.lines.dial(
                "pbx%d" % self.account, "tg#" + self.username, self.sip_hz)
        else:
            self.crowd.telegram.ask("call", user=self.user,
                                    to=OFFICE_ID + self.account)

    def is_up(self):
        if self.line and self.line.state == "ended":
            raise RuntimeError("%s ended: %d %s" % (
                self.name(), self.line.code, self.line.reason))
        return self.line and self.line.state == "up"

    def mark(self):
        """What is heard from now on counts."""
        self.marks = (len(self.line.heard), chorus.wav_seconds(self.wav_out))

    def heard_seconds(self):
        """Of both directions the shorter, since mark()."""
        return min((len(self.line.heard) - self.marks[0]) / chorus.SIP_RATE,
                   chorus.wav_seconds(self.wav_out) - self.marks[1])

    def faults(self, others):
        """What is wrong with what both ends heard since mark()."""
        at_sip = chorus.alaw_decode(self.line.heard[self.marks[0]:])
        at_telegram = chorus.read_wav(self.wav_out, self.marks[1])
        found = []
        for where, samples, rate, hertz in (
                ("SIP", at_sip, chorus.SIP_RATE, self.telegram_hz),
                ("Telegram", at_telegram, chorus.WAV_RATE, self.sip_hz)):
            wrong = chorus.verdict(samples, rate, hertz,
                                  [h for h in others if h != hertz])
            if wrong:
                found.append("%s, heard at %s: %s" % (self.name(), where,
                                                      wrong))
        return found


class Crowd:
    """sizes: calls of each Telegram account, one trunk an account."""

    def __init__(self, build, sizes, endpoint=(), telegram_class=Telegram,
                 telegram_settings=None, **sim):
        self.build = build
        self.folder = tempfile.mkdtemp(prefix="gramline-strain-")
        self.calls = []
        for account, n in enumerate(sizes):
            for _ in range(n):
                self.calls.append(Call(self, len(self.calls), account))
        self.by_user = {str(c.user): c for c in self.calls}
        self.offices = ["9996600%05d" % k for k in range(len(sizes))]
        program = os.path.join(build, "gramline-endpoint")
        self.telegram = telegram_class(
            build, os.path.join(self.folder, "telegram"), self.accounts(),
            endpoint=list(endpoint) or [program, "--bind", "127.0.0.1",
                                        "--pre-encoded"], **sim)
        self.telegram.start()
        settings = (telegram_settings or Telegram.settings)(self.telegram)
        self.gateway = Gateway(
            build, os.path.join(self.folder, "gateway"), settings,
            {"s%d" % k: "+" + phone for k, phone in enumerate(self.offices)},
            [{"name": "t%d" % k, "session": "s%d" % k, "login": "pbx%d" % k,
              "password": "secret%d" % k, "codecs": "alaw"}
             for k in range(len(sizes))])
        self.lines = Lines(("127.0.0.1", self.gateway.sip_port), self.on_call)

    def accounts(self):
        offices = [{"id": OFFICE_ID + k, "phone": phone,
                    "first_name": "Office%d" % k}
                   for k, phone in enumerate(self.offices)]
        users = []
        for c in self.calls:
            c.wav_in = chorus.write_wav(
                os.path.join(self.folder, "tone-%d.wav" % c.user),
                c.telegram_hz)
            c.wav_out = os.path.join(self.folder, "heard-%d.wav" % c.user)
            users.append({"id": c.user, "phone": c.phone,
                          "first_name": "User%d" % c.i,
                          "username": c.username,
                          "app": {"behaviour": "answer", "ring_after_ms": 20,
                                  "after_ms": 100, "in": c.wav_in,
                                  "out": c.wav_out}})
        return offices + users

    def on_call(self, account, message):
        """An incoming SIP call: which one is it?"""
        c = self.by_user.get(message.get("x-tg-id"))
        return c.sip_hz if c else None

    def start(self):
        for k, phone in enumerate(self.offices):
            self.gateway.login("s%d" % k,
                               lambda phone=phone: self.telegram.code(phone))
        self.gateway.start()
        self.ready()

    def ready(self):
        self.gateway.wait_sessions_ready(60)
        wait_for("the gateway to know its trunks", self.register, 30, 0.2)

    def register(self):
        """Every line anew, as phones do when their time has come."""
        try:
            for k in range(len(self.offices)):
                self.lines.register("pbx%d" % k, "secret%d" % k, 5)
        except Timeout:
            return False
        return True

    # -- calls --------------------------------------------------------------
    def find_lines(self):
        """Gives the calls from Telegram the lines they rang at."""
        for line in self.lines.lines:
            if line.incoming and line.state != "ended":
                c = self.by_user.get(line.remote_headers.get("x-tg-id"))
                if c:
                    c.line = line

    def media_established(self, users=None):
        """Of running calls (of these users), as the simulated users see it."""
        sides = [s for c in self.telegram.calls()
                 for s in (c["caller"], c["callee"])
                 if s.get("media") and (not users or s["user"] in users)]
        return sum(s["media"] == "established" for s in sides)

    def begin(self, calls, seconds=60):
        for c in calls:
            c.start()

        def all_up():
            self.find_lines()
            return all(c.is_up() for c in calls)
        wait_for("%d calls to be up" % len(calls), all_up, seconds, 0.1)
        users = {c.user for c in calls}
        wait_for("media of %d calls" % len(calls),
                 lambda: self.media_established(users) >= len(calls),
                 seconds, 0.2)
        for c in calls:
            wait_for("voice of " + c.name(),
                     lambda: len(c.line.heard) > 0, 20)
            wait_for("what Telegram hears of " + c.name(),
                     lambda: chorus.wav_seconds(c.wav_out) > 0, 20)

    def talk(self, calls, seconds, limit=None):
        for c in calls:
            c.mark()
        wait_for("%d s of voice in %d calls" % (seconds, len(calls)),
                 lambda: all(c.is_up() and c.heard_seconds() >= seconds
                             for c in calls), limit or 30 + 1.5 * seconds,
                 0.2)

    def finish(self, calls):
        """Ends all calls there are, and waits until nothing is left."""
        self.finish_some(calls)
        self.wait_idle()

    def finish_some(self, calls):
        """Half of the calls are ended by SIP, half by Telegram."""
        running = {}
        for c in self.telegram.calls():
            for side in ("caller", "callee"):
                running[c[side]["user"]] = c["id"]
        for c in calls:
            if c.i // 2 % 2 == 0:
                c.line.hang_up()
            else:
                self.telegram.ask("hangup", call=running[c.user])
        wait_for("all lines to be over", lambda: all(
            c.line.state == "ended" for c in calls), 30)
        users = {c.user for c in calls}
        wait_for("their ends in Telegram", lambda: not any(
            c[side]["user"] in users for c in self.telegram.calls()
            for side in ("caller", "callee")), 30)

    def wait_idle(self, seconds=40):
        self.gateway.wait_idle(seconds)
        assert self.gateway.rows("calls") == []
        wait_for("no running call in Telegram",
                 lambda: not self.telegram.calls(), seconds)
        wait_for("no endpoint process", lambda: not self.telegram.endpoints(),
                 seconds, 0.1)

    def check(self, calls):
        others = sorted(h for c in calls for h in (c.sip_hz, c.telegram_hz))
        found = [f for c in calls for f in c.faults(others)]
        if found:
            raise AssertionError("%d of %d directions are wrong:\n%s" % (
                len(found), 2 * len(calls), "\n".join(found)))

    # -- the end --------------------------------------------------------------
    def sanitizer_reports(self):
        """Lines of sanitizers in the logs of all programs."""
        found = []
        for folder, _, names in os.walk(self.folder):
            for name in names:
                if not name.endswith(".log"):
                    continue
                with open(os.path.join(folder, name), "rb") as f:
                    text = f.read().decode("utf-8", "replace")
                found += ["%s: %s" % (name, line)
                          for line in text.splitlines()
                          if any(w in line for w in SANITIZER_WORDS)]
        return found

    def stop(self, keep=False):
        self.lines.stop()
        status = self.gateway.process.stop(30) if self.gateway.process else 0
        self.telegram.stop()
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)
        return status
