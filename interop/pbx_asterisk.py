"""Asterisk of Debian unstable in a folder of its own: made once, kept in the
user's cache, run under chroot."""
import os
import re
import shutil
import socket
import subprocess
import threading

from tests.harness import recipe
from tests.harness.process import Process, wait_for

CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or
                     os.path.expanduser("~/.cache"), "gramline")
ROOT = os.path.join(CACHE, "asterisk")
RUNS = "/srv/gramline"     # inside ROOT
RECIPES = ["asterisk/pjsip.conf", "asterisk/extensions.conf",
           "asterisk/features.conf", "asterisk/musiconhold.conf"]
# What is no recipe: where this Asterisk lives, and its manager interface.
OWN = {
    "asterisk.conf": """[directories]
astcachedir => {run}
astetcdir => {run}/etc
astmoddir => {modules}
astvarlibdir => {run}
astdbdir => {run}
astkeydir => {run}
astdatadir => /usr/share/asterisk
astspooldir => {run}
astrundir => {run}
astlogdir => {run}
""",
    # Without their configuration most other modules decline to load.
    "modules.conf": """[modules]
autoload = yes
noload => chan_iax2.so
noload => chan_unistim.so
noload => pbx_dundi.so
noload => res_hep.so
noload => res_pjsip_outbound_registration.so
""",
    "logger.conf": "[logfiles]\nconsole => notice,warning,error,verbose\n",
    "rtp.conf": "[general]\nrtpstart = 18500\nrtpend = 19900\n",
    "manager.conf": """[general]
enabled = yes
bindaddr = {address}
[test]
secret = for-tests
read = all
write = all
""",
}


def mirror():
    """Where this machine gets Debian's packages from."""
    text = subprocess.run(["apt-get", "indextargets", "--format",
                           "$(REPO_URI)|$(ORIGIN)|$(LABEL)|$(COMPONENT)"],
                          stdout=subprocess.PIPE, text=True,
                          check=True).stdout
    for line in text.splitlines():
        uri, origin, label, component = line.split("|")
        if (origin, label, component) == ("Debian", "Debian", "main"):
            return uri
    raise RuntimeError("apt knows no Debian mirror")


def lacking():
    """Why there can be no Asterisk here; nothing: an empty string."""
    if os.geteuid() != 0:
        return "Asterisk is run under chroot: root is needed"
    if not is_cached() and not shutil.which("debootstrap"):
        return "no debootstrap"
    return ""


def is_cached():
    return os.path.isdir(ROOT)


def install(say):
    """The folder, if it is not there yet; an unfinished one never is."""
    if is_cached():
        return
    say("Asterisk is fetched (debootstrap, two minutes, 600 MB in %s)" % ROOT)
    os.makedirs(CACHE, exist_ok=True)
    new = "%s.%d" % (ROOT, os.getpid())
    try:
        with open(os.path.join(CACHE, "asterisk.log"), "w") as log:
            for command in (
                    ["debootstrap", "--variant=minbase", "unstable", new,
                     mirror()],
                    ["chroot", new, "env", "DEBIAN_FRONTEND=noninteractive",
                     "RUNLEVEL=1", "apt-get", "install", "-y", "-qq",
                     "--no-install-recommends", "asterisk",
                     "asterisk-modules"]):
                subprocess.run(command, check=True, stdout=log,
                               stderr=subprocess.STDOUT,
                               stdin=subprocess.DEVNULL)
        if not is_cached():
            os.rename(new, ROOT)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def version():
    return subprocess.run(["chroot", ROOT, "asterisk", "-V"], check=True,
                          stdout=subprocess.PIPE,
                          text=True).stdout.split()[1].split("+")[0]


