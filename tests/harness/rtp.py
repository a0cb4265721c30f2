"""One RTP stream: sends a tone or speech, keeps what it hears."""
import random
import re
import socket
import struct
import threading
import time

import numpy

from . import codecs as phone_codecs
from . import srtp, tones

FRAME = 160     # of 20 ms in units of 8 kHz


class Voice:
    """codec: a name of harness/codecs.py. Sends to where it is told, or
    nowhere."""

    def __init__(self, codec="alaw", hertz=440, address="127.0.0.1"):
        self.codec = phone_codecs.make(codec)
        self.pt, self.name = self.codec.pt, self.codec.name
        self.ticks = self.codec.ticks
        self.hertz = hertz
        self.speech = None  # packets, said over and over instead of the tone
        self.socket = socket.socket(
            socket.AF_INET6 if ":" in address else socket.AF_INET,
            socket.SOCK_DGRAM)
        self.socket.bind((address, 0))
        self.address, self.port = self.socket.getsockname()[:2]
        self.remote, self.coding = None, threading.Lock()
        self.seq, self.ts = 0, 0
        self.ssrc = random.getrandbits(32)
        self.sent = 0
        self.packets = []   # (time, source, payload type, seq, payload)
        self.open, self.muted = True, False
        self.events = []    # RFC 4733 packets to send
        self.key = None     # SRTP: ours, base64; None: plain
        self.tx = self.rx = None
        self.plain = 0      # packets that came without SRTP
        threading.Thread(target=self.read, daemon=True).start()
        self.sender = threading.Thread(target=self.send, daemon=True)
        self.sender.start()

    # -- SDP ----------------------------------------------------------------
    def sdp(self, direction="sendrecv", address=None, port=None, version=1,
            codecs=None, dtmf=True, protocol="RTP/AVP"):
        codecs = codecs or [(self.pt, self.name)]
        pts = [str(c[0]) for c in codecs] + (["101"] if dtmf else [])
        lines = ["v=0", "o=- 1 %d IN IP4 127.0.0.1" % version, "s=-",
                 "c=IN IP%d %s" % (6 if ":" in self.address else 4,
                                   address or self.address), "t=0 0",
                 "m=audio %d %s %s" % (port or self.port, protocol,
                                       " ".join(pts))]
        lines += ["a=rtpmap:%d %s" % c for c in codecs]
        if self.codec.fmtp:
            lines += ["a=fmtp:%d %s" % (self.pt, self.codec.fmtp)]
        if dtmf:
            lines += ["a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-15"]
        if self.key:
            lines.append("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" +
                         self.key)
        lines += ["a=ptime:%d" % self.codec.ptime, "a=" + direction]
        return "\r\n".join(lines) + "\r\n"

    def talk_to(self, message):
        """Starts to send to the address in a message's SDP, by SRTP when it
        has a key and we have one."""
        theirs = srtp.key_of(message.sdp)
        if self.key and theirs:
            self.tx, self.rx = srtp.Srtp(self.key), srtp.Srtp(theirs)
        else:
            self.tx = self.rx = None
        self.remote = message.rtp()

    # -- media ----------------------------------------------------------------
    def packet(self, pt, payload, marker=0, ts=None):
        """Whether it was sent: a test may take the address away meanwhile."""
        head = struct.pack("!BBHII", 0x80, pt | marker << 7,
                           self.seq & 0xffff,
                           (self.ts if ts is None else ts) & 0xffffffff,
                           self.ssrc)
        self.seq += 1
        tx, remote = self.tx, self.remote
        if remote:
            self.socket.sendto(tx.protect(head + payload) if tx
                               else head + payload, remote)
        return remote is not None

    def encode(self, x):
        """By the sender and by tests; coders have one state."""
        with self.coding:
            return self.codec.encode(x)

    def send(self):
        due = time.monotonic()
        while self.open:
            due += self.codec.ptime / 1000
            time.sleep(max(0.0, due - time.monotonic()))
            try:
                if self.remote and self.events:
                    self.packet(*self.events.pop(0))
                elif self.remote and not self.muted:
                    self.sent += self.packet(self.pt, self.sound())
            except OSError:
                return
            self.ts += self.ticks

    def sound(self):
        """The payload of the next packet."""
        if self.speech:
            return self.speech[self.sent % len(self.speech)]
        n = self.codec.frame
        return self.encode(tones.sine(self.hertz, n, self.codec.rate,
                                      self.sent * n))

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
            self.events += [(self.pt, self.encode(
                numpy.zeros(self.codec.frame, "<i2")))] * 3

    def read(self):
        while True:
            try:
                data, source = self.socket.recvfrom(4096)
            except OSError:
                return
            if self.rx and len(data) >= 12:
                data = self.rx.unprotect(data)
                self.plain += data is None
                data = data or b""
            if len(data) >= 12 and data[0] >> 6 == 2 and not \
                    64 <= data[1] & 0x7f <= 95:
                self.packets.append((
                    time.monotonic(), source, data[1] & 0x7f,
                    struct.unpack("!H", data[2:4])[0], data[12:]))

    def samples(self, since=0.0):
        """What was heard since a moment, in order of arrival."""
        parts = [p[4] for p in list(self.packets)
                 if p[0] >= since and p[2] == self.pt]
        return self.codec.decode(parts)

    def heard(self, hertz, since=0.0):
        return tones.heard(self.samples(since), hertz, self.codec.rate)

    def count(self, since=0.0):
        return sum(1 for p in list(self.packets) if p[0] >= since)

    def seconds(self):
        """Between the first packet that was heard and the last."""
        packets = self.packets
        return packets[-1][0] - packets[0][0] if packets else 0.0

    def close(self):
        self.open = False
        self.sender.join(1)
        self.socket.close()


def port_of(sdp):
    return int(re.search(r"^m=audio (\d+)", sdp, re.M).group(1))
