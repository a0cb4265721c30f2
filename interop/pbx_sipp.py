"""Odd peers, played by SIPp on an IP trunk: what the network loses or repeats,
what crosses, and messages as some have them."""
import os
import shutil
import subprocess
import threading

from interop.pbx_sipp_script import (bye, called, inside, invite, keep, pause,
                                     recv, reply, reply_kept, request, ringing,
                                     scenario, sdp)
from interop.pbx_world import ANNA, ANNA_PHONE, DAVID
from tests.harness.process import free_port, wait_for

TRUNK = """[trunk odd]
session = office
kind = ip
address = %s:%d
number = 700
codecs = alaw
"""
SECONDS = 20
GLARE_SECONDS = 70
BRANCH = "z9hG4bK[pid]once[call_number]"
ACK = inside("ACK", 1)
LONG = "X-Long: " + "0123456789abcdef" * 500
# SIPp takes blanks away at the beginning of a line: [fold] is one.
FOLDED = ["Subject: folded\n[fold]over\n[fold]\tthree lines", "X-Empty:",
          "Supported: replaces,\n[fold]100rel ,\n[fold] timer"]


def lacking():
    return "" if shutil.which("sipp") else "SIPp is not installed"


def version():
    text = subprocess.run(["sipp", "-v"], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT).stdout
    return text.split("SIPp v")[1].split("-")[0].rstrip(".")


