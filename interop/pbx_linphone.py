"""Linphone of Debian (linphonec), steered by its own commands: a WAV file is
its microphone, another one its loudspeaker."""
import os
import re
import shutil
import subprocess

from interop.pbx_softphone import SPOKEN, Site
from interop.pbx_world import ANNA_PHONE, AT_SIP, BORIS, HEARD
from tests.harness import recipe, tones
from tests.harness.process import Timeout, free_port, wait_for

GATEWAY = "10.0.0.5"
RECORDED = 100000  # bytes: a second of 48 kHz


def lacking():
    return "" if shutil.which("linphonec") else "linphonec is not installed"


def version():
    text = subprocess.run(["linphonec", "-v"], text=True,
                          stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT).stdout
    return re.search(r"\d+\.\d+[.\d]*", text).group(0)


class Linphone:
    def __init__(self, folder, gateway, words, speech):
        port, rtp = free_port(), free_port() & ~1
        recipe.write(folder, ["linphone/linphonerc"], dict({
            GATEWAY: gateway, "sip_port=5060": "sip_port=%d" % port,
            "audio_rtp_port=7078": "audio_rtp_port=%d" % rtp}, **words))
        # It does not make this itself, and then never speaks SIP.
        os.makedirs(os.path.join(folder, ".local", "share", "linphone"),
                    exist_ok=True)
        self.folder, self.gateway = folder, gateway
        self.recordings = 0
        self.sip_path = os.path.join(folder, "sip.log")
        self.log_path = os.path.join(folder, "linphonec.log")
        with open(self.log_path, "wb") as log:
            self.child = subprocess.Popen(
                ["linphonec", "-c", os.path.join(folder, "linphonerc"),
                 "-d", "6", "-l", self.sip_path],
                stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT,
                env={"HOME": folder, "PATH": os.environ["PATH"],
                     "LC_ALL": "C.UTF-8"})
        self.command("soundcard use files")
        self.command("play " + speech)

    def command(self, text):
        self.child.stdin.write(text.encode() + b"\n")
        self.child.stdin.flush()

    def text(self):
        with open(self.log_path, "rb") as f:
            return f.read().decode("utf-8", "replace")

    def wait_text(self, text, since=0, seconds=20):
        wait_for("linphonec to say %r" % text,
                 lambda: text in self.text()[since:], seconds, 0.05)

    def wait_sip(self, text, seconds=20):
        """In what it has sent and received."""
        def seen():
            if not os.path.exists(self.sip_path):
                return False
            with open(self.sip_path, "rb") as f:
                return text.encode() in f.read()
        wait_for("Linphone to see %r" % text, seen, seconds, 0.1)

    def record(self):
        """What the next call lets it hear goes into this file."""
        self.recordings += 1
        path = os.path.join(self.folder, "heard-%d.wav" % self.recordings)
        self.command("record " + path)
        return path

    def stop(self):
        try:
            self.command("quit")
            self.child.stdin.close()
            self.child.wait(10)
        except (OSError, subprocess.TimeoutExpired):
            self.child.kill()
            self.child.wait()
            raise Timeout("linphonec did not end")


def registered(s):
    s.world.gateway.wait_trunk("desk")
    row, = s.world.gateway.rows("trunks")
    assert "Linphone" in row["user_agent"], row


def talk(s, tg, recording):
    """The Telegram user hears Linphone, which has something to write down."""
    ear = s.world.ear(tg)
    s.world.hears(ear, SPOKEN)
    wait_for("Linphone's recording", lambda: os.path.exists(recording) and
             os.path.getsize(recording) > RECORDED, 20, 0.1)
    return ear


def heard(recording):
    """The file is one when the call is over."""
    wait_for("Linphone to have heard the Telegram user",
             lambda: tones.file_heard(recording, AT_SIP) >= HEARD, 5, 0.1)


def calls(s):
    recording = s.phone.record()
    s.phone.command("call sip:+%s@%s" % (ANNA_PHONE, s.world.here))
    talk(s, s.world.call(), recording)
    s.phone.command("terminate")
    s.world.over(reason="hangup")
    heard(recording)


def is_called(s):
    mark = len(s.phone.text())
    recording = s.phone.record()
    s.world.ring()
    s.phone.wait_text("Receiving new incoming call", mark)
    s.phone.command("answer")
    tg = s.world.call()
    talk(s, tg, recording)
    s.world.hang_up(tg)
    s.world.over()
    heard(recording)


def paused(s):
    """A re-INVITE each way; heard again afterwards."""
    recording = s.phone.record()
    s.phone.command("call sip:anna_test@" + s.world.here)
    ear = talk(s, s.world.call(), recording)
    s.phone.command("pause")
    s.phone.wait_sip("a=sendonly")
    s.phone.command("resume")
    s.world.hears(ear, SPOKEN)
    s.phone.command("terminate")
    s.world.over(reason="hangup")


def refused(s):
    s.phone.command("call sip:boris_test@" + s.world.here)
    s.world.over(BORIS)
    s.phone.wait_sip("SIP/2.0 486 User declined the call")


def wrong_password(s):
    s.phone.wait_sip("SIP/2.0 403 Wrong password")


TESTS = [("registers", registered), ("calls a Telegram user", calls),
         ("is called by a Telegram user", is_called), ("hold", paused),
         ("refused: he declines", refused)]


def run(runner):
    number, world = version(), runner.world
    for place, words, tests in (
            ("linphone", {}, TESTS),
            ("linphone-wrong", {"passwd=change-me": "passwd=guessed"},
             [("wrong password", wrong_password)])):
        site = Site(world, "linphone/gramline.conf", lambda: Linphone(
            os.path.join(runner.folder, place), world.here, words,
            world.tone(SPOKEN, 16000)))
        runner.run_at(site, "Linphone", number, tests)
