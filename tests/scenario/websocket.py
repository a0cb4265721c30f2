#!/usr/bin/env python3
"""Phones that come by WebSocket: they register, call and are called on it; who
speaks it wrongly is refused.

    websocket.py BUILD [NAME-PART]

# run: check 90 beside
"""
import os
import socket
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
from tests.harness import websocket  # noqa: E402
from tests.harness.process import free_port, wait_for  # noqa: E402
from tests.harness.sip import Client  # noqa: E402
from tests.harness.stage import PBX, Stage, equal, play, user  # noqa: E402
from tests.harness.talk import (AT_SIP, AT_TELEGRAM, calls,  # noqa: E402
                                give_voice, is_called)

PASSWORD = PBX["password"]
STRANGER, HOSTILE, MANY = "127.0.0.3", "127.0.0.4", "127.0.0.5"
OF_ONE = 50             # WebSockets of one address


def phone(s, w, port):
    """As browsers do, it does not know its own address (RFC 7118 5)."""
    c = s.client(register=False, wire=w)
    c.contact = "sip:pbx@df7jal23ls0d.invalid;transport=ws"
    m = c.register()
    equal((m.code, "received=" + c.host in m.get("Via"),
           "rport=%d" % c.port in m.get("Via")), (200, True, True))
    equal(m.get("Via").split()[0], "SIP/2.0/" + w.name)
    wait_for("the source of the trunk", lambda: s.gateway.trunk("pbx")["source"]
             == "%s:%d" % (c.host, c.port))
    calls(s, c)
    invite = is_called(s, c).message
    assert "@127.0.0.1:%d;transport=ws" % port in invite.contact_uri(), \
        invite.get("Contact")
    equal(invite.get("Via").split(";")[0],
          "SIP/2.0/%s 127.0.0.1:%d" % (w.name, port))
    assert "@df7jal23ls0d.invalid" in invite.uri, invite.uri
    for m in c.received:    # nothing of the way to libre
        assert b"127.87.83.1" not in m.raw, m.raw
    return c


def ws_phone(s):
    phone(s, websocket.ws(s.ws, source="127.0.0.2"), s.ws).close()


def wss_phone(s):
    own = s.path("gateway", "data", "certificate.pem")
    phone(s, websocket.wss(s.wss, own, "gramline"), s.wss).close()


def fragments(s):
    """Messages in pieces, pings between them, a keep-alive (RFC 5626)."""
    w = websocket.ws(s.ws, split=True)
    c = s.client(wire=w)
    wait_for("the pongs", lambda: b"between" in w.pongs)
    calls(s, c)
    w.raw(websocket.frame(websocket.TEXT, b"\r\n\r\n"))
    calls(s, c)
    c.close()


def source(s):
    """trusted_ips, records and what is refused know the real address."""
    good = Client("127.0.0.1:%d" % s.ws, "near", PASSWORD,
                  wire=websocket.ws(s.ws, source="127.0.0.2"))
    bad = Client("127.0.0.1:%d" % s.ws, "near", PASSWORD,
                 wire=websocket.ws(s.ws, source=STRANGER))
    for c in (good, bad):
        s.clients.append(c)
    equal(good.register().code, 200)
    m = bad.register()
    equal((m.code, m.reason), (403, "Untrusted IP address"))
    assert any(r["address"] == STRANGER for r in s.gateway.rows("refused")), \
        s.gateway.rows("refused")
    with open(calls(s, good)["capture"]["file"], "rb") as f:
        data = f.read()
    near, ours = bytes((127, 0, 0, 2)), bytes((127, 0, 0, 1))
    assert near + ours in data and ours + near in data
    assert bytes((127, 87, 83, 1)) not in data      # towards libre
    good.close()


def closed(s):
    """What was registered over it is gone with it; a call ends from the other
    side as usual."""
    c = s.client(wire=websocket.ws(s.ws))
    voice = s.voice("alaw", AT_TELEGRAM)
    call = c.call("user_1", voice.sdp())
    voice.talk_to(call.answered())
    wait_for("the phone to hear", lambda: voice.heard(AT_SIP) > 0.4)
    before = len(s.gateway.records())
    c.socket.raw(websocket.frame(websocket.CLOSE, b"\x03\xe8"))
    wait_for("the answer to it", lambda: c.socket.closed == 1000)
    wait_for("the end of the registration",
             lambda: s.gateway.trunk("pbx")["state"] != "registered")
    s.telegram.ask("hangup", call=s.tg_call(1001)["id"])
    wait_for("the record", lambda: len(s.gateway.records()) > before)


def status_of(opening):
    try:
        w = websocket.ws(free["ws"], opening=opening)
    except OSError:
        return None
    w.close()
    return w.status


def handshakes(s):
    for code, fields in ((101, {}), (400, {"Sec_WebSocket_Protocol": None}),
                         (400, {"Sec_WebSocket_Key": "short"}),
                         (400, {"Upgrade": None}), (400, {"Host": None}),
                         (426, {"Sec_WebSocket_Version": "8"})):
        equal((fields, status_of(websocket.request(**fields))),
              (fields, code))
    equal(status_of(b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 2000), 431)


