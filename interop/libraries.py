"""Runs users.py for each client library; gramjs in a network namespace, for it
dials port 80."""
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
QUICK = ["mtcute", "gramjs", "tdlib223"]
FULL = QUICK + ["mtcute223", "mtcute_pfs", "gramjs_abridged", "gramjs_full",
                "tdlib223_pfs", "tdlib229"]
SECONDS = 300
LOOPBACK = "ip link set lo up && exec \"$@\""


def namespace_words():
    """What puts a command into a network namespace of its own; None: may
    not be made here."""
    words = ["unshare", "-n"] if os.geteuid() == 0 else ["unshare", "-rn"]
    words += ["sh", "-c", LOOPBACK, "sh"]
    try:
        made = subprocess.run(words + ["true"], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL).returncode == 0
    except OSError:
        made = False
    return words if made else None


def prefix_of(kind):
    """(words before the command, why it cannot run)."""
    if kind.startswith("gramjs"):
        words = namespace_words()
        return words or [], words is None and \
            "it dials port 80: a network namespace is needed (root)"
    if kind.startswith("tdlib"):
        package = os.path.join(HERE, "node_modules",
                               "tdlib-layer" + kind[len("tdlib"):][:3])
        return [], not os.path.isdir(package) and \
            "npm has no TDLib for this machine"
    return [], False


def run_one(report, kind, node, build, folder, quick):
    prefix, reason = prefix_of(kind)
    if reason:
        report.skip(kind, reason)
        return
    command = prefix + [sys.executable, os.path.join(HERE, "users.py"), kind,
                        node, build, folder] + ["--quick"] * quick
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    planned = seen = 0
    try:
        for line in child.stdout:
            test = re.match(r"(not )?ok \d+ - (\S+)(?: # (.*))?", line)
            if test:
                seen += 1
                report.result(test.group(2), not test.group(1),
                              test.group(3) or "")
            elif line.startswith("1.."):
                planned = int(line[3:])
            else:
                print(line.rstrip(), flush=True)
        status = child.wait(SECONDS)
        if status < 0 or seen != planned or not planned:
            report.result(kind + "_ends_well", False, "status %d, %d of %d" %
                          (status, seen, planned))
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()


def run(report, node, build, folder, quick, chosen=None):
    os.makedirs(folder)
    for kind in chosen or (QUICK if quick else FULL):
        run_one(report, kind, node, build, os.path.join(folder, kind), quick)
