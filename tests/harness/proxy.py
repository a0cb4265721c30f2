"""A TCP proxy between the gateway and the data centre that spoils MTProto
packets of the intermediate transport (not obfuscated) on their way."""
import socket
import struct
import threading

from . import garbage

TO_CLIENT, TO_SERVER = "to client", "to server"
KINDS = ("flip", "cut", "cut16", "repeat", "old", "other", "swap", "empty",
         "noise", "error", "longer", "length")


class Spoiler:
    """Packets of one direction of one connection."""

    def __init__(self, proxy, direction):
        self.proxy, self.direction = proxy, direction
        self.seen, self.held = [], []

    def packets(self, packet):
        """What is sent instead: whole packets, and raw bytes at the end."""
        p = self.proxy
        held, self.held = self.held, []
        with p.lock:
            self.seen = (self.seen + [packet])[-20:]
            p.seen[self.direction] = (p.seen[self.direction] + [packet])[-50:]
            if p.spoils != self.direction or p.draw.random() > p.share:
                return [packet] + held, b""
            # Every kind in turn: most of them cost a connection.
            kind = p.kinds[sum(p.spoiled.values()) % len(p.kinds)]
            p.spoiled[kind] = p.spoiled.get(kind, 0) + 1
            return self.spoil(kind, packet, held)

    def spoil(self, kind, packet, held):
        p = self.proxy
        if kind == "swap":          # after the next one
            self.held = [packet]
            return held, b""
        if kind == "length":        # a length that never comes, then nothing
            return held, struct.pack("<I", 0x7fffffff) + packet[:50]
        return held + {
            "flip": lambda: [garbage.flip(p.draw, packet)],
            "cut": lambda: [garbage.cut(p.draw, packet)],
            "cut16": lambda: [packet[:8 + 16 * p.draw.randint(0, 4)]],
            "repeat": lambda: [packet, packet, packet],
            "old": lambda: [p.draw.choice(self.seen), packet],
            "other": lambda: [p.draw.choice(p.seen[self.direction]), packet],
            "empty": lambda: [b"", packet],
            "noise": lambda: [p.draw.randbytes(p.draw.choice(
                (1, 4, 8, 23, 24, 40, 104, 4000)))],
            "error": lambda: [struct.pack("<i", p.draw.choice(
                (-404, -429, -444, -1, 0, 404)))],
            "longer": lambda: [packet + p.draw.randbytes(
                p.draw.choice((1, 4, 16)))],
        }[kind](), b""


class Proxy:
    def __init__(self, target, draw):
        self.target, self.draw = target, draw
        self.lock = threading.Lock()
        self.spoils, self.share, self.kinds = None, 0.5, KINDS
        self.spoiled = {}
        self.connections = 0
        self.seen = {TO_CLIENT: [], TO_SERVER: []}
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def spoil(self, direction, share=0.5, kinds=KINDS):
        """None: pass everything on as it is."""
        with self.lock:
            self.spoils, self.share, self.kinds = direction, share, kinds
            self.spoiled = {}

    def count(self):
        with self.lock:
            return sum(self.spoiled.values())

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            try:
                server = socket.create_connection(self.target, 5)
                server.settimeout(None)
            except OSError:
                client.close()
                continue
            for a, b, direction in ((client, server, TO_SERVER),
                                    (server, client, TO_CLIENT)):
                threading.Thread(target=self.carry, daemon=True,
                                 args=(a, b, direction)).start()

    def carry(self, source, sink, direction):
        spoiler = Spoiler(self, direction)
        data = b""
        begun = direction == TO_CLIENT
        try:
            while True:
                chunk = source.recv(65536)
                if not chunk:
                    break
                data += chunk
                if not begun and len(data) >= 4:
                    sink.sendall(data[:4])     # 0xeeeeeeee
                    data, begun = data[4:], True
                while begun and len(data) >= 4:
                    length = struct.unpack("<I", data[:4])[0]
                    n = length & 0x7fffffff
                    if length & 0x80000000 and direction == TO_CLIENT:
                        n = 0                  # a quick acknowledgement
                    if len(data) < 4 + n:
                        break
                    self.forward(spoiler, sink, length, data[4:4 + n])
                    data = data[4 + n:]
        except OSError:
            pass
        for s in (source, sink):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    @staticmethod
    def forward(spoiler, sink, length, packet):
        if not packet:
            sink.sendall(struct.pack("<I", length))
            return
        whole, raw = spoiler.packets(packet)
        sink.sendall(b"".join(struct.pack("<I", len(p)) + p
                              for p in whole) + raw)

    def stop(self):
        self.listener.close()
