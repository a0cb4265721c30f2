#!/usr/bin/env python3
"""Runs Gramline against other people's software, from npm, pinned, and from
Debian:

  messages   @mtcute/node, an MTProto client, against the simulated Telegram
  chat       texts, keyboards, inline bots and files, mtcute and the gateway
  calls      an endpoint on @roamhq/wrtc (libwebrtc) against gramline-endpoint
  matrix     every version, role and path; writes docs/compatibility.md
  lossy      speech over bad networks, next to libwebrtc's; writes
             docs/lossy-networks.md
  gateway    whole calls: a SIP phone, the gateway, and that endpoint
  users      users of mtcute, gramjs and TDLib, and the gateway's account
  pbx        Asterisk of Debian unstable, under chroot, Kamailio, Linphone and
             baresip: with the recipes of docs/pbx; writes docs/pbx-interop.md

docs/interop.md tells what each part shows. --quick: a part of it, in less than
four minutes. The last line is "N passed, M failed".
"""
import argparse
import glob
import os
import shutil
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path.insert(0, ROOT)
from interop import (calls, chat, gateway_calls, libraries,  # noqa: E402
                     lossy, matrix, messages, pbx)

BUILD = os.path.join(ROOT, "build")
WORK = os.path.join(BUILD, "interop")

PARTS = ["messages", "chat", "calls", "matrix", "lossy", "gateway", "users",
         "pbx"]


class Report:
    """Counts, and tells at once."""

    def __init__(self):
        self.began = time.monotonic()
        self.lock = threading.Lock()
        self.passed = self.failed = self.skipped = 0
        self.failures = []

    def say(self, text):
        print("%7.1f s  %s" % (time.monotonic() - self.began, text),
              flush=True)

    def result(self, name, good, detail=""):
        with self.lock:
            self.passed += bool(good)
            self.failed += not good
            if not good:
                self.failures.append("%s  %s" % (name, detail))
            self.say("%-4s  %s%s" % ("ok" if good else "FAIL", name,
                                     "  " + detail if detail else ""))

    def skip(self, name, reason):
        with self.lock:
            self.skipped += 1
            self.say("SKIP  %s  %s" % (name, reason))


def packages_install(say):
    """npm packages as the lock file names them; again when it changed."""
    lock = os.path.join(HERE, "package-lock.json")
    stamp = os.path.join(HERE, "node_modules", ".installed-lock.json")
    with open(lock, "rb") as f:
        wanted = f.read()
    if os.path.exists(stamp):
        with open(stamp, "rb") as f:
            if f.read() == wanted:
                return
    say("npm packages are installed")
    subprocess.run(["npm", "ci", "--no-progress", "--loglevel=error"],
                   cwd=HERE, check=True, stdout=subprocess.DEVNULL)
    shutil.copyfile(lock, stamp)


def node_find():
    """The node that is pinned as a package; where there is none for this
    machine, the system's."""
    pinned = glob.glob(os.path.join(HERE, "node_modules", "node-linux-*",
                                    "bin", "node"))
    return os.environ.get("NODE") or (pinned[0] if pinned else "node")


def node_prepare(report):
    packages_install(report.say)
    node = node_find()
    version = subprocess.run([node, "--version"], check=True, text=True,
                             stdout=subprocess.PIPE).stdout.strip()
    report.say("node %s" % version)
    return node


def table(rows):
    head = {"what": "what", "version": "version", "role": "libwebrtc is",
            "connected": "connected", "heard": "heard both ways",
            "seconds": "seconds to connect"}
    widths = {k: max(len(r[k]) for r in [head] + rows) for k in head}
    print()
    for row in [head] + rows:
        print("  ".join(row[k].ljust(widths[k]) for k in head).rstrip())


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--quick", action="store_true")
    options.add_argument("--only", choices=PARTS, help="one of the parts")
    options.add_argument("--peer", choices=[p[0] for p in pbx.PEERS],
                         help="of the part pbx: one")
    chosen = options.parse_args()
    quick, parts = chosen.quick, [chosen.only] if chosen.only else PARTS
    report = Report()
    node = node_prepare(report) if parts != ["pbx"] else None
    shutil.rmtree(WORK, ignore_errors=True)
    os.makedirs(WORK)
    rows = []
    for layer in ("own", "gateway")[:1 if quick else 2]:
        if "messages" in parts:
            messages.run(report, node, BUILD,
                         os.path.join(WORK, "messages-" + layer), layer)
        if "chat" in parts:
            chat.run(report, node, BUILD,
                     os.path.join(WORK, "chat-" + layer), layer)
    if "calls" in parts:
        rows += calls.run(report, node, BUILD, os.path.join(WORK, "calls"),
                          quick)
    if "matrix" in parts:
        matrix.run(report, node, BUILD, os.path.join(WORK, "matrix"), quick)
    if "lossy" in parts:
        lossy.run(report, node, BUILD, os.path.join(WORK, "lossy"), quick)
    if "gateway" in parts:
        rows += gateway_calls.run(report, node, BUILD,
                                  os.path.join(WORK, "gateway"), quick)
    if "users" in parts:
        libraries.run(report, node, BUILD, os.path.join(WORK, "users"), quick)
    if "pbx" in parts:
        pbx.run(report, BUILD, os.path.join(WORK, "pbx"), quick,
                chosen.peer)
    if rows:
        table(rows)
    if report.failures:
        print("\nFailed:\n  " + "\n  ".join(report.failures))
    if report.skipped:
        print("\n%d skipped" % report.skipped)
    print("\n%d passed, %d failed" % (report.passed, report.failed))
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
