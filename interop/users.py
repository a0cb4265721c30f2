#!/usr/bin/env python3
"""A user of somebody else's client library, and one of ours: the gateway's
account with a SIP phone behind it. In one simulated Telegram they log in,
write to each other and call each other.

    users.py KIND NODE BUILD FOLDER [--quick]

KIND is a key of KINDS. Prints TAP.
"""
import hashlib
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
from interop.client import Client  # noqa: E402
from interop.door import Door  # noqa: E402
from tests.harness import tones  # noqa: E402
from tests.harness.gateway import Gateway  # noqa: E402
from tests.harness.process import Tap, wait_for  # noqa: E402
from tests.harness.rtp import Voice  # noqa: E402
from tests.harness.sip import Client as SipPhone  # noqa: E402
from tests.harness.telegram import Telegram  # noqa: E402

# Library, data centre (which TDLib starts with is compiled in), port (gramjs
# dials 80, whatever it is told), options of client/LIBRARY.js.
KINDS = {
    "mtcute": ("mtcute", 2, 0, {"layer": "own"}),
    "mtcute223": ("mtcute", 2, 0, {"layer": "gateway"}),
    "mtcute_pfs": ("mtcute", 2, 0, {"layer": "own", "pfs": True}),
    "gramjs": ("gramjs", 2, 80, {}),
    "gramjs_abridged": ("gramjs", 2, 80, {
        "transport": "ConnectionTCPAbridged"}),
    "gramjs_full": ("gramjs", 2, 80, {"transport": "ConnectionTCPFull"}),
    "tdlib223": ("tdlib", 1, 0, {"layer": 223}),
    "tdlib223_pfs": ("tdlib", 1, 0, {"layer": 223, "pfs": True}),
    "tdlib229": ("tdlib", 1, 0, {"layer": 229}),
}
# Fictitious numbers: country code 999 is not assigned.
CODE, PASSWORD = "24680", "two steps"
OFFICE = {"id": 3000, "phone": "999660000300", "first_name": "Office",
          "username": "office_interop"}
ANNA = {"id": 3001, "phone": "999660000301", "first_name": "Anna",
        "username": "anna_interop", "code": CODE}
CLARA = {"id": 3002, "phone": "999660000302", "first_name": "Clara",
         "username": "clara_interop", "code": CODE, "password": PASSWORD}
ROBOT = {"id": 3003, "phone": "999660000303", "first_name": "Robot",
         "username": "robot_interop", "app": {"behaviour": "answer"}}
# What the libraries ask for before they are logged in, or need not have, or
# (TDLib of layer 229) what no schema that we have knows.
HARMLESS = {"method-before-login", "method-unknown", "mtproto-wrong salt",
            "signal-state"}
HARMLESS_OF = {"tdlib229": {"query-constructor"}}
AT_SIP, AT_TELEGRAM = 1000, 440     # the tone that this side must hear
HEARD_SECONDS = 0.4
FILE_BYTES = 1500000


def equal(got, wanted):
    assert got == wanted, "got %r, wanted %r" % (got, wanted)


class Town:
    """The simulated Telegram, the gateway with its SIP phone, Anna."""

    def __init__(self, kind, node, build, folder):
        self.library, dc, port, self.options = KINDS[kind]
        self.kind, self.node, self.build = kind, node, build
        self.folder = folder
        self.clients = 0
        self.telegram = Telegram(
            build, self.path("telegram"), [OFFICE, ANNA, CLARA, ROBOT],
            dcs=[{"id": dc, "host": "127.0.0.1", "port": port}])
        self.telegram.start()
        self.gateway = self.phone = self.anna = self.clara = None
        # gramjs fetches and sends files by a port of its own.
        self.door = Door(443, (self.telegram.host, self.telegram.port)) \
            if self.library == "gramjs" else None
        self.spoken = tones.write(self.path("spoken.wav"), AT_SIP)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def client(self, **more):
        self.clients += 1
        return Client(self.node, self.library, self.telegram,
                      self.path("client-%d" % self.clients),
                      **dict(self.options, **more))

    def gateway_start(self):
        self.gateway = Gateway(
            self.build, self.path("gateway"), self.telegram.settings(),
            {"office": "+" + OFFICE["phone"]},
            [{"name": "pbx", "session": "office", "login": "pbx",
              "password": "interop-only"}])
        self.gateway.login("office",
                           lambda: self.telegram.code(OFFICE["phone"]))
        self.gateway.start()
        self.gateway.wait_sessions_ready()
        self.phone = SipPhone(self.gateway.address, "pbx", "interop-only")
        equal(self.phone.register().code, 200)

    def endpoint(self, kind):
        """The command line that carries the media of Anna's calls."""
        if kind == "libwebrtc":
            return [self.node, os.path.join(HERE, "endpoint", "endpoint.js")]
        return [os.path.join(self.build, "gramline-endpoint"), "--bind",
                "127.0.0.1"]

    def row(self):
        """The gateway's running call, once it has its media."""
        return wait_for("the gateway's call to be up", lambda: next(
            (r for r in self.gateway.rows("calls") if r["state"] == "up"),
            None))

    def record(self):
        return self.gateway.records()[-1]

    def idle(self):
        self.gateway.wait_idle()
        wait_for("the end in Telegram", lambda: not self.telegram.calls())

    def stop(self):
        for what in (self.anna, self.clara, self.phone and Closing(self.phone),
                     self.gateway, self.door, self.telegram):
            if what:
                what.stop()


