"""Kamailio of Debian between the gateway's IP trunk and a PBX: what a dialog
says must go through it, by Record-Route."""
import os
import signal
import subprocess

from interop.pbx_desk import DeskPhone
from interop.pbx_world import ANNA_PHONE, BORIS, CARLA
from tests.harness import recipe
from tests.harness.process import Process, free_port, wait_for

GATEWAY, HERE, PBX = "10.0.0.5", "10.0.0.7", "10.0.0.8"
RECIPES = ["kamailio/kamailio.cfg"]


def lacking():
    try:
        version()
    except (OSError, subprocess.CalledProcessError):
        return "kamailio is not installed"
    return ""


def version():
    return subprocess.run(["kamailio", "-v"], check=True, text=True,
                          stdout=subprocess.PIPE).stdout.split()[2]


class Behind(DeskPhone):
    """A PBX behind the proxy. Its dialogs keep the route that was recorded."""

    def __init__(self, proxy, address):
        super().__init__(proxy, "pbx", 440, address=address)

    def request(self, method, uri, call_id, cseq, to, from_tag, headers=(),
                body="", branch=None):
        route = [("Route", r) for r in self.route(call_id)]
        if method == "CANCEL" or branch:      # hop by hop
            route = []
        return super().request(method, uri, call_id, cseq, to, from_tag,
                               list(headers) + route, body, branch)

    def route(self, call_id):
        """RFC 3261 12.1: as it stands in a request, reversed of an answer."""
        for m in list(self.received):
            if m.get("Call-ID") != call_id:
                continue
            if m.method == "INVITE" and ";tag=" not in m.get("To"):
                return m.all("Record-Route")
            if m.code == 200 and m.cseq[1] == "INVITE":
                return m.all("Record-Route")[::-1]
        return []


class Site:
    def __init__(self, world, folder, transport):
        self.world = world
        address = world.net + "7"
        gateway = world.here + ":5060"
        if transport == "tcp":
            # Which address a connection leaves from is the kernel's choice.
            gateway = "127.0.0.1:%d" % free_port()
        self.pbx = Behind(address, world.net + "8")
        self.process = None
        trunk, = recipe.fill(["kamailio/gramline.conf"], {HERE: address})
        trunk += "transport = %s\n" % transport
        try:
            world.start_gateway(trunk, address=gateway)
            recipe.write(folder, RECIPES, {
                GATEWAY + ":5060": gateway, GATEWAY: gateway.split(":")[0],
                HERE: address, PBX + ":5060": "%s:%d" % (
                    self.pbx.host, self.pbx.port), PBX: self.pbx.host})
            self.process = Process("kamailio", [    # a process group
                "setsid", "kamailio", "-DD", "-E", "-f",
                os.path.join(folder, "kamailio.cfg"), "-Y", folder, "-P",
                os.path.join(folder, "pid")], folder)
            # It asks for its host's name first, and the resolver may be deaf.
            wait_for("Kamailio to answer", self.answers, 60, 0.2)
        except Exception:
            self.stop()
            raise

    def answers(self):
        n = len(self.pbx.received)
        self.pbx.request("OPTIONS", "sip:%s" % self.pbx.server[0], "up%d" % n,
                         1, "<sip:up@%s>" % self.pbx.server[0], "up")
        try:
            return self.pbx.answer_of("up%d" % n, 1, "OPTIONS", 0.5)
        except Exception:
            return None

    def stop(self):
        try:
            if self.process and self.process.alive():
                # Asked to stop, it locks itself up now and then.
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.kill()
        finally:
            self.pbx.close()
            self.world.stop_gateway()


def routed(m):
    """It came with Kamailio's Record-Route."""
    assert m.all("Record-Route"), "no Record-Route in " + m.line


def calls(s):
    c = s.pbx.try_dial("+" + ANNA_PHONE)
    m = c.answered()
    routed(m)
    s.pbx.voice.talk_to(m)
    s.world.both_hear(s.world.ear(s.world.call()), s.pbx)
    equal(c.bye().code, 200)
    s.world.over(reason="hangup")


def calls_ended(s):
    """The gateway's BYE takes the same way back."""
    c = s.pbx.dial("anna_test")
    tg = s.world.call()
    s.world.both_hear(s.world.ear(tg), s.pbx)
    s.world.hang_up(tg)
    c.wait_request("BYE")
    s.world.over()


def is_called(s, end):
    """Asked for and answered, ACK included, through the proxy; ended by."""
    skip = len(s.pbx.invites())
    s.world.ring()
    i = s.pbx.pick_up(skip)
    routed(i.message)
    assert i.message.uri.startswith("sip:700@"), i.message.uri
    tg = s.world.call()
    s.world.both_hear(s.world.ear(tg), s.pbx)
    if end == "PBX":
        equal(i.bye().code, 200)
    else:
        s.world.hang_up(tg)
        i.wait_request("BYE")
    s.world.over()


def held(s):
    c = s.pbx.dial("anna_test")
    ear = s.world.ear(s.world.call())
    s.world.both_hear(ear, s.pbx)
    equal(s.pbx.hold(c).code, 200)
    equal(s.pbx.resume(c).code, 200)
    s.world.both_hear(ear, s.pbx)
    c.bye()
    s.world.over(reason="hangup")


def refused(s):
    c = s.pbx.try_dial("boris_test")
    equal(c.final().line, "SIP/2.0 486 User declined the call")
    s.world.over(BORIS)


def cancelled(s):
    c = s.pbx.try_dial("carla_test")
    c.wait_code(180)
    s.world.call(CARLA, "ringing")
    c.cancel()
    equal(c.final().code, 487)
    s.world.over(CARLA, "missed")


def equal(got, wanted):
    assert got == wanted, "got %r, wanted %r" % (got, wanted)


UDP = [
    ("calls, it hangs up", calls), ("calls, Telegram hangs up", calls_ended),
    ("is called, it hangs up", lambda s: is_called(s, "PBX")),
    ("is called, Telegram hangs up", lambda s: is_called(s, "Telegram")),
    ("re-INVITE for hold", held), ("refused: he declines", refused),
    ("CANCEL", cancelled),
]
# From us to Kamailio; it goes on over UDP, and records both.
TCP = [UDP[2], UDP[3]]


def run(runner):
    number = version()
    for transport, tests in (("udp", UDP), ("tcp", TCP)):
        site = Site(runner.world, os.path.join(
            runner.folder, "kamailio-" + transport), transport)
        runner.run_at(site, "Kamailio", number, tests,
                      transport.upper() + ": ")
