#!/usr/bin/env python3
"""Two gramline-endpoint processes with crossed SIG lines hear each other.

    endpoint_pair.py BUILD [NAME-PART]

For every version and both roles: on loopback; with 20 % of the blobs lost,
where the framing repairs that; over two network namespaces (root only).
Prints TAP. NAME-PART runs the tests whose names contain it.

# run: check 600
"""
import concurrent.futures
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import wave

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tone  # noqa: E402

VERSIONS = ["13.0.0", "12.0.0", "11.0.0", "10.0.0", "9.0.0", "8.0.0", "7.0.0"]
SDP = ["11.0.0", "10.0.0"]
REPAIRING = ["13.0.0", "12.0.0", "11.0.0", "10.0.0", "9.0.0", "8.0.0"]
HERTZ = {"a": 440, "b": 1000}
SECONDS = 2.5
SOUND_WITHIN = 30.0
CONNECT_WITHIN = 20.0
AT_ONCE = 6


class Failure(Exception):
    pass


class Endpoint:
    """One process; its lines are read on a thread of their own."""

    def __init__(self, name, command, errors):
        self.name = name
        self.peer = None
        self.states = []
        self.stats = None
        self.blobs = 0
        self.lose = lambda: False
        self.changed = threading.Condition()
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=errors, text=True, bufsize=1)
        self.lock = threading.Lock()
        self.thread = threading.Thread(target=self.read, daemon=True)

    def say(self, line):
        with self.lock:
            try:
                self.process.stdin.write(line + "\n")
                self.process.stdin.flush()
            except (BrokenPipeError, ValueError):
                pass

    def read(self):
        for line in self.process.stdout:
            kind, _, rest = line.strip().partition(" ")
            if kind == "SIG":
                self.blobs += 1
                if not self.lose():
                    self.peer.say(line.strip())
                continue
            with self.changed:
                if kind == "STATE":
                    self.states.append(rest)
                elif kind == "STATS":
                    self.stats = json.loads(rest)
                self.changed.notify_all()

    def wait_state(self, state, seconds):
        with self.changed:
            if not self.changed.wait_for(lambda: state in self.states, seconds):
                raise Failure("%s: no %s within %d s, states %s" % (
                    self.name, state, seconds, self.states))

    def stop(self):
        self.say("STOP")
        try:
            status = self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Failure(self.name + ": does not stop")
        self.thread.join(5)
        if status != 0:
            raise Failure("%s: exit status %d" % (self.name, status))
        if not self.stats:
            raise Failure(self.name + ": no STATS")

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass


class Namespaces:
    """Two network namespaces joined by a cable."""

    def __init__(self, suffix=""):
        tag = "%x%s" % (os.getpid() & 0xfffff, suffix)
        self.names = {"a": "gl%sa" % tag, "b": "gl%sb" % tag}

    def run(self, *words):
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.PIPE)

    def __enter__(self):
        a, b = self.names["a"], self.names["b"]
        try:
            for n in (a, b):
                self.run("ip", "netns", "add", n)
            self.run("ip", "link", "add", a, "netns", a, "type", "veth",
                     "peer", "name", b, "netns", b)
            for n, host in ((a, 1), (b, 2)):
                self.run("ip", "-n", n, "address", "add",
                         "10.213.7.%d/24" % host, "dev", n)
                self.run("ip", "-n", n, "link", "set", n, "up")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for n in self.names.values():
            subprocess.run(["ip", "netns", "delete", n],
                           stderr=subprocess.DEVNULL)

    def cable(self, works):
        a = self.names["a"]
        self.run("ip", "-n", a, "link", "set", a, "up" if works else "down")

    def prefix(self, side):
        return ["ip", "netns", "exec", self.names[side]]


