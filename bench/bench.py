#!/usr/bin/env python3
"""CPU and memory of one bridged call, against the least it can cost.

The whole gateway carries N calls between SIP phones (A-law, 20 ms) and
simulated Telegram users (Opus, 60 ms packets), half of them begun on each side.
Every voice carries a tone of its own, and both ends of every call must hear
theirs, or the run counts for nothing. The gateway's user and system CPU is read
from the kernel over a stretch in which nothing but these calls happens. The
floor (bench/codec_floor.c) is measured before and after, in the same run.

Then accounts that are connected and idle (bench/idle.py).

Writes build/bench/report.json; docs/performance.md tells how to read it.

usage: bench/bench.py [--quick] [--calls N] [--seconds N] [--accounts N]
                      [--only calls|idle]
       bench/bench.py --docs     puts the last report into docs/performance.md
"""
import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time

import numpy

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)
from bench import tables  # noqa: E402
from bench.idle import Idle  # noqa: E402
from bench.usage import Usage, rss_bytes  # noqa: E402
from tests.harness.gateway import Gateway  # noqa: E402
from tests.harness.load_phone import LoadPhone  # noqa: E402
from tests.harness.process import wait_for  # noqa: E402
from tests.harness.telegram import Telegram  # noqa: E402

BUILD = os.path.join(ROOT, "build")
WORK = os.path.join(BUILD, "bench")
REPORT = os.path.join(WORK, "report.json")
DOCS = os.path.join(ROOT, "docs", "performance.md")

CALLS_EACH = 6           # calls of one Telegram account
OFFICE, USER = 1001, 2001  # ids of the first of each kind
# Tones above the voices' formants, below the end of the telephone band, in
# steps of which a window holds whole periods.
FIRST_HZ, LAST_HZ = 2480, 3400
WAV_RATE = 48000
WINDOW_S = 0.2          # as in tests/load_voice.h
STRONGER = 3.0           # as in tests/load_voice.c
# Of the windows of a direction. A busy machine makes the parties stumble, and
# a jitter buffer's jumps blur the tone: far from what a wrong call would give.
HEARD_LEAST, FOREIGN_MOST = 0.75, 0.02
SETTLE_S = 3.0


def say(text):
    print("%7.1f s  %s" % (time.monotonic() - BEGAN, text), flush=True)


def office_phone(k):
    return "9996600%05d" % k


def user_phone(i):
    return "9996610%05d" % i


