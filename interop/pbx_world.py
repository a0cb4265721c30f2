"""What the runs with PBXs share: one simulated Telegram with a log-in, a
gateway for each PBX, addresses of 127.0.0.0/8 on which every port is free."""
import os
import random
import time

from tests.harness import tones
from tests.harness.gateway import Gateway
from tests.harness.process import wait_for
from tests.harness.telegram import Telegram

# Fictitious numbers: country code 999 is not assigned.
OFFICE = {"id": 501, "phone": "999669990001", "first_name": "Office",
          "username": "office_line"}
ANNA, BORIS, CARLA, DAVID = 1001, 1002, 1003, 1004
ANNA_PHONE = "999660000001"
AT_SIP = 1000      # what a Telegram user says
HEARD = 0.5        # seconds of a tone


def user(number, name, behaviour, **app):
    return {"id": 1000 + number, "phone": "99966000%04d" % number,
            "first_name": name, "username": name.lower() + "_test",
            "app": dict({"behaviour": behaviour, "ring_after_ms": 50,
                         "after_ms": 200}, **app)}


class World:
    def __init__(self, build, folder):
        self.build, self.folder = build, folder
        os.makedirs(folder, exist_ok=True)
        drawn = random.SystemRandom()
        self.net = "127.%d.%d." % (drawn.randrange(10, 250),
                                   drawn.randrange(250))
        self.here = self.net + "5"       # the gateway
        self.tones = 0
        self.telegram = Telegram(build, self.path("telegram"), [
            OFFICE, user(1, "Anna", "answer"), user(2, "Boris", "decline"),
            user(3, "Carla", "ignore"), user(4, "David", "answer")])
        self.telegram.start()
        for who in (ANNA, DAVID):
            self.telegram.behave(who, **{"in": self.tone(AT_SIP),
                                         "out": self.path("heard-%c-%u.wav")})
        self.gateway = None
        self.logged_in = False
        self.known = set()

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def tone(self, hertz, rate=48000):
        path = self.path("%d-%d.wav" % (hertz, rate))
        return path if os.path.exists(path) else tones.write(path, hertz, rate)

    def start_gateway(self, trunks, sip="", address=None):
        """With these [trunk] sections."""
        self.gateway = g = Gateway(
            self.build, self.path("gateway"), self.telegram.settings(),
            {"office": "+" + OFFICE["phone"]}, (), extra_sip=sip,
            address=address or self.here + ":5060", more=trunks)
        if not self.logged_in:
            g.login("office", lambda: self.telegram.code(OFFICE["phone"]))
            self.logged_in = True
        try:
            g.start()
            g.wait_sessions_ready()
        except Exception:
            g.process.kill()
            raise

    def stop_gateway(self):
        if self.gateway and self.gateway.process:
            status = self.gateway.stop()
            self.gateway = None
            if status:
                raise RuntimeError("gramline ended with %d" % status)

    # -- one call -------------------------------------------------------------
    def begin(self):
        """Calls from now on are this test's."""
        self.known = {c["id"] for c in self.telegram.calls(True)}
        return time.monotonic()

    def ring(self, who=ANNA):
        """A Telegram user calls the gateway's account."""
        self.telegram.ask("call", user=who, to=OFFICE["id"])

    def call(self, who=ANNA, state="active", seconds=20):
        return wait_for("a call of %d, %s" % (who, state), lambda: next(
            (c for c in self.telegram.calls(True)
             if c["id"] not in self.known and c["state"] == state and
             who in (c["caller"]["user"], c["callee"]["user"])), None),
            seconds)

    def ear(self, call, who=ANNA):
        """Tells the seconds of a tone that a Telegram user has heard in a
        call."""
        path = self.path("heard-%s-%d.wav" % (call["id"], who))
        return lambda hertz: (tones.file_heard(path, hertz)
                              if os.path.exists(path) else 0.0)

    def hears(self, ear, hertz, seconds=20):
        """He hears it from now on."""
        had = ear(hertz)
        wait_for("%d Hz at Telegram" % hertz,
                 lambda: ear(hertz) >= had + HEARD, seconds, 0.1)

    def both_hear(self, ear, phone):
        """The Telegram user and a desk phone, each other, from now on."""
        since = time.monotonic()
        self.hears(ear, phone.voice.hertz)
        wait_for("%d Hz at phone %s" % (AT_SIP, phone.login),
                 lambda: phone.voice.heard(AT_SIP, since) >= HEARD, 20, 0.1)

    def hang_up(self, call):
        self.telegram.ask("hangup", call=call["id"])

    def over(self, who=ANNA, reason=None):
        """The call is, everywhere."""
        found = self.call(who, "ended")
        if reason and found["reason"] != reason:
            raise AssertionError("ended with " + found["reason"])
        self.gateway.wait_idle()

    def tidy(self):
        """What a failed test left open would disturb the others."""
        for c in self.telegram.calls():
            self.hang_up(c)

    def stop(self):
        try:
            self.stop_gateway()
        finally:
            self.telegram.stop()
