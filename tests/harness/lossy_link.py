#!/usr/bin/env python3
"""A bad network: two namespaces, joined by a program that loses, delays and
overtakes their packets as a seed tells.

    lossy_link.py NAME-A NAME-B SEED LOSS DELAY_MS JITTER_MS OVERTAKEN

Creates the TUN devices NAME-A and NAME-B, says "ready" and carries IPv4's UDP
between them until its input ends; all else is dropped. Each packet is lost with
probability LOSS, else comes DELAY_MS later, plus or minus up to JITTER_MS; with
probability OVERTAKEN it comes OVERTAKE_MS later still. What happens to the n-th
packet of a direction depends on the seed alone.
"""
import fcntl
import heapq
import itertools
import os
import random
import select
import struct
import subprocess
import sys
import time

TUN = "/dev/net/tun"
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454ca, 0x0001, 0x1000
PACKET_BYTES = 2048
OVERTAKE_MS = 70
PROTOCOL_UDP = 17


class Fate:
    """Of the packets of one direction, one after the other. All numbers are
    drawn for each, so that a condition changes only what it is about."""

    def __init__(self, seed, loss, delay_ms, jitter_ms, overtaken):
        self.draw = random.Random(seed)
        self.loss, self.overtaken = loss, overtaken
        self.delay_ms, self.jitter_ms = delay_ms, jitter_ms

    def next(self):
        """Seconds until the packet arrives; None: never."""
        lost, at, overtaken = (self.draw.random() for _ in range(3))
        if lost < self.loss:
            return None
        late = self.delay_ms + self.jitter_ms * (2 * at - 1)
        if overtaken < self.overtaken:
            late += OVERTAKE_MS
        return max(0.0, late) / 1000


def device_open(name):
    fd = os.open(TUN, os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(),
                                           IFF_TUN | IFF_NO_PI))
    return fd


def is_udp(packet):
    return len(packet) >= 28 and packet[0] >> 4 == 4 and \
        packet[9] == PROTOCOL_UDP


class Carrier:
    def __init__(self, a, b, fates):
        self.other = {a: b, b: a}
        self.fates = fates
        self.waiting = []    # (when, order, descriptor, packet)
        self.order = itertools.count()

    def take(self, fd, now):
        try:
            packet = os.read(fd, PACKET_BYTES)
        except OSError:      # the device is down
            return
        late = self.fates[fd].next() if is_udp(packet) else None
        if late is not None:
            heapq.heappush(self.waiting, (now + late, next(self.order),
                                          self.other[fd], packet))

    def give(self, now):
        while self.waiting and self.waiting[0][0] <= now:
            _, _, fd, packet = heapq.heappop(self.waiting)
            try:
                os.write(fd, packet)
            except OSError:
                pass

    def run(self, stop):
        while True:
            wait = None
            if self.waiting:
                wait = max(0.0, self.waiting[0][0] - time.monotonic())
            readable, _, _ = select.select([*self.other, stop], [], [], wait)
            now = time.monotonic()
            if stop in readable:
                return
            for fd in readable:
                self.take(fd, now)
            self.give(now)


class Link:
    """As a context: the two namespaces; prefix(side) runs a program in one.
    condition: dict of loss, delay_ms, jitter_ms, overtaken."""

    HOSTS = {"a": "10.213.9.1/24", "b": "10.213.9.2/24"}
    counter = itertools.count()

    def __init__(self, seed, condition):
        tag = "gl%x-%x" % (os.getpid() & 0xfffff, next(self.counter))
        self.names = {side: tag + side for side in "ab"}
        self.seed, self.condition = seed, condition
        self.process = None

    def ip(self, *words):
        subprocess.run(("ip",) + words, check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.PIPE)

    def __enter__(self):
        c = self.condition
        try:
            for name in self.names.values():
                self.ip("netns", "add", name)
            self.process = subprocess.Popen(
                [sys.executable, os.path.abspath(__file__),
                 self.names["a"], self.names["b"], str(self.seed)] +
                [str(c[k]) for k in ("loss", "delay_ms", "jitter_ms",
                                     "overtaken")],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            if self.process.stdout.readline() != "ready\n":
                raise RuntimeError("the lossy link does not start")
            for side, name in self.names.items():
                self.device_set_up(name, self.HOSTS[side])
        except BaseException:
            self.__exit__()
            raise
        return self

    def device_set_up(self, name, address):
        self.ip("link", "set", name, "netns", name)
        self.ip("-n", name, "link", "set", "lo", "up")
        self.ip("-n", name, "address", "add", address, "dev", name)
        self.ip("-n", name, "link", "set", name, "addrgenmode", "none")
        self.ip("-n", name, "link", "set", name, "up")

    def __exit__(self, *_):
        if self.process:
            self.process.stdin.close()
            self.process.wait(10)
            self.process.stdout.close()
        for name in self.names.values():
            subprocess.run(["ip", "netns", "delete", name],
                           stderr=subprocess.DEVNULL)

    def prefix(self, side):
        return ["ip", "netns", "exec", self.names[side]]


def main():
    names, seed, numbers = sys.argv[1:3], sys.argv[3], sys.argv[4:8]
    fds = [device_open(name) for name in names]
    fates = {fd: Fate("%s %d" % (seed, i), *map(float, numbers))
             for i, fd in enumerate(fds)}
    print("ready", flush=True)
    Carrier(*fds, fates).run(sys.stdin.fileno())


if __name__ == "__main__":
    main()
