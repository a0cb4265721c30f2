"""Garbage for every port: random bytes, and real messages that were cut, whose
bits were flipped, or whose lengths lie. Everything comes from one seed."""
import os
import random
import socket
import struct

from .process import wait_for

LENGTHS = (0, 1, 2, 3, 4, 7, 8, 11, 12, 13, 19, 20, 21, 28, 63, 64, 100, 160,
           172, 400, 1200, 1499, 1500, 1501, 1600, 4000, 9000, 65507)
BACKLOG = 3         # connections that may wait for their listener


def flip(draw, data, most=4):
    """The same message with a few bits turned over."""
    out = bytearray(data)
    for _ in range(draw.randint(1, most) if out else 0):
        out[draw.randrange(len(out))] ^= 1 << draw.randrange(8)
    return bytes(out)


def cut(draw, data):
    return data[:draw.randrange(len(data))] if data else data


def noise(draw, length=None):
    return draw.randbytes(draw.choice(LENGTHS) if length is None else length)


def broken(draw, real, n):
    """n messages made of real ones and of nothing."""
    for k in range(n):
        data = draw.choice(real)
        yield (flip(draw, data), cut(draw, data), data + noise(draw, 64),
               noise(draw), flip(draw, data, 40),
               data[:draw.randrange(len(data))] + noise(draw, 40))[k % 6]


def sip(host, port, contact_port):
    """Real SIP messages, and some that are wrong in known ways."""
    def message(method, more="", body="", version="SIP/2.0", via="UDP"):
        call = os.urandom(6).hex()
        return ("%s sip:x@%s:%d %s\r\nVia: SIP/2.0/%s 127.0.0.1:%d;branch="
                "z9hG4bK%s;rport\r\nMax-Forwards: 70\r\nFrom: <sip:a@%s>;tag="
                "%s\r\nTo: <sip:x@%s>\r\nCall-ID: %s\r\nCSeq: 1 %s\r\n"
                "Contact: <sip:a@127.0.0.1:%d>\r\n%sContent-Length: %d\r\n\r\n"
                "%s" % (method, host, port, version, via, contact_port, call,
                        host, call, host, call, method, contact_port, more,
                        len(body), body)).encode()
    sdp = ("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\n"
           "t=0 0\r\nm=audio 9 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n")
    kind = "Content-Type: application/sdp\r\n"
    answer = message("OPTIONS").split(b"\r\n", 1)[1]
    return [
        message("OPTIONS"), message("REGISTER"), message("BYE"),
        message("CANCEL"), message("ACK"), message("INFO"),
        message("INVITE", kind, sdp), message("INVITE", kind, sdp * 30),
        message("REGISTER", 'Authorization: Digest username="pbx0", realm='
                '"gramline", nonce="%s", uri="sip:x", response="%s", qop='
                'auth, nc=00000001, cnonce="1"\r\n' % ("a" * 200, "f" * 32)),
        message("OPTIONS", version="SIP/7.0"), message("OPTIONS", via="SCTP"),
        message("N" * 300), message("OPTIONS", "X: " + "y" * 3000 + "\r\n"),
        message("OPTIONS", "".join("H%d: 1\r\n" % i for i in range(500))),
        message("OPTIONS", "Content-Length: 99999999999999999999\r\n"),
        b"SIP/2.0 200 OK\r\n" + answer, b"SIP/2.0 999 %s\r\n" + answer,
        b"\r\n\r\n", b"\0" * 100,
    ]


def rtp(payload_type=8):
    """RTP and RTCP, right and wrong."""
    head = struct.pack(">BBHII", 0x80, payload_type, 1, 160, 0x1234)
    return [
        head + b"\xd5" * 160, head, head[:11],
        b"\x9f" + head[1:] + b"\1" * 40,              # CSRCs and extension
        struct.pack(">BBHIIHH", 0x90, payload_type, 1, 1, 1, 0xbede, 0xffff),
        b"\xa0" + head[1:] + b"\1" * 20 + b"\xff",    # padding too long
        b"\x40" + head[1:] + b"\1" * 20,              # version 1
        struct.pack(">BBHII", 0x80, 101, 1, 160, 1) + b"\1",
        struct.pack(">BBHII", 0x80, 101, 1, 160, 1) + b"\1\x80\0\xa0",
        b"\x81\xc8\0\6" + b"\1" * 24, b"\x80\xc8\xff\xff" + b"\1" * 8,
        b"\x81\xcb\0\1" + b"\1" * 4, b"\x9f\xc9\0\1" + b"\1" * 4,
    ]