class Site:
    def __init__(self, world, folder):
        self.world, self.folder = world, folder
        os.makedirs(folder)
        self.address, self.port = world.net + "8", free_port()
        world.start_gateway(TRUNK % (self.address, self.port))

    def start(self, name, text, seconds=SECONDS, *more):
        path = os.path.join(self.folder, name + ".xml")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        with open(path[:-3] + "log", "wb") as log:
            child = subprocess.Popen(
                ["sipp", self.world.here + ":5060", "-sf", path, "-i",
                 self.address, "-p", str(self.port), "-mp",
                 str(free_port() & ~1), "-rtp_echo", "-m", "1", "-nostdin",
                 "-recv_timeout", str(1000 * seconds), "-timeout",
                 "%ds" % (seconds + 5), "-timeout_error", "-trace_err",
                 "-error_file", path[:-3] + "err", "-trace_msg",
                 "-message_file", path[:-3] + "msg", "-key", "fold", " ",
                 *more],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        child.errors = path[:-3] + "err"
        return child

    def finish(self, child, seconds=SECONDS + 10):
        try:
            status = child.wait(seconds)
        except subprocess.TimeoutExpired:
            child.kill()
            status = child.wait()
        if status:
            errors = ""
            if os.path.exists(child.errors):
                with open(child.errors, errors="replace") as f:
                    errors = " ".join(f.read().split())[:300]
            raise AssertionError("SIPp: exit status %d %s" % (status, errors))

    def stop(self):
        self.world.stop_gateway()


# -- SIPp calls: (name, steps, options) ---------------------------------------
# -nr: what the gateway repeats is a step of its own.
LATE_ACK = ("late_ack", scenario(
    "the ACK comes after four answers", invite(), ringing(),
    *[recv("200", rrs="true")] * 4, ACK, pause(1500), bye()), ["-nr"])
LOST_200 = ("lost_200", scenario(
    "the first answer is lost", invite(), ringing(),
    recv("200", rrs="true"), recv("200", rrs="true"), ACK, pause(700),
    bye()), ["-nr"])
REPEATED_INVITE = ("repeated_invite", scenario(
    "an INVITE three times", invite(branch=BRANCH), recv("100"),
    invite(branch=BRANCH), recv("100"), recv("180"), invite(branch=BRANCH),
    recv("180"), recv("200", rrs="true"), ACK, pause(300), bye()), ["-nr"])
DELAYED_OFFER = ("delayed_offer", scenario(
    "the offer is in our answer", invite(""), ringing(),
    recv("200", rrs="true"), inside("ACK", 1, body=sdp()), pause(700),
    bye()), [])
OLD_HOLD = ("old_hold", scenario(
    "hold as RFC 2543 has it", invite(), ringing(), recv("200", rrs="true"),
    ACK, inside("INVITE", 2, body=sdp(version=2, address="0.0.0.0")),
    recv("100", optional="true"), recv("200"), inside("ACK", 2), pause(300),
    inside("INVITE", 3, body=sdp(version=3)), recv("100", optional="true"),
    recv("200"), inside("ACK", 3), pause(300), bye(4)), [])
CANCEL_LATE = ("cancel_late", scenario(
    "CANCEL when it was answered already", invite(branch=BRANCH), ringing(),
    recv("200", rrs="true"),
    request("CANCEL", 1, branch=BRANCH, peer_tag=""), recv("200"), ACK,
    pause(300), bye()), [])
LARGE = ("large_headers", scenario(
    "8 KB of one header, folded ones", invite(headers=[LONG] + FOLDED),
    ringing(), recv("200", rrs="true"), ACK, pause(300), bye()), [])
TEL = ("tel_uris", scenario(
    "tel: wherever it may stand", invite(
        uri="tel:+" + ANNA_PHONE, to="<tel:+%s>" % ANNA_PHONE,
        sender="<tel:+999660007777>"), ringing(), recv("200", rrs="true"),
    inside("ACK", 1, to="<tel:+%s>" % ANNA_PHONE,
           sender="<tel:+999660007777>"), pause(300),
    inside("BYE", 2, to="<tel:+%s>" % ANNA_PHONE,
           sender="<tel:+999660007777>"), recv("200")), [])
UTF8 = '"Zoë Ångström 日本 \\"Ω\\"" <sip:odd@[local_ip]>'
NAMES = ("utf8_names", scenario(
    "a name in UTF-8", invite(sender=UTF8), ringing(),
    recv("200", rrs="true"), inside("ACK", 1, sender=UTF8), pause(300),
    inside("BYE", 2, sender=UTF8), recv("200")), [])
# Our refresh, half of 90 s later, meets one of its own.
GLARE = ("glare", scenario(
    "two re-INVITEs cross", invite(user="david_test", headers=[
        "Supported: timer", "Session-Expires: 90;refresher=uas"]),
    ringing(), recv("200", rrs="true"), inside("ACK", 1),
    keep(), inside("INVITE", 2, body=sdp(version=2)),
    recv("100", optional="true"), recv("491"),
    inside("ACK", 2, branch="[branch-3]"), reply_kept("491 Request Pending"), recv("ACK"), keep(),
    reply_kept("200 OK", sdp()), recv("ACK"), bye(3)), [])


def calls(s, script, who=ANNA):
    """As the script says; one call of Telegram's came of it."""
    name, text, options = script
    before = len(s.world.telegram.calls(True))
    s.finish(s.start(name, text, SECONDS, *options))
    s.world.over(who)
    assert len(s.world.telegram.calls(True)) == before + 1


# -- SIPp is called -------------------------------------------------------------
ANSWER = reply("200 OK", body=sdp())
AGAIN = ANSWER.replace("[last_CSeq:]", "CSeq: [$cseq]")
END = recv("BYE") + reply("200 OK", "")
FORKED = scenario(
    "rings here and there", keep(), reply("180 Ringing", "a"),
    reply("180 Ringing", "b"), reply("183 Session Progress", "c",
                                     body=sdp()),
    reply("200 OK", "b", body=sdp()), recv("ACK"), pause(300),
    called("BYE", 1, "b"), recv("200"))
CROSSED = scenario(
    "answers what is being cancelled", keep(), reply("180 Ringing"),
    recv("CANCEL"), reply("200 OK", headers=["X-Of: CANCEL"]), pause(100),
    AGAIN, recv("ACK"), END)
LOST_ACK = scenario(
    "the ACK was lost: the answer again", keep(), reply("180 Ringing"),
    ANSWER, recv("ACK"), AGAIN,
    recv("ACK"), pause(300), called("BYE", 1), recv("200"))


def is_called(s, name, text, act=None):
    child = s.start(name, text, SECONDS, "-nr")
    s.world.ring()
    if act:
        act()
    s.finish(child)
    s.world.gateway.wait_idle()


def caller_gives_up(s):
    """While it rings."""
    wait_for("the PBX to ring", lambda: any(
        r["state"] == "ringing" for r in s.world.gateway.rows("calls")))
    s.world.tidy()


TESTS = [(what, lambda s, script=script: calls(s, script)) for what, script in (
    ("late ACK", LATE_ACK), ("lost 200", LOST_200),
    ("retransmitted INVITE", REPEATED_INVITE),
    ("delayed offer", DELAYED_OFFER), ("hold by 0.0.0.0", OLD_HOLD),
    ("CANCEL after 200", CANCEL_LATE),
    ("huge and folded headers", LARGE), ("tel: URIs", TEL),
    ("UTF-8 names", NAMES))] + [
    ("forked answers", lambda s: is_called(s, "forked", FORKED)),
    ("200 repeated after ACK", lambda s: is_called(s, "lost_ack", LOST_ACK)),
    ("200 crosses CANCEL", lambda s: is_called(
        s, "crossed", CROSSED, lambda: caller_gives_up(s)))]


def glare(s):
    name, text, _ = GLARE
    s.finish(s.start(name, text, GLARE_SECONDS), GLARE_SECONDS + 10)
    s.world.over(DAVID)


def run(runner):
    tests = TESTS if runner.quick else TESTS + [("re-INVITE glare", glare)]
    site = Site(runner.world, os.path.join(runner.folder, "sipp"))
    runner.run_at(site, "SIPp", version(), tests)
