"""tests/load_phone.c as a Python object: many cheap SIP calls of one login."""
import json
import os
import subprocess
import threading
import time

from .process import wait_for


class LoadPhone:
    def __init__(self, build, folder, server, login, password, codec="alaw"):
        os.makedirs(folder, exist_ok=True)
        self.log = open(os.path.join(folder, "load-phone.log"), "ab")
        self.child = subprocess.Popen(
            [os.path.join(build, "load-phone"), "--server", server,
             "--login", login, "--password", password, "--codec", codec],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log)
        self.events = []
        threading.Thread(target=self.read, daemon=True).start()
        wait_for("the load phone to register",
                 lambda: self.of("registered"))

    def read(self):
        for line in self.child.stdout:
            self.events.append(dict(json.loads(line),
                                    at=time.monotonic()))

    def of(self, event):
        return [e for e in list(self.events) if e["event"] == event]

    def say(self, line):
        self.child.stdin.write(line.encode() + b"\n")
        self.child.stdin.flush()

    def dial(self, user, say_hz, hear_hz):
        self.say("dial %s %d %d" % (user, say_hz, hear_hz))

    def expect(self, user, say_hz, hear_hz):
        self.say("expect %s %d %d" % (user, say_hz, hear_hz))

    def status(self):
        """The running calls; events before it have been taken in."""
        before = len(self.of("status"))
        self.say("status")
        wait_for("the load phone's status",
                 lambda: len(self.of("status")) > before)
        return self.of("status")[-1]["calls"]

    def hang_up(self, user="all"):
        self.say("hangup " + user)

    def stop(self):
        try:
            self.say("quit")
        except BrokenPipeError:
            pass
        status = self.child.wait(15)
        self.log.close()
        return status
