"""A name server on loopback that knows a few names."""
import socket
import struct
import threading

TYPES = {1: "A", 28: "AAAA", 33: "SRV", 35: "NAPTR"}


def encoded(name):
    return b"".join(bytes([len(p)]) + p.encode()
                    for p in name.strip(".").split(".")) + b"\0"


def rdata(kind, value):
    if kind == "A":
        return socket.inet_aton(value)
    if kind == "AAAA":
        return socket.inet_pton(socket.AF_INET6, value)
    priority, weight, port, target = value
    return struct.pack("!HHH", priority, weight, port) + encoded(target)


class NameServer:
    """records: {(name, "A" | "AAAA" | "SRV"): [value]}; SRV values are
    (priority, weight, port, target). `asked` holds the questions."""

    def __init__(self, records):
        self.records, self.asked = records, []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                data, source = self.socket.recvfrom(4096)
            except OSError:
                return
            self.socket.sendto(self.answer(data), source)

    def answer(self, data):
        labels, at = [], 12
        while data[at]:
            labels.append(data[at + 1:at + 1 + data[at]].decode())
            at += 1 + data[at]
        name = ".".join(labels).lower()
        kind = TYPES.get(struct.unpack("!H", data[at + 1:at + 3])[0], "?")
        self.asked.append((name, kind))
        values = self.records.get((name, kind), [])
        known = any(n == name for n, _ in self.records)
        head = data[:2] + struct.pack("!HHHHH", 0x8580 | (0 if known else 3),
                                      1, len(values), 0, 0)
        body = data[12:at + 5]
        for value in values:
            r = rdata(kind, value)
            body += b"\xc0\x0c" + data[at + 1:at + 5] + struct.pack(
                "!IH", 60, len(r)) + r
        return head + body

    def close(self):
        self.socket.close()
