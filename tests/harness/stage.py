"""What most whole-call tests share: one simulated Telegram, one gateway with
its account logged in, SIP phones."""
import os
import shutil
import sys

from . import tones
from .gateway import Gateway
from .process import Tap, wait_for
from .rtp import Voice
from .sip import Client
from .telegram import Telegram

# Fictitious numbers: country code 999 is not assigned.
OFFICE = {"id": 501, "phone": "999669990001", "first_name": "Office",
          "username": "office_line"}
PBX = {"name": "pbx", "session": "office", "login": "pbx",
       "password": "for tests"}


def user(number, behaviour="answer", **more):
    """A simulated user 1000 + number with phone 99966000NNNN."""
    app = {"behaviour": behaviour, "ring_after_ms": 50, "after_ms": 100}
    app.update(more.pop("app", {}))
    return dict({"id": 1000 + number, "phone": "99966000%04d" % number,
                 "first_name": "User%d" % number,
                 "username": "user_%d" % number, "app": app}, **more)


def phone(number):
    return "+99966000%04d" % number


class Stage:
    """name: of the folder under BUILD/scenario. sip, telegram: more lines of
    these sections of the gateway's configuration; session_lines: of a
    session's, by its name; sim: of the simulator's."""

    def __init__(self, name, users, trunks=(PBX,), sip="", telegram="",
                 sessions=None, rtp="16384-18384", session_lines=None,
                 **sim):
        self.build = os.path.abspath(sys.argv[1])
        self.folder = os.path.join(self.build, "scenario", name)
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        self.tap = Tap()
        self.part = sys.argv[2] if len(sys.argv) > 2 else ""
        self.telegram = Telegram(self.build, self.path("telegram"),
                                 [OFFICE] + list(users), **sim)
        self.telegram.start()
        self.sessions = sessions or {"office": "+" + OFFICE["phone"]}
        self.gateway = Gateway(self.build, self.path("gateway"),
                               self.telegram.settings() + "\n" + telegram,
                               self.sessions, trunks, rtp, sip,
                               session_lines=session_lines)
        for name_, number in self.sessions.items():
            self.gateway.login(name_, lambda: self.telegram.code(number[1:]))
        self.gateway.start()
        self.gateway.wait_sessions_ready()
        self.clients, self.voices, self.known = [], [], set()

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def tone(self, hertz):
        path = self.path("%d.wav" % hertz)
        if not os.path.exists(path):
            tones.write(path, hertz)
        return path

    def client(self, login="pbx", register=True, wire=None):
        """A SIP phone; registered, it replaces the login's earlier one."""
        c = Client(self.gateway.address, login, PBX["password"], wire=wire)
        self.clients.append(c)
        if register:
            m = c.register()
            assert m.code == 200, m.line
        return c

    def meet(self, *clients):
        """Clients that were there before the gateway was learn its address."""
        for c in clients:
            c.server = ("127.0.0.1", self.gateway.sip_port)
            self.clients.append(c)

    def voice(self, codec="alaw", hertz=440):
        v = Voice(codec, hertz)
        self.voices.append(v)
        return v

    # -- calls ----------------------------------------------------------------
    def tg_call(self, of, state=None, seconds=20):
        """This test's call of a user, in a state if one is named."""
        def found():
            for c in self.telegram.calls(True):
                if (of in (c["caller"]["user"], c["callee"]["user"]) and
                        c["id"] not in self.known and
                        (not state or c["state"] == state)):
                    return c
            return None
        return wait_for("a call of %d %s" % (of, state or ""), found, seconds)

    def record(self, sip_call_id=None, call=None, seconds=10):
        """The record of a call, once it is written."""
        def found():
            for r in reversed(self.gateway.records()):
                if (r["sip_call_id"] == sip_call_id if sip_call_id
                        else r["call"] == call):
                    return r
            return None
        return wait_for("the call's record", found, seconds)

    def log(self):
        return self.gateway.process.text()

    # -- the run ----------------------------------------------------------------
    def run(self, name, test, *args):
        if self.part in name:
            self.known = {c["id"] for c in self.telegram.calls(True)}
            if not self.tap.run(name, test, *args):
                self.tidy()

    def tidy(self):
        """What a failed test left open would disturb the others."""
        for c in self.telegram.calls():
            self.telegram.ask("hangup", call=c["id"])
        for v in self.voices:
            v.remote = None

    def clean(self):
        """Nothing left of any call; the processes end well."""
        for v in self.voices:
            v.close()
        self.gateway.wait_idle()
        wait_for("the simulator's calls to be over",
                 lambda: not self.telegram.calls())
        wait_for("the endpoint programs to end",
                 lambda: not self.telegram.endpoints())
        status = self.gateway.stop()
        assert status == 0, "gramline ended with %d:\n%s" % (
            status, self.log()[-3000:])
        status = self.telegram.stop()
        assert status == 0, "gramline-sim ended with %d" % status

    def done(self, name):
        """The last test of every file: what is left behind."""
        self.tap.run(name, self.clean)
        for c in self.clients:
            c.close()
        return self.tap.done()


def play(stage, tests, last):
    """tests: [(name, function of the stage)]. Ends the program."""
    status = 1
    try:
        for name, test in tests:
            stage.run(name, test, stage)
    finally:
        status = stage.done(last)
    sys.exit(status)


def equal(got, wanted):
    assert got == wanted, "got %r, wanted %r" % (got, wanted)
