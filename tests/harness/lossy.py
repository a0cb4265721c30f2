"""What is heard over a bad network: a pair of call endpoints speaks sentences
to each other over a lossy link (lossy_link.py), and the similarity of what was
said and heard is measured (speech.py)."""
import os
import random
import sys
import time
import wave

import numpy

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "scenario"))
from endpoint_pair import Endpoint, Failure  # noqa: E402
from . import speech  # noqa: E402
from .lossy_link import Link  # noqa: E402

RATE = 48000
CONNECT_WITHIN = 25.0
# The sentences are said over and over, from some time before the connection
# on: so every stretch of two rounds holds a whole one.
ROUND_SECONDS = 9.0
ROUNDS = 3
SETTLE_SECONDS = 2.0    # how long buffers and reports may need at first
VOICES = {"a": "en", "b": "en+f3"}


def condition(name, loss=0.0, delay_ms=0, jitter_ms=0, overtaken=0.0):
    return {"name": name, "loss": loss, "delay_ms": delay_ms,
            "jitter_ms": jitter_ms, "overtaken": overtaken}


CONDITIONS = [
    condition("clean"),
    condition("loss 1 %", loss=0.01),
    condition("loss 2 %", loss=0.02),
    condition("loss 5 %", loss=0.05),
    condition("loss 10 %", loss=0.10),
    condition("delay 100 ms", delay_ms=100),
    condition("delay 200 ms", delay_ms=200),
    condition("jitter 50 ms", delay_ms=50, jitter_ms=50),
    condition("reordering", overtaken=0.10),
    condition("loss 5 %, jitter 50 ms", loss=0.05, delay_ms=100,
              jitter_ms=50),
    condition("loss 10 %, delay 200 ms, jitter 50 ms, reordering",
              loss=0.10, delay_ms=200, jitter_ms=50, overtaken=0.05),
]


def condition_find(name):
    return next(c for c in CONDITIONS if c["name"] == name)


def sentences_speak(folder, seed):
    """{side: path of what it says}, each of ROUND_SECONDS."""
    draw = random.Random(seed)
    said = speech.sentences(2 * len(VOICES), draw)
    paths = {}
    for side, voice in VOICES.items():
        paths[side] = os.path.join(folder, "said-%s.wav" % side)
        speech.speak(". ".join((said.pop(), said.pop())), paths[side], RATE,
                     voice, total_s=ROUND_SECONDS)
        with wave.open(paths[side], "rb") as f:
            assert f.getnframes() == ROUND_SECONDS * RATE, f.getnframes()
    return paths


def pair_start(commands, link, folder, said, version):
    """commands: {side: program and its own options}."""
    key = "%0512x" % random.getrandbits(2048)
    ends = {}
    for side, command in commands.items():
        with open(os.path.join(folder, side + ".log"), "w") as errors:
            ends[side] = Endpoint(side, link.prefix(side) + command + [
                "--version", version, "--key", key, "--p2p", "1",
                "--outgoing" if side == "a" else "--incoming",
                "--in", said[side],
                "--out", os.path.join(folder, side + ".wav")], errors)
    ends["a"].peer, ends["b"].peer = ends["b"], ends["a"]
    return ends


def seconds_recorded(path):
    return max(0, os.path.getsize(path) - 44) / 2 / RATE


def record(paths, seconds):
    """Where in each recording the time began, when it has passed in all."""
    begins = [seconds_recorded(p) for p in paths]
    end = time.monotonic() + 2 * seconds + 20
    while any(seconds_recorded(p) < b + seconds
              for p, b in zip(paths, begins)):
        if time.monotonic() > end:
            raise Failure("the recordings do not grow")
        time.sleep(0.2)
    return begins


def rounds_score(said, heard, begin, rounds):
    """The mean similarity of what was heard in stretches of two rounds."""
    reference = speech.load(said)
    samples = speech.load(heard)[int(begin * speech.RATE):]
    step = len(reference)
    scores = [speech.similarity(reference, samples[k * step:(k + 2) * step])[0]
              for k in range(rounds - 1)]
    return float(numpy.mean(scores))


def pair_hear(commands, seed, what, folder, said, rounds=ROUNDS,
              version="13.0.0"):
    """(mean similarity of both directions, STATS of both sides)."""
    os.makedirs(folder, exist_ok=True)
    with Link(seed, what) as link:
        ends = pair_start(commands, link, folder, said, version)
        try:
            for end in ends.values():
                end.thread.start()
            for end in ends.values():
                end.wait_state("established", CONNECT_WITHIN)
            begins = record([os.path.join(folder, s + ".wav") for s in "ab"],
                            SETTLE_SECONDS + rounds * ROUND_SECONDS)
            for end in ends.values():
                end.stop()
        finally:
            for end in ends.values():
                end.kill()
    scores = [rounds_score(said["ba"[i]], os.path.join(folder, s + ".wav"),
                           begins[i] + SETTLE_SECONDS, rounds)
              for i, s in enumerate("ab")]
    return float(numpy.mean(scores)), {s: e.stats for s, e in ends.items()}
