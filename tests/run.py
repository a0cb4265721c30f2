#!/usr/bin/env python3
"""Runs every test and counts them.

Unit tests come from Meson (TAP programs beside the code); scenarios are the
TAP programs in tests/scenario.  The last line is "N passed, M failed, K
skipped".  docs/tests.md names tests in back-quotes after "Must show" lines: a
named test that did not run is a failure.

usage: tests/run.py [--only TEXT] [--list]
"""
import argparse
import concurrent.futures
import json
import os
import re
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CHECK = os.path.join(ROOT, "build", "check")
RELEASE = os.path.join(ROOT, "build")
SCENARIOS = os.path.join(ROOT, "tests", "scenario")
UNIT_LIMIT_S = 300
# Python's unittest -v, for the generator's tests.
UNITTEST = re.compile(r"^(test_\w+) \(.*\.\.\. (ok|FAIL|ERROR)$")
CAUSE = re.compile(r"^cause_row_(\d+)_")
TAP = re.compile(r"^(not ok|ok)\s+\d+\s*-?\s*(\S+)(.*)$")


class Program:
    """One test program: a command that prints TAP."""

    def __init__(self, name, command, limit_s):
        self.name, self.command, self.limit_s = name, command, limit_s
        self.results = []   # (test name, "ok" | "fail" | "skip", detail)
        self.output = ""
        self.seconds = 0.0

    def run(self):
        began = time.monotonic()
        env = dict(os.environ, ASAN_OPTIONS="detect_leaks=1:abort_on_error=0",
                   UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1")
        try:
            done = subprocess.run(self.command, cwd=ROOT, env=env,
                                  stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT,
                                  timeout=self.limit_s)
            code, text = done.returncode, done.stdout
        except subprocess.TimeoutExpired as late:
            code, text = None, late.stdout or b""
        self.output = text.decode("utf-8", "replace")
        self.seconds = time.monotonic() - began
        self.read(code)
        return self

    def read(self, code):
        for line in self.output.splitlines():
            m = UNITTEST.match(line)
            if m:
                self.results.append((m.group(1), "ok" if m.group(2) == "ok"
                                     else "fail", ""))
            m = TAP.match(line)
            if not m:
                continue
            verdict = "ok" if m.group(1) == "ok" else "fail"
            rest = m.group(3).strip()
            if "# SKIP" in rest:
                verdict, rest = "skip", rest.split("# SKIP", 1)[1].strip()
            self.results.append((m.group(2), verdict, rest))
        failed = any(v == "fail" for _, v, _ in self.results)
        if code is None:
            self.results.append((self.name, "fail",
                                 "no end within %d s" % self.limit_s))
        elif not self.results:
            self.results.append((self.name, "fail", "printed no test"))
        elif code != 0 and not failed:
            self.results.append((self.name, "fail", "exit status %d" % code))


def unit_programs():
    text = subprocess.check_output(
        ["meson", "introspect", "--tests", CHECK], cwd=ROOT)
    found = [Program(t["name"], t["cmd"], UNIT_LIMIT_S)
             for t in json.loads(text)]
    # Whole worlds last longest: who begins with them has none left at the end.
    return sorted(found, key=lambda p: not p.name.startswith("tests/"))


def scenario_programs():
    """A scenario says on a line "# run: BUILD LIMIT" which build it wants
    (check or release) and how many seconds it may take. With "beside" behind
    it two such run at a time; the others have the machine for themselves."""
    beside, alone = [], []
    for name in sorted(os.listdir(SCENARIOS)):
        path = os.path.join(SCENARIOS, name)
        if not name.endswith(".py"):
            continue
        with open(path, encoding="utf-8") as f:
            m = re.search(r"^# run: (check|release) (\d+)( beside)?$",
                          f.read(), re.M)
        if m:
            build = CHECK if m.group(1) == "check" else RELEASE
            found = beside if m.group(3) else alone
            found.append(Program("scenario/" + name[:-3],
                                 ["/usr/bin/python3", path, build],
                                 int(m.group(2))))
    # So that no long one is left over when the others are through.
    return sorted(beside, key=lambda p: -p.limit_s), alone


def run_two_at_a_time(programs):
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        done = [pool.submit(p.run) for p in programs]
        for future in concurrent.futures.as_completed(done):
            report(future.result())


def promised():
    """Test names in the last column of docs/tests.md's tables."""
    names = set()
    with open(os.path.join(ROOT, "docs", "tests.md"), encoding="utf-8") as f:
        for line in f:
            if line.startswith("|"):
                column = line.rstrip().rstrip("|").split("|")[-1]
                names.update(re.findall(r"`([a-z0-9_.]+)`", column))
    return names


def causes_told(names):
    """Says how many rows of the catalogue of causes were provoked by tests
    named cause_row_NUMBER_..; returns those that were not."""
    with open(os.path.join(ROOT, "tests", "data", "causes.tsv"),
              encoding="utf-8") as f:
        rows = {int(line.split("\t")[0]) for line in f if line[0].isdigit()}
    told = {int(m.group(1)) for m in map(CAUSE.match, names) if m}
    print("causes: %d of %d" % (len(told & rows), len(rows)))
    return sorted(rows - told)


def report(program):
    bad = [r for r in program.results if r[1] == "fail"]
    skipped = [r for r in program.results if r[1] == "skip"]
    print("%-4s %-34s %4d tests %6.1f s" % (
        "FAIL" if bad else "ok", program.name, len(program.results),
        program.seconds), flush=True)
    for name, _, why in skipped:
        print("     skipped %s: %s" % (name, why))
    for name, _, why in bad:
        print("     failed %s %s" % (name, why))
    if bad:
        for line in program.output.splitlines()[-60:]:
            print("     | " + line)
    sys.stdout.flush()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--only", default="")
    p.add_argument("--list", action="store_true")
    args = p.parse_args()
    units = [u for u in unit_programs() if args.only in u.name]
    beside, alone = [[s for s in part if args.only in s.name]
                     for part in scenario_programs()]
    programs = units + beside + alone
    if args.list:
        print("\n".join(x.name for x in programs))
        return 0
    counts = {"ok": 0, "fail": 0, "skip": 0}
    names, passed = set(), set()
    run_two_at_a_time(units)
    run_two_at_a_time(beside)
    for program in alone:
        report(program.run())
    for program in programs:
        for name, verdict, _ in program.results:
            counts[verdict] += 1
            if verdict == "ok":
                passed.add(name)
            if verdict != "skip" or os.geteuid() != 0:
                names.add(name)
    if not args.only:
        for name in sorted(promised() - names):
            print("FAIL docs/tests.md names %s, which did not run" % name)
            counts["fail"] += 1
        for row in causes_told(passed):
            print("FAIL no test provoked row %d of tests/data/causes.tsv" %
                  row)
            counts["fail"] += 1
        if os.geteuid() == 0 and counts["skip"]:
            print("FAIL tests were skipped although run as root")
            counts["fail"] += counts["skip"]
    print("%d passed, %d failed, %d skipped" %
          (counts["ok"], counts["fail"], counts["skip"]))
    return 1 if counts["fail"] or not counts["ok"] else 0


if __name__ == "__main__":
    sys.exit(main())
