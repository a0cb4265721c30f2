#!/usr/bin/env python3
"""Fifty calls at once: both directions mixed, ten of them on one Telegram
account, each of the 100 directions with a tone of its own. Afterwards nothing is
left; over several rounds memory and descriptors do not grow.

    strain_many.py BUILD [SECONDS [ROUNDS]]

Unless told otherwise: three rounds of a minute.

# run: release 560
"""
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path.insert(0, ROOT)
from tests.harness.crowd import Crowd, say  # noqa: E402
from tests.harness.process import Tap, wait_for  # noqa: E402

ACCOUNTS = [10] + 8 * [5]
GROWTH = 0.02


def cpu_seconds(pid):
    with open("/proc/%d/stat" % pid) as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Strain:
    def __init__(self, build, seconds):
        self.crowd = Crowd(build, ACCOUNTS)
        self.seconds = seconds
        self.after = []      # (rss KiB, descriptors) after each round

    def round(self):
        crowd, calls = self.crowd, self.crowd.calls
        pid = crowd.gateway.process.pid
        late = crowd.lines.late
        crowd.begin(calls, 60)
        rows = crowd.gateway.rows("calls")
        assert len(rows) == len(calls), len(rows)
        assert sum(r["session"] == "s0" for r in rows) == 10
        say("%d calls are up" % len(calls))
        cpu = cpu_seconds(pid)
        crowd.talk(calls, self.seconds)
        cpu = cpu_seconds(pid) - cpu
        crowd.finish(calls)
        self.after.append(self.settled())
        say("over; gateway: %.0f %% of a processor, then %d KiB, %d "
            "descriptors; %d late ticks of ours" % (
                (100 * cpu / self.seconds,) + self.after[-1] +
                (crowd.lines.late - late,)))
        crowd.check(calls)
        crowd.lines.forget()
        return "%d directions, each with its own tone" % (2 * len(calls))

    def settled(self):
        """Memory and descriptors, when the gateway has nothing left to wait
        for: finished SIP transactions linger for half a minute."""
        gateway = self.crowd.gateway
        wait_for("unused memory to be given back", lambda: (
            gateway.process.text().count("memory is given back") >
            len(self.after)), 60, 0.2)
        seen = []

        def steady():
            s = self.crowd.gateway.rows("status")[0]
            seen.append((s["rss_kib"], s["descriptors"]))
            return len(seen) >= 10 and len(set(seen[-10:])) == 1
        wait_for("memory and descriptors to be steady", steady, 30, 0.2)
        return seen[-1]


def growth_is_small(strain):
    (memory, files), (memory_last, files_last) = (strain.after[0],
                                                  strain.after[-1])
    text = "memory %d to %d KiB, descriptors %d to %d" % (
        memory, memory_last, files, files_last)
    assert memory_last <= memory * (1 + GROWTH), text
    assert files_last <= files * (1 + GROWTH), text
    return text


def nothing_left(strain):
    crowd, n = strain.crowd, len(strain.after)
    assert crowd.gateway.rows("calls") == []
    assert crowd.gateway.rows("status")[0]["rtp_ports"] == 0
    assert crowd.telegram.endpoints() == []
    records = crowd.gateway.records()
    assert len(records) == n * len(crowd.calls), len(records)
    bad = [r for r in records if r["sip_status"] != 200]
    assert not bad, bad[:3]
    status = crowd.gateway.process.stop(30)
    assert status == 0, status


def main():
    tap = Tap()
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 60
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 3
    strain = Strain(os.path.abspath(sys.argv[1]), seconds)
    good = True
    try:
        strain.crowd.start()
        say("%d accounts are logged in" % len(ACCOUNTS))
        for k in range(rounds):
            good = tap.run("scenario_strain_many_round_%d" % (k + 1),
                           strain.round) and good
        if len(strain.after) == rounds:
            if rounds > 1:
                good = tap.run("scenario_strain_many_growth",
                               growth_is_small, strain) and good
            good = tap.run("scenario_strain_many_nothing_left", nothing_left,
                           strain) and good
    finally:
        strain.crowd.stop(keep=not good)
    if not good:
        say("kept: " + strain.crowd.folder)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
