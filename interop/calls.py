"""A call endpoint on libwebrtc (endpoint/endpoint.js) and gramline-endpoint
call each other over crossed SIG lines; each speaks a tone of its own."""
import os
import random
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "tests", "scenario"))
import tone  # noqa: E402
from endpoint_pair import Endpoint, Failure, record  # noqa: E402
from interop.matrix import hears, samples  # noqa: E402
from tests.harness.process import wait_for  # noqa: E402

WRTC_HERTZ, OURS_HERTZ = 440, 1000
CONNECT_WITHIN = 20.0
# Lost messages of the acked framing are repeated after 5 s only.
HEAR_WITHIN = 30.0
# Longer than heartbeats (30 s) and every consent time-out.
LONG_SECONDS = 40
LOSS = 0.2


KINDS = {
    "call": "call",
    "loss20": "20 % of blobs lost",
    "dtls_client": "callee is DTLS client",
    "long": "call of %d s" % LONG_SECONDS,
    "mute": "mute, both in turn",
    "restart": "libwebrtc restarts ICE",
}


class Case:
    """role: of the libwebrtc endpoint."""

    def __init__(self, version, role, kind="call"):
        self.version, self.role, self.kind = version, role, kind
        self.loss = LOSS if kind == "loss20" else 0.0
        self.setup = "active" if kind == "dtls_client" else "passive"

    def name(self):
        words = ["wrtc", self.version, self.role]
        return "_".join(words + [self.kind] * (self.kind != "call"))


def cases(quick):
    roles = ("caller", "callee")
    main = [Case(v, role) for v in ("13.0.0", "9.0.0") for role in roles]
    if quick:
        return main + [Case("13.0.0", "callee", "loss20")]
    main += [Case(v, role) for v in ("12.0.0", "11.0.0", "10.0.0", "8.0.0",
                                      "7.0.0") for role in roles]
    main += [Case(v, role, "loss20") for v in ("13.0.0", "11.0.0", "10.0.0",
                                               "9.0.0") for role in roles]
    main += [Case(v, "callee", "dtls_client") for v in ("13.0.0", "9.0.0")]
    main += [Case("13.0.0", role, "mute") for role in roles]
    main += [Case(v, role, "restart") for v in ("13.0.0", "11.0.0")
             for role in roles]
    return main + [Case("13.0.0", role, "long") for role in roles]


def role_flag(calls):
    return "--outgoing" if calls else "--incoming"


def ends_start(case, node, build, folder, draw):
    """The two endpoints with crossed lines, not yet reading."""
    key = "%0512x" % draw.getrandbits(2048)
    common = ["--version", case.version, "--key", key]
    calls = case.role == "caller"
    commands = {
        "wrtc": [node, os.path.join(HERE, "endpoint", "endpoint.js"),
                 role_flag(calls), "--setup", case.setup],
        "ours": [os.path.join(build, "gramline-endpoint"),
                 role_flag(not calls)],
    }
    ends = {}
    for side, command in commands.items():
        with open(os.path.join(folder, side + ".log"), "w") as errors:
            ends[side] = Endpoint(side, command + common + [
                "--in", os.path.join(folder, "..", side + ".wav"),
                "--out", os.path.join(folder, side + ".wav")], errors)
        ends[side].lose = lambda: draw.random() < case.loss
    ends["wrtc"].peer, ends["ours"].peer = ends["ours"], ends["wrtc"]
    return ends


def call(case, node, build, folder, row):
    ends = ends_start(case, node, build, folder, random.Random(case.name()))
    began = time.monotonic()
    try:
        for end in ends.values():
            end.thread.start()
        for end in ends.values():
            end.wait_state("established", CONNECT_WITHIN)
        row["connected"] = "yes"
        row["seconds"] = "%.2f" % (time.monotonic() - began)
        talk(case, ends, folder)
        for end in ends.values():
            if end.states[-1] != "established":
                raise Failure("%s: states %s" % (end.name, end.states))
        # Who stops first may make the other one call it a loss.
        ends["ours"].stop()
        ends["wrtc"].stop()
    finally:
        for end in ends.values():
            end.kill()
    row["heard"] = "yes"
    stats_check(ends["wrtc"].stats, case.kind == "mute")
    if case.kind == "restart":
        restart_check(ends)


def wait_tones(paths):
    """Until the newest second of both holds the other one's tone."""
    for side, hertz in (("wrtc", (OURS_HERTZ, WRTC_HERTZ)),
                        ("ours", (WRTC_HERTZ, OURS_HERTZ))):
        wait_for("%s to hear %d Hz" % (side, hertz[0]),
                 lambda: hears(paths[side], *hertz), HEAR_WITHIN, 0.1)


def talk(case, ends, folder):
    """Both hear each other, for as long as the case says."""
    paths = {side: os.path.join(folder, side + ".wav") for side in ends}
    wait_tones(paths)
    if case.kind == "long":
        record(paths.values(), LONG_SECONDS)
        wait_tones(paths)
    if case.kind == "restart":
        ends["wrtc"].say("RESTART")
        record(paths.values(), 3)
        wait_tones(paths)
    if case.kind != "mute":
        return
    for speaker, listener in (("wrtc", "ours"), ("ours", "wrtc")):
        ends[speaker].say("MUTE 1")
        wait_for("%s not to be heard" % speaker, lambda: tone.level(
            samples(paths[listener])[-tone.RATE:]) < 100, HEAR_WITHIN, 0.1)
        if speaker == "wrtc":
            ends[speaker].say("MUTE 0")
            wait_tones(paths)


def stats_check(stats, muted):
    """Nothing of ours was refused, and the data channel told our state."""
    if stats["refused"]:
        raise Failure("libwebrtc's side refused %d blobs" % stats["refused"])
    state = stats.get("peer_media_state", {})
    if state.get("@type") != "MediaState" or state["muted"] != muted:
        raise Failure("wrong MediaState over the data channel: %s" % stats)


def restart_check(ends):
    """We ended up at a port that libwebrtc opened for the restart, and never
    lost the call on the way."""
    port = int(ends["ours"].stats["remote"].rsplit(":", 1)[1])
    if port not in ends["wrtc"].stats["ports"]:
        raise Failure("we send to %d, its ports are %s" % (
            port, ends["wrtc"].stats["ports"]))
    if "reconnecting" in ends["ours"].states:
        raise Failure("states %s" % ends["ours"].states)


def run(report, node, build, folder, quick):
    """Rows for the table."""
    os.makedirs(folder)
    tone.make(os.path.join(folder, "wrtc.wav"), WRTC_HERTZ)
    tone.make(os.path.join(folder, "ours.wav"), OURS_HERTZ)
    rows = []
    for case in cases(quick):
        row = {"what": KINDS[case.kind], "version": case.version,
               "role": case.role, "connected": "NO", "heard": "NO",
               "seconds": "-"}
        rows.append(row)
        place = os.path.join(folder, case.name())
        os.mkdir(place)
        try:
            call(case, node, build, place, row)
        except Exception as e:  # one case's failure is told, not the end
            report.result(case.name(), False, "%s: %s" % (
                type(e).__name__, e))
        else:
            report.result(case.name(), True, "connected in %s s" %
                          row["seconds"])
    return rows