def garbage(s):
    """Closed with the code that says why, and an offence: the fifth bans, and
    then nobody is let in from there."""
    frame, text = websocket.frame, websocket.TEXT
    for code, data in ((1002, frame(text, b"OPTIONS", masked=False)),
                       (1002, frame(0, b"goes on")),
                       (1009, frame(text, b"a" * 70000)),
                       (1007, frame(text, b"\xff\xfe")),
                       (1007, frame(text, b"hello"))):
        w = websocket.ws(s.ws, source=HOSTILE)
        w.raw(data)
        try:
            while True:
                w.recvfrom(0)
        except OSError:
            pass
        equal((data[:9], w.closed), (data[:9], code))
        w.close()
    wait_for("the ban", lambda: any(r["address"] == HOSTILE
                                    for r in s.gateway.rows("bans")))
    try:
        equal(websocket.ws(s.ws, source=HOSTILE), None)
    except OSError:
        pass


def crowded(s):
    """An address has so many and no more; one that goes makes room. Those on
    never_ban may have more."""
    def opened(source):
        try:
            return websocket.ws(s.ws, source=source)
        except OSError:
            return None
    for source in (MANY, STRANGER):
        many = [opened(source) for _ in range(OF_ONE)]
        assert all(many), many
        one_more = opened(source)
        equal((source, bool(one_more)), (source, source == STRANGER))
        many.pop().close()
        wait_for("room again", lambda: many.append(opened(source)) or many[-1])
        for w in many + [one_more]:
            if w:
                w.close()


def backdoor(s):
    """The loopback listener is nobody else's: a request ends its connection,
    unanswered."""
    ports = listening(s.gateway.process.pid)
    inner = ports - {s.ws, s.wss, s.gateway.sip_port}
    equal(len(inner), 1)
    with socket.create_connection(("127.0.0.1", inner.pop()), 10) as c:
        c.sendall(b"OPTIONS sip:gramline SIP/2.0\r\n"
                  b"Via: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bKdoor\r\n"
                  b"From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\n"
                  b"Call-ID: door\r\nCSeq: 1 OPTIONS\r\n"
                  b"Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n")
        equal(c.recv(100), b"")


def silent(s):
    """Whoever begins no handshake is closed after ten seconds; over TLS, too."""
    for c in s.idle:
        c.settimeout(15)
        equal(c.recv(100), b"")
        c.close()


def stopped(s):
    """A gateway that ends says goodbye: to the call, then to the WebSocket."""
    c = s.client(wire=websocket.ws(s.ws))
    voice = s.voice("alaw", AT_TELEGRAM)
    voice.talk_to(c.call("user_1", voice.sdp()).answered())
    equal(s.gateway.stop(), 0)
    wait_for("the end", lambda: c.socket.closed)
    equal((c.socket.closed, c.received[-1].method), (1001, "BYE"))
    s.gateway.start()
    s.gateway.wait_sessions_ready()


def listening(pid):
    """Its TCP ports."""
    inodes = set()
    for fd in os.listdir("/proc/%d/fd" % pid):
        try:
            inodes.add(os.readlink("/proc/%d/fd/%s" % (pid, fd)))
        except OSError:
            pass
    rows = [r.split() for r in open("/proc/net/tcp")][1:]
    return {int(r[1].split(":")[1], 16) for r in rows
            if r[3] == "0A" and "socket:[%s]" % r[9] in inodes}


TESTS = [
    ("scenario_websocket_phone", ws_phone),
    ("scenario_websocket_phone_over_tls", wss_phone),
    ("scenario_websocket_fragments_and_pings", fragments),
    ("scenario_websocket_source_is_the_phones", source),
    ("scenario_websocket_closed_during_a_call", closed),
    ("scenario_websocket_handshake_refused", handshakes),
    ("scenario_websocket_garbage_closes_and_bans", garbage),
    ("scenario_websocket_one_address_has_fifty", crowded),
    ("scenario_websocket_no_back_door", backdoor),
    ("scenario_websocket_silence_is_closed", silent),
    ("scenario_websocket_stopped_during_a_call", stopped),
]

if __name__ == "__main__":
    free = {"ws": free_port(), "wss": free_port()}
    stage = Stage("websocket", [user(1)],
                  (PBX, dict(PBX, name="near", login="near",
                             trusted_ips="127.0.0.2", capture="headers")),
                  sip="ws = 127.0.0.1:%(ws)d\nwss = 127.0.0.1:%(wss)d\n"
                  "never_ban = 127.0.0.1, 127.0.0.2, 127.0.0.3\n" % free)
    stage.ws, stage.wss = free["ws"], free["wss"]
    stage.idle = [socket.create_connection(("127.0.0.1", port))
                  for port in (stage.ws, stage.wss)]
    give_voice(stage)
    play(stage, TESTS, "scenario_websocket_nothing_left")
