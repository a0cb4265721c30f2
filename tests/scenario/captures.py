#!/usr/bin/env python3
"""Captures of calls, by trunk and by command, read by tshark: SIP and RTP of
both legs, as many packets as the record says, no secrets.

    captures.py BUILD [NAME-PART]

# run: check 60 beside
"""
import os
import re
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
from tests.harness.process import wait_for  # noqa: E402
from tests.harness.sip import Client, Message  # noqa: E402
from tests.harness.stage import PBX, Stage, equal, play, user  # noqa: E402

KEY = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
FIELDS = ("frame.interface_name", "frame.interface_description", "ip.src",
          "ip.dst", "udp.srcport", "udp.dstport", "frame.cap_len",
          "frame.len", "sip.Method", "sip.Status-Code", "sip.Call-ID",
          "rtp.p_type", "rtcp.pt")


class TcpClient(Client):
    """The same phone over one connection."""

    def __init__(self, server, login, password):
        super().__init__(server, login, password)
        self.seen = b""
        self.socket.close()
        self.socket = socket.create_connection(self.server, 5)
        self.host, self.port = self.socket.getsockname()
        self.contact = "sip:%s@%s:%d;transport=tcp" % (login, self.host,
                                                       self.port)
        threading.Thread(target=self.read_stream, daemon=True).start()

    def read(self):
        pass            # the datagram socket of the base class is not used

    def read_stream(self):
        while True:
            try:
                data = self.socket.recv(65536)
            except OSError:
                return
            if not data:
                return
            self.seen = (self.seen + data).lstrip(b"\r\n")
            while self.take_one():
                pass

    def take_one(self):
        head, end, rest = self.seen.partition(b"\r\n\r\n")
        m = re.search(rb"\nContent-Length: *(\d+)", head)
        if not end or len(rest) < int(m.group(1)):
            return False
        size = len(head) + 4 + int(m.group(1))
        message = Message(self.seen[:size], self.server)
        self.seen = self.seen[size:]
        self.take(message)
        self.received.append(message)
        return True

    def send(self, text):
        self.socket.sendall(text.replace("Via: SIP/2.0/UDP",
                                         "Via: SIP/2.0/TCP").encode())


def tshark(path, *more):
    """Rows of FIELDS, a frame each."""
    out = subprocess.run(
        ["tshark", "-n", "-r", path, "-d", "udp.port==20000,rtp", "-d",
         "udp.port==20001,rtcp", "-T", "fields"] + [x for f in FIELDS for x in ("-e", f)] + list(more),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        timeout=60, env=dict(os.environ, HOME="/nonexistent"))
    assert out.returncode == 0, out.stderr[-500:]
    return [dict(zip(FIELDS, line.split("\t")))
            for line in out.stdout.splitlines()]


def talk(s, pbx, sdp=None, seconds=1.0):
    """A call that both hear for a while; it is up when it returns."""
    voice = s.voice("alaw", 440)
    c = pbx.call("user_1", sdp(voice) if sdp else voice.sdp())
    voice.talk_to(c.answered())
    wait_for("the phone to hear", lambda: voice.heard(1000) > seconds)
    return c, voice


def end(s, c, voice):
    voice.remote = None
    wait_for("its last packet to be read", lambda: [
        r for r in s.gateway.rows("calls") if r["sip_rx"] == voice.sent])
    equal(c.bye().code, 200)
    return s.record(c.call_id)


def whole(path):
    """Its rows, when the last answer is in it."""
    return wait_for("the capture to be whole", lambda: [
        r for r in [tshark(path)] if any(
            x["sip.Method"] == "BYE" for x in r)][-1:])[0]


def count(rows, **wanted):
    return sum(all(r[k.replace("_", ".", 1)] == v for k, v in wanted.items())
               for r in rows)


