"""baresip of Debian, with its recipe; more of it in make check."""
import os
import shutil
import subprocess

from interop.pbx_softphone import SPOKEN, Site
from interop.pbx_world import ANNA_PHONE, AT_SIP, HEARD
from tests.harness import tones
from tests.harness.phone import Phone
from tests.harness.process import wait_for


def lacking():
    return "" if shutil.which("baresip") else "baresip is not installed"


def version():
    text = subprocess.run(["dpkg-query", "-W", "-f", "${Version}",
                           "baresip-core"], text=True,
                          stdout=subprocess.PIPE).stdout
    return text.split("-")[0] or "?"


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
    world = runner.world
    site = Site(world, "baresip/gramline.conf", lambda: Phone(
        os.path.join(runner.folder, "baresip"), world.gateway.address, "desk",
        "change-me", "opus", world.tone(SPOKEN)))
    runner.run_at(site, "baresip", version(), TESTS)