def stun(draw):
    def message(kind, attributes=b"", length=None):
        return struct.pack(">HHI", kind, len(attributes) if length is None
                           else length, 0x2112a442) + draw.randbytes(12) + \
            attributes
    user = struct.pack(">HH", 6, 9) + b"abcd:efgh\0\0\0"
    return [
        message(1), message(1, user), message(1, user, 0xfffc),
        message(1, struct.pack(">HH", 6, 0xffff) + b"a" * 8),
        message(1, user + struct.pack(">HH", 8, 20) + b"\1" * 20),
        message(0x101), message(0x111, struct.pack(">HHI", 9, 4, 0x401)),
        message(0x101, struct.pack(">HHBBHI", 0x20, 8, 0, 1, 1, 1)),
        message(0x101, struct.pack(">HHBBHI", 0x20, 4, 0, 2, 1, 1)),
        message(0xffff, b"\xff" * 200),
    ]


def dtls(draw):
    def record(kind, body, length=None):
        return struct.pack(">BHHHIH", kind, 0xfefd, 0, 0, 1,
                           len(body) if length is None else length) + body
    hello = struct.pack(">B3sH3s3s", 1, b"\0\1\0", 0, b"\0\0\0", b"\0\1\0") + \
        draw.randbytes(200)
    return [record(22, hello), record(22, hello, 0xffff), record(20, b"\1"),
            record(21, b"\2\x28"), record(21, b"\1\0"), record(23, b"x" * 90),
            record(22, b""), record(63, b"x"), b"\x16\xfe\xff"]


def http_and_other():
    return [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\1\2\0\1\0\1\xfc",
            b"\xee\xee\xee\xee", b"\xef", b"\xee\xee\xee\xee\xff\xff\xff\xff",
            b"\xee\xee\xee\xee\0\0\0\0", b"\xef\x7f\xff\xff\xff",
            b"\xee\xee\xee\xee\4\0\0\0\x6c\xfe\xff\xff", b"\0" * 64]


def ports_of(pid):
    """Listening or bound ports of a process, by the kernel's tables:
    {"udp": set, "tcp": set}."""
    inodes = set()
    folder = "/proc/%d/fd" % pid
    for name in os.listdir(folder):
        try:
            target = os.readlink(os.path.join(folder, name))
        except OSError:
            continue
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    found = {"udp": set(), "tcp": set()}
    for kind in found:
        for table in ("/proc/net/" + kind, "/proc/net/%s6" % kind):
            if not os.path.exists(table):
                continue
            with open(table) as f:
                for line in f.readlines()[1:]:
                    w = line.split()
                    if w[9] in inodes and (kind == "udp" or w[3] == "0A"):
                        found[kind].add(int(w[1].rsplit(":", 1)[1], 16))
    return found


def waiting(port, kind="udp"):
    """Bytes that wait in the kernel for whoever has this UDP port; connections
    for whoever listens at this TCP port."""
    total = 0
    for table in ("/proc/net/" + kind, "/proc/net/%s6" % kind):
        if not os.path.exists(table):
            continue
        with open(table) as f:
            for line in f.readlines()[1:]:
                w = line.split()
                if (int(w[1].rsplit(":", 1)[1], 16) == port and
                        (kind == "udp" or w[3] == "0A")):
                    total += int(w[4].split(":")[1], 16)
    return total


def throw_udp(port, messages, source=None):
    """From a stranger's socket, or from `source`. Waits for the reader now and
    then, or the kernel would drop most of it."""
    s = source or socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for k, m in enumerate(messages):
        try:
            s.sendto(m, ("127.0.0.1", port))
        except OSError:
            pass    # nobody there any more, or too long for a datagram
        if k % 10 == 9:
            wait_for("port %d to be read" % port, lambda: not waiting(port))
    if not source:
        s.close()


def throw_stream(address, messages, family=socket.AF_INET):
    """Each message on a connection of its own, which is closed in the middle
    of whatever it was. Waits for the listener, or the kernel would lose a
    connection's first packet, and try again only after a second."""
    n = 0
    for m in messages:
        if family == socket.AF_INET:
            wait_for("port %d to be listened at" % address[1],
                     lambda: waiting(address[1], "tcp") < BACKLOG)
        with socket.socket(family, socket.SOCK_STREAM) as s:
            s.settimeout(2)
            try:
                s.connect(address)
                s.sendall(m)
                n += 1
            except OSError:
                pass    # closed on us: its right
    return n


def new(seed=None):
    seed = random.SystemRandom().randrange(1 << 32) if seed is None else seed
    print("# garbage of seed %d" % seed, flush=True)
    return random.Random(seed)
