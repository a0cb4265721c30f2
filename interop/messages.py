"""An independent MTProto client (mtproto/run.js) against gramline-sim."""
import os
import re
import subprocess

from tests.harness.telegram import Telegram

HERE = os.path.dirname(os.path.abspath(__file__))
# Fictitious numbers: country code 999 is not assigned.
ACCOUNTS = [
    {"id": 2001, "phone": "999660000201", "first_name": "Anna",
     "username": "anna_interop"},
    {"id": 2002, "phone": "999660000202", "first_name": "Boris",
     "username": "boris_interop"},
    {"id": 2003, "phone": "999660000203", "first_name": "Robot",
     "username": "robot_interop", "app": {"behaviour": "answer"}},
    {"id": 2004, "phone": "999660000204", "first_name": "Clara",
     "username": "clara_interop", "password": "two steps"},
]


def run(report, node, build, folder, layer):
    """layer: "own" of the client, or "gateway" for that of the gateway."""
    telegram = Telegram(build, folder, ACCOUNTS)
    telegram.start()
    planned = passed = 0
    child = subprocess.Popen(
        [node, os.path.join(HERE, "mtproto", "run.js"), str(telegram.dc),
         telegram.host, str(telegram.port), telegram.key, telegram.control,
         layer],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
    try:
        for line in child.stdout:
            line = line.rstrip()
            test = re.match(r"(not )?ok \d+ - (\S+)(?: # (.*))?", line)
            if test:
                passed += not test.group(1)
                report.result(test.group(2), not test.group(1),
                              test.group(3) or "")
            elif line == "REQUEST restart":
                telegram.kill()
                telegram.start()
                child.stdin.write("done\n")
            elif line.startswith("1.."):
                planned = int(line[3:])
            else:
                print(line, flush=True)
        if child.wait() and passed == planned or not planned:
            report.result("mtcute_%s_layer_ends_well" % layer, False)
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()
        telegram.stop()
