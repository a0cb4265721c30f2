#!/usr/bin/env python3
"""Two gramline-endpoint processes speak to each other over a bad network
(tests/harness/lossy_link.py), and what was said is understood. `make interop`
has more conditions, and the same for libwebrtc.

    endpoint_lossy.py BUILD

Prints TAP; network namespaces need root.

# run: check 180
"""
import concurrent.futures
import os
import shutil
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path.insert(0, ROOT)
from tests.harness import lossy  # noqa: E402
from tests.harness.lossy_link import Fate  # noqa: E402

SEED = 5
ROUNDS = 2
LEAST = 0.7
CALLS = {"endpoint_lossy_loss_5_percent": "loss 5 %",
         "endpoint_lossy_jitter_50_ms": "jitter 50 ms"}


def fates_of_a_seed():
    def fates(seed, *numbers):
        fate = Fate(seed, *numbers)
        return [fate.next() for _ in range(10000)]

    bad = (0.1, 100, 50, 0.05)
    assert fates("5 0", *bad) == fates("5 0", *bad)
    assert fates("5 0", *bad) != fates("5 1", *bad)
    lost = [f is None for f in fates("5 0", *bad)]
    assert 900 < sum(lost) < 1100, sum(lost)
    assert lost == [f is None for f in fates("5 0", 0.1, 0, 0, 0)]
    late = [f for f in fates("5 0", 0, 100, 50, 0)]
    assert 0.05 <= min(late) < 0.051 and 0.149 < max(late) <= 0.15
    assert fates("5 0", 0, 0, 0, 0) == [0.0] * 10000
    return "%d of 10000 lost at 10 %%" % sum(lost)


def heard_over(build, folder, said, condition):
    ours = [os.path.join(build, "gramline-endpoint")]
    score, stats = lossy.pair_hear(
        {"a": ours, "b": ours}, SEED, lossy.condition_find(condition), folder,
        said, ROUNDS)
    text = "similarity %.3f, lost %d, jitter target %d ms" % (
        score, stats["a"]["lost"], stats["a"]["jitter_target_ms"])
    assert score >= LEAST, text
    if condition.startswith("loss"):
        assert stats["a"]["lost"] > 0 and stats["b"]["lost"] > 0, text
    else:
        assert stats["a"]["jitter_target_ms"] >= 40, text
    return text


def result(number, name, function):
    try:
        print("ok %d - %s # %s" % (number, name, function()), flush=True)
    except Exception as e:  # a test's own errors are failures too
        print("not ok %d - %s # %s: %s" % (number, name, type(e).__name__, e),
              flush=True)
        return False
    return True


def main():
    build = os.path.abspath(sys.argv[1])
    good = result(1, "endpoint_lossy_fate_is_the_seeds", fates_of_a_seed)
    print("1..%d" % (1 + len(CALLS)))
    if os.geteuid() != 0 or not shutil.which("ip"):
        for i, name in enumerate(CALLS, 2):
            print("ok %d - %s # SKIP needs root (network namespaces)" % (
                i, name))
        return 0 if good else 1
    with tempfile.TemporaryDirectory(prefix="endpoint-lossy-") as base, \
            concurrent.futures.ThreadPoolExecutor(len(CALLS)) as pool:
        said = lossy.sentences_speak(base, SEED)
        runs = {name: pool.submit(heard_over, build, os.path.join(base, name),
                                  said, condition)
                for name, condition in CALLS.items()}
        for i, (name, run) in enumerate(runs.items(), 2):
            good = result(i, name, run.result) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