class Call:
    """One call: who begins, and the two tones."""

    def __init__(self, i, n):
        step = max(10, (LAST_HZ - FIRST_HZ) // (2 * n) // 5 * 5)
        self.i, self.account = i, i // CALLS_EACH
        self.by_sip = i % 2 == 0
        self.user = USER + i
        self.number = "+" + user_phone(i)
        self.say_hz, self.hear_hz = (FIRST_HZ + 2 * i * step,
                                          FIRST_HZ + (2 * i + 1) * step)
        self.said = os.path.join(WORK, "said-%d.wav" % self.user)
        self.heard = os.path.join(WORK, "heard-%d.wav" % self.user)

    @property
    def name_at_sip(self):
        return self.number if self.by_sip else str(self.user)


def heard_parts(call, tones, seconds):
    """Of the windows at the end of the Telegram side's recording: the part in
    which the call's tone is the strongest of all by far, and the part in which
    another is."""
    n = int(WAV_RATE * WINDOW_S)
    want = int(seconds / WINDOW_S) * n
    size = os.path.getsize(call.heard) - 44
    with open(call.heard, "rb") as f:
        f.seek(44 + max(0, size // 2 - want) * 2)
        x = numpy.frombuffer(f.read(want * 2), "<i2").astype(float)
    x = x[:len(x) // n * n].reshape(-1, n)
    power = numpy.abs(numpy.fft.rfft(x, axis=1)) ** 2
    at = power[:, [round(t * WINDOW_S) for t in tones]]
    order = numpy.sort(at, axis=1)
    clear = order[:, -1] > STRONGER * order[:, -2]
    own = at.argmax(1) == tones.index(call.say_hz)
    windows = seconds / WINDOW_S
    return float((clear & own).sum() / windows), float(
        (clear & ~own).sum() / windows)


def floor(tg_ptime, peer_ptime, rounds):
    out = subprocess.check_output(
        [os.path.join(BUILD, "bench-codec-floor"), "--tg-ptime",
         str(tg_ptime), "--peer-ptime", str(peer_ptime), "--rounds",
         str(rounds)])
    return json.loads(out)


class Bench:
    def __init__(self, calls, seconds, quick):
        self.calls = [Call(i, calls) for i in range(calls)]
        self.tones = sorted(t for c in self.calls
                            for t in (c.say_hz, c.hear_hz))
        self.seconds, self.rounds = seconds, 3 if quick else 5
        self.accounts = sorted({c.account for c in self.calls})
        self.telegram = self.gateway = self.first = None
        self.phones = {}

    # -- the parties ------------------------------------------------------
    def start(self):
        for c in self.calls:
            subprocess.run([os.path.join(BUILD, "load-phone"), "--wav",
                            c.said, str(c.hear_hz)], check=True)
        offices = [{"id": OFFICE + k, "phone": office_phone(k),
                    "first_name": "Office"} for k in self.accounts]
        users = [{"id": c.user, "phone": user_phone(c.i),
                  "first_name": "User",
                  "app": {"behaviour": "answer", "ring_after_ms": 1,
                          "after_ms": 1, "in": c.said, "out": c.heard}}
                 for c in self.calls]
        self.telegram = Telegram(BUILD, os.path.join(WORK, "telegram"),
                                 offices + users)
        self.telegram.start()
        names = {k: "office%d" % k for k in self.accounts}
        self.gateway = Gateway(
            BUILD, os.path.join(WORK, "gateway"), self.telegram.settings(),
            {n: "+" + office_phone(k) for k, n in names.items()},
            [{"name": "pbx%d" % k, "session": n, "login": "pbx%d" % k,
              "password": "bench-only", "codecs": "opus,alaw"}
             for k, n in names.items()])
        for k, n in names.items():
            self.gateway.login(
                n, lambda k=k: self.telegram.code(office_phone(k)))
        self.gateway.start()
        self.gateway.wait_sessions_ready()

    def stop(self):
        self.phones_stop()
        if self.gateway and self.gateway.process:
            self.gateway.stop()
        if self.telegram and self.telegram.process:
            self.telegram.stop()

    def phones_start(self, codec):
        for k in self.accounts:
            self.phones[k] = LoadPhone(
                BUILD, os.path.join(WORK, "phone%d" % k),
                self.gateway.address, "pbx%d" % k, "bench-only", codec)
        for c in self.calls:
            if not c.by_sip:
                self.phones[c.account].expect(c.user, c.say_hz, c.hear_hz)

    def phones_stop(self):
        for p in self.phones.values():
            p.stop()
        self.phones = {}

    def endpoints_set(self, ptime):
        command = [os.path.join(BUILD, "gramline-endpoint"), "--bind",
                   "127.0.0.1", "--pre-encoded", "--ptime", str(ptime)]
        for c in self.calls:
            self.telegram.behave(c.user, endpoint=command)

    # -- calls ------------------------------------------------------------
    def call_begin(self, c):
        if c.by_sip:
            self.phones[c.account].dial(c.number, c.say_hz, c.hear_hz)
        else:
            self.telegram.ask("call", user=c.user, to=OFFICE + c.account)

    def status(self):
        """What the phones hear, by call; raises when a call has ended."""
        rows = {}
        for k, p in self.phones.items():
            ended = p.of("ended")
            if ended:
                raise RuntimeError("a call ended: %s" % ended[0])
            for row in p.status():
                rows[(k, row["user"])] = row
        return {c.i: rows[(c.account, c.name_at_sip)] for c in self.calls
                if (c.account, c.name_at_sip) in rows}

    def all_up(self):
        rows = self.status()
        return rows if len(rows) == len(self.calls) and all(
            r["state"] == "established" for r in rows.values()) else None

    def hang_up(self):
        for p in self.phones.values():
            p.hang_up()
        self.gateway.wait_idle()
        wait_for("the calls to end in Telegram",
                 lambda: not self.telegram.calls())

    def warm_up(self):
        """One call, so that what is made once is made."""
        self.phones_start("alaw")
        c = self.calls[0]
        self.call_begin(c)
        wait_for("the first call to be heard", lambda: [
            r for r in self.phones[c.account].status()
            if r["state"] == "established" and r["heard"]])
        self.hang_up()
        self.phones_stop()

    # -- one measurement --------------------------------------------------
    def round(self, name, codec, ptime):
        say("%s: %d calls are made" % (name, len(self.calls)))
        pid = self.gateway.process.pid
        self.endpoints_set(ptime)
        self.phones_start(codec)
        self.earlier = {c["id"] for c in self.telegram.calls(True)}
        idle = rss_bytes(pid)
        before = Usage(pid)
        for c in self.calls:
            self.call_begin(c)
        rows = wait_for("all calls to be up", self.all_up, 120, 0.2)
        up = Usage(pid)
        # Calls need a moment to be in the middle of things.
        time.sleep(SETTLE_S)
        for p in self.phones.values():
            p.say("reset")
        say("    all are up; measuring for %d s" % self.seconds)
        start = Usage(pid)
        time.sleep(self.seconds)
        end = Usage(pid)
        r = {"name": name, "sip_codec": codec, "peer_ptime_ms": ptime,
             "calls": len(self.calls)}
        self.take_costs(r, before, up, start, end, rows)
        if not self.first:   # later calls use memory of earlier ones again
            self.first = r
            r["rss_bytes_per_call"] = round((rss_bytes(pid) - idle) /
                                            len(self.calls))
        self.take_hearing(r, end.at - start.at)
        return r

    def take_costs(self, r, before, up, start, end, rows):
        n = len(self.calls)
        call_seconds = n * (end.at - start.at)
        r["seconds"] = round(end.at - start.at, 2)
        r["cpu_us_per_call_second"] = round(
            (end.cpu_us - start.cpu_us) / call_seconds, 1)
        r["user_us_per_call_second"] = round(
            (end.user_us - start.user_us) / call_seconds, 1)
        r["system_us_per_call_second"] = round(
            (end.system_us - start.system_us) / call_seconds, 1)
        r["threads_us_per_call_second"] = {
            name: round(us / call_seconds, 1)
            for name, us in end.threads_since(start).items()}
        # Setting up: all CPU of that time but what the calls that were up
        # already cost.
        talked = sum(max(0.0, up.at - e["at"]) for p in self.phones.values()
                     for e in p.of("established"))
        r["setup_cpu_ms_per_call"] = round(
            ((up.cpu_us - before.cpu_us) -
             talked * r["cpu_us_per_call_second"]) / n / 1000, 2)
        by_sip = sorted(rows[c.i]["setup_ms"] for c in self.calls if c.by_sip)
        r["first_packet_ms"] = statistics.median(
            row["first_ms"] for row in rows.values())
        r["sip_setup_ms_least"] = by_sip[0]

    def take_hearing(self, r, seconds):
        rows = self.status()
        # The windows at both ends are not whole.
        windows = int(seconds / WINDOW_S) - 1
        at_sip = [(rows[c.i]["heard"] / windows,
                   rows[c.i]["foreign"] / windows) for c in self.calls]
        at_telegram = [heard_parts(c, self.tones, seconds)
                       for c in self.calls]
        r["heard_at_sip_least"] = round(min(1.0, min(at_sip)[0]), 3)
        r["heard_at_telegram_least"] = round(min(at_telegram)[0], 3)
        r["foreign_most"] = round(max(x[1] for x in at_sip + at_telegram), 3)
        r["lost_packets"] = sum(x["lost"] for x in rows.values())
        r["heard"] = (min(at_sip + at_telegram)[0] >= HEARD_LEAST and
                      r["foreign_most"] <= FOREIGN_MOST)

    def finish(self, r):
        """Hangs up and learns from the endpoints' counts how long the packets
        were that the gateway sent."""
        self.hang_up()
        self.phones_stop()
        stats = [c[side]["stats"] for c in self.telegram.calls(True)
                 for side in ("caller", "callee")
                 if c["id"] not in self.earlier and c[side].get("stats")]
        ratio = statistics.median(s["packets_sent"] / s["packets_received"]
                                  for s in stats if s["packets_received"])
        r["telegram_ptime_ms"] = min(
            (20, 40, 60), key=lambda p: abs(p - r["peer_ptime_ms"] * ratio))
        for c in self.calls:
            if os.path.exists(c.heard):
                os.unlink(c.heard)

    def run(self):
        say("the floor, alone on the machine")
        before = floor(60, 60, self.rounds)
        say("    %.0f us per second of a call" %
            before["codec_floor_us_per_call_second"])
        self.start()
        say("the gateway is up with %d accounts" % len(self.accounts))
        self.warm_up()
        rounds = []
        for name, codec, ptime in (
                ("A-law, 60 ms", "alaw", 60), ("A-law, 20 ms", "alaw", 20),
                ("Opus passed through, 60 ms", "opus", 60)):
            r = self.round(name, codec, ptime)
            if not rounds:
                beside = floor(60, 60, 2)
            self.finish(r)
            rounds.append(r)
            say("    %.0f us per second of a call, %s" % (
                r["cpu_us_per_call_second"],
                "heard by all" if r["heard"] else "NOT HEARD BY ALL"))
        self.stop()
        say("the floor again")
        after = floor(60, 60, self.rounds)
        say("    %.0f us per second of a call" %
            after["codec_floor_us_per_call_second"])
        twenty = floor(rounds[1]["telegram_ptime_ms"], 20, self.rounds)
        return self.report(rounds, before, after, beside, twenty)

    def report(self, rounds, before, after, beside, twenty):
        key = "codec_floor_us_per_call_second"
        main = rounds[0]
        least = statistics.median([before[key], after[key]])
        main["ratio"] = round(main["cpu_us_per_call_second"] / least, 3)
        rounds[1]["ratio"] = round(rounds[1]["cpu_us_per_call_second"] /
                                   twenty[key], 3)
        return {
            "cpu_us_per_call_second": main["cpu_us_per_call_second"],
            "codec_floor_us_per_call_second": round(least, 1),
            "ratio": main["ratio"],
            "rss_bytes_per_call": main["rss_bytes_per_call"],
            "calls": main["calls"], "seconds": main["seconds"],
            "heard": all(r["heard"] for r in rounds),
            "calls_per_core": int(1e6 / main["cpu_us_per_call_second"]),
            "machine": {"processor": processor(), "cores": os.cpu_count(),
                        "system": platform.system() + " " +
                        platform.machine()},
            "rounds": rounds,
            "floor": {"before": before, "after": after,
                      "beside_the_calls": beside, "peer_20_ms": twenty},
        }


def processor():
    with open("/proc/cpuinfo") as f:
        for line in f:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--quick", action="store_true")
    p.add_argument("--calls", type=int)
    p.add_argument("--seconds", type=int)
    p.add_argument("--accounts", type=int)
    p.add_argument("--only", choices=("calls", "idle"))
    p.add_argument("--docs", action="store_true")
    args = p.parse_args()
    if args.docs:
        with open(REPORT) as f:
            tables.docs_update(DOCS, json.load(f))
        return 0
    report = {}
    if args.only and os.path.exists(REPORT):
        with open(REPORT) as f:
            report = json.load(f)
    shutil.rmtree(WORK, ignore_errors=True)
    os.makedirs(WORK)
    if args.only != "idle":
        report.update(calls_measure(args))
    if args.only != "calls":
        report.update(idle_measure(args))
    with open(REPORT, "w") as f:
        json.dump(report, f, indent=2)
        f.write("\n")
    print("\n" + tables.text(report))
    return 0 if args.only == "idle" else calls_judge(report)


def calls_measure(args):
    bench = Bench(args.calls or (12 if args.quick else 30),
                  args.seconds or (8 if args.quick else 20), args.quick)
    try:
        return bench.run()
    finally:
        bench.stop()


def idle_measure(args):
    accounts = args.accounts or (200 if args.quick else 2000)
    say("%d idle accounts" % accounts)
    return Idle(BUILD, os.path.join(WORK, "idle"), say).run(
        accounts, 20 if args.quick else 60)


def calls_judge(report):
    if not report["heard"]:
        print("NOT everybody heard the other side: the figures do not count.")
        return 1
    if report["ratio"] < 1:
        print("A ratio below 1: the benchmark is wrong.")
        return 1
    return 0


BEGAN = time.monotonic()
if __name__ == "__main__":
    sys.exit(main())
