"""A SIP phone in Python: messages as they stand on the wire, over UDP, or over
a connection that wire.py makes (TCP, TLS, WebSocket), IPv4 or IPv6.

It keeps the rules that others see (ACK, CSeq, tags, digest, answers to BYE and
CANCEL) and leaves the rest to the test. Nothing is sent twice: loopback loses
nothing.
"""
import hashlib
import random
import re
import socket
import threading
import time

from .process import wait_for

COMPACT = {"v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact",
           "l": "content-length", "c": "content-type"}


def token():
    return "%016x" % random.SystemRandom().getrandbits(64)


class Message:
    """A request or response, parsed; `at` is when it arrived."""

    def __init__(self, data, source=None):
        self.raw, self.source, self.at = data, source, time.monotonic()
        head, _, self.body = data.partition(b"\r\n\r\n")
        lines = head.decode("utf-8").split("\r\n")
        self.line = lines[0]
        self.headers = []
        for text in lines[1:]:
            name, _, value = text.partition(":")
            self.headers.append((name.strip(), value.strip()))
        if self.line.startswith("SIP/2.0 "):
            self.method, self.code = None, int(self.line[8:11])
            self.reason = self.line[12:]
        else:
            self.method, self.uri, _ = self.line.split(" ")
            self.code = None

    def all(self, name):
        return [v for n, v in self.headers
                if COMPACT.get(n.lower(), n.lower()) == name.lower()]

    def get(self, name, otherwise=None):
        return (self.all(name) or [otherwise])[0]

    @property
    def status(self):
        """Code and reason, as in the status line."""
        return self.line[8:]

    @property
    def cseq(self):
        number, method = self.get("CSeq").split()
        return int(number), method

    @property
    def sdp(self):
        return self.body.decode()

    def tag(self, name):
        m = re.search(r";tag=([^;\s]+)", self.get(name))
        return m.group(1) if m else None

    def contact_uri(self):
        m = re.search(r"<([^>]+)>", self.get("Contact"))
        return m.group(1) if m else self.get("Contact").split(";")[0]

    def rtp(self):
        """(address, port) of the SDP's audio."""
        return (re.search(r"^c=IN IP[46] (\S+)", self.sdp, re.M).group(1),
                int(re.search(r"^m=audio (\d+)", self.sdp, re.M).group(1)))


def digest(challenge, method, uri, user, password):
    field = dict(re.findall(r'(\w+)="?([^",]*)"?', challenge))

    def md5(text):
        return hashlib.md5(text.encode()).hexdigest()
    nc, cnonce = "00000001", token()
    ha1 = md5("%s:%s:%s" % (user, field["realm"], password))
    ha2 = md5("%s:%s" % (method, uri))
    response = md5(":".join((ha1, field["nonce"], nc, cnonce, "auth", ha2)))
    return ('Digest username="%s", realm="%s", nonce="%s", uri="%s", '
            'response="%s", algorithm=MD5, qop=auth, nc=%s, cnonce="%s"' % (
                user, field["realm"], field["nonce"], uri, response, nc,
                cnonce))


def bracketed(host):
    return "[%s]" % host if ":" in host else host