def check_sip(s, rows, c, pbx):
    """Every message of the call that the phone has seen."""
    sip = [r for r in rows if r["frame.interface_name"] == "sip"]
    assert sip and all(r["sip.Call-ID"] == c.call_id for r in sip), sip
    mine = [m for m in pbx.received if m.get("Call-ID") == c.call_id]
    for code in {m.code for m in mine if m.code}:
        wanted = sum(m.code == code for m in mine)
        got = count(sip, **{"sip_Status-Code": str(code)})
        equal((code, got), (code, wanted))
    equal([r["sip.Method"] for r in sip if r["sip.Method"]],
          ["INVITE", "ACK", "INVITE", "ACK", "BYE"])
    for r in sip:
        assert str(s.gateway.sip_port) in (r["udp.srcport"],
                                           r["udp.dstport"]), r


def check_media(s, rows, r, port):
    """As many packets as the record has counted, decoded as RTP: of the SIP
    leg because its SDP says so."""
    rtp = [x for x in rows if x["frame.interface_name"] == "rtp"]
    audio = [x for x in rtp if x["rtp.p_type"]]
    equal({x["rtp.p_type"] for x in audio}, {"8"})
    equal((sum(x["udp.srcport"] == str(port) for x in audio),
           sum(x["udp.dstport"] == str(port) for x in audio)),
          (r["sip_media"]["rx_packets"], r["sip_media"]["tx_packets"]))
    telegram = [x for x in rows if x["frame.interface_name"] == "telegram"]
    audio = [x for x in telegram if x["udp.dstport"] == "20000"]
    t = r["telegram_media"]
    equal((sum(x["ip.src"] == "192.0.2.2" for x in audio),
           sum(x["ip.src"] == "192.0.2.1" for x in audio)),
          (t["rx_packets"] + t["rx_padding"], t["tx_packets"]))
    assert all(x["rtp.p_type"] for x in audio), audio[:3]
    assert all(x["rtcp.pt"] for x in telegram
               if x["udp.dstport"] == "20001"), "no RTCP"
    equal(r["capture"]["dropped"], 0)
    assert r["capture"]["packets"] > len(rtp) + len(telegram), r["capture"]


def by_trunk(s):
    """Each call of the trunk: data/captures/CALL.pcapng."""
    c, voice = talk(s, s.full)
    r = end(s, c, voice)
    path = s.path("gateway", "data", "captures", r["call"] + ".pcapng")
    equal(r["capture"]["file"], path)
    equal(os.stat(path).st_mode & 0o777, 0o600)
    rows = whole(path)
    check_sip(s, rows, c, s.full)
    check_media(s, rows, r, voice.port)
    assert any("decrypted" in x["frame.interface_description"] for x in rows)


def headers(s):
    """Without speech: RTP's header alone, its true length beside it."""
    c, voice = talk(s, s.headers)
    r = end(s, c, voice)
    rows = whole(r["capture"]["file"])
    check_sip(s, rows, c, s.headers)
    check_media(s, rows, r, voice.port)
    for x in rows:
        if x["rtp.p_type"] and not x["rtcp.pt"]:
            equal(x["frame.cap_len"], "40")
            assert int(x["frame.len"]) > 40, x


def by_command(s):
    """`capture CALL FILE` of a running call: from its INVITE on, as far as
    that is remembered; never twice, never over a file."""
    equal(s.gateway.ask("capture", call="nobody", file="x")["error"],
          "no such call")
    c, voice = talk(s, s.pbx)
    call = s.gateway.rows("calls")[0]["call"]
    done = s.gateway.cli("-s", s.gateway.control, "-x",
                         "capture %s asked.pcapng" % call)
    equal((done.returncode, done.stderr), (0, ""))
    path = s.path("gateway", "data", "captures", "asked.pcapng")
    for name, fault in (("other", "this call is captured already"),):
        equal(s.gateway.ask("capture", call=call, file=name)["error"], fault)
    heard = voice.heard(1000)
    wait_for("more to be heard", lambda: voice.heard(1000) > heard + 0.5)
    r = end(s, c, voice)
    rows = whole(path)
    check_sip(s, rows, c, s.pbx)
    audio = [x for x in rows if x["rtp.p_type"] == "8"]
    assert 40 < len(audio) < (r["sip_media"]["rx_packets"] +
                              r["sip_media"]["tx_packets"]), len(audio)
    c, voice = talk(s, s.pbx, seconds=0.2)
    call = s.gateway.rows("calls")[0]["call"]
    for name, fault in (("asked.pcapng", "the file is there already"),
                        ("../x", "FILE is a name, or begins with /")):
        equal(s.gateway.ask("capture", call=call, file=name)["error"], fault)
    r = end(s, c, voice)
    assert "capture" not in r, r


