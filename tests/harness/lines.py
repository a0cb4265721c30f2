"""Many SIP phone lines in one thread: registers, calls, is called, and each
call speaks a tone in A-law and keeps what it hears.

50 calls cost about a tenth of a processor. Everything a line shows may be read
from other threads; a line's state goes calling -> ringing -> up -> ended.
"""
import math
import random
import select
import socket
import struct
import threading
import time

from . import sip_message as sip
from . import chorus
from .process import wait_for

PACKET = 160         # bytes and samples of 20 ms
TICK_S = 0.02
RESEND_S = 0.5
GIVE_UP_S = 32.0
HEARD_MAX = chorus.SIP_RATE * 900


class Transaction:
    """A request of ours that is repeated until it is answered."""

    def __init__(self, data, now, done):
        self.data, self.done = data, done
        self.pause, self.next, self.end = RESEND_S, now + RESEND_S, \
            now + GIVE_UP_S
        self.quiet = False   # provisionally answered: not repeated


class Line:
    """One call of one account."""

    def __init__(self, lines, account, hertz, call_id, incoming):
        self.lines, self.account, self.hertz = lines, account, hertz
        self.call_id, self.incoming = call_id, incoming
        self.state, self.code, self.reason = "calling", 0, ""
        self.ended_by = None
        self.remote_headers = {}
        self.local_tag, self.remote_tag = sip.tag(), ""
        self.local, self.remote, self.target = "", "", ""
        self.cseq = random.randrange(1, 1000)
        self.times = {"calling": time.monotonic()}
        self.invite = None          # Message (incoming) or transaction branch
        self.answer = None          # our 200, repeated until the ACK
        self.answer_next = 0.0
        self.last = {}              # (cseq, method) -> response sent
        # -- voice
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.peer = None            # where RTP goes
        self.tone = chorus.alaw_tone(hertz)
        self.at = 0
        self.sequence = random.randrange(65536)
        self.stamp = random.randrange(1 << 32)
        self.ssrc = random.randrange(1 << 32)
        self.heard = bytearray()
        self.received = self.strange = 0
        self.heard_at = 0.0
        self.silent = False         # stop speaking

    def set_state(self, state):
        self.state = state
        self.times[state] = time.monotonic()

    def wait(self, state, seconds=20.0):
        def there():
            if self.state == "ended" and state != "ended":
                raise RuntimeError("the call to %s ended: %d %s" % (
                    self.remote, self.code, self.reason))
            return state in self.times
        wait_for("line at %d Hz to be %s" % (self.hertz, state), there,
                 seconds)

    def hear(self, seconds, limit=20.0):
        """Waits for so much voice from now on, and returns its samples."""
        mark = len(self.heard)
        want = int(seconds * chorus.SIP_RATE)
        wait_for("%.1f s of voice at %d Hz" % (seconds, self.hertz),
                 lambda: len(self.heard) >= mark + want, limit)
        return chorus.alaw_decode(self.heard[mark:mark + want])

    def hang_up(self):
        with self.lines.lock:
            self.lines.end(self)