class Client:
    """One UDP socket or connection (of wire.py), one login."""

    def __init__(self, server, login, password, address="127.0.0.1",
                 wire=None):
        host, port = server.rsplit(":", 1)
        self.server, self.login, self.password = (host, int(port)), login, \
            password
        self.socket = wire or socket.socket(
            socket.AF_INET6 if ":" in address else socket.AF_INET,
            socket.SOCK_DGRAM)
        if not wire:
            self.socket.bind((address, 0))
        self.transport = wire.name if wire else "UDP"
        host, self.port = self.socket.getsockname()[:2]
        self.host = bracketed(host)
        self.contact = "sip:%s@%s:%d" % (login, self.host, self.port)
        if wire:
            self.contact += ";transport=" + wire.name.lower()
        self.received = []      # every message
        self.obeys_cancel = True
        self.headers = []       # more of them, in every request
        self.register_call, self.cseq = token(), 0
        threading.Thread(target=self.read, daemon=True).start()

    # -- wire ---------------------------------------------------------------
    def read(self):
        while True:
            try:
                data, source = self.socket.recvfrom(65536)
            except OSError:
                return
            if data.strip():
                try:
                    m = Message(data, source)
                except (UnicodeDecodeError, ValueError):
                    continue    # RTCP for whoever had this port before
                self.take(m)
                self.received.append(m)

    def take(self, m):
        """What must be answered at once, whatever the test waits for."""
        if m.code and m.code >= 300 and m.cseq[1] == "INVITE":
            self.ack_refusal(m)
        elif m.method in ("BYE", "CANCEL", "OPTIONS", "NOTIFY"):
            self.respond(m, 200, "OK")
            if m.method == "CANCEL" and self.obeys_cancel:
                invite = next(i for i in self.received if i.method == "INVITE"
                              and i.get("Call-ID") == m.get("Call-ID"))
                self.respond(invite, 487, "Request Terminated")

    def send(self, text):
        host, port = self.server
        self.socket.sendto(text.encode() if isinstance(text, str) else text,
                           (host.strip("[]"), port))

    def request(self, method, uri, call_id, cseq, to, from_tag, headers=(),
                body="", branch=None):
        branch = branch or "z9hG4bK" + token()
        lines = ["%s %s SIP/2.0" % (method, uri),
                 "Via: SIP/2.0/%s %s:%d;branch=%s;rport" % (
                     self.transport, self.host, self.port, branch),
                 "Max-Forwards: 70",
                 "From: <sip:%s@%s>;tag=%s" % (self.login, self.server[0],
                                               from_tag),
                 "To: " + to, "Call-ID: " + call_id,
                 "CSeq: %d %s" % (cseq, method),
                 "Contact: " + (self.contact if self.contact == "*"
                                else "<%s>" % self.contact)]
        lines += ["%s: %s" % h for h in list(headers) + self.headers]
        if body and "Content-Type" not in dict(headers):
            lines.append("Content-Type: application/sdp")
        lines.append("Content-Length: %d" % len(body))
        self.send("\r\n".join(lines) + "\r\n\r\n" + body)
        return branch

    def ack_refusal(self, m):
        """RFC 3261 17.1.1.3: hop by hop, on the INVITE's branch."""
        branch = re.search(r"branch=([^;]+)", m.get("Via")).group(1)
        self.request("ACK", "sip:%s:%d" % self.server, m.get("Call-ID"),
                     m.cseq[0], m.get("To"), m.tag("From"), branch=branch)

    def respond(self, request, code, reason, headers=(), body=""):
        lines = ["SIP/2.0 %d %s" % (code, reason)]
        lines += ["Via: " + v for v in request.all("Via")]
        lines += ["Record-Route: " + v for v in request.all("Record-Route")]
        to = request.get("To")
        if ";tag=" not in to and code > 100:
            to += ";tag=t" + hashlib.md5(
                request.get("Call-ID").encode()).hexdigest()[:12]
        lines += ["From: " + request.get("From"), "To: " + to,
                  "Call-ID: " + request.get("Call-ID"),
                  "CSeq: " + request.get("CSeq"),
                  "Contact: <%s>" % self.contact]
        lines += ["%s: %s" % h for h in headers]
        if body:
            lines.append("Content-Type: application/sdp")
        lines.append("Content-Length: %d" % len(body))
        self.send("\r\n".join(lines) + "\r\n\r\n" + body)

    def wait(self, what, match, seconds=15, skip=0):
        """The (skip+1)th received message that matches."""
        def found():
            hits = [m for m in list(self.received) if match(m)]
            return hits[skip] if len(hits) > skip else None
        return wait_for(what, found, seconds, 0.005)

    def answer_of(self, call_id, cseq, method, seconds=15, final=True):
        return self.wait(
            "an answer to %s %d" % (method, cseq),
            lambda m: m.code and m.get("Call-ID") == call_id and
            m.cseq == (cseq, method) and (m.code >= 200 or not final),
            seconds)

    # -- registration ---------------------------------------------------------
    def register(self, expires=300, password=None, credentials=True,
                 aor=None, contact=None):
        """The final answer to REGISTER, after the challenge."""
        aor = "<sip:%s@%s>" % (aor or self.login, self.server[0])
        uri = "sip:%s:%d" % self.server
        headers = [("Expires", str(expires))]
        keep, self.contact = self.contact, contact or self.contact
        try:
            for attempt in range(2):
                self.cseq += 1
                self.request("REGISTER", uri, self.register_call, self.cseq,
                             aor, "r", headers)
                m = self.answer_of(self.register_call, self.cseq, "REGISTER")
                if m.code != 401 or attempt or not credentials:
                    return m
                headers.append(("Authorization", digest(
                    m.get("WWW-Authenticate"), "REGISTER", uri, self.login,
                    self.password if password is None else password)))
        finally:
            self.contact = keep

    # -- calls ----------------------------------------------------------------
    def call(self, user, sdp="", headers=(), credentials=True):
        c = Call(self, user)
        c.invite(sdp, headers, credentials)
        return c

    def wait_invite(self, seconds=20, skip=0):
        return Incoming(self, self.wait(
            "an INVITE", lambda m: m.method == "INVITE" and
            ";tag=" not in m.get("To"), seconds, skip))

    def invites(self):
        return [m for m in list(self.received) if m.method == "INVITE" and
                ";tag=" not in m.get("To")]

    def close(self):
        self.socket.close()