def secrets(s):
    """Keys of SDP are not in it; its digest answers are no secret."""
    def sdp(voice):
        return voice.sdp() + (
            "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:%s|2^20\r\n" % KEY)
    c, voice = talk(s, s.full, sdp, 0.2)
    path = end(s, c, voice)["capture"]["file"]
    whole(path)
    with open(path, "rb") as f:
        data = f.read()
    assert b"inline:" + b"x" * (len(KEY) + 5) + b"\r\n" in data
    assert KEY.encode() not in data
    assert PBX["password"].encode() not in data


def from_telegram(s):
    """A call from Telegram is captured from its first INVITE, too."""
    skip = len(s.full.invites())
    s.telegram.ask("call", user=1001, to=501)
    i = s.full.wait_invite(skip=skip)
    voice = s.voice("alaw", 440)
    i.answer(voice.sdp())
    voice.talk_to(i.message)
    wait_for("the phone to hear", lambda: voice.heard(1000) > 0.3)
    voice.remote = None
    equal(i.bye().code, 200)
    r = s.record(call=i.message.get("X-GW-Context"))
    rows = whole(r["capture"]["file"])
    equal([x["sip.Method"] for x in rows if x["sip.Method"] and
           x["sip.Call-ID"] == i.call_id], ["INVITE", "ACK", "BYE"])


def stream(s):
    """SIP by TCP is written as datagrams, and said to be none."""
    pbx = TcpClient(s.gateway.address, "full", PBX["password"])
    s.clients.append(pbx)
    equal(pbx.register().code, 200)
    c, voice = talk(s, pbx, seconds=0.2)
    rows = whole(end(s, c, voice)["capture"]["file"])
    sip = [x for x in rows if x["frame.interface_name"] == "sip-stream"]
    equal([x["sip.Method"] for x in sip if x["sip.Method"]],
          ["INVITE", "ACK", "INVITE", "ACK", "BYE"])
    equal({x["frame.interface_name"] for x in rows if x["sip.Call-ID"]},
          {"sip-stream"})
    assert all(str(pbx.port) in (x["udp.srcport"], x["udp.dstport"])
               for x in sip), sip


def purged(s):
    """Captures of former days go when the next one begins; other files
    stay."""
    folder = s.path("gateway", "data", "captures")
    long_ago = time.time() - 8 * 86400
    for name in ("old.pcapng", "old.txt"):
        with open(os.path.join(folder, name), "w"):
            pass
        os.utime(os.path.join(folder, name), (long_ago, long_ago))
    c, voice = talk(s, s.headers, seconds=0.2)
    end(s, c, voice)
    names = os.listdir(folder)
    equal(("old.pcapng" in names, "old.txt" in names), (False, True))


TESTS = [
    ("scenario_capture_by_trunk", by_trunk),
    ("scenario_capture_headers", headers),
    ("scenario_capture_by_command", by_command),
    ("scenario_capture_has_no_secrets", secrets),
    ("scenario_capture_call_from_telegram", from_telegram),
    ("scenario_capture_of_a_stream", stream),
    ("scenario_capture_old_ones_go", purged),
]

if __name__ == "__main__":
    stage = Stage("captures", [user(1)], (
        dict(PBX, name="full", login="full", capture="full"),
        dict(PBX, name="headers", login="headers", capture="headers",
             priority=1), dict(PBX, priority=1)))
    stage.telegram.behave(1001, **{"in": stage.tone(1000)})
    stage.full, stage.headers = stage.client("full"), stage.client("headers")
    stage.pbx = stage.client()
    play(stage, TESTS, "scenario_capture_nothing_left")
