#!/usr/bin/env python3
"""Stand-in for a Telegram reflector, UDP and TCP on one port.

    reflector.py HOST PORT

Ours, not Telegram's: what real ones answer is known from captures only
(spec: hello, tags, framing). The two users of a call have peer tags that
differ in the lowest bit of the first byte; a packet to a port goes to whoever
said hello with that tag, with the first 12 bytes of the receiver.
Prints "ready", and counts of forwarded packets when its input closes.
"""
import asyncio
import struct
import sys

PROLOGUE = b"\xee" * 4
PACKET_MAX = 2000


def port_of(packet):
    return bytes([packet[0] & 0xfe]) + packet[1:16]


class Reflector:
    def __init__(self):
        self.ports = {}  # port -> (prefix of its owner, how to reach it)
        self.counts = {"hello": 0, "udp": 0, "tcp": 0, "lost": 0}

    def input(self, packet, reply, kind):
        if len(packet) < 16:
            return
        if len(packet) < 28 or packet[16:28] == b"\xff" * 12:
            self.counts["hello"] += 1
            self.ports[port_of(packet)] = (packet[:12], reply)
            if len(packet) >= 40:
                reply(packet[:16] + b"\xff" * 12 + b"\xfd\xff\xff\xff" +
                      packet[32:40])
            return
        target = self.ports.get(port_of(packet))
        if not target:
            self.counts["lost"] += 1
            return
        self.counts[kind] += 1
        prefix, send = target
        send(prefix + packet[12:])

    async def serve(self, host, port):
        loop = asyncio.get_running_loop()
        reflector = self

        class Datagrams(asyncio.DatagramProtocol):
            def connection_made(self, transport):
                self.transport = transport

            def datagram_received(self, packet, source):
                reflector.input(packet, lambda p: self.transport.sendto(
                    p, source), "udp")

        await loop.create_datagram_endpoint(Datagrams, local_addr=(host, port))
        return await asyncio.start_server(self.stream, host, port)

    async def stream(self, reader, writer):
        def reply(packet):
            if not writer.is_closing():
                writer.write(struct.pack("<I", len(packet)) + packet)

        try:
            if await reader.readexactly(4) != PROLOGUE:
                return
            while True:
                n = struct.unpack("<I", await reader.readexactly(4))[0]
                if n > PACKET_MAX:
                    return
                self.input(await reader.readexactly(n), reply, "tcp")
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


async def main():
    reflector = Reflector()
    server = await reflector.serve(sys.argv[1], int(sys.argv[2]))
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    server.close()
    print(" ".join("%s=%d" % i for i in reflector.counts.items()), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