class Closing:
    def __init__(self, what):
        self.stop = what.close


# -- log-in, users, texts -----------------------------------------------------
def login_by_code(t):
    t.anna = t.client()
    equal(t.anna.ask("login", phone=ANNA["phone"], code=CODE)["id"],
          ANNA["id"])


def login_by_password(t):
    t.clara = t.client()
    equal(t.clara.ask("login", phone=CLARA["phone"], code=CODE,
                      password=PASSWORD)["id"], CLARA["id"])


def login_with_temporary_keys(t):
    """Perfect forward secrecy: the data centre checks the binding."""
    clara = t.client(pfs=True)
    try:
        equal(clara.ask("login", phone=CLARA["phone"], code=CODE,
                        password=PASSWORD)["id"], CLARA["id"])
        equal(clara.ask("resolve", to=ROBOT["username"])["id"], ROBOT["id"])
        assert any(e.get("event") == "bound" for _, e in t.telegram.events)
    finally:
        clara.stop()


def login_by_qr_code(t):
    """And password, as the account has one."""
    clara = t.client()
    try:
        answer = clara.start("login_qr", password=PASSWORD)
        t.telegram.ask("qr-accept", user=CLARA["id"],
                       url=clara.wait(event="qr")["url"])
        equal(clara.answer(answer)["id"], CLARA["id"])
    finally:
        clara.stop()


def login_is_kept(t):
    """The client ends, the data centre is killed; both start again, and
    nobody is asked for a code."""
    t.anna.stop()
    t.telegram.kill()
    t.telegram.start()
    t.anna = Client(t.node, t.library, t.telegram, t.anna.folder,
                    **t.options)
    equal(t.anna.ask("login")["id"], ANNA["id"])
    texts_both_ways(t, "Ещё раз доброе утро", "Good morning again")


def temporary_key_is_bound(t):
    wait_for("the event of a bound key", lambda: any(
        e.get("event") == "bound" for _, e in list(t.telegram.events)))


def resolve(t):
    equal(t.anna.ask("resolve", to=ROBOT["username"])["id"], ROBOT["id"])
    equal(t.anna.ask("resolve", to="+" + OFFICE["phone"])["id"],
          OFFICE["id"])


def texts_both_ways(t, to_anna="Доброе утро", to_robot="Good morning 🙂"):
    t.telegram.ask("text", user=ROBOT["id"], to=ANNA["id"], text=to_anna)
    t.anna.wait(event="text", text=to_anna)
    t.anna.ask("text", to=ROBOT["username"], text=to_robot)
    wait_for("the text", lambda: any(
        m.get("text") == to_robot for m in
        t.telegram.ask("messages", user=ROBOT["id"])["messages"]))


def files_both_ways(t):
    """Between Anna and Clara; of several parts, and one that holds them
    all."""
    for sender, receiver, to, size in (
            (t.anna, t.clara, CLARA, FILE_BYTES),
            (t.clara, t.anna, ANNA, 1000)):
        data = os.urandom(size)
        name = "interop-%d.bin" % size
        with open(t.path(name), "wb") as f:
            f.write(data)
        sender.ask("file", to=to["username"], path=t.path(name), name=name)
        receiver.wait(event="file", name=name, bytes=size,
                      sha256=hashlib.sha256(data).hexdigest())


# -- calls --------------------------------------------------------------------
class Ring:
    """A call of Anna's that rings at the SIP phone, or the other way round."""

    def __init__(self, t, to_anna, endpoint="gramline-endpoint"):
        self.t, self.mark, self.to_anna = t, t.anna.mark(), to_anna
        self.voice = Voice("alaw", AT_TELEGRAM)
        self.out = t.path("heard-%d.wav" % self.mark)
        t.anna.ask("use_endpoint", program=t.endpoint(endpoint),
                   **{"in": t.spoken, "out": self.out})
        if to_anna:
            self.sip = t.phone.call("+" + ANNA["phone"], self.voice.sdp())
            self.event("incoming", user=OFFICE["id"])
        else:
            skip = len(t.phone.invites())
            t.anna.ask("call", to=OFFICE["username"])
            self.sip = t.phone.wait_invite(skip=skip)

    def event(self, state, seconds=30, **more):
        return self.t.anna.wait(seconds, self.mark, event="call", state=state,
                                **more)

    def answer(self):
        if self.to_anna:
            self.t.anna.ask("accept")
            self.voice.talk_to(self.sip.answered())
        else:
            self.sip.ring()
            self.event("ringing")
            self.sip.answer(self.voice.sdp())
            self.voice.talk_to(self.sip.message)
        return self

    def heard_both_ways(self):
        self.t.anna.wait(30, self.mark, event="media", state="established")
        wait_for("both to hear each other", lambda: (
            self.voice.heard(AT_SIP) >= HEARD_SECONDS and
            os.path.exists(self.out) and
            tones.file_heard(self.out, AT_TELEGRAM) >= HEARD_SECONDS), 25,
            0.1)

    def keys_are_equal(self):
        """By the emoji both show, and by the fingerprint that the caller
        told Telegram."""
        theirs, ours = self.event("ready"), self.t.row()
        equal(theirs["emoji"], ours["emoji"])
        equal(theirs["version"], ours["version"])
        equal(theirs["outgoing"], not self.to_anna)
        call = next(c for c in self.t.telegram.calls()
                    if c["state"] == "active")
        equal(call["key_fingerprint"], theirs["key_fingerprint"])
        return theirs["emoji"]

    def close(self):
        self.voice.close()
        self.t.idle()


