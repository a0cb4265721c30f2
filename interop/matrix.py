"""Every library version, both roles, every path: gramline-endpoint against
itself and against libwebrtc (endpoint/endpoint.js), over crossed SIG lines.
Each side speaks a tone of its own; a call ends when both heard the other's."""
import concurrent.futures
import json
import os
import random
import sys
import time

import numpy

from interop import compatibility

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "tests", "scenario"))
import tone  # noqa: E402
from endpoint_pair import Endpoint, Failure  # noqa: E402
from endpoint_relay import Reflector, Turn, free_port  # noqa: E402

OURS_HERTZ, FAR_HERTZ = 440, 1000
START_WITHIN = 20.0
CONNECT_WITHIN = 25.0
HEAR_WITHIN = 20.0
AT_ONCE = 2
WAV_HEADER = 44
# A quick run: each framing, each kind of path, each far end, each role.
QUICK = [
    ("13.0.0", "callee", "TURN", "libwebrtc"),
    ("12.0.0", "caller", "reflector TCP", "gramline-endpoint"),
    ("11.0.0", "caller", "direct", "libwebrtc"),
    ("10.0.0", "callee", "TURN", "libwebrtc"),
    ("9.0.0", "caller", "TURN", "libwebrtc"),
    ("8.0.0", "callee", "reflector UDP", "gramline-endpoint"),
    ("7.0.0", "callee", "direct", "libwebrtc"),
]


class Relays:
    """One TURN server and one reflector for all calls."""

    def __init__(self, folder):
        self.turn = Turn(folder)
        try:
            self.reflector = Reflector("127.0.0.1", free_port())
        except BaseException:
            self.turn.stop()
            raise

    def entries(self, path, side, tag):
        """What a call's connections tell one side. The two users' tags differ
        in the lowest bit of the first byte."""
        if path == "TURN":
            return [self.turn.entry(side)]
        if path == "direct":
            return []
        entry = self.reflector.entry(side, path == "reflector TCP")
        first = 0x20 | (side == "far")
        return [dict(entry, peerTag="%02x%030x" % (first, tag))]

    def stop(self):
        self.turn.stop()
        self.reflector.stop()


class Bench:
    def __init__(self, node, build, folder):
        self.node, self.build, self.folder = node, build, folder
        self.draw = random.SystemRandom()
        tone.make(os.path.join(folder, "ours.wav"), OURS_HERTZ)
        tone.make(os.path.join(folder, "far.wav"), FAR_HERTZ)
        self.relays = Relays(folder)

    def program(self, side, cell):
        ours = [os.path.join(self.build, "gramline-endpoint")]
        if side == "ours" or cell.far == "gramline-endpoint":
            return ours
        return [self.node, os.path.join(HERE, "endpoint", "endpoint.js")]

    def ends(self, cell, folder):
        key = "%0512x" % self.draw.getrandbits(2048)
        tag = self.draw.getrandbits(120)
        ends = {}
        for side in ("ours", "far"):
            calls = (cell.role == "caller") == (side == "ours")
            command = self.program(side, cell) + [
                "--outgoing" if calls else "--incoming",
                "--version", cell.version, "--key", key,
                "--p2p", "1" if cell.path == "direct" else "0",
                "--in", os.path.join(self.folder, side + ".wav"),
                "--out", os.path.join(folder, side + ".wav")]
            for entry in self.relays.entries(cell.path, side, tag):
                command += ["--rtc-server", json.dumps(entry)]
            with open(os.path.join(folder, side + ".log"), "w") as errors:
                ends[side] = Endpoint(side, command, errors)
        ends["ours"].peer, ends["far"].peer = ends["far"], ends["ours"]
        return ends


def samples(path):
    """What a recording holds so far; its header may lag behind."""
    if not os.path.exists(path):
        return numpy.zeros(0)
    with open(path, "rb") as f:
        f.seek(WAV_HEADER)
        data = f.read()
    return numpy.frombuffer(data[:len(data) & ~1], "<i2").astype(float)


