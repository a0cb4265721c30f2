"""A call endpoint on libwebrtc (endpoint/endpoint.js) and gramline-endpoint
call each other over crossed SIG lines; each speaks a tone of its own."""
import os
import random
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "tests", "scenario"))
import tone  # noqa: E402
from endpoint_pair import Endpoint, Failure, heard, wait_sound  # noqa: E402

WRTC_HERTZ, OURS_HERTZ = 440, 1000
CONNECT_WITHIN = 20.0
LISTEN_SECONDS = 2.5
LOSS = 0.2


class Case:
    """role: of the libwebrtc endpoint. loss: part of the signalling blobs
    that is lost, both ways. setup: what it says of DTLS as a callee."""

    def __init__(self, version, role, loss=0.0, setup="passive"):
        self.version, self.role = version, role
        self.loss, self.setup = loss, setup
        self.what = ("20 % of blobs lost" if loss else
                     "callee is DTLS client" if setup == "active" else
                     "call")

    def name(self):
        words = ["wrtc", self.version, self.role]
        if self.loss:
            words.append("loss20")
        if self.setup == "active":
            words.append("dtls_client")
        return "_".join(words)


def cases(quick):
    both = [Case(v, role) for v in ("13.0.0", "9.0.0")
            for role in ("caller", "callee")]
    if quick:
        return both + [Case("13.0.0", "callee", LOSS)]
    return both + [
        Case(v, role) for v in ("12.0.0", "8.0.0", "7.0.0")
        for role in ("caller", "callee")] + [
        Case(v, role, LOSS) for v in ("13.0.0", "9.0.0")
        for role in ("caller", "callee")] + [
        Case("13.0.0", "callee", setup="active"),
        Case("9.0.0", "callee", setup="active")]


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
        wait_sound([os.path.join(folder, side + ".wav") for side in ends])
        time.sleep(LISTEN_SECONDS)
        for end in ends.values():
            if end.states[-1] != "established":
                raise Failure("%s: states %s" % (end.name, end.states))
        # Who stops first may make the other one call it a loss.
        ends["ours"].stop()
        ends["wrtc"].stop()
    finally:
        for end in ends.values():
            end.kill()
    heard(os.path.join(folder, "wrtc.wav"), OURS_HERTZ, WRTC_HERTZ)
    heard(os.path.join(folder, "ours.wav"), WRTC_HERTZ, OURS_HERTZ)
    row["heard"] = "yes"
    stats_check(ends["wrtc"].stats)


def stats_check(stats):
    """Nothing of ours was refused, and the data channel told our state."""
    if stats["refused"]:
        raise Failure("libwebrtc's side refused %d blobs" % stats["refused"])
    state = stats.get("peer_media_state", {})
    if state.get("@type") != "MediaState" or state.get("muted"):
        raise Failure("no MediaState over the data channel: %s" % stats)


def run(report, node, build, folder, quick):
    """Rows for the table."""
    os.makedirs(folder)
    tone.make(os.path.join(folder, "wrtc.wav"), WRTC_HERTZ)
    tone.make(os.path.join(folder, "ours.wav"), OURS_HERTZ)
    rows = []
    for case in cases(quick):
        row = {"what": case.what, "version": case.version,
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
