"""A Telegram user on somebody else's client library (client/main.js)."""
import json
import os
import subprocess
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))


class Refused(Exception):
    """The client's answer to a request is an error."""


class Client:
    """library: mtcute, gramjs or tdlib; options: see client/LIBRARY.js."""

    def __init__(self, node, library, telegram, folder, **options):
        os.makedirs(folder, exist_ok=True)
        self.folder, self.library = folder, library
        self.log_path = os.path.join(folder, "client.log")
        with open(self.log_path, "a") as log:
            self.process = subprocess.Popen(
                [node, os.path.join(HERE, "client", "main.js"), library,
                 str(telegram.dc), telegram.host, str(telegram.port),
                 telegram.key, json.dumps(dict(options, folder=folder))],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                text=True, bufsize=1)
        self.changed = threading.Condition()
        self.answers, self.events, self.number = {}, [], 0
        threading.Thread(target=self.read, daemon=True).start()
        self.wait(30, event="started")

    def read(self):
        for line in self.process.stdout:
            try:
                message = json.loads(line)
            except ValueError:  # something the library prints by itself
                with open(self.log_path, "a") as log:
                    log.write(line)
                continue
            with self.changed:
                if "n" in message:
                    self.answers[message["n"]] = message
                else:
                    self.events.append(message)
                self.changed.notify_all()
        with self.changed:
            self.changed.notify_all()

    def until(self, what, condition, seconds):
        end = time.monotonic() + seconds
        with self.changed:
            while True:
                found = condition()
                if found is not None:
                    return found
                left = end - time.monotonic()
                if left <= 0 or self.process.poll() is not None:
                    raise TimeoutError("%s: waited for %s; last: %s; %s" % (
                        self.library, what, self.events[-4:],
                        self.log_tail()))
                self.changed.wait(min(left, 1.0))

    def log_tail(self):
        with open(self.log_path, errors="replace") as f:
            return f.read()[-600:]

    def start(self, op, **fields):
        """Sends a request; answer() waits for what it brings."""
        self.number += 1
        self.process.stdin.write(json.dumps(
            dict(fields, n=self.number, op=op)) + "\n")
        return self.number

    def answer(self, number, seconds=30):
        a = self.until("answer %d" % number,
                       lambda: self.answers.get(number), seconds)
        if not a["ok"]:
            raise Refused(a["error"] + "\n" + a.get("stack", ""))
        return a

    def ask(self, op, seconds=30, **fields):
        return self.answer(self.start(op, **fields), seconds)

    def mark(self):
        return len(self.events)

    def wait(self, seconds=20, since=0, **match):
        """The first event since a mark that holds all of this."""
        def found():
            for event in self.events[since:]:
                if all(event.get(k) == v for k, v in match.items()):
                    return event
            return None
        return self.until(str(match), found, seconds)

    def stop(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()
        self.process.stdout.close()