class Dialog:
    """What both kinds of calls share once tags are known."""

    def is_mine(self, m):
        return m.get("Call-ID") == self.call_id

    def wait_request(self, method, seconds=15, skip=0):
        return self.client.wait(
            method, lambda m: m.method == method and self.is_mine(m), seconds,
            skip)

    def requests(self, method):
        return [m for m in list(self.client.received)
                if m.method == method and self.is_mine(m)]

    def send_in_dialog(self, method, headers=(), body="", cseq=None):
        if cseq is None:
            self.cseq += 1
            cseq = self.cseq
        self.client.request(method, self.target, self.call_id, cseq, self.to,
                            self.from_tag, headers, body)
        return cseq

    def bye(self):
        n = self.send_in_dialog("BYE")
        return self.client.answer_of(self.call_id, n, "BYE")

    def reinvite(self, sdp):
        """The final answer to an INVITE within the dialog; acknowledged."""
        n = self.send_in_dialog("INVITE", body=sdp)
        m = self.client.answer_of(self.call_id, n, "INVITE")
        if m.code == 200:
            self.send_in_dialog("ACK", cseq=n)
        return m


class Call(Dialog):
    """An INVITE of ours."""

    def __init__(self, client, user):
        self.client, self.user = client, user
        self.call_id, self.from_tag, self.cseq = token(), token(), 0
        self.target = "sip:%s@%s:%d" % ((user,) + client.server)
        self.to = "<%s>" % self.target
        self.branch = None

    def invite(self, sdp, headers, credentials):
        headers = list(headers)
        for attempt in range(2):
            self.cseq += 1
            self.branch = self.client.request(
                "INVITE", self.target, self.call_id, self.cseq, self.to,
                self.from_tag, headers, sdp)
            if attempt or not credentials:
                return
            m = self.client.answer_of(self.call_id, self.cseq, "INVITE", 15,
                                      False)
            if m.code != 401:
                return
            headers.append(("Authorization", digest(
                m.get("WWW-Authenticate"), "INVITE", self.target,
                self.client.login, self.client.password)))

    def answers(self):
        """Answers to the INVITE (the challenge apart), in order."""
        return [m for m in list(self.client.received)
                if m.code and self.is_mine(m) and
                m.cseq == (self.cseq, "INVITE")]

    def wait_code(self, code, seconds=20):
        return self.client.wait(
            "%d to INVITE" % code, lambda m: m.code == code and
            self.is_mine(m) and m.cseq == (self.cseq, "INVITE"), seconds)

    def final(self, seconds=30):
        return self.client.answer_of(self.call_id, self.cseq, "INVITE",
                                     seconds)

    def answered(self, seconds=30, ack_sdp=""):
        """Waits for 200, sends ACK; returns the 200."""
        m = self.final(seconds)
        if m.code != 200:
            raise AssertionError("not answered: " + m.line)
        self.target, self.to = m.contact_uri(), m.get("To")
        self.send_in_dialog("ACK", body=ack_sdp, cseq=self.cseq)
        return m

    def cancel(self):
        self.client.request("CANCEL", self.target, self.call_id, self.cseq,
                            self.to, self.from_tag, branch=self.branch)
        return self.client.answer_of(self.call_id, self.cseq, "CANCEL")


class Incoming(Dialog):
    """An INVITE to us."""

    def __init__(self, client, message):
        self.client, self.message = client, message
        self.call_id, self.cseq = message.get("Call-ID"), 100
        self.target = message.contact_uri()
        self.to = message.get("From")
        self.from_tag = "t" + hashlib.md5(
            self.call_id.encode()).hexdigest()[:12]

    def ring(self):
        self.client.respond(self.message, 180, "Ringing")

    def refuse(self, code, reason, headers=()):
        self.client.respond(self.message, code, reason, headers)

    def answer(self, sdp):
        self.client.respond(self.message, 200, "OK", (), sdp)
        return self.wait_request("ACK")
