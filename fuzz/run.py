#!/usr/bin/env python3
"""Runs the fuzz targets: finds the planted overflow, then runs clean, and
prints how much of each parser was reached.

For each target: the build with a planted overflow must crash within 60 s; the
honest build must run for --seconds without a report.  Edge coverage is that of
the parser's own files after the run, as libFuzzer counts it.

usage: fuzz/run.py [--seconds N] [--only NAME]
"""
import argparse
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CLEAN = os.path.join(ROOT, "build", "fuzz")
PLANT = os.path.join(ROOT, "build", "fuzz-plant")
PLANT_LIMIT_S = 60
EDGES_WANTED = 70
# The files whose edges count for a target: the parser of foreign bytes.
PARSERS = {
    "tl": ["src/tl/read.c"],
    "mtproto": ["src/mtproto/session_input.c"],
    "sctp": ["src/tgcall/sctp_packet.c"],
    "signaling": ["src/tgcall/message.c"],
    "stun": ["src/ice/agent_input.c"],
    "sip": ["src/sip/sanity.c", "src/sip/sdp_read.c"],
    "rtp": ["src/media/rtp.c", "src/media/rtcp.c"],
}


def build(folder, plant):
    if not os.path.exists(os.path.join(folder, "build.ninja")):
        subprocess.run(
            ["meson", "setup", folder, "-Dfuzz=true",
             "-Dplant=%s" % ("true" if plant else "false"),
             "-Db_lundef=false", "--buildtype=debugoptimized"],
            cwd=ROOT, check=True, env=dict(os.environ, CC="clang"),
            stdout=subprocess.DEVNULL)
    # Only the targets: the programs are no part of this build.
    text = subprocess.check_output(["ninja", "-C", folder, "-t", "targets",
                                    "all"], text=True)
    targets = sorted(set(re.findall(r"^(fuzz/fuzz_[a-z_]+): ", text, re.M)))
    subprocess.run(["ninja", "-C", folder] + targets, check=True,
                   stdout=subprocess.DEVNULL)
    return [t.split("fuzz_", 1)[1] for t in targets]


def run(folder, name, seconds, work):
    """(exit status, output, seconds). The corpus is copied: a run adds to its
    copy only."""
    corpus = os.path.join(work, name)
    shutil.copytree(os.path.join(ROOT, "fuzz", "corpus", name), corpus)
    began = time.monotonic()
    done = subprocess.run(
        [os.path.join(folder, "fuzz", "fuzz_" + name), corpus,
         "-max_total_time=%d" % seconds, "-print_full_coverage=1",
         "-timeout=10", "-rss_limit_mb=2048", "-artifact_prefix=%s/" % work],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env=dict(os.environ, ASAN_OPTIONS="symbolize=1"))
    return (done.returncode, done.stdout.decode("utf-8", "replace"),
            time.monotonic() - began)


def edges(output, files):
    """(hit, all) edges of the functions in `files`."""
    hit = total = 0
    for line in output.splitlines():
        m = re.match(r"(?:UN)?COVERED_FUNC: .*edges: (\d+)/(\d+) (\S+) "
                     r"(\S+?):\d+", line)
        if m and any(m.group(4).endswith(f) for f in files):
            hit += int(m.group(1))
            total += int(m.group(2))
    return hit, total


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--seconds", type=int, default=60)
    p.add_argument("--only", default="")
    args = p.parse_args()
    print("building the fuzz targets", flush=True)
    names = [n for n in build(CLEAN, False) if args.only in n]
    build(PLANT, True)
    failed = 0
    print("%-12s %-22s %-18s %s" % ("target", "planted overflow",
                                    "clean for", "edges of the parser"))
    for name in names:
        with tempfile.TemporaryDirectory() as work:
            status, out, took = run(PLANT, name, PLANT_LIMIT_S, work)
            found = status != 0 and "heap-buffer-overflow" in out
        with tempfile.TemporaryDirectory() as work:
            status, out, _ = run(CLEAN, name, args.seconds, work)
        runs = re.findall(r"stat::number_of_executed_units: (\d+)|"
                          r"Done (\d+) runs", out)
        hit, total = edges(out, PARSERS.get(name, []))
        share = 100 * hit / total if total else 0
        good = found and status == 0 and share >= EDGES_WANTED
        failed += not good
        print("%-12s %-22s %-18s %d of %d (%.0f %%)  %s" % (
            name, "found in %.1f s" % took if found else "NOT FOUND",
            "%d s" % args.seconds if status == 0 else "CRASHED",
            hit, total, share, "" if good else "<- FAILED"), flush=True)
        if status != 0:
            print("\n".join(out.splitlines()[-40:]))
        if not runs:
            print("     the target printed no number of runs")
    print("%d passed, %d failed" % (len(names) - failed, failed))
    return 1 if failed or not names else 0


if __name__ == "__main__":
    sys.exit(main())