def share(window, hertz):
    """The part of the power that lies at this frequency, 0 to 1."""
    turn = numpy.exp(-2j * numpy.pi * hertz / tone.RATE *
                     numpy.arange(len(window)))
    power = (window ** 2).sum() * len(window) / 2
    return abs(window @ turn) ** 2 / power if power else 0.0


def hears(path, expected, other):
    """The last second holds the other side's tone and not its own: by the
    median of 100 ms windows, for a busy machine may tear the sound."""
    last = samples(path)[-tone.RATE:]
    if len(last) < tone.RATE:
        return False
    windows = last.reshape(10, -1)
    level = numpy.median(numpy.sqrt((windows ** 2).mean(axis=1)))
    good, bad = (numpy.median([share(w, hertz) for w in windows])
                 for hertz in (expected, other))
    return level >= 1000 and good >= 0.8 and bad <= 0.05


def listen(folder):
    """Until both have heard each other, or not in time."""
    lacking = {"ours": (FAR_HERTZ, OURS_HERTZ), "far": (OURS_HERTZ, FAR_HERTZ)}
    end = time.monotonic() + HEAR_WITHIN
    while lacking:
        if time.monotonic() > end:
            raise Failure("not heard by " + " and ".join(sorted(lacking)))
        time.sleep(0.1)
        for side, hertz in list(lacking.items()):
            if hears(os.path.join(folder, side + ".wav"), *hertz):
                del lacking[side]


def stats_check(cell, ours, far):
    """It went the way it had to, and nothing was refused."""
    through = ours["local"].split(" ")[0]
    if cell.path == "direct":
        good = through != "relay"
    else:
        good = through == "relay" and (
            cell.path == "TURN") != (".reflector" in ours["local"])
    if not good:
        raise Failure("went through " + ours["local"])
    if far.get("refused"):
        raise Failure("libwebrtc's side refused %d blobs" % far["refused"])


def call(bench, cell, folder):
    began = time.monotonic()
    ends = bench.ends(cell, folder)
    try:
        for end in ends.values():
            end.thread.start()
        # node takes its time to start; ours is there at once.
        if cell.far == "libwebrtc":
            ends["far"].wait_state("wait", START_WITHIN)
            began = time.monotonic()
        for end in ends.values():
            end.wait_state("established", CONNECT_WITHIN)
        cell.seconds = time.monotonic() - began
        cell.connected = True
        listen(folder)
        for end in ends.values():
            if end.states[-1] != "established":
                raise Failure("%s: states %s" % (end.name, end.states))
        for end in ends.values():
            end.stop()
    finally:
        for end in ends.values():
            end.kill()
    stats_check(cell, ends["ours"].stats, ends["far"].stats)
    cell.heard = True


def call_run(report, bench, cell):
    folder = os.path.join(bench.folder, cell.name())
    os.mkdir(folder)
    try:
        call(bench, cell, folder)
    except Exception as e:  # one cell's failure is told, not the end
        report.result(cell.name(), False, "%s: %s" % (type(e).__name__, e))
    else:
        report.result(cell.name(), True, "connected in %.2f s" % cell.seconds)


def run(report, node, build, folder, quick):
    """The table, also in docs/compatibility.md; a quick run only checks that
    nobody wrote into that one by hand."""
    os.makedirs(folder)
    fault = compatibility.edited() or quick and compatibility.incomplete()
    report.result("compatibility_table_unedited", not fault, fault or "")
    cells = compatibility.cells()
    wanted = [c for c in cells if c.possible() and
              (not quick or c.key() in QUICK)]
    bench = Bench(node, build, folder)
    try:
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda c: call_run(report, bench, c), wanted))
    finally:
        bench.relays.stop()
    print()
    print(compatibility.table(wanted if quick else cells))
    if not quick and not fault:
        compatibility.write(cells)
