#!/usr/bin/env python3
"""SIPVicious against the gateway, from an address of its own: it learns
nothing and ends banned, while a PBX on another address makes one call after
the other. What is forged in that PBX's name does not ban it.

    scanner.py BUILD [NAME-PART]

Everything runs in network namespaces of its own: the gateway's is joined by a
bridge to the scanner's and to the PBX's.

# run: check 90 beside
"""
import ctypes
import os
import shutil
import subprocess
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
from tests.harness.process import Tap, wait_for  # noqa: E402
from tests.harness.rtp import Voice  # noqa: E402
from tests.harness.sip import Client  # noqa: E402
from tests.harness.stage import PBX, Stage, equal, play, user  # noqa: E402

GATEWAY, SCANNER, OFFICE_PBX = "10.77.0.1", "10.77.0.2", "10.77.0.3"
PORT = 5060
TOOLS = "/usr/share/sipvicious/sipvicious"
CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)


def run(*words):
    subprocess.run(words, check=True)


class Network:
    """The process's own namespace with a bridge, and one on each side."""

    def __init__(self):
        self.names = {a: "gl%d-%s" % (os.getpid(), a[-1])
                      for a in (SCANNER, OFFICE_PBX)}
        if libc.unshare(CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "unshare")
        run("ip", "link", "set", "lo", "up")
        run("ip", "link", "add", "bridge", "type", "bridge")
        run("ip", "address", "add", GATEWAY + "/24", "dev", "bridge")
        run("ip", "link", "set", "bridge", "up")
        for address, name in self.names.items():
            run("ip", "netns", "add", name)
            run("ip", "link", "add", "to" + name[-2:], "type", "veth", "peer",
                "name", "eth0", "netns", name)
            run("ip", "link", "set", "to" + name[-2:], "master", "bridge",
                "up")
            for words in (["link", "set", "lo", "up"],
                          ["link", "set", "eth0", "up"],
                          ["address", "add", address + "/24", "dev", "eth0"]):
                run("ip", "-n", name, *words)

    def inside(self, address, make):
        """What make() returns; its sockets are of that namespace."""
        with open("/proc/self/ns/net") as home, \
                open("/run/netns/" + self.names[address]) as there:
            libc.setns(there.fileno(), CLONE_NEWNET)
            try:
                return make()
            finally:
                libc.setns(home.fileno(), CLONE_NEWNET)

    def run(self, address, *words, seconds=30):
        """A program there: its output, however it ends."""
        return subprocess.run(
            ["ip", "netns", "exec", self.names[address], *words],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=seconds).stdout

    def remove(self):
        for name in self.names.values():
            subprocess.run(["ip", "netns", "delete", name])


class Office:
    """A registered PBX that calls all the time."""

    def __init__(self, s):
        self.s, self.calls, self.trouble = s, 0, None
        self.stopping = False
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def work(self):
        try:
            while not self.stopping:
                equal(self.s.pbx.register().code, 200)
                v = self.s.net.inside(OFFICE_PBX,
                                      lambda: Voice(address=OFFICE_PBX))
                m = self.s.pbx.call("user_1", v.sdp())
                equal(m.answered().code, 200)
                equal(m.bye().code, 200)
                v.close()
                self.calls += 1
        except Exception as e:
            self.trouble = repr(e)

    def check(self, more=1):
        """So many more calls, and nothing wrong with any."""
        until = self.calls + more
        wait_for("calls of the office",
                 lambda: self.calls >= until or self.trouble, 30)
        assert not self.trouble, self.trouble

    def stop(self):
        self.stopping = True
        self.thread.join(30)
        assert not self.trouble, self.trouble


def tool(s, name, *words, disguised=False):
    """svmap, svwar or svcrack; disguised: it does not call itself so."""
    folder = s.path("tools-" + ("disguised" if disguised else "plain"))
    if not os.path.exists(folder):
        shutil.copytree(TOOLS, os.path.join(folder, "sipvicious"))
        path = os.path.join(folder, "sipvicious", "libs", "svhelper.py")
        with open(path) as f:
            text = f.read()
        assert "'friendly-scanner'" in text
        if disguised:
            text = text.replace("'friendly-scanner'", "'Office 7'")
        with open(path, "w") as f:
            f.write(text)
    program = ("import sys; sys.path.insert(0, %r); sys.argv[0] = %r; "
               "from sipvicious import %s as t; t.main()" % (
                   folder, name, name))
    # Interrupted, they say what they have found.
    return s.net.run(SCANNER, "timeout", "-s", "INT", "-k", "5",
                     "5" if disguised else "2", "/usr/bin/python3", "-c",
                     program, *words)


def probe(s):
    """A harmless request from the scanner's address: answered?"""
    c = s.net.inside(SCANNER, lambda: Client(
        "%s:%d" % (GATEWAY, PORT), "x", "", SCANNER))
    before = s.gateway.counters().get("sip.from banned address", 0)
    c.request("OPTIONS", "sip:x@" + GATEWAY, "probe%d" % c.port, 1,
              "<sip:x@%s>" % GATEWAY, "t")
    wait_for("the request to arrive", lambda: c.received or
             s.gateway.counters().get("sip.from banned address", 0) > before)
    c.close()
    return bool(c.received)