def talk(t, to_anna, endpoint, anna_ends):
    """A whole call; what both saw of its key."""
    ring = Ring(t, to_anna, endpoint)
    try:
        ring.answer()
        emoji = ring.keys_are_equal()
        ring.heard_both_ways()
        if anna_ends:
            t.anna.ask("discard", reason="Hangup")
            ring.sip.wait_request("BYE")
        else:
            equal(ring.sip.bye().code, 200)
        equal(ring.event("ended")["reason"], "hangup")
    finally:
        ring.close()
    equal(t.record()["emoji"], emoji)
    return emoji


def calls_and_is_answered(t, endpoint="gramline-endpoint"):
    return talk(t, False, endpoint, anna_ends=False)


def is_called_and_accepts(t, endpoint="gramline-endpoint"):
    return talk(t, True, endpoint, anna_ends=True)


def calls_and_hangs_up(t):
    return talk(t, False, "gramline-endpoint", anna_ends=True)


def is_called_and_hung_up(t):
    return talk(t, True, "gramline-endpoint", anna_ends=False)


def is_called_and_declines(t):
    ring = Ring(t, True)
    try:
        t.anna.ask("discard", reason="Busy")
        equal(ring.sip.final().line, "SIP/2.0 486 User declined the call")
        ring.event("ended")
    finally:
        ring.close()


def calls_and_is_declined(t):
    ring = Ring(t, False)
    try:
        ring.sip.ring()
        ring.event("ringing")
        ring.sip.refuse(486, "Busy Here")
        equal(ring.event("ended")["reason"], "busy")
    finally:
        ring.close()


def calls_and_gives_up(t):
    ring = Ring(t, False)
    try:
        ring.sip.ring()
        ring.event("ringing")
        t.anna.ask("discard", reason="Missed")
        ring.sip.wait_request("CANCEL")
        equal(ring.event("ended")["reason"], "missed")
    finally:
        ring.close()


def is_called_and_given_up(t):
    ring = Ring(t, True)
    try:
        ring.sip.wait_code(180)
        ring.sip.cancel()
        equal(ring.event("ended")["reason"], "missed")
    finally:
        ring.close()


def nothing_legal_was_refused(t):
    refused = t.telegram.ask("refused")["refused"]
    harmless = HARMLESS | HARMLESS_OF.get(t.kind, set())
    equal([k for k in refused if k not in harmless], [])


def tests_list(kind, quick):
    libwebrtc = [
        ("calls_and_is_answered_libwebrtc",
         lambda t: calls_and_is_answered(t, "libwebrtc")),
        ("is_called_and_accepts_libwebrtc",
         lambda t: is_called_and_accepts(t, "libwebrtc"))]
    tests = [(f.__name__, f) for f in (
        login_by_code, login_by_password, login_by_qr_code, resolve,
        texts_both_ways, files_both_ways, Town.gateway_start,
        calls_and_is_answered, is_called_and_accepts, is_called_and_declines,
        calls_and_is_declined)]
    if not quick:
        tests += [(f.__name__, f) for f in (
            calls_and_hangs_up, is_called_and_hung_up, calls_and_gives_up,
            is_called_and_given_up)]
    if kind.startswith("tdlib"):
        tests += libwebrtc
        tests.insert(4, ("login_is_kept", login_is_kept))
    # Its abridged transport takes a packet for whole that is still coming.
    if kind == "gramjs_abridged":
        tests.remove((files_both_ways.__name__, files_both_ways))
    if "pfs" in KINDS[kind][3]:
        tests.insert(1, ("temporary_key_is_bound", temporary_key_is_bound))
    elif KINDS[kind][0] != "gramjs":    # it has none
        tests.insert(2, ("login_with_temporary_keys",
                         login_with_temporary_keys))
    return tests + [("nothing_legal_was_refused", nothing_legal_was_refused)]


def main():
    kind, node, build, folder = sys.argv[1:5]
    tap = Tap()
    os.makedirs(folder)
    town = Town(kind, node, build, folder)
    try:
        for name, test in tests_list(kind, "--quick" in sys.argv):
            began = time.monotonic()
            tap.run("%s_%s" % (kind, name), lambda: "%s%.1f s" % (
                "%s, " % text if (text := test(town)) else "",
                time.monotonic() - began))
    finally:
        town.stop()
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
