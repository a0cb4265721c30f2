#!/usr/bin/env python3
"""Two gramline-endpoint processes that may not talk directly hear each other
through a relay.

    endpoint_relay.py BUILD [NAME-PART]

For every version and both roles: reflector over UDP, over TCP, one side each,
TURN (coturn); no candidate but relays' is signalled. In network namespaces
(root only) in which both sides can reach each other as well as the relay, the
receiver counts that no packet went past the relay. Reflectors are our own
stand-ins, tests/harness/reflector.py. Prints TAP.

# run: check 600
"""
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import endpoint_pair as pair  # noqa: E402

SECONDS = 2.5
AT_ONCE = 6
TAG = "%02x" + "0102030405060708090a0b0c0d0e0f"
USER, PASSWORD = "gramline", "relay-test"


def free_port(host="127.0.0.1"):
    """A port that is free for UDP and TCP."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as u, \
                socket.socket(socket.AF_INET, socket.SOCK_STREAM) as t:
            u.bind((host, 0))
            try:
                t.bind(u.getsockname())
            except OSError:
                continue
            return u.getsockname()[1]


class Reflector:
    def __init__(self, host, port, prefix=()):
        self.host, self.port = host, port
        self.process = subprocess.Popen(
            list(prefix) + [sys.executable, os.path.join(
                HERE, "..", "harness", "reflector.py"), host, str(port)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline().strip() != "ready":
            raise pair.Failure("the reflector does not start")

    def entry(self, side, tcp=False, number=1):
        return {"id": number, "host": self.host, "port": self.port,
                "peerTag": TAG % (0x20 | (side == "b")), "isTcp": tcp}

    def counts(self):
        out, _ = self.process.communicate(timeout=10)
        return {k: int(v) for k, v in
                (word.split("=") for word in out.split())}

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


class Turn:
    """coturn with one user, on loopback."""

    def __init__(self, directory, host="127.0.0.1", prefix=()):
        self.host, self.port = host, free_port()
        self.log = os.path.join(directory, "turnserver.log")
        self.process = subprocess.Popen(
            list(prefix) + [
                "turnserver", "-n", "--listening-ip", host, "--relay-ip",
                host, "--listening-port", str(self.port), "--no-tls",
                "--no-dtls", "--no-cli", "--lt-cred-mech", "--realm",
                "gramline.example", "--user", USER + ":" + PASSWORD,
                "--allow-loopback-peers", "--fingerprint", "--pidfile",
                os.path.join(directory, "turnserver.pid"), "--verbose",
                "--simple-log", "--log-file", self.log, "--userdb", os.path.join(directory, "turn.db")],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        self.wait(prefix)

    def wait(self, prefix):
        """Until it answers a Binding request (or its TCP port is open)."""
        end = time.monotonic() + 20
        while time.monotonic() < end:
            if subprocess.run(list(prefix) + [
                    sys.executable, "-c",
                    "import socket,sys\n"
                    "socket.create_connection((sys.argv[1],"
                    "int(sys.argv[2])),1)", self.host, str(self.port)],
                    stderr=subprocess.DEVNULL).returncode == 0:
                return
            time.sleep(0.1)
        raise pair.Failure("turnserver does not start")

    def entry(self, side, password=PASSWORD):
        return {"id": 9, "host": self.host, "port": self.port,
                "username": USER, "password": password, "isTurn": True}

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait()


def start(build, directory, version, a_calls, servers, p2p=0,
          prefix=lambda side: [], more=()):
    key = "".join("%02x" % random.randrange(256) for _ in range(256))
    ends = {}
    for side in "ab":
        command = prefix(side) + [
            os.path.join(build, "gramline-endpoint"), "--version", version,
            "--outgoing" if (side == "a") == a_calls else "--incoming",
            "--key", key, "--p2p", str(p2p),
            "--in", os.path.join(directory, "..",
                                 "%d.wav" % pair.HERTZ[side]),
            "--out", os.path.join(directory, side + ".wav"), *more]
        for s in servers(side):
            command += ["--rtc-server", json.dumps(s)]
        with open(os.path.join(directory, side + ".log"), "w") as errors:
            ends[side] = pair.Endpoint(side, command, errors)
    ends["a"].peer, ends["b"].peer = ends["b"], ends["a"]
    return ends


def call(build, directory, version, a_calls, servers, p2p=0,
         prefix=lambda side: []):
    """The STATS of both after a call in which both heard the other."""
    ends = start(build, directory, version, a_calls, servers, p2p, prefix)
    try:
        for e in ends.values():
            e.thread.start()
        for e in ends.values():
            e.wait_state("established", pair.CONNECT_WITHIN)
        recordings = [os.path.join(directory, s + ".wav") for s in "ab"]
        pair.wait_sound(recordings)
        pair.record(recordings, SECONDS)
        for e in ends.values():
            e.stop()
    finally:
        for e in ends.values():
            e.kill()
    pair.heard(os.path.join(directory, "a.wav"), pair.HERTZ["b"],
               pair.HERTZ["a"])
    pair.heard(os.path.join(directory, "b.wav"), pair.HERTZ["a"],
               pair.HERTZ["b"])
    return {side: e.stats for side, e in ends.items()}


def went_through(stats, word):
    for side, s in stats.items():
        if not s["local"].startswith("relay") or word not in s["local"]:
            raise pair.Failure("%s: local %s" % (side, s["local"]))
    return stats["a"]["local"]


def through_reflector(build, directory, version, a_calls, tcp):
    reflector = Reflector("127.0.0.1", free_port())
    try:
        stats = call(build, directory, version, a_calls,
                     lambda side: [reflector.entry(side, side in tcp)])
        counts = reflector.counts()
    finally:
        reflector.stop()
    if counts["udp" if len(tcp) < 2 else "tcp"] < 100:
        raise pair.Failure("counts %s" % counts)
    return went_through(stats, ".reflector")


def through_turn(build, directory, version, a_calls):
    turn = Turn(directory)
    try:
        stats = call(build, directory, version, a_calls,
                     lambda side: [turn.entry(side)])
    finally:
        turn.stop()
    return went_through(stats, "127.0.0.1")


def direct_comes_first(build, directory):
    """With p2p allowed the relay is there, and carries nothing."""
    reflector = Reflector("127.0.0.1", free_port())
    try:
        stats = call(build, directory, "13.0.0", True,
                     lambda side: [reflector.entry(side)], p2p=1)
    finally:
        reflector.stop()
    if not stats["a"]["local"].startswith("host"):
        raise pair.Failure("local %s" % stats["a"]["local"])
    return stats["a"]["local"]


def wrong_password_goes_on(build, directory):
    """A TURN server that refuses us does not matter beside a reflector."""
    turn = reflector = None
    try:
        turn = Turn(directory)
        reflector = Reflector("127.0.0.1", free_port())
        stats = call(build, directory, "13.0.0", True, lambda side: [
            turn.entry(side, password="guess"), reflector.entry(side)])
    finally:
        for r in (turn, reflector):
            if r:
                r.stop()
    return went_through(stats, ".reflector")


def leaks_nothing(build, directory, kind):
    """Both sides reach each other by cable, and use the relay alone: every
    packet that one receives is to or from it, none between the two."""
    with Hub() as hub:
        relay = Turn(directory, "10.213.9.3", hub.prefix("r")) \
            if kind == "turn" else \
            Reflector("10.213.9.3", 5960, hub.prefix("r"))
        try:
            hub.count()
            if kind == "turn":
                servers = lambda side: [relay.entry(side)]  # noqa: E731
            else:
                servers = lambda side: [  # noqa: E731
                    relay.entry(side, kind == "tcp")]
            call(build, directory, "13.0.0", True, servers,
                 prefix=hub.prefix)
            counts = hub.counts()
        finally:
            relay.stop()
    if counts["direct"] or counts["relay"] < 100:
        raise pair.Failure("packets: %s" % counts)
    return "relay %d, direct %d" % (counts["relay"], counts["direct"])


class Hub:
    """Namespaces a, b and r (the relay) at one bridge in a fourth; a and b
    count what leaves them."""
    HOSTS = {"a": 1, "b": 2, "r": 3}

    def __init__(self):
        tag = "%x%x" % (os.getpid() & 0xffff, random.randrange(4096))
        self.names = {k: "gr%s%s" % (tag, k) for k in "abrh"}

    def run(self, *words):
        return subprocess.run(words, check=True, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True).stdout

    def __enter__(self):
        hub = self.names["h"]
        try:
            for n in self.names.values():
                self.run("ip", "netns", "add", n)
                self.run("ip", "-n", n, "link", "set", "lo", "up")
            self.run("ip", "-n", hub, "link", "add", "br0", "type", "bridge")
            self.run("ip", "-n", hub, "link", "set", "br0", "up")
            for k, host in self.HOSTS.items():
                n = self.names[k]
                self.run("ip", "link", "add", "e0", "netns", n, "type",
                         "veth", "peer", "name", "p" + k, "netns", hub)
                self.run("ip", "-n", hub, "link", "set", "p" + k, "master",
                         "br0", "up")
                self.run("ip", "-n", n, "address", "add",
                         "10.213.9.%d/24" % host, "dev", "e0")
                self.run("ip", "-n", n, "link", "set", "e0", "up")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for n in self.names.values():
            subprocess.run(["ip", "netns", "delete", n],
                           stderr=subprocess.DEVNULL)

    def prefix(self, side):
        return ["ip", "netns", "exec", self.names[side]]

    def count(self):
        """Captures every IP packet that arrives at or leaves a and b."""
        self.sniffers = [subprocess.Popen(
            self.prefix(k) + [sys.executable, "-c", SNIFFER],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for k in "ab"]
        for s in self.sniffers:
            s.stdout.readline()

    def counts(self):
        total = {"relay": 0, "direct": 0}
        for s in self.sniffers:
            out, _ = s.communicate(timeout=10)
            relay, direct = map(int, out.split())
            total["relay"] += relay
            total["direct"] += direct
        return total


# Packets by whether the relay (10.213.9.3) is one of their ends.
SNIFFER = """
import select, socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0003))
s.bind(("e0", 3))
print("ready", flush=True)
relay = direct = 0
while True:
    ready, _, _ = select.select([s, sys.stdin], [], [])
    if s in ready:
        d, a = s.recvfrom(2048)
        if a[1] == 0x0800:
            if socket.inet_aton("10.213.9.3") in (d[12:16], d[16:20]):
                relay += 1
            elif d[9] != 2:  # the kernel's own IGMP reports
                direct += 1
        elif a[1] == 0x86dd and d[6] == 17:
            direct += 1
    elif sys.stdin in ready:
        break
