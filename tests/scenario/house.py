#!/usr/bin/env python3
"""The house's own rules: who may include whom, and that the gateway knows
nothing of the simulator.

# run: release 120
"""
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path.insert(0, ROOT)
from tests.harness.process import Tap  # noqa: E402

# docs/architecture.md; everyone may use base.
USES = {
    "base": [],
    "tl": [],
    "mtproto": ["tl"],
    "telegram": ["mtproto", "tl"],
    "media": [],
    "ice": [],
    "tgcall": ["ice", "media"],
    "sip": [],
    "call": ["media"],
    "route": [],
    "store": [],
    "bus": [],
    "service": ["route", "store", "bus"],
    "ctl": ["service"],
    "manager": ["service", "bus", "store", "route"],
    "worker": ["call", "sip", "tgcall", "bus", "media", "route"],
    "storage": ["telegram", "mtproto", "tl", "bus", "store"],
    "sim": ["tl", "mtproto"],
}
# The call endpoint program of the simulator is media only.
FILE_USES = {"sim/endpoint": ["tgcall", "media", "ice"]}
# The process: src/*.c wires the roles and reads their settings.
MAIN_USES = ["manager", "worker", "storage", "ctl", "service", "bus", "store",
             "telegram", "mtproto", "media", "tgcall", "route", "sip", "tl",
             "call"]
INCLUDE = re.compile(r'^\s*#include "([^"]+)"', re.M)


def allowed(path):
    relative = os.path.relpath(path, ROOT)
    parts = relative.split(os.sep)
    if parts[0] == "sim":
        for prefix, extra in FILE_USES.items():
            if relative.startswith(prefix):
                return ["sim"] + extra
        return ["sim"] + USES["sim"]
    if len(parts) == 2:
        return MAIN_USES
    return [parts[1]] + USES[parts[1]]


def violations():
    bad = []
    for top in ("src", "sim"):
        for folder, _, names in os.walk(os.path.join(ROOT, top)):
            for name in names:
                if not name.endswith((".c", ".h")) or "_test." in name:
                    continue
                path = os.path.join(folder, name)
                with open(path, encoding="utf-8") as f:
                    text = f.read()
                may = allowed(path)
                for target in INCLUDE.findall(text):
                    subject = target.split("/")[0]
                    if "/" not in target or subject in ("base", "tests"):
                        continue
                    if subject not in may:
                        bad.append("%s includes %s" % (
                            os.path.relpath(path, ROOT), target))
    return bad


def check_includes():
    bad = violations()
    assert not bad, "\n".join(bad)
    assert len(USES) > 15


def check_readmes():
    missing = [d for d in os.listdir(os.path.join(ROOT, "src"))
               if os.path.isdir(os.path.join(ROOT, "src", d)) and
               not os.path.exists(os.path.join(ROOT, "src", d, "README.md"))]
    assert not missing, "no README.md in src/" + ", src/".join(missing)


def symbols(program):
    text = subprocess.check_output(["nm", program], text=True)
    return {line.split()[-1] for line in text.splitlines() if line.strip()}


def check_no_simulator(build):
    gateway = symbols(os.path.join(build, "gramline"))
    simulator = symbols(os.path.join(build, "gramline-sim"))
    of_sim = {s for s in simulator if s.startswith("sim_")}
    assert len(of_sim) > 50, "the simulator's symbols were not found"
    assert "main" in gateway, "the gateway's symbols were not found"
    both = gateway & of_sim
    assert not both, "linked into the gateway: %s" % sorted(both)[:5]
    # The server half of MTProto exists for the simulator alone.
    assert "mtp_server_new" not in gateway
    with open(os.path.join(build, "gramline"), "rb") as f:
        assert b"gramline-sim" not in f.read()


def main():
    build = sys.argv[1]
    tap = Tap()
    tap.run("check_house_includes_follow_the_architecture", check_includes)
    tap.run("check_house_every_folder_has_a_readme", check_readmes)
    tap.run("check_house_gateway_links_no_simulator", check_no_simulator,
            build)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
