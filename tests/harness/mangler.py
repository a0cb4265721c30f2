#!/usr/bin/env python3
"""A call endpoint around another one that mangles the signalling of both
directions: every blob also goes out flipped, cut, empty, longer and again, and
old ones come back late.

usage: mangler.py ENDPOINT [ARGUMENT]...
"""
import random
import subprocess
import sys
import threading

draw = random.Random()


def spoiled(blob):
    """Hexadecimal blobs that are not this one."""
    data = bytes.fromhex(blob)
    flipped = bytearray(data)
    if flipped:
        flipped[draw.randrange(len(flipped))] ^= 1 << draw.randrange(8)
    return [x.hex() for x in (
        bytes(flipped), data[:draw.randrange(len(data) + 1)],
        data + draw.randbytes(draw.randint(1, 40)), data[:16],
        draw.randbytes(draw.choice((1, 16, 17, 40, 300, 1000))))]


class Mangler:
    """One direction: true blobs in order, rubbish around them."""

    def __init__(self, sink):
        self.sink, self.old = sink, []
        self.lock = threading.Lock()

    def say(self, line):
        try:
            self.sink.write(line + "\n")
            self.sink.flush()
        except (OSError, ValueError):
            pass

    def line(self, line):
        kind, _, blob = line.partition(" ")
        with self.lock:
            if kind != "SIG":
                self.say(line)
                return
            rubbish = spoiled(blob)
            draw.shuffle(rubbish)
            if self.old:
                rubbish.append(draw.choice(self.old))
            before = draw.randrange(len(rubbish))
            for x in rubbish[:before]:
                self.say("SIG " + x)
            self.say(line)
            for x in rubbish[before:] + [blob]:
                self.say("SIG " + x)
            self.old.append(blob)


def main():
    child = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, text=True, bufsize=1)
    inward, outward = Mangler(child.stdin), Mangler(sys.stdout)

    def read_input():
        for line in sys.stdin:
            inward.line(line.rstrip("\n"))
        try:
            child.stdin.close()
        except OSError:
            pass
    threading.Thread(target=read_input, daemon=True).start()
    for line in child.stdout:
        outward.line(line.rstrip("\n"))
    return child.wait()


if __name__ == "__main__":
    sys.exit(main())