def heard(path, expected, other):
    """The median of 100 ms windows: a busy machine may tear the sound."""
    voice = tone.load(path)[-2 * tone.RATE:-tone.RATE // 2]
    windows = [voice[i:i + tone.RATE // 10]
               for i in range(0, len(voice), tone.RATE // 10)]
    good, bad = (statistics.median(tone.share(w, hertz) for w in windows)
                 for hertz in (expected, other))
    if tone.level(voice) < 1000 or good < 0.8 or bad > 0.05:
        raise Failure("%s: level %d, %d Hz %.2f, %d Hz %.2f" % (
            os.path.basename(path), tone.level(voice), expected, good, other,
            bad))


def pair_start(build, directory, versions, a_calls, prefix, more):
    key = "".join("%02x" % random.randrange(256) for _ in range(256))
    ends = {}
    for side in "ab":
        command = prefix(side) + [
            os.path.join(build, "gramline-endpoint"),
            "--version", versions[side],
            "--outgoing" if (side == "a") == a_calls else "--incoming",
            "--key", key, "--p2p", "1",
            "--in", os.path.join(directory, "..", "%d.wav" % HERTZ[side]),
            "--out", os.path.join(directory, side + ".wav")] + more(side)
        with open(os.path.join(directory, side + ".log"), "w") as errors:
            ends[side] = Endpoint(side, command, errors)
    ends["a"].peer, ends["b"].peer = ends["b"], ends["a"]
    return ends


def wait_sound(paths):
    """Until every recording holds sound: lost messages of the acked framing
    are repeated after 5 s only."""
    end = time.monotonic() + SOUND_WITHIN
    while time.monotonic() < end:
        try:
            if all(tone.first_sound(tone.load(p)) is not None for p in paths):
                return
        except (EOFError, wave.Error):
            pass  # read while its header was being written
        time.sleep(0.5)
    raise Failure("no sound within %d s" % SOUND_WITHIN)


def recordings(directory):
    return [os.path.join(directory, side + ".wav") for side in "ab"]


def record(paths, seconds):
    """Until all recordings are longer by so many seconds of audio."""
    def size(path):
        return os.path.getsize(path) if os.path.exists(path) else 0

    wanted = {p: size(p) + int(seconds * 2 * tone.RATE) for p in paths}
    end = time.monotonic() + seconds + SOUND_WITHIN
    while any(size(p) < n for p, n in wanted.items()):
        if time.monotonic() > end:
            raise Failure("the recordings do not grow")
        time.sleep(0.05)


def pair_run(build, directory, version, a_calls, loss=0, seed=1,
             prefix=lambda side: [], talk=None, more=lambda side: []):
    ends = pair_start(build, directory, {"a": version, "b": version}, a_calls,
                      prefix, more)
    try:
        draw = random.Random(seed)
        for e in ends.values():
            e.lose = lambda: draw.random() < loss
            e.thread.start()
        for e in ends.values():
            e.wait_state("established", CONNECT_WITHIN)
        if talk:
            talk(ends)
        else:
            wait_sound(recordings(directory))
            record(recordings(directory), SECONDS)
        for e in ends.values():
            if e.states[-1] != "established":
                raise Failure("%s: states %s" % (e.name, e.states))
        for e in ends.values():
            e.stop()
    finally:
        for e in ends.values():
            e.kill()
    return ends


def tones_cross(build, directory, version, a_calls, **more):
    ends = pair_run(build, directory, version, a_calls, **more)
    heard(os.path.join(directory, "a.wav"), HERTZ["b"], HERTZ["a"])
    heard(os.path.join(directory, "b.wav"), HERTZ["a"], HERTZ["b"])
    return "connected in %d and %d ms" % (ends["a"].stats["connect_ms"],
                                          ends["b"].stats["connect_ms"])


def mute_crosses(build, directory, version):
    """MediaState goes over the data channel, and the voice stops; each way,
    and comes back."""
    other = {"a": "b", "b": "a"}

    def wav(side):
        return os.path.join(directory, side + ".wav")

    def talk(ends):
        record(recordings(directory), 1.5)
        for side in "ab":
            ends[side].say("MUTE 1")
            record(recordings(directory), 2.5)
            if tone.level(tone.load(wav(other[side]))[-tone.RATE:]) > 100:
                raise Failure(side + " is muted, but heard")
            ends[side].say("MUTE 0")
            record(recordings(directory), SECONDS)
        ends["a"].say("MUTE 1")
        record(recordings(directory), 0.5)

    ends = pair_run(build, directory, version, True, talk=talk)
    if not ends["b"].stats["peer_muted"] or ends["a"].stats["peer_muted"]:
        raise Failure("the last mute sign did not arrive")
    for side in "ab":
        with open(os.path.join(directory, side + ".log")) as f:
            signs = [text for text in f.read().split("\n") if "muted" in text]
        if signs[:2] != ["peer muted", "peer unmuted"]:
            raise Failure("%s saw %s" % (side, signs))
        heard(wav(side), HERTZ[other[side]], HERTZ[side])
    return "muted, silent and back"


def packet_times_cross(build, directory, times):
    """Each side sends packets of its own length."""
    ends = pair_run(build, directory, "13.0.0", True, more=lambda side: [
        "--ptime", str(times[side])])
    heard(os.path.join(directory, "a.wav"), HERTZ["b"], HERTZ["a"])
    heard(os.path.join(directory, "b.wav"), HERTZ["a"], HERTZ["b"])
    sent = {side: ends[side].stats["packets_sent"] for side in "ab"}
    if (sent["a"] > sent["b"]) != (times["a"] < times["b"]):
        raise Failure("packets sent: %s" % sent)
    return "%d and %d packets" % (sent["a"], sent["b"])


def cut_cable_reconnects(build, directory):
    """4 s without a network: both say so, and go on afterwards."""
    with Namespaces("r") as namespaces:
        def talk(ends):
            record(recordings(directory), 1)
            namespaces.cable(False)
            for e in ends.values():
                e.wait_state("reconnecting", 5)
                e.states.clear()
            record(recordings(directory), 1)
            namespaces.cable(True)
            for e in ends.values():
                e.wait_state("established", 10)
            record(recordings(directory), SECONDS)

        tones_cross(build, directory, "13.0.0", True, talk=talk,
                    prefix=namespaces.prefix)
    return "reconnected"


def cut_cable_fails(build, directory):
    """For good: failed 20 s after the loss was noticed."""
    with Namespaces("f") as namespaces:
        def talk(ends):
            record(recordings(directory), 1)
            namespaces.cable(False)
            start = time.monotonic()
            for e in ends.values():
                e.wait_state("failed", 28)
            took = time.monotonic() - start
            if not 20 <= took <= 26:
                raise Failure("failed after %.1f s" % took)
            for e in ends.values():
                e.states.append("established")  # as pair_run() wants it

        pair_run(build, directory, "9.0.0", True, talk=talk,
                 prefix=namespaces.prefix)
    return "failed"


def relay_only_fails(build, directory):
    """Without p2p and relays the call fails at once and says so."""
    ends = {}
    with open(os.path.join(directory, "a.log"), "w") as errors:
        e = Endpoint("a", [os.path.join(build, "gramline-endpoint"),
                           "--version", "13.0.0", "--outgoing", "--key",
                           "00" * 256, "--p2p", "0"], errors)
    ends["a"] = e
    try:
        e.thread.start()
        e.wait_state("failed", 5)
        e.stop()
    finally:
        e.kill()
    if e.blobs:
        raise Failure("it signalled all the same")
    return "refused"


def lost_peer_fails(build, directory):
    """Nobody answers: failed after 20 s, and not before."""
    with open(os.path.join(directory, "a.log"), "w") as errors:
        e = Endpoint("a", [os.path.join(build, "gramline-endpoint"),
                           "--version", "9.0.0", "--outgoing", "--key",
                           "11" * 256], errors)
    e.lose = lambda: True
    try:
        start = time.monotonic()
        e.thread.start()
        e.wait_state("failed", 25)
        took = time.monotonic() - start
        e.stop()
    finally:
        e.kill()
    if not 19 <= took <= 23:
        raise Failure("failed after %.1f s" % took)
    return "after %.1f s" % took


def tests_list(build, namespaces):
    """The longest first: so many run at a time."""
    tests = []
    for name, f in (("endpoint_cut_cable_fails", cut_cable_fails),
                    ("endpoint_cut_cable_reconnects", cut_cable_reconnects)):
        tests.append((name, (lambda d, f=f: f(build, d)) if namespaces
                      else None))
    tests.append(("endpoint_relay_only_fails",
                  lambda d: relay_only_fails(build, d)))
    tests.append(("endpoint_lost_peer_fails",
                  lambda d: lost_peer_fails(build, d)))
    for v in ("13.0.0", "11.0.0"):
        tests.append(("endpoint_pair_mute_" + v,
                      lambda d, v=v: mute_crosses(build, d, v)))
    for a_calls in (True, False):
        role = "caller" if a_calls else "callee"
        for v in VERSIONS:
            tests.append(("endpoint_pair_loopback_%s_%s" % (v, role),
                          lambda d, v=v, a=a_calls: tones_cross(
                              build, d, v, a)))
        for i, v in enumerate(REPAIRING):
            tests.append(("endpoint_pair_loss20_%s_%s" % (v, role),
                          lambda d, v=v, a=a_calls, i=i: tones_cross(
                              build, d, v, a, loss=0.2, seed=100 + i)))
        for v in VERSIONS:
            tests.append(("endpoint_pair_namespaces_%s_%s" % (v, role),
                          (lambda d, v=v, a=a_calls: tones_cross(
                              build, d, v, a, prefix=namespaces.prefix))
                          if namespaces else None))
    for a, b in ((10, 120), (20, 60), (120, 40)):
        tests.append(("endpoint_pair_packets_of_%d_and_%d_ms" % (a, b),
                      lambda d, a=a, b=b: packet_times_cross(
                          build, d, {"a": a, "b": b})))
    return tests


def run_one(test, base):
    name, function = test
    if function is None:
        return name, True, "# SKIP needs root (network namespaces)"
    directory = os.path.join(base, name)
    os.mkdir(directory)
    try:
        return name, True, "# " + function(directory)
    except Exception as e:  # a test's own errors are failures too
        logs = ""
        for side in "ab":
            path = os.path.join(directory, side + ".log")
            if os.path.exists(path):
                with open(path, errors="replace") as f:
                    logs += "".join("\n# %s: %s" % (side, text.rstrip())
                                    for text in f.readlines()[-15:])
        return name, False, "# %s: %s%s" % (type(e).__name__, e, logs)


def run_all(tests, at_once=AT_ONCE):
    """(name, function of a directory; None: skipped) each; the exit status."""
    failures = 0
    with tempfile.TemporaryDirectory(prefix="endpoint-") as base:
        for hertz in HERTZ.values():
            tone.make(os.path.join(base, "%d.wav" % hertz), hertz)
        with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
            runs = pool.map(lambda t: run_one(t, base), tests)
            for i, (name, good, text) in enumerate(runs, 1):
                failures += not good
                print("%s %d - %s %s" % ("ok" if good else "not ok", i, name,
                                         text), flush=True)
    print("1..%d" % len(tests))
    return 1 if failures else 0


def main():
    build = os.path.abspath(sys.argv[1])
    part = sys.argv[2] if len(sys.argv) > 2 else ""

    def run(namespaces):
        return run_all([t for t in tests_list(build, namespaces)
                        if part in t[0]])
    if os.geteuid() == 0 and shutil.which("ip"):
        with Namespaces() as namespaces:
            return run(namespaces)
    return run(None)


if __name__ == "__main__":
    sys.exit(main())