class Lines:
    """server: (host, port) of the gateway. on_call(account, message): the tone
    of an incoming call, None refuses it with 486."""

    def __init__(self, server, on_call=None):
        self.server, self.on_call = server, on_call
        self.lock = threading.RLock()
        self.sip = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sip.bind(("127.0.0.1", 0))
        self.sip.setblocking(False)
        self.port = self.sip.getsockname()[1]
        self.passwords = {}
        self.registered = {}        # account -> when the last 200 came
        self.failed = {}            # account -> code of a refusal
        self.lines = []
        self.transactions = {}      # branch -> Transaction
        self.epoll = select.epoll()
        self.epoll.register(self.sip.fileno(), select.EPOLLIN)
        self.by_fd = {}
        self.stopping = False
        self.late = 0               # ticks that came too late by one or more
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    # -- what tests call ----------------------------------------------------
    def register(self, account, password, seconds=20.0):
        before = time.monotonic()
        with self.lock:
            self.passwords[account] = password
            self.send_register(account)
        wait_for("registration of %s" % account,
                 lambda: self.registered.get(account, 0) >= before, seconds)

    def dial(self, account, user, hertz):
        with self.lock:
            call_id = sip.tag() + "@test"
            line = Line(self, account, hertz, call_id, False)
            self.add(line)
            line.local = "<sip:%s@%s:%d>;tag=%s" % (
                (account,) + self.server + (line.local_tag,))
            line.remote = "<sip:%s@%s:%d>" % ((user,) + self.server)
            line.target = "sip:%s@%s:%d" % ((user,) + self.server)
            self.send_invite(line)
            return line

    def running(self):
        return [x for x in self.lines if x.state != "ended"]

    def forget(self):
        """Drops what ended calls have left here."""
        with self.lock:
            for line in [x for x in self.lines if x.state == "ended"]:
                self.lines.remove(line)
                self.epoll.unregister(line.socket.fileno())
                del self.by_fd[line.socket.fileno()]
                line.socket.close()

    def stop(self):
        self.stopping = True
        self.thread.join(5)
        for line in self.lines:
            line.socket.close()
        self.sip.close()
        self.epoll.close()

    # -- sending ------------------------------------------------------------
    def add(self, line):
        self.lines.append(line)
        self.by_fd[line.socket.fileno()] = line
        self.epoll.register(line.socket.fileno(), select.EPOLLIN)

    def send(self, data):
        try:
            self.sip.sendto(data, self.server)
        except OSError:
            pass    # nobody listens there just now; repeated later

    def contact(self, account):
        return "<sip:%s@127.0.0.1:%d>" % (account, self.port)

    def request(self, method, uri, headers, body=b"", done=None):
        branch = "z9hG4bK" + sip.tag()
        data = sip.write("%s %s SIP/2.0" % (method, uri), [
            ("Via", "SIP/2.0/UDP 127.0.0.1:%d;branch=%s;rport" % (
                self.port, branch)),
            ("Max-Forwards", "70")] + headers, body)
        if done:
            self.transactions[branch] = Transaction(data, time.monotonic(),
                                                    done)
        self.send(data)
        return branch

    def send_register(self, account, authorization=None, count=1,
                      call_id=None):
        uri = "sip:%s:%d" % self.server
        me = "<sip:%s@%s:%d>" % ((account,) + self.server)
        call_id = call_id or sip.tag()
        headers = [("From", me + ";tag=" + sip.tag()), ("To", me),
                   ("Call-ID", call_id), ("CSeq", "%d REGISTER" % count),
                   ("Contact", self.contact(account)), ("Expires", "600")]
        if authorization:
            headers.append(authorization)

        def done(answer):
            if answer is None:
                return
            again = self.authorization(answer, account, "REGISTER", uri)
            if again and not authorization:
                self.send_register(account, again, count + 1, call_id)
            elif answer.code == 200:
                self.registered[account] = time.monotonic()
            else:
                self.failed[account] = answer.code
        self.request("REGISTER", uri, headers, done=done)

    def authorization(self, answer, account, method, uri):
        if answer.code not in (401, 407):
            return None
        name = ("WWW-Authenticate", "Authorization") if answer.code == 401 \
            else ("Proxy-Authenticate", "Proxy-Authorization")
        challenge = answer.get(name[0].lower())
        return (name[1], sip.digest(challenge, method, uri, account,
                                    self.passwords[account]))

    def in_dialog(self, line, number, method):
        return [("From", line.local), ("To", line.remote),
                ("Call-ID", line.call_id), ("CSeq", "%d %s" % (number,
                                                               method))]

    def send_invite(self, line, authorization=None):
        uri = line.target
        line.cseq += 1
        number = line.cseq
        headers = self.in_dialog(line, number, "INVITE") + [
            ("Contact", self.contact(line.account)),
            ("Content-Type", "application/sdp")]
        if authorization:
            headers.append(authorization)

        def done(answer):
            self.invite_answered(line, answer, uri, number,
                                 bool(authorization))
        line.invite = self.request("INVITE", uri, headers,
                                   sip.sdp("127.0.0.1", line.port), done)
        line.invite_headers = headers

    def ack(self, line, answer, number, uri, branch):
        """For a refusal it belongs to the INVITE's transaction."""
        headers = [("Via", "SIP/2.0/UDP 127.0.0.1:%d;branch=%s;rport" % (
            self.port, branch)), ("Max-Forwards", "70"),
            ("From", line.local), ("To", answer.get("to")),
            ("Call-ID", line.call_id), ("CSeq", "%d ACK" % number)]
        self.send(sip.write("ACK %s SIP/2.0" % uri, headers))

    def invite_answered(self, line, answer, uri, number, authorized):
        if answer is None:
            self.over(line, 408, "no answer", "timeout")
            return
        if answer.code < 200:
            if answer.code >= 180 and line.state == "calling":
                line.set_state("ringing")
            return
        if answer.code < 300:
            line.remote = answer.get("to")
            line.target = answer.contact_uri() or uri
            self.ack(line, answer, number, line.target,
                     "z9hG4bK" + sip.tag())
            if line.state == "ended":      # hung up meanwhile
                self.bye(line)
            elif line.state != "up":
                line.peer = sip.sdp_address(answer.body)
                line.set_state("up")
            return
        self.ack(line, answer, number, uri, line.invite)
        again = self.authorization(answer, line.account, "INVITE", uri)
        if again and not authorized and line.state != "ended":
            self.send_invite(line, again)
        else:
            self.over(line, answer.code, answer.reason, "remote")

    def bye(self, line):
        line.cseq += 1
        self.request("BYE", line.target, self.in_dialog(
            line, line.cseq, "BYE"), done=lambda answer: None)

    def end(self, line):
        if line.state == "ended":
            return
        if line.state == "up":
            self.bye(line)
            self.over(line, 200, "OK", "local")
        elif line.incoming:
            self.send(sip.response(line.invite, 486, "Busy Here",
                                   line.local_tag))
            self.over(line, 486, "Busy Here", "local")
        else:
            self.cancel(line)

    def cancel(self, line):
        t = self.transactions.get(line.invite)
        if not t:
            return
        via = next(x for x in t.data.decode().split("\r\n")
                   if x.startswith("Via: "))
        data = sip.write("CANCEL %s SIP/2.0" % line.target, [
            ("Via", via[5:]), ("Max-Forwards", "70")] + self.in_dialog(
                line, line.cseq, "CANCEL"))
        self.transactions[line.invite + " CANCEL"] = Transaction(
            data, time.monotonic(), lambda answer: None)
        self.send(data)

    def over(self, line, code, reason, by):
        if line.state == "ended":
            return
        line.code, line.reason, line.ended_by = code, reason, by
        line.answer = None
        line.set_state("ended")

    # -- receiving ------------------------------------------------------------
    def on_sip(self):
        for _ in range(64):
            try:
                data, source = self.sip.recvfrom(65536)
            except BlockingIOError:
                return
            except OSError:
                continue
            if len(data) < 20:
                continue
            m = sip.Message(data)
            if m.code is not None:
                self.on_response(m)
            else:
                self.on_request(m)

    def on_response(self, m):
        _, method = m.cseq
        key = m.branch + (" CANCEL" if method == "CANCEL" else "")
        t = self.transactions.get(key)
        if not t:
            if method == "INVITE" and m.code >= 200:
                self.on_repeated_answer(m)
            return
        if m.code >= 200:
            del self.transactions[key]
        else:
            t.quiet = method == "INVITE"
        t.done(m)

    def on_repeated_answer(self, m):
        line = self.find(m.get("call-id"))
        if line and m.code < 300:
            self.ack(line, m, m.cseq[0], line.target, "z9hG4bK" + sip.tag())

    def find(self, call_id):
        return next((x for x in self.lines if x.call_id == call_id), None)

    def on_request(self, m):
        line = self.find(m.get("call-id"))
        if m.method == "ACK":
            if line:
                line.answer = None
            return
        known = line.last.get(m.cseq) if line else None
        if known:
            self.send(known)
        elif m.method == "INVITE" and not line:
            self.on_invite(m)
        elif m.method == "OPTIONS":
            self.send(sip.response(m, 200, "OK", sip.tag()))
        elif not line or (line.state == "ended" and m.method != "BYE"):
            self.send(sip.response(m, 481, "No such call", sip.tag()))
        else:
            self.in_call(line, m)

    def in_call(self, line, m):
        if m.method == "INVITE":
            self.reply(line, m, 200, "OK", sip.sdp("127.0.0.1", line.port))
            return
        self.reply(line, m, 200, "OK")
        if m.method == "BYE":
            line.remote_headers = dict(m.headers)
            self.over(line, 200, "BYE", "remote")
        elif m.method == "CANCEL" and line.state != "up":
            self.send(sip.response(line.invite, 487, "Request Terminated",
                                   line.local_tag))
            self.over(line, 487, "CANCEL", "remote")

    def reply(self, line, m, code, reason, body=b""):
        headers = [("Contact", self.contact(line.account))]
        if body:
            headers.append(("Content-Type", "application/sdp"))
        data = sip.response(m, code, reason, line.local_tag, headers, body)
        line.last[m.cseq] = data
        self.send(data)
        return data

    def on_invite(self, m):
        account = m.uri.split(":", 1)[1].split("@")[0]
        hertz = self.on_call(account, m) if self.on_call else None
        if hertz is None:
            self.send(sip.response(m, 486, "Busy Here", sip.tag()))
            return
        line = Line(self, account, hertz, m.get("call-id"), True)
        line.invite = m
        line.remote_headers = dict(m.headers)
        line.local = m.get("to") + ";tag=" + line.local_tag
        line.remote = m.get("from")
        line.target = m.contact_uri()
        line.peer = sip.sdp_address(m.body)
        self.add(line)
        self.send(sip.response(m, 180, "Ringing", line.local_tag,
                               [("Contact", self.contact(account))]))
        line.set_state("ringing")
        line.answer = self.reply(line, m, 200, "OK",
                                 sip.sdp("127.0.0.1", line.port))
        line.answer_next = time.monotonic() + RESEND_S
        line.set_state("up")

    # -- voice ----------------------------------------------------------------
    def speak(self, line):
        if not line.peer or line.state != "up" or line.silent:
            return
        voice = line.tone[line.at:line.at + PACKET]
        line.at = (line.at + PACKET) % len(line.tone)
        line.sequence = (line.sequence + 1) & 0xffff
        line.stamp = (line.stamp + PACKET) & 0xffffffff
        try:
            line.socket.sendto(struct.pack(
                ">BBHII", 0x80, 8, line.sequence, line.stamp,
                line.ssrc) + voice, line.peer)
        except OSError:
            pass    # the other side is gone; it shows in `heard`

    def on_voice(self, line):
        for _ in range(32):
            try:
                data = line.socket.recv(2048)
            except OSError:
                return
            if len(data) < 12 or data[1] & 0x7f != 8:
                line.strange += 1
                continue
            line.received += 1
            line.heard_at = time.monotonic()
            if len(line.heard) < HEARD_MAX:
                line.heard += data[12:]

    # -- the thread -----------------------------------------------------------
    def repeat(self, now):
        for key, t in list(self.transactions.items()):
            if now > t.end and not t.quiet:
                del self.transactions[key]
                t.done(None)
            elif now >= t.next and not t.quiet:
                t.pause = min(4.0, 2 * t.pause)
                t.next = now + t.pause
                self.send(t.data)
        for line in self.lines:
            if line.answer and now >= line.answer_next:
                line.answer_next = now + RESEND_S
                self.send(line.answer)

    def run(self):
        due = time.monotonic() + TICK_S
        tick = 0
        while not self.stopping:
            pause = max(0.0, due - time.monotonic())
            for fd, _ in self.epoll.poll(math.ceil(pause * 1000) / 1000):
                with self.lock:
                    if fd == self.sip.fileno():
                        self.on_sip()
                    elif fd in self.by_fd:
                        self.on_voice(self.by_fd[fd])
            now = time.monotonic()
            while due <= now:
                with self.lock:
                    for line in self.lines:
                        self.speak(line)
                    tick += 1
                    if tick % 10 == 0:
                        self.repeat(now)
                self.late += now - due > TICK_S
                # After a long stop there is no use in catching up.
                due = due + TICK_S if now - due < 0.5 else now + TICK_S
