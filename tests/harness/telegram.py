"""The simulated Telegram: its configuration, process and control interface
(docs/simulator.md)."""
import json
import os
import re
import socket
import threading
import time

from .process import Process, wait_for


class Telegram:
    """accounts: dicts as in docs/simulator.md; build: folder of the
    programs."""

    def __init__(self, build, folder, accounts, call=None, endpoint=None,
                 dcs=None, **extra):
        os.makedirs(folder, exist_ok=True)
        self.build, self.folder = build, folder
        self.config = os.path.join(folder, "sim.json")
        self.data = os.path.join(folder, "data")
        with open(self.config, "w") as f:
            json.dump(dict({
                "dcs": dcs or [{"id": 2}],
                "call": call or {},
                "accounts": accounts,
                "endpoint": endpoint or [
                    os.path.join(build, "gramline-endpoint"),
                    "--bind", "127.0.0.1"],
            }, **extra), f, indent=1)
        self.process = None
        self.starts = 0
        self.events = []     # (monotonic time, event)
        self.watcher = None

    def start(self):
        self.starts += 1
        self.process = Process(
            "gramline-sim", [os.path.join(self.build, "gramline-sim"), "-c",
                             self.config, "-D", self.data], self.folder)
        wait_for("the simulator to be ready", self.is_ready, 30)
        ready = re.findall(r"ready dc=(\d+) address=(\S+):(\d+) key=(\S+) "
                           r"control=(\S+)", self.process.text())[-1]
        self.dc, self.host, self.port = (int(ready[0]), ready[1],
                                         int(ready[2]))
        self.key, self.control = ready[3], ready[4]
        self.watch()

    def is_ready(self):
        if not self.process.alive():
            raise RuntimeError("gramline-sim ended:\n" +
                               self.process.text()[-3000:])
        return self.process.text().count("ready dc=") >= self.starts

    def settings(self):
        """Lines for the gateway's [telegram] section."""
        return ("api_id = 4242\napi_hash = 0123456789abcdef0123456789abcdef\n"
                "dc = %d %s:%d\nrsa_key = %s" % (
                    self.dc, "[%s]" % self.host if ":" in self.host
                    else self.host, self.port, self.key))

    # -- control ----------------------------------------------------------
    def open(self):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        s.connect(self.control)
        return s

    def ask(self, op, **arguments):
        with self.open() as s:
            s.sendall(json.dumps(dict(arguments, op=op)).encode() + b"\n")
            line = s.makefile().readline()
        answer = json.loads(line)
        if not answer.get("ok"):
            raise RuntimeError("simulator: %s %s: %s" % (op, arguments,
                                                         answer))
        return answer

    def watch(self):
        s = self.open()
        s.sendall(b'{"op":"watch"}\n')

        def read():
            try:
                for line in s.makefile():
                    self.events.append((time.monotonic(), json.loads(line)))
            except (OSError, ValueError):
                pass
        self.watcher = s
        threading.Thread(target=read, daemon=True).start()

    def code(self, phone):
        return wait_for("a log-in code for %s" % phone,
                        lambda: self.try_code(phone))

    def try_code(self, phone):
        try:
            return self.ask("code", phone=phone)["code"]
        except RuntimeError:
            return None

    def calls(self, every=False):
        return self.ask("calls", all=every)["calls"]

    def behave(self, user, **app):
        return self.ask("behaviour", user=user, app=app)

    def call_time(self, call_id, state):
        """When the call was first seen in a state, monotonic; or None."""
        for when, e in list(self.events):
            c = e.get("call") or {}
            if c.get("id") == call_id and c.get("state") == state:
                return when
        return None

    def endpoints(self):
        """Process ids of running call endpoints of this simulator."""
        found = []
        for pid in os.listdir("/proc"):
            if not pid.isdigit():
                continue
            try:
                with open("/proc/%s/cmdline" % pid, "rb") as f:
                    words = f.read().split(b"\0")
            except OSError:
                continue
            if (words and b"endpoint" in words[0] + b" ".join(words[1:2]) and
                    self.folder.encode() in b" ".join(words)):
                found.append(int(pid))
        return found

    def stop(self):
        if self.watcher:
            self.watcher.close()
        return self.process.stop()

    def kill(self):
        if self.watcher:
            self.watcher.close()
        self.process.kill()