def ban(s):
    return next((b for b in s.gateway.rows("bans")
                 if b["address"] == SCANNER), None)


def plain(s):
    """By its own name: never an answer, and banned after a few requests."""
    for method in ("OPTIONS", "INVITE", "REGISTER"):
        out = tool(s, "svmap", "-p%d" % PORT, "-m", method, GATEWAY)
        assert GATEWAY not in out, out
    out = tool(s, "svwar", "-e100-120", "--force", "-p%d" % PORT, GATEWAY)
    assert "auth" not in out, out
    out = tool(s, "svcrack", "-u", "pbx", "-r1-9", "-p%d" % PORT, GATEWAY)
    assert "password" not in out, out
    equal(wait_for("the ban", lambda: ban(s))["reason"], "scanner")
    assert not probe(s)
    s.office.check()


def disguised(s):
    """As something else it sees a SIP server, no extensions, and five wrong
    passwords."""
    assert s.gateway.ask("ban lift " + SCANNER)["ok"]
    assert probe(s)
    out = tool(s, "svmap", "-p%d" % PORT, GATEWAY, disguised=True)
    assert "%s:%d" % (GATEWAY, PORT) in out, out
    tool(s, "svwar", "-e100-110", "--maximumtime=3", "--force",
         "-p%d" % PORT, GATEWAY, disguised=True)
    assert not ban(s), "the challenge is for everybody"
    words = s.path("words")
    with open(words, "w") as f:
        f.write("".join("guess%d\n" % i for i in range(40)) +
                PBX["password"] + "\n")
    out = tool(s, "svcrack", "-u", "pbx", "-d", words, "--maximumtime=3",
               "-p%d" % PORT, GATEWAY, disguised=True)
    assert PBX["password"] not in out, out
    equal(wait_for("the ban", lambda: ban(s))["reason"], "403 Wrong password")
    assert not probe(s)
    row = next(r for r in s.gateway.rows("refused")
               if r["address"] == SCANNER)
    assert row["403"] == 5 and row["scanner"] >= 5 and row["banned"], row
    s.office.check()


FORGER = """
import socket, struct, sys
source, target = (socket.inet_aton(a) for a in sys.argv[1:3])
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
data = b"INVITE \\x00\\xff garbage\\r\\n\\r\\n"
for i in range(40):
    udp = struct.pack("!HHHH", 5060, 5060, 8 + len(data), 0) + data
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), i, 0, 64, 17, 0,
                     source, target)
    s.sendto(ip + udp, (sys.argv[2], 0))
"""


def forged(s):
    """Garbage in the name of the PBX, from elsewhere: seen, and without
    consequences; in another stranger's name it bans that one."""
    def unparsable(address):
        return next((r["unparsable"] for r in s.gateway.rows("refused")
                     if r["address"] == address), 0)
    for name in (OFFICE_PBX, "10.77.0.9"):
        s.net.run(SCANNER, "/usr/bin/python3", "-c", FORGER, name, GATEWAY)
    # The scanner is banned, but these do not come from its address.
    wait_for("the forged packets", lambda: unparsable(OFFICE_PBX) == 40)
    wait_for("the stranger's ban", lambda: any(
        b["address"] == "10.77.0.9" for b in s.gateway.rows("bans")))
    equal([b["address"] for b in s.gateway.rows("bans")
           if b["address"] == OFFICE_PBX], [])
    s.office.check(2)


def unnoticed(s):
    """All calls of the office were made, none failed."""
    s.office.stop()
    calls = [r for r in s.gateway.records()
             if r["direction"] == "sip-to-telegram"]
    assert len(calls) >= 4, len(calls)
    equal({r["sip_status"] for r in calls}, {200})


TESTS = [
    ("scenario_scanner_by_its_name", plain),
    ("scenario_scanner_disguised", disguised),
    ("scenario_scanner_forged_packets", forged),
    ("scenario_scanner_harms_nobody_else", unnoticed),
]

if __name__ == "__main__":
    if os.geteuid() or not os.path.isdir(TOOLS):
        tap = Tap()
        for name, _ in TESTS:
            tap.skip(name, "needs root and the package sipvicious")
        sys.exit(tap.done())
    net = Network()
    try:
        stage = Stage("scanner", [user(1)], sip="never_ban = 192.0.2.1\n"
                      "listen = %s:%d\n" % (GATEWAY, PORT))
        stage.net = net
        stage.pbx = net.inside(OFFICE_PBX, lambda: Client(
            "%s:%d" % (GATEWAY, PORT), "pbx", PBX["password"], OFFICE_PBX))
        stage.clients.append(stage.pbx)
        equal(stage.pbx.register().code, 200)
        stage.office = Office(stage)
        play(stage, TESTS, "scenario_scanner_nothing_left")
    finally:
        net.remove()
