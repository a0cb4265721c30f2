#!/usr/bin/env python3
"""What is heard: every codec with every version of Telegram's call protocol,
in both directions of both kinds of calls; odd phones; hold; digits; ports.

    calls_media.py BUILD [NAME-PART]

# run: check 240 beside
"""
import os
import random
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
from tests.harness import tones  # noqa: E402
from tests.harness.process import wait_for  # noqa: E402
from tests.harness.stage import (OFFICE, PBX, Stage, equal,  # noqa: E402
                                 play, user)

CODECS = ("alaw", "mulaw", "opus")
VERSIONS = ("13.0.0", "12.0.0", "9.0.0", "8.0.0", "7.0.0")
BY_SETTING = ("11.0.0", "10.0.0")   # announced because `versions` says so
AT_SIP, AT_TELEGRAM = 1000, 440     # the tone that this side must hear
FIRST_PORT = random.randrange(18400, 19900, 2)
LAST_PORT = FIRST_PORT + 11         # six calls
SILENCE_S = 10                      # that ends a call


class Talk:
    """A call with a voice on both sides. hertz: the phone's tone."""

    def __init__(self, s, codec="alaw", number=1, incoming=False, sdp=None,
                 wait=True):
        self.s, self.number = s, number
        self.voice = s.voice(codec, AT_TELEGRAM)
        before = {c["id"] for c in s.telegram.calls(True)}
        if incoming:
            skip = len(s.pbx.invites())
            s.telegram.ask("call", user=1000 + number, to=OFFICE["id"])
            self.sip = s.pbx.wait_invite(skip=skip)
            self.sip.ring()
            self.sip.answer(sdp or self.voice.sdp())
            self.remote = self.sip.message
        else:
            self.sip = s.pbx.call("user_%d" % number,
                                  self.voice.sdp() if sdp is None else sdp)
            if sdp == "":
                return
            self.remote = self.sip.answered()
        self.voice.talk_to(self.remote)
        self.find(before)
        if wait:
            self.heard_both()

    def find(self, before):
        s = self.s
        self.tg = wait_for("the call in Telegram", lambda: next(
            (c for c in s.telegram.calls(True) if c["id"] not in before and
             c["state"] == "active" and 1000 + self.number in
             (c["caller"]["user"], c["callee"]["user"])), None))
        self.out = s.path("heard-%s-%d.wav" % (self.tg["id"],
                                               1000 + self.number))

    def at_telegram(self, hertz=AT_TELEGRAM):
        """Seconds of this tone that the Telegram side has heard."""
        return (tones.file_heard(self.out, hertz)
                if os.path.exists(self.out) else 0.0)

    def heard_both(self, since=0.0, more=0.4):
        floor = self.at_telegram()
        wait_for("both sides to hear the other", lambda: (
            self.voice.heard(AT_SIP, since) >= more and
            self.at_telegram() >= floor + more), 20, 0.1)
        return self

    def end(self):
        self.voice.remote = None
        self.sip.bye()
        incoming = not hasattr(self.sip, "branch")
        r = self.s.record(**({"call": self.sip.message.get("X-GW-Context")}
                             if incoming else
                             {"sip_call_id": self.sip.call_id}))
        equal((r["sip_status"], r["version"]), (200, self.tg["version"]))
        return r


def matrix(codec, version):
    def test(s):
        s.telegram.ask("set", user=1001, version=version)
        for incoming in (False, True):
            t = Talk(s, codec, incoming=incoming)
            equal(t.tg["version"], version)
            # Neither side hears itself.
            assert t.voice.heard(AT_TELEGRAM) == 0
            assert t.at_telegram(AT_SIP) == 0
            r = t.end()
            equal((r["codec"], r["sip_media"]["foreign"]),
                  (t.voice.name.split("/")[0], 0))
            equal(r["telegram_media"]["passthrough"], codec == "opus")
        s.telegram.ask("set", user=1001, version="")
    return test


# -- long ones, begun first and looked at last --------------------------------
def begin(s):
    """A registration that is not renewed, a held call, and one whose phone
    falls silent."""
    s.idle = s.client("idle", register=False)
    equal(s.idle.register(expires=60).code, 200)
    s.gateway.wait_trunk("idle")
    s.idle_at = time.monotonic()
    s.held = Talk(s, number=2)
    equal(s.held.sip.reinvite(s.held.voice.sdp("inactive", version=2)).code,
          200)
    s.held.voice.muted = True
    s.held_at = time.monotonic()
    s.silent = Talk(s, number=3)
    s.silent.voice.muted = True
    s.silent_at = time.monotonic()


def silence_ends(s):
    """10 s without RTP end a call, and say so."""
    s.silent.sip.wait_request("BYE", SILENCE_S + 5)
    assert time.monotonic() - s.silent_at > SILENCE_S - 1
    r = s.record(s.silent.sip.call_id)
    equal((r["sip_status"], r["reason"], r["hop"], r["ended_by"]),
          (408, "Request Timeout", "sip", "gateway"))
    wait_for("the end in Telegram", lambda: s.telegram.ask(
        "call-status", call=s.silent.tg["id"])["call"]["state"] == "ended")


