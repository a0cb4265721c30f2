"""What is understood over bad networks: a pair of gramline-endpoint and a pair
of the libwebrtc endpoint say the same sentences over the same seeded links, at
the same time. A whole run writes docs/lossy-networks.md and its plot."""
import concurrent.futures
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path.insert(0, ROOT)
from interop import lossy_plot  # noqa: E402
from tests.harness import lossy  # noqa: E402

PAGE = os.path.join(ROOT, "docs", "lossy-networks.md")
PLOT = os.path.join(ROOT, "docs", "lossy-networks.svg")
SEED = 20
AT_ONCE = 2          # conditions; each is four programs
LEAST = 0.7
BEHIND_MAX = 0.05    # what ours may be below libwebrtc
QUICK = ["loss 5 %", "jitter 50 ms"]
PAIRS = ["gramline-endpoint", "libwebrtc"]
FIELDS = ["loss", "delay_ms", "jitter_ms", "overtaken"]
HEAD = """# Over bad networks

Written by `make interop` on %s, seed %d.

Two call endpoints say sentences to each other, each in a network namespace of
its own; between the namespaces a program of ours (`tests/harness/lossy_link.py`)
loses, delays and overtakes packets as a seed tells, the same for each pair. The
figure is the similarity of what was said and what was heard
(`tests/harness/speech.py`), mean of both directions and %d rounds: 1 is the same
sound, below %.1f a sentence counts as not understood. gramline-endpoint sends
packets of 60 ms as Telegram's apps do, libwebrtc of 20 ms; both adapt to the
loss that the other side reports.

![similarity per condition](lossy-networks.svg)

"""


class Row:
    """One condition; scores by pair."""

    def __init__(self, condition):
        self.condition = condition
        self.scores = {pair: [] for pair in PAIRS}

    def name(self):
        words = "".join(c if c.isalnum() else " "
                        for c in self.condition["name"]).split()
        return "lossy_" + "_".join(words)

    def score(self, pair):
        values = self.scores[pair]
        return sum(values) / len(values) if values else 0.0

    def fault(self):
        ours, theirs = (self.score(pair) for pair in PAIRS)
        if self.condition["loss"] <= 0.05 and ours < LEAST:
            return "below %.2f" % LEAST
        if ours < theirs - BEHIND_MAX:
            return "more than %.2f below libwebrtc" % BEHIND_MAX
        return ""


def measure(row, commands, folder, said):
    """Both pairs at the same time, so that the machine is as busy for both."""
    attempt = len(row.scores[PAIRS[0]])
    with concurrent.futures.ThreadPoolExecutor(len(PAIRS)) as pool:
        runs = {pair: pool.submit(
            lossy.pair_hear, {"a": commands[pair], "b": commands[pair]},
            SEED + attempt, row.condition, os.path.join(
                folder, "%s-%s-%d" % (row.name(), pair, attempt)), said)
                for pair in PAIRS}
        scores = {pair: run.result()[0] for pair, run in runs.items()}
    for pair, score in scores.items():
        row.scores[pair].append(score)


def condition_run(report, row, commands, folder, said):
    """A busy machine may tear one side's sound: what fails is measured once
    more, and the mean counts."""
    try:
        measure(row, commands, folder, said)
        if row.fault():
            measure(row, commands, folder, said)
    except Exception as e:  # one condition's failure is told, not the end
        report.result(row.name(), False, "%s: %s" % (type(e).__name__, e))
        return
    report.result(row.name(), not row.fault(), "%s %s" % (
        ", ".join("%s %.3f" % (p, row.score(p)) for p in PAIRS), row.fault()))


def table(rows):
    lines = [["condition", "lost", "delay", "jitter", "overtaken"] + PAIRS +
             ["difference"]]
    lines.append(["---"] * len(lines[0]))
    for row in rows:
        loss, delay, jitter, overtaken = (row.condition[f] for f in FIELDS)
        ours, theirs = (row.score(pair) for pair in PAIRS)
        lines.append([row.condition["name"], "%g %%" % (100 * loss),
                      "%d ms" % delay, "± %d ms" % jitter,
                      "%g %%" % (100 * overtaken), "%.3f" % ours,
                      "%.3f" % theirs, "%+.3f" % (ours - theirs)])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def page_write(rows):
    with open(PAGE, "w", encoding="utf-8") as f:
        f.write(HEAD % (time.strftime("%Y-%m-%d", time.gmtime()), SEED,
                        lossy.ROUNDS, LEAST))
        f.write(table(rows) + "\n\nOvertaken packets come 70 ms later than "
                "the others.\n")
    with open(PLOT, "w", encoding="utf-8") as f:
        f.write(lossy_plot.bars(
            [(row.condition["name"], [row.score(p) for p in PAIRS])
             for row in rows], PAIRS, LEAST))


def run(report, node, build, folder, quick):
    if os.geteuid() != 0:
        report.skip("lossy", "network namespaces need root")
        return
    os.makedirs(folder)
    commands = {
        "gramline-endpoint": [os.path.join(build, "gramline-endpoint")],
        "libwebrtc": [node, os.path.join(HERE, "endpoint", "endpoint.js")],
    }
    said = lossy.sentences_speak(folder, SEED)
    rows = [Row(c) for c in lossy.CONDITIONS
            if not quick or c["name"] in QUICK]
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda row: condition_run(report, row, commands, folder,
                                                said), rows))
    print()
    print(table(rows))
    if not quick and all(row.scores[PAIRS[0]] for row in rows):
        page_write(rows)
