#!/usr/bin/env python3
"""RFC 4475: each torture message to the real gateway, over UDP and TCP, and
the answer that the RFC wants.

    torture.py BUILD [NAME-PART]

# run: check 90 beside
"""
import os
import re
import select
import socket
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
from tests.harness import torture  # noqa: E402
from tests.harness.sip import Message, token  # noqa: E402
from tests.harness.stage import PBX, Stage, equal, play, user  # noqa: E402

# On the never-ban list, and the address of a trunk: what is accepted becomes a
# call, whose user nobody knows (404).
PEER = "127.0.0.75"
# The ports in the messages' Via; RFC 3261 18.2.2: answers go there.
PORTS = (5060, 5050)
WAIT = 10.0


class Udp:
    def __init__(self, server):
        self.server, self.sockets = server, []
        for port in PORTS:
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.bind((PEER, port))
            self.sockets.append(s)

    def send(self, data):
        self.sockets[0].sendto(data, self.server)

    def read(self, seconds):
        """The next message; None: none came. "" is the end."""
        ready = select.select(self.sockets, [], [], seconds)[0]
        return ready[0].recv(65536) if ready else None

    def close(self):
        for s in self.sockets:
            s.close()


class Tcp:
    def __init__(self, server):
        self.socket = socket.create_connection(server, 5, (PEER, 0))
        self.seen = b""

    def send(self, data):
        self.socket.sendall(data)

    def read(self, seconds):
        end = time.monotonic() + seconds
        while b"\r\n\r\n" not in self.seen:
            left = max(0, end - time.monotonic())
            if not select.select([self.socket], [], [], left)[0]:
                return None
            try:
                data = self.socket.recv(65536)
            except ConnectionError:
                data = b""
            if not data:
                return b""
            self.seen += data
        head, _, rest = self.seen.partition(b"\r\n\r\n")
        length = re.search(rb"\nContent-Length: *(\d+)", head)
        n = int(length.group(1)) if length else 0
        self.seen = rest[n:]
        return head + b"\r\n\r\n" + rest[:n]

    def close(self):
        self.socket.close()


def ping(link, transport):
    """Something in order; its answer says that what was sent before it has
    been dealt with."""
    name = token()
    link.send(("OPTIONS sip:x@y SIP/2.0\r\nVia: SIP/2.0/%s %s:5060;branch="
               "z9hG4bK%s\r\nMax-Forwards: 7\r\nFrom: <sip:a@b>;tag=1\r\n"
               "To: <sip:x@y>\r\nCall-ID: %s\r\nCSeq: 1 OPTIONS\r\n"
               "Content-Length: 0\r\n\r\n" % (
                   transport, PEER, name, name)).encode())
    return name.encode()


class Answers:
    """Those to one message; earlier ones may still be repeated."""

    def __init__(self, link, known):
        self.link, self.known, self.got, self.closed = link, known, [], False

    def take(self, seconds):
        data = self.link.read(seconds)
        if data is None:
            return False
        if not data:
            self.closed = True
            return False
        m = Message(data)
        name = m.get("Call-ID", "none")
        if m.code >= 200 and name not in self.known:
            self.known.add(name)
            self.got.append(m)
        return True

    def wait(self, done):
        end = time.monotonic() + WAIT
        while not done() and not self.closed:
            if not self.take(max(0, end - time.monotonic())):
                return


def codes_of(answers, name):
    return "+".join(str(m.code) for m in answers.got
                    if m.get("Call-ID") != name.decode()) or "-"


def check_more(name, m):
    """What the answer must say besides its code."""
    if name == "bext01":
        equal(m.get("Unsupported"),
              "nothingSupportsThis, nothingSupportsThisEither")
    if m.code in (405, 501):
        assert "INVITE" in m.get("Allow"), m.headers
    if name == "regaut01":
        assert m.get("WWW-Authenticate").startswith("Digest "), m.headers
    if name == "invut":
        equal(m.get("Accept"), "application/sdp")


def try_udp(s, case):
    answers = Answers(s.udp, s.answered)
    s.udp.send(case.message)
    want = 0 if case.udp == "-" else 1
    answers.wait(lambda: len(answers.got) >= want)
    name = ping(s.udp, "UDP")
    answers.wait(lambda: name.decode() in s.answered)
    got = codes_of(answers, name)
    if got == case.udp and want:
        check_more(case.name, answers.got[0])
    return got


def try_tcp(s, case):
    """A connection of its own. What never ends is waited for (clerr)."""
    link = Tcp(s.udp.server)
    answers = Answers(link, set())
    link.send(case.message)
    if case.tcp == "closed":
        answers.wait(lambda: False)
        got = "closed" if answers.closed and all(
            m.code == 400 for m in answers.got) else "open"
    else:
        answers.wait(lambda: len(answers.got) > case.tcp.count("+") or
                     case.tcp == "-" and not answers.take(0.5))
        got = codes_of(answers, b"")
    link.close()
    return got


def table(s, cases, tried, which):
    """What differs from the verdict fails the test."""
    good, failed = 0, []
    print("# %-10s %-8s %-8s %-8s" % ("message", "section", "RFC", "answer"))
    for case in cases:
        got, want = tried(s, case), getattr(case, which)
        if got == want:
            good += 1
        else:
            failed.append("%s: %s, not %s" % (case.name, got, want))
        print("# %-10s %-8s %-8s %-8s %s" % (
            case.name, case.section, case.verdict, got,
            "" if got == want else "WANTED " + want))
    print("# RFC 4475 over %s: %d of %d" % (which.upper(), good, len(cases)))
    assert not failed, "; ".join(failed)


def over_udp(s):
    equal(len(torture.cases()), 49)
    table(s, torture.cases(), try_udp, "udp")
    call(s)


def over_tcp(s):
    """Those in which a stream is another matter than a datagram."""
    table(s, [c for c in torture.cases() if c.tcp != "."], try_tcp, "tcp")
    call(s)


def numbers(s):
    """The called user, as the trunk's calls have it: escapes undone."""
    wanted = {"esc01.239409asdfakjkn23onasd0-3234": "sips:user@example.com",
              "inv2543.1717@ift.client.example.com": "UserB"}
    for call_id, called in wanted.items():
        equal(s.record(call_id)["to"], called)


def call(s):
    """Somebody who does as he should is answered."""
    m = s.phone.call("user_1", s.voice().sdp())
    equal(m.answered().code, 200)
    equal(m.bye().code, 200)
    assert not s.gateway.rows("bans"), s.gateway.rows("bans")


TESTS = [
    ("scenario_torture_rfc4475_udp", over_udp),
    ("scenario_torture_rfc4475_tcp", over_tcp),
    ("scenario_torture_called_users", numbers),
]

if __name__ == "__main__":
    stage = Stage("torture", [user(1)], (PBX, {
        "name": "peer", "kind": "ip", "session": "office", "number": 100,
        "address": PEER + ":5060"}), sip="never_ban = %s\n" % PEER)
    stage.phone = stage.client()
    host, port = stage.gateway.address.split(":")
    stage.udp, stage.answered = Udp((host, int(port))), set()
    play(stage, TESTS, "scenario_torture_nothing_left")
