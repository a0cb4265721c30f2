"""One RTP stream: sends a tone every 20 ms, keeps what it hears."""
import random
import re
import socket
import struct
import threading
import time

import numpy

from . import opus, tones

FRAME = 160


def tables():
    """(decode, encode) of A-law and mu-law (ITU-T G.711), 16 bit linear."""
    alaw, ulaw = numpy.zeros(256, int), numpy.zeros(256, int)
    for code in range(256):
        a = code ^ 0x55
        t, seg = (a & 15) << 4, a >> 4 & 7
        t = t + 8 if seg == 0 else t + 0x108 << max(0, seg - 1)
        alaw[code] = t if a & 0x80 else -t
        u = ~code & 0xff
        t = ((u & 15) << 3) + 0x84 << (u >> 4 & 7)
        ulaw[code] = 0x84 - t if u & 0x80 else t - 0x84
    return {8: alaw, 0: ulaw}


DECODE = tables()


def encoder(table):
    order = numpy.argsort(table, kind="stable")
    levels = table[order]

    def encode(x):
        at = numpy.clip(numpy.searchsorted(levels, x), 1, 255)
        lower = numpy.abs(levels[at - 1] - x) <= numpy.abs(levels[at] - x)
        return bytes(order[at - lower].astype("uint8"))
    return encode


ENCODE = {pt: encoder(table) for pt, table in DECODE.items()}
# Payload type, SDP name, RTP ticks of 20 ms.
CODECS = {"alaw": (8, "PCMA/8000", 160), "mulaw": (0, "PCMU/8000", 160),
          "opus": (111, "opus/48000/2", 960)}


class Voice:
    """codec: alaw, mulaw or opus. Sends to where it is told, or nowhere."""

    def __init__(self, codec="alaw", hertz=440, address="127.0.0.1"):
        self.pt, self.name, self.ticks = CODECS[codec]
        self.encode = opus.Encoder() if codec == "opus" else ENCODE[self.pt]
        self.hertz = hertz
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, 0))
        self.address, self.port = self.socket.getsockname()
        self.remote = None
        self.seq, self.ts = 0, 0
        self.ssrc = random.getrandbits(32)
        self.sent = 0
        self.packets = []   # (time, source, payload type, seq, payload)
        self.open, self.muted = True, False
        self.events = []    # RFC 4733 packets to send
        threading.Thread(target=self.read, daemon=True).start()
        self.sender = threading.Thread(target=self.send, daemon=True)
        self.sender.start()

    # -- SDP ----------------------------------------------------------------
    def sdp(self, direction="sendrecv", address=None, port=None, version=1,
            codecs=None, dtmf=True):
        codecs = codecs or [(self.pt, self.name)]
        pts = [str(c[0]) for c in codecs] + (["101"] if dtmf else [])
        lines = ["v=0", "o=- 1 %d IN IP4 127.0.0.1" % version, "s=-",
                 "c=IN IP4 " + (address or self.address), "t=0 0",
                 "m=audio %d RTP/AVP %s" % (port or self.port, " ".join(pts))]
        lines += ["a=rtpmap:%d %s" % c for c in codecs]
        if dtmf:
            lines += ["a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-15"]
        lines += ["a=ptime:20", "a=" + direction]
        return "\r\n".join(lines) + "\r\n"

    def talk_to(self, message):
        """Starts to send to the address in a message's SDP."""
        self.remote = message.rtp()

    # -- media ----------------------------------------------------------------
    def packet(self, pt, payload, marker=0, ts=None):
        head = struct.pack("!BBHII", 0x80, pt | marker << 7,
                           self.seq & 0xffff,
                           (self.ts if ts is None else ts) & 0xffffffff,
                           self.ssrc)
        self.seq += 1
        self.socket.sendto(head + payload, self.remote)

    def send(self):
        due = time.monotonic()
        while self.open:
            due += 0.02
            time.sleep(max(0.0, due - time.monotonic()))
            try:
                if self.remote and self.events:
                    self.packet(*self.events.pop(0))
                elif self.remote and not self.muted:
                    self.packet(self.pt, self.encode(tones.sine(
                        self.hertz, FRAME, start=self.sent * FRAME)))
                    self.sent += 1
            except OSError:
                return
            self.ts += self.ticks

    def digits(self, text):
        """RFC 4733: each 100 ms, the end three times, 60 ms between."""
        for digit in text:
            event = "0123456789*#ABCD".index(digit)
            start = self.ts + self.ticks * len(self.events)
            for n in range(1, 6):
                self.events.append((101, struct.pack(
                    "!BBH", event, 10, n * FRAME), n == 1, start))
            for _ in range(3):
                self.events.append((101, struct.pack(
                    "!BBH", event, 0x8a, 6 * FRAME), 0, start))
            self.events += [(self.pt, self.encode(numpy.zeros(FRAME)))] * 3

    def read(self):
        while True:
            try:
                data, source = self.socket.recvfrom(4096)
            except OSError:
                return
            if len(data) >= 12 and data[0] >> 6 == 2 and not \
                    64 <= data[1] & 0x7f <= 95:
                self.packets.append((
                    time.monotonic(), source, data[1] & 0x7f,
                    struct.unpack("!H", data[2:4])[0], data[12:]))

    def samples(self, since=0.0):
        """What was heard since a moment, in order of arrival."""
        parts = [p[4] for p in list(self.packets)
                 if p[0] >= since and p[2] == self.pt]
        if self.pt not in DECODE:
            return opus.decode(parts)
        return DECODE[self.pt][numpy.frombuffer(b"".join(parts), "uint8")]

    def heard(self, hertz, since=0.0):
        return tones.heard(self.samples(since), hertz)

    def count(self, since=0.0):
        return sum(1 for p in list(self.packets) if p[0] >= since)

    def close(self):
        self.open = False
        self.sender.join(1)
        self.socket.close()


def port_of(sdp):
    return int(re.search(r"^m=audio (\d+)", sdp, re.M).group(1))
