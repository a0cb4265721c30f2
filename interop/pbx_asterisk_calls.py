"""Calls through Asterisk: each kind of trunk, between desk phones of its and
Telegram users."""
import os

from interop import (pbx_asterisk_causes, pbx_asterisk_refer,
                     pbx_asterisk_transfers)
from interop.pbx_asterisk import Asterisk
from interop.pbx_desk import DeskPhone
from interop.pbx_world import ANNA_PHONE
from tests.harness import recipe
from tests.harness.process import wait_for

# The addresses that stand in the recipes.
GATEWAY, PBX = "10.0.0.5", "10.0.0.7"
AT_RECEPTION, AT_WORKSHOP = 440, 620   # Hz


class Site:
    """A gateway, an Asterisk with the recipe of a kind, two desk phones."""
    MUSIC = 800

    def __init__(self, world, kind, folder, words=None, trunk_words=None):
        self.world, self.kind = world, kind
        self.address = world.net + "7"
        places = {PBX: self.address, GATEWAY: world.here}
        name = "asterisk/%s/gramline.conf" % kind
        trunk, = recipe.fill([name], dict(
            {old: new for old, new in places.items()
             if old in recipe.read(name)}, **trunk_words or {}))
        sip, _, trunk = trunk.partition("[trunk ")
        world.start_gateway("[trunk " + trunk, sip.replace("[sip]", ""))
        self.phones = []
        self.asterisk = None
        try:
            self.asterisk = Asterisk(
                folder, kind, self.address, dict(places, **words or {}),
                world.tone(self.MUSIC, 8000),
                kind == "tls" and world.gateway.certificate())
            self.reception = self.phone("100", AT_RECEPTION)
            self.workshop = self.phone("101", AT_WORKSHOP)
        except Exception:
            self.stop()
            raise

    def phone(self, number, hertz):
        p = DeskPhone(self.address, number, hertz)
        self.phones.append(p)
        m = p.register()
        if m.code != 200:
            raise RuntimeError("Asterisk: " + m.line)
        return p

    def stop(self):
        for p in self.phones:
            p.close()
        try:
            if self.asterisk:
                self.asterisk.stop()
        finally:
            self.world.stop_gateway()


# -- one test each: they get a Site -------------------------------------------
def registered(s):
    # The gateway was there first: it may have to try a second time.
    s.world.gateway.wait_trunk(
        "pbx", "static" if s.kind == "address" else "registered", 75)
    s.asterisk.cli("pjsip qualify gramline")
    wait_for("Asterisk to see the gateway answer OPTIONS",
             lambda: " Avail " in s.asterisk.cli("pjsip show contacts"), 20,
             0.2)
    if s.kind in ("registers", "tls"):
        assert " Registered " in s.asterisk.cli("pjsip show registrations")


def calls(s, number="8" + ANNA_PHONE):
    c = s.reception.dial(number)
    s.world.both_hear(s.world.ear(s.world.call()), s.reception)
    c.bye()
    s.world.over(reason="hangup")


def is_called(s):
    s.world.ring()
    i = s.reception.pick_up(len(s.reception.invites()))
    tg = s.world.call()
    s.world.both_hear(s.world.ear(tg), s.reception)
    s.world.hang_up(tg)
    i.wait_request("BYE")
    s.world.over()


BASIC = [("connected, answers OPTIONS", registered), ("calls a Telegram user", calls),
         ("is called by a Telegram user", is_called)]



HOLD = pbx_asterisk_transfers.TESTS[0]
DTLS = ({"media_encryption = sdes": "media_encryption = dtls\n"
         "dtls_auto_generate_cert = yes"},
        {"srtp = required": "srtp = required\nsrtp_keying = dtls"})


def sites(quick):
    """(what it is, kind of recipe, tests, words replaced in it and in the
    trunk)."""
    moved = (pbx_asterisk_transfers.QUICK if quick else
             pbx_asterisk_transfers.TESTS + pbx_asterisk_causes.CALLS)
    yield "it registers with us", "registers", BASIC + moved, ({}, {})
    yield "we register with it", "account", BASIC, ({}, {})
    yield "by address", "address", BASIC, ({}, {})
    for what, words, connects, test in pbx_asterisk_causes.WRONG:
        yield (what, "registers", BASIC[:connects] + [("the cause", test)],
               (words, {}))
    if not quick:
        yield ("asked by REFER", "registers",
               BASIC[:1] + pbx_asterisk_refer.TESTS,
               ({}, pbx_asterisk_refer.TRUNK_WORDS))
        yield "TLS, SRTP by SDES", "tls", BASIC + [HOLD], ({}, {})
        yield "TLS, SRTP by DTLS", "tls", BASIC + [HOLD], DTLS


def run(runner, version):
    for n, (name, kind, tests, words) in enumerate(sites(runner.quick)):
        site = Site(runner.world, kind, os.path.join(
            runner.folder, "asterisk-%d-%s" % (n, kind)), *words)
        runner.run_at(site, "Asterisk", version, tests, name + ": ")