print(relay, direct)
"""


def tests_list(build, namespaces, has_turn):
    tests = []
    kinds = (("reflector_udp", ""), ("reflector_tcp", "ab"),
             ("reflector_mixed", "b"))
    for a_calls in (True, False):
        role = "caller" if a_calls else "callee"
        for v in pair.VERSIONS:
            # The apps do not use reflectors with session descriptions.
            for kind, tcp in kinds if v not in pair.SDP else ():
                tests.append(("endpoint_relay_%s_%s_%s" % (kind, v, role),
                              lambda d, v=v, a=a_calls, t=tcp:
                              through_reflector(build, d, v, a, t)))
            tests.append(("endpoint_relay_turn_%s_%s" % (v, role),
                          (lambda d, v=v, a=a_calls: through_turn(
                              build, d, v, a)) if has_turn else None))
    tests.append(("endpoint_relay_direct_comes_first",
                  lambda d: direct_comes_first(build, d)))
    tests.append(("endpoint_relay_wrong_password_goes_on",
                  (lambda d: wrong_password_goes_on(build, d))
                  if has_turn else None))
    for kind in ("udp", "tcp", "turn"):
        tests.append(("endpoint_relay_leaks_nothing_" + kind,
                      (lambda d, k=kind: leaks_nothing(build, d, k))
                      if namespaces and (has_turn or kind != "turn")
                      else None))
    return tests


def main():
    build = os.path.abspath(sys.argv[1])
    part = sys.argv[2] if len(sys.argv) > 2 else ""
    namespaces = os.geteuid() == 0 and shutil.which("ip")
    tests = [t for t in tests_list(build, namespaces,
                                   shutil.which("turnserver"))
             if part in t[0]]
    return pair.run_all(tests, AT_ONCE)


if __name__ == "__main__":
    sys.exit(main())
