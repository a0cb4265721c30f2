#!/usr/bin/env python3
"""Runs the fuzz targets: finds the planted overflow, then runs clean, and
prints how much of each parser was reached.

For each target: the build with a planted overflow must crash within 60 s; the
honest build must run for --seconds without a report.  Edges of the parser's
own files are counted in a third build, where they are those of the source: no
undefined-behaviour checks whose branches are never taken, no code copied by
the optimizer.  The kept corpus alone must reach EDGES_KEPT, so that neither
luck nor the machine's speed decides; what the run added is counted too.

usage: fuzz/run.py [--seconds N] [--only NAME]
"""
import argparse
import concurrent.futures
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
COVER = os.path.join(ROOT, "build", "fuzz-edges")
PLANT_LIMIT_S = 60
EDGES_KEPT = 78
# The files whose edges count for a target: the parser of foreign bytes.
PARSERS = {
    "tl": ["src/tl/read.c"],
    "mtproto": ["src/mtproto/client_message.c"],
    "sctp": ["src/tgcall/sctp_input.c", "src/tgcall/sctp_packet.c",
             "src/tgcall/sctp_rx.c"],
    "signaling": ["src/tgcall/acked.c", "src/tgcall/signal_message.c"],
    "sdp": ["src/tgcall/sdp_read.c", "src/tgcall/sdp_exchange.c"],
    "stun": ["src/ice/message.c"],
    "reflector": ["src/ice/reflector.c"],
    "sip": ["src/sip/sanity.c", "src/sip/sdp_read.c"],
    "sip_sdp": ["src/sip/sdp_read.c", "src/sip/sdp_secure.c"],
    "digest": ["src/sip/digest.c"],
    "refer": ["src/sip/refer.c"],
    "websocket": ["src/sip/websocket.c", "src/sip/websocket_handshake.c",
                  "src/sip/websocket_message.c"],
    "rules": ["src/route/caller.c", "src/route/dial_rules.c",
              "src/route/identifier.c", "src/route/template.c"],
    "field": ["src/route/trunk_value.c"],
    "proxy": ["src/telegram/proxy.c"],
    "srp": ["src/telegram/srp.c", "src/telegram/login_password.c"],
    "updates": ["src/telegram/feed.c", "src/telegram/updates.c"],
    "styled": ["src/telegram/styled.c", "src/telegram/styled_html.c"],
    "rtp": ["src/media/rtp.c", "src/media/rtcp.c"],
    "codec": ["src/media/amr_payload.c", "src/media/speex_frames.c"],
}


def build(folder, *options):
    if not os.path.exists(os.path.join(folder, "build.ninja")):
        subprocess.run(
            ["meson", "setup", folder, "-Dfuzz=true", "-Db_lundef=false",
             "--buildtype=debugoptimized"] + list(options),
            cwd=ROOT, check=True, env=dict(os.environ, CC="clang"),
            stdout=subprocess.DEVNULL)
    # A build of an earlier tree learns of new targets first.
    subprocess.run(["ninja", "-C", folder, "build.ninja"], check=True,
                   stdout=subprocess.DEVNULL)
    # Only the targets: the programs are no part of this build.
    text = subprocess.check_output(["ninja", "-C", folder, "-t", "targets",
                                    "all"], text=True)
    targets = sorted(set(re.findall(r"^(fuzz/fuzz_[a-z_]+): ", text, re.M)))
    subprocess.run(["ninja", "-C", folder] + targets, check=True,
                   stdout=subprocess.DEVNULL)
    return [t.split("fuzz_", 1)[1] for t in targets]


def kept_corpus(name, work):
    """A copy of the kept corpus: a run adds to its copy only."""
    corpus = os.path.join(work, "corpus")
    shutil.copytree(os.path.join(ROOT, "fuzz", "corpus", name), corpus)
    return corpus


def run(folder, name, corpus, work, *options):
    """(exit status, output, seconds)"""
    began = time.monotonic()
    done = subprocess.run(
        [os.path.join(folder, "fuzz", "fuzz_" + name), corpus, "-timeout=10",
         "-rss_limit_mb=2048", "-keep_seed=1",
         "-artifact_prefix=%s/" % work] + list(options),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
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


def edges_reached(name, corpus, work):
    """(hit, all) edges of the parser by what is in the corpus."""
    _, replay, _ = run(COVER, name, corpus, work, "-runs=0",
                       "-print_coverage=1")
    return edges(replay, PARSERS.get(name, []))


def fuzz(name, seconds):
    """One target's row; (passed, what to print)."""
    with tempfile.TemporaryDirectory() as work:
        status, out, took = run(PLANT, name, kept_corpus(name, work), work,
                                "-max_total_time=%d" % PLANT_LIMIT_S)
        # Whatever the sanitizer calls it: next to a page of its own memory
        # an overflow is an "unknown-crash".
        found = (status != 0 and "AddressSanitizer" in out and
                 "in plant_overflow" in out)
    with tempfile.TemporaryDirectory() as work:
        corpus = kept_corpus(name, work)
        kept, total = edges_reached(name, corpus, work)
        status, out, _ = run(CLEAN, name, corpus, work,
                             "-max_total_time=%d" % seconds)
        m = re.search(r"Done (\d+) runs", out)
        runs = int(m.group(1)) if m else 0
        hit, _ = edges_reached(name, corpus, work)
    good = (found and status == 0 and runs > 0 and total > 0 and
            100 * kept >= EDGES_KEPT * total)
    total = total or 1
    row = "%-10s %-16s %-26s %4d of %4d  %3.0f %% kept, %3.0f %% after%s" % (
        name, "found, %.1f s" % took if found else "NOT FOUND",
        "%d runs, %d s" % (runs, seconds) if status == 0 else "CRASHED",
        kept, total, 100 * kept / total, 100 * hit / total,
        "" if good else "  FAILED")
    if status != 0:
        row += "\n" + "\n".join(out.splitlines()[-40:])
    return good, row


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--seconds", type=int, default=60)
    p.add_argument("--only", default="")
    args = p.parse_args()
    print("building the fuzz targets", flush=True)
    names = [n for n in build(CLEAN) if args.only in n]
    build(PLANT, "-Dplant=true")
    build(COVER, "-Dfuzz_undefined=false", "-Doptimization=1",
          "-Dc_args=-fno-inline")
    print("%-10s %-16s %-26s %s" % ("target", "planted defect", "clean",
                                    "edges of the parser"), flush=True)
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for good, row in pool.map(lambda n: fuzz(n, args.seconds), names):
            failed += not good
            print(row, flush=True)
    print("%d passed, %d failed" % (len(names) - failed, failed))
    return 1 if failed or not names else 0


if __name__ == "__main__":
    sys.exit(main())
