"""baresip of Debian, with its recipe; more of it in make check."""
import os
import shutil
import subprocess

from interop.pbx_world import ANNA_PHONE, AT_SIP, HEARD
from tests.harness import recipe, tones
from tests.harness.phone import Phone
from tests.harness.process import wait_for

SPOKEN = 440   # Hz


def lacking():
    return "" if shutil.which("baresip") else "baresip is not installed"


def version():
    text = subprocess.run(["dpkg-query", "-W", "-f", "${Version}",
                           "baresip-core"], text=True,
                          stdout=subprocess.PIPE).stdout
    return text.split("-")[0] or "?"


class Site:
    def __init__(self, world, folder):
        self.world = world
        self.phone = None
        trunk, = recipe.fill(["baresip/gramline.conf"], {})
        try:
            world.start_gateway(trunk)
            self.phone = Phone(folder, world.gateway.address, "desk",
                               "change-me", "opus", world.tone(SPOKEN))
        except Exception:
            self.stop()
            raise

    def stop(self):
        try:
            if self.phone:
                self.phone.stop()
        finally:
            self.world.stop_gateway()


def registered(s):
    s.phone.wait_registered()
    s.world.gateway.wait_trunk("desk")


def talk(s):
    tg = s.world.call()
    s.world.hears(s.world.ear(tg), SPOKEN)
    wait_for("baresip to hear the Telegram user", lambda:
             s.phone.recordings()[0] and
             tones.file_heard(s.phone.recordings()[0], AT_SIP) >= HEARD, 20,
             0.1)
    return tg


def calls(s):
    s.phone.dial("+" + ANNA_PHONE)
    talk(s)
    s.phone.hang_up()
    s.world.over(reason="hangup")


def is_called(s):
    s.world.ring()
    s.world.hang_up(talk(s))
    s.world.over()


TESTS = [("registers", registered), ("calls a Telegram user", calls),
         ("is called by a Telegram user", is_called)]


def run(runner):
    number = version()
    site = Site(runner.world, os.path.join(runner.folder, "baresip"))
    try:
        for what, test in TESTS:
            runner.run("baresip", number, what, test, site)
    finally:
        site.stop()