class Manager:
    """The manager interface: actions, and the events since."""

    def __init__(self, address):
        self.socket = socket.create_connection((address, 5038), 5)
        self.socket.settimeout(None)
        self.blocks = []
        threading.Thread(target=self.read, daemon=True).start()
        self.action("Login", Username="test", Secret="for-tests")

    def read(self):
        block = {}
        try:
            for line in self.socket.makefile(encoding="utf-8",
                                             errors="replace"):
                name, colon, value = line.rstrip("\r\n").partition(": ")
                if colon:
                    block[name] = value
                elif block:
                    self.blocks.append(block)
                    block = {}
        except (OSError, ValueError):
            pass

    def action(self, name, **fields):
        number = str(len(self.blocks)) + name
        fields = dict(Action=name, ActionID=number, **fields)
        self.socket.sendall(("".join("%s: %s\r\n" % f for f in fields.items())
                             + "\r\n").encode())
        answer = wait_for("an answer to " + name, lambda: next(
            (b for b in list(self.blocks) if b.get("ActionID") == number and
             "Response" in b), None))
        if answer["Response"] not in ("Success", "Goodbye"):
            raise RuntimeError("%s: %s" % (name, answer))
        return answer

    def get(self, channel, name):
        return self.action("Getvar", Channel=channel, Variable=name)["Value"]

    def event(self, kind, since=0, **fields):
        """The first event that has these fields, or None."""
        return next((b for b in self.blocks[since:]
                     if b.get("Event") == kind and
                     all(b.get(k) == v for k, v in fields.items())), None)

    def close(self):
        self.socket.close()


class Asterisk:
    """One, with the recipe of a kind and words replaced in it. certificate:
    of who is to be believed, PEM."""

    def __init__(self, folder, kind, address, words, music,
                 certificate=None):
        self.folder, self.address = folder, address
        self.run = "%s/%d-%s" % (RUNS, os.getpid(), kind)
        self.place = ROOT + self.run      # as seen from outside
        etc = os.path.join(self.place, "etc")
        shutil.rmtree(self.place, ignore_errors=True)
        words = dict(words)
        words["/usr/share/asterisk/moh"] = self.run + "/moh"
        os.makedirs(self.place + "/moh")
        shutil.copy(music, self.place + "/moh/music.wav")
        if certificate:
            words["/etc/asterisk/gramline.pem"] = self.run + "/gramline.pem"
            with open(self.place + "/gramline.pem", "w") as f:
                f.write(certificate)
        recipe.write(etc, RECIPES + [
            "asterisk/%s/pjsip_gramline.conf" % kind], words)
        modules = next(where for where, _, names in os.walk(
            ROOT + "/usr/lib") if "chan_pjsip.so" in names)[len(ROOT):]
        for name, text in OWN.items():
            with open(os.path.join(etc, name), "w") as f:
                f.write(text.format(run=self.run, modules=modules,
                                    address=address))
        self.process = Process("asterisk", [
            "chroot", ROOT, "asterisk", "-f", "-n", "-vvv", "-C",
            self.run + "/etc/asterisk.conf"], folder)
        try:
            self.process.wait_text("Asterisk Ready.", 60)
            self.cli("pjsip set logger on")
            # It drops answers that come before all its modules are there.
            self.cli("module load res_pjsip_outbound_registration.so")
            self.manager = Manager(address)
        except Exception:
            self.process.kill()
            raise

    def cli(self, command):
        return subprocess.run(
            ["chroot", ROOT, "asterisk", "-C", self.run +
             "/etc/asterisk.conf", "-rx", command], check=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True).stdout

    def text(self):
        """What it has said, without colours."""
        return re.sub(r"\x1b\[[0-9;]*m", "", self.process.text())

    def wait_text(self, text, seconds=20, since=0):
        wait_for("Asterisk to say %r" % text,
                 lambda: text in self.text()[since:], seconds, 0.1)

    def channels(self, part):
        """The names of running channels that hold this."""
        names = {line.split("!")[0] for line in
                 self.cli("core show channels concise").splitlines()}
        return {name for name in names if part in name}

    def channel(self, part):
        one, = self.channels(part)
        return one

    def stop(self):
        try:
            self.manager.close()
            self.process.stop()
        finally:
            shutil.rmtree(self.place, ignore_errors=True)