def held_stays(s):
    """A held call may be silent for longer than that; then it goes on."""
    wait_for("the hold to be long enough", lambda: time.monotonic() -
             s.held_at > SILENCE_S + 2, SILENCE_S + 5, 0.2)
    equal(s.held.sip.requests("BYE"), [])
    s.held.voice.muted = False
    equal(s.held.sip.reinvite(s.held.voice.sdp(version=3)).code, 200)
    s.held.heard_both(time.monotonic())
    s.held.end()


def registration_expires(s):
    s.gateway.wait_trunk("idle", "unregistered", 70)
    assert time.monotonic() - s.idle_at > 59
    m = s.idle.call("user_1", s.voice().sdp()).final()
    equal(m.line, "SIP/2.0 405 REGISTER is required first")


# -- SDP ----------------------------------------------------------------------
def hold(s):
    """sendonly: the phone gets nothing, the other side still hears it."""
    t = Talk(s)
    for direction, answer in (("sendonly", "recvonly"),
                              ("inactive", "inactive")):
        m = t.sip.reinvite(t.voice.sdp(direction, version=2))
        assert "a=" + answer in m.sdp, m.sdp
        equal(m.rtp(), t.remote.rtp())
    last = wait_for("the gateway to stop sending", lambda: (
        lambda n: n if t.voice.count(time.monotonic() - 0.3) == 0 else 0)(
            t.voice.count()))
    m = t.sip.reinvite(t.voice.sdp(version=4))
    assert "a=sendrecv" in m.sdp, m.sdp
    assert t.voice.count() >= last
    t.heard_both(time.monotonic())
    t.end()


def hold_is_muted(s):
    """Telegram knows no hold: his app shows that we are muted, and hears
    nothing, until the call goes on."""
    def peer_muted(t):
        c = s.telegram.ask("call-status", call=t.tg["id"])["call"]
        return c["callee"].get("stats", {}).get("peer_muted")

    for goes_on in (False, True):
        t = Talk(s)
        equal(t.sip.reinvite(t.voice.sdp("inactive", version=2)).code, 200)
        told = []

        def is_silent():
            told.append(t.at_telegram())
            return len(told) > 3 and told[-1] == told[-4]

        wait_for("nothing more to be heard", is_silent, 20, 0.4)
        if goes_on:
            equal(t.sip.reinvite(t.voice.sdp(version=3)).code, 200)
            t.heard_both(time.monotonic())
        t.end()
        wait_for("the app's word", lambda: peer_muted(t) == (not goes_on))


def hold_by_address(s):
    """RFC 2543's hold, c=0.0.0.0, as old phones do it."""
    t = Talk(s)
    equal(t.sip.reinvite(t.voice.sdp(address="0.0.0.0", version=2)).code, 200)
    wait_for("the gateway to stop sending",
             lambda: t.voice.count(time.monotonic() - 0.3) == 0)
    equal(t.sip.reinvite(t.voice.sdp(version=3)).code, 200)
    t.heard_both(time.monotonic())
    t.end()


def listens_only(s):
    """recvonly: a phone that says nothing goes on hearing, for as long as it
    likes."""
    t = Talk(s)
    m = t.sip.reinvite(t.voice.sdp("recvonly", version=2))
    assert "a=sendonly" in m.sdp, m.sdp
    t.voice.muted = True
    since = time.monotonic()
    wait_for("the phone to hear for longer than a silence may be",
             lambda: t.voice.heard(AT_SIP, since) > SILENCE_S + 2,
             SILENCE_S + 10, 0.2)
    t.voice.muted = False
    equal(t.sip.reinvite(t.voice.sdp(version=3)).code, 200)
    t.heard_both(time.monotonic())
    t.end()


def reinvite_codec(s):
    """Another codec and another socket in the middle of a call."""
    t = Talk(s)
    old, t.voice = t.voice, s.voice("mulaw", AT_TELEGRAM)
    m = t.sip.reinvite(t.voice.sdp(version=2))
    assert "PCMU/8000" in m.sdp, m.sdp
    old.remote = None
    t.voice.talk_to(m)
    t.heard_both()
    m = t.sip.reinvite(t.voice.sdp(codecs=[(9, "G722/8000")], version=3))
    equal(m.line, "SIP/2.0 488 Not Acceptable Here")
    t.heard_both(time.monotonic())
    equal(t.end()["codec"], "PCMU")


