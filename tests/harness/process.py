"""Child processes, free ports, and waiting for conditions."""
import os
import random
import signal
import socket
import subprocess
import threading
import time


given = set()   # ports


class Timeout(Exception):
    pass


def wait_for(what, condition, seconds=20.0, pause=0.02):
    """Waits until condition() is true and returns its value; a Timeout names
    what was waited for."""
    limit = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > limit:
            raise Timeout("waited %.0f s for %s" % (seconds, what))
        time.sleep(pause)


def free_port():
    """A port that is free on 127.0.0.1 for TCP and UDP: below the range the
    kernel gives out by itself, above the gateway's RTP, never twice."""
    while True:
        port = random.SystemRandom().randrange(22000, 32000)
        if port in given:
            continue
        try:
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                with socket.socket(socket.AF_INET, kind) as s:
                    s.bind(("127.0.0.1", port))
        except OSError:
            continue
        given.add(port)
        return port


class Process:
    """A child whose output is kept in a file and can be waited on."""

    def __init__(self, name, command, folder, env=None):
        os.makedirs(folder, exist_ok=True)
        self.name = name
        self.log_path = os.path.join(folder, name + ".log")
        self.log = open(self.log_path, "ab")
        self.child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self.log,
            stderr=subprocess.STDOUT, env=dict(os.environ, **(env or {})))

    @property
    def pid(self):
        return self.child.pid

    def text(self):
        with open(self.log_path, "rb") as f:
            return f.read().decode("utf-8", "replace")

    def alive(self):
        return self.child.poll() is None

    def wait_text(self, text, seconds=20.0):
        def seen():
            if text in self.text():
                return True
            if not self.alive():
                raise Timeout("%s ended with %s before it said %r:\n%s" % (
                    self.name, self.child.returncode, text,
                    self.text()[-2000:]))
            return False
        wait_for("%s to say %r" % (self.name, text), seen, seconds)

    def kill(self):
        if self.alive():
            self.child.kill()
        self.child.wait()

    def stop(self, seconds=15.0):
        """SIGTERM, then waits; returns the exit status."""
        if self.alive():
            self.child.send_signal(signal.SIGTERM)
        try:
            status = self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Timeout("%s did not stop within %.0f s" %
                          (self.name, seconds))
        self.log.close()
        return status


class Tap:
    """Prints TAP; a failed test does not stop the others."""

    def __init__(self):
        self.count = self.failed = 0
        self.lock = threading.Lock()

    def line(self, ok, name, detail=""):
        with self.lock:
            self.count += 1
            self.failed += not ok
            print("%s %d - %s%s" % ("ok" if ok else "not ok", self.count,
                                    name, " " + detail if detail else ""),
                  flush=True)

    def skip(self, name, reason):
        with self.lock:
            self.count += 1
            print("ok %d - %s # SKIP %s" % (self.count, name, reason),
                  flush=True)

    def run(self, name, test, *args):
        """Runs test(*args); an exception is a failure, told in comments."""
        import traceback
        try:
            detail = test(*args)
        except Exception:  # a test may fail in any way
            for text in traceback.format_exc().splitlines():
                print("# " + text)
            self.line(False, name)
            return False
        self.line(True, name, "# " + detail if detail else "")
        return True

    def done(self):
        print("1..%d" % self.count)
        return 1 if self.failed else 0