def delayed_offer(s):
    """INVITE without SDP: the offer is ours, the answer comes in the ACK."""
    t = Talk(s, sdp="")
    before = {c["id"] for c in s.telegram.calls(True)}
    t.remote = t.sip.answered(ack_sdp=t.voice.sdp())
    for text in ("opus/48000/2", "PCMA/8000", "telephone-event/8000"):
        assert text in t.remote.sdp, t.remote.sdp
    t.find(before - {s.tg_call(1001)["id"]})
    t.voice.talk_to(t.remote)
    t.heard_both()
    # And the same in the middle of the call.
    n = t.sip.send_in_dialog("INVITE")
    m = t.sip.client.answer_of(t.sip.call_id, n, "INVITE")
    assert m.code == 200 and "m=audio" in m.sdp, m.raw
    t.sip.send_in_dialog("ACK", body=t.voice.sdp(version=2), cseq=n)
    t.heard_both(time.monotonic())
    equal(t.end()["codec"], "PCMA")


def symmetric(s):
    """The SDP names a place that does not exist; packets show the right
    one."""
    v = s.voice()
    t = Talk(s, sdp=v.sdp(address="127.0.0.99", port=40002))
    equal({p[1] for p in t.voice.packets}, {t.remote.rtp()})
    remote = t.end()["sip_media"]["remote"]
    equal(remote, "127.0.0.1:%d" % t.voice.port)


def strangers(s):
    """Packets from elsewhere are counted, not heard."""
    t = Talk(s)
    other = s.voice("alaw", 700)
    other.talk_to(t.remote)
    t.heard_both(time.monotonic(), 1.0)
    assert t.at_telegram(700) == 0
    other.remote = None
    assert t.end()["sip_media"]["foreign"] > 10


# -- digits -------------------------------------------------------------------
def digits(s):
    """RFC 4733 and INFO; counted, their values nowhere."""
    for codec in ("alaw", "opus"):
        t = Talk(s, codec)
        t.voice.digits("4711#")
        wait_for("the digits to be sent", lambda: not t.voice.events)
        for kind, body in (("application/dtmf-relay",
                            "Signal=8\r\nDuration=100\r\n"),
                           ("application/dtmf", "9")):
            n = t.sip.send_in_dialog("INFO", [("Content-Type", kind)], body)
            equal(s.pbx.answer_of(t.sip.call_id, n, "INFO").code, 200)
        t.heard_both(time.monotonic())
        r = t.end()
        equal((r["digits"], r.get("digit_values")), (7, None))
    assert "4711" not in s.log()


# -- ports --------------------------------------------------------------------
def ports(s):
    """Even ports of the configured range, all free again; one call more than
    ports is refused."""
    s.gateway.wait_idle()
    calls = [Talk(s, number=1, wait=False) for _ in range(6)]
    found = sorted(t.remote.rtp()[1] for t in calls)
    equal(found, list(range(FIRST_PORT, LAST_PORT, 2)))
    equal(s.gateway.rows("status")[0]["rtp_ports"], 6)
    call = s.pbx.call("user_1", s.voice().sdp())
    equal(call.final().line, "SIP/2.0 480 Temporarily Unavailable")
    r = s.record(call.call_id)
    equal((r["sip_status"], r["hop"], r["ended_by"]),
          (480, "gateway", "gateway"))
    for t in calls:
        t.end()
    s.gateway.wait_idle()
    Talk(s).end()


TESTS = [("scenario_media_long_calls_begin", begin)]
TESTS += [("scenario_media_%s_%s" % (c, v), matrix(c, v))
          for c in CODECS for v in VERSIONS]
TESTS += [("scenario_media_%s_%s" % (c, v), matrix(c, v))
          for c in ("alaw", "opus") for v in BY_SETTING]
TESTS += [
    ("scenario_media_hold", hold),
    ("scenario_media_hold_is_muted", hold_is_muted),
    ("scenario_media_hold_by_address", hold_by_address),
    ("scenario_media_listens_only", listens_only),
    ("scenario_media_reinvite_codec", reinvite_codec),
    ("scenario_media_delayed_offer", delayed_offer),
    ("scenario_media_symmetric_rtp", symmetric),
    ("scenario_media_strangers", strangers),
    ("scenario_media_digits_counted", digits),
    ("scenario_media_silence_ends", silence_ends),
    ("scenario_media_held_call_stays", held_stays),
    ("scenario_media_ports", ports),
    ("scenario_register_expires", registration_expires),
]

if __name__ == "__main__":
    stage = Stage("calls_media", [user(n) for n in (1, 2, 3)],
                  (PBX, dict(PBX, name="idle", login="idle")),
                  rtp="%d-%d" % (FIRST_PORT, LAST_PORT),
                  telegram="versions = " + ",".join(VERSIONS + BY_SETTING),
                  call={"versions": VERSIONS + BY_SETTING})
    for n in (1, 2, 3):
        stage.telegram.behave(1000 + n, **{
            "in": stage.tone(AT_SIP), "out": stage.path("heard-%c-%u.wav")})
    stage.pbx = stage.client()
    play(stage, TESTS, "scenario_media_nothing_left")
