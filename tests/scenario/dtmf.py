#!/usr/bin/env python3
"""Digits in whole calls: by each method, each way, in the order of the trunk;
each press once; values nowhere.

    dtmf.py BUILD [NAME-PART]

# run: check 180 beside
"""
import os
import struct
import sys

import numpy

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
from tests.harness import codecs, dtmf  # noqa: E402
from tests.harness.process import wait_for  # noqa: E402
from tests.harness.stage import (OFFICE, PBX, Stage, equal,  # noqa: E402
                                 play, user)

SAID = "4711*0#9"
ORDERS = {"all": "rfc2833,info,inband", "info": "info", "tones": "inband",
          "info-first": "info,inband"}
KEYS = "0123456789*#ABCD"


class Talk:
    def __init__(self, s, trunk="all", codec="alaw", dtmf=True,
                 incoming=False):
        self.s, self.client = s, s.clients_of[trunk]
        self.codec, self.voice = codec, s.voice(codec, 440)
        if incoming:
            skip = len(self.client.invites())
            s.telegram.ask("call", user=1001, to=OFFICE["id"])
            self.sip = self.client.wait_invite(skip=skip)
            self.remote = self.sip.message
            self.sip.answer(self.voice.sdp(dtmf=dtmf))
        else:
            self.sip = self.client.call("user_1", self.voice.sdp(dtmf=dtmf))
            self.remote = self.sip.answered()
        self.voice.talk_to(self.remote)
        tg = s.tg_call(1001, "active")
        self.id = wait_for("the call in the list", lambda: next(
            (c["call"] for c in s.gateway.rows("calls")), None))
        s.known.add(tg["id"])
        wait_for("the phone to hear something",
                 lambda: self.voice.count() > 10)

    # -- to the gateway -------------------------------------------------------
    def press(self, method, digits):
        if method == "rfc2833":
            self.voice.digits(digits)
            wait_for("the events to be sent", lambda: not self.voice.events)
        elif method == "inband":
            c = codecs.make(self.codec)     # the voice's own is in use
            packets = c.packets(dtmf.sound(digits, c.rate))
            silence = c.packets(numpy.zeros(c.rate // 2, "<i2"))
            self.voice.events += [(c.pt, p) for p in packets + silence]
            wait_for("the tones to be sent", lambda: not self.voice.events)
        else:
            for d in digits:
                n = self.sip.send_in_dialog(
                    "INFO", [("Content-Type", "application/dtmf-relay")],
                    "Signal=%s\r\nDuration=100\r\n" % d)
                equal(self.client.answer_of(self.sip.call_id, n, "INFO").code,
                      200)

    # -- from the gateway -----------------------------------------------------
    def asked(self, digits):
        return self.s.gateway.ask("digits", call=self.id, digits=digits)

    def events(self):
        """Digits of events, and how many ends each had."""
        found, ends, seen = "", [], set()
        last = None
        for _, _, pt, _, payload in list(self.voice.packets):
            if pt != 101:
                last = None
                continue
            event, flags, duration = struct.unpack("!BBH", payload)
            if last is None:
                found, ends = found + KEYS[event], ends + [0]
            last = event
            if flags & 0x80:
                ends[-1] += 1
                equal(duration, 800)
        return found, ends

    def end(self):
        self.voice.remote = None
        self.sip.bye()
        incoming = not hasattr(self.sip, "branch")
        return self.s.record(**(
            {"call": self.sip.message.get("X-GW-Context")} if incoming else
            {"sip_call_id": self.sip.call_id}))


def received(method, codec, trunk="all"):
    def test(s):
        t = Talk(s, trunk, codec)
        t.press(method, SAID)
        equal((t.end()["digits"], method), (len(SAID), method))
    return test


def counted_once(s):
    """A PBX that sends every press in all three ways."""
    t = Talk(s)
    for d in SAID:
        t.press("inband", d)
        t.press("rfc2833", d)
        t.press("info", d)
    equal(t.end()["digits"], len(SAID))


def only_what_is_listed(s):
    t = Talk(s, "info")
    assert "telephone-event" not in t.remote.sdp, t.remote.sdp
    t.press("inband", "123")
    t.press("rfc2833", "456")
    t.press("info", "78")
    equal(t.end()["digits"], 2)


def sent_as_events(codec, incoming):
    def test(s):
        t = Talk(s, codec=codec, incoming=incoming)
        equal(t.asked(SAID), {"ok": True, "method": "rfc2833"})
        wait_for("the events", lambda: t.events() == (SAID, [3] * len(SAID)))
        # The voice goes on behind them.
        wait_for("audio again", lambda: t.voice.packets[-1][2] == t.voice.pt)
        seqs = [p[3] for p in t.voice.packets]
        equal([(b - a) & 0xffff for a, b in zip(seqs, seqs[1:])],
              [1] * (len(seqs) - 1))
        t.end()
    return test


def sent_by_info(incoming):
    """No telephone-event in the phone's description."""
    def test(s):
        t = Talk(s, dtmf=False, incoming=incoming)
        equal(t.asked(SAID), {"ok": True, "method": "info"})
        for n in range(len(SAID)):
            m = wait_for("the next INFO", lambda: next(
                iter(t.sip.requests("INFO")[n:]), None))
            equal((m.get("Content-Type"), m.body),
                  ("application/dtmf-relay",
                   b"Signal=%c\r\nDuration=100\r\n" % ord(SAID[n])))
            t.client.respond(m, 200, "OK")
        t.end()
    return test


def sent_as_tones(codec):
    def test(s):
        t = Talk(s, "tones", codec)
        equal(t.asked(SAID), {"ok": True, "method": "inband"})
        wait_for("the tones", lambda: dtmf.heard(
            t.voice.samples(), t.voice.codec.rate) == SAID, 20, 0.3)
        equal(t.end()["telegram_media"]["passthrough"], False)
    return test


def refused_info_is_tones(s):
    """A phone that does not know INFO: the next method, nothing lost; what
    passed through is coded from then on."""
    t = Talk(s, "info-first", "opus")
    equal(t.asked("12")["method"], "info")
    m = wait_for("the INFO", lambda: next(iter(t.sip.requests("INFO")), None))
    t.client.respond(m, 415, "Unsupported Media Type")
    equal(wait_for("the tones", lambda: dtmf.heard(
        t.voice.samples(), t.voice.codec.rate) or None, 20, 0.3)[0], "1")
    equal(t.asked("3"), {"ok": True, "method": "inband"})
    wait_for("all tones", lambda: dtmf.heard(
        t.voice.samples(), t.voice.codec.rate) == "123", 20, 0.3)
    equal(len(t.sip.requests("INFO")), 1)
    t.end()


def wrong_questions(s):
    t = Talk(s)
    for call, digits, error in (
            ("nobody", "1", "there is no such call"),
            (t.id, "12x", "digits are 0-9 * # A-D"),
            (t.id, "1" * 65, "too many digits wait")):
        equal(s.gateway.ask("digits", call=call, digits=digits),
              {"ok": False, "error": error})
    done = s.gateway.cli("-s", s.gateway.control, "-x",
                         "digits %s 5#" % t.id)
    equal((done.returncode, done.stderr), (0, ""))
    wait_for("the events", lambda: t.events()[0] == "5#")
    t.end()


def values_nowhere(s):
    assert SAID not in s.log() and "Signal=" not in s.log()
    with open(s.gateway.records_path) as f:
        assert SAID not in f.read()


TESTS = [("scenario_dtmf_received_%s_%s" % (m, c.replace("-", "_")),
          received(m, c))
         for m, c in (("rfc2833", "alaw"), ("rfc2833", "opus"),
                      ("info", "alaw"), ("inband", "alaw"),
                      ("inband", "opus"), ("inband", "g722"),
                      ("inband", "gsm"))]
TESTS += [
    ("scenario_dtmf_counted_once", counted_once),
    ("scenario_dtmf_only_what_is_listed", only_what_is_listed),
    ("scenario_dtmf_sent_as_events", sent_as_events("alaw", False)),
    ("scenario_dtmf_sent_as_events_to_a_called_pbx",
     sent_as_events("alaw", True)),
    ("scenario_dtmf_sent_by_info", sent_by_info(False)),
    ("scenario_dtmf_sent_by_info_to_a_called_pbx", sent_by_info(True)),
    ("scenario_dtmf_sent_as_tones_alaw", sent_as_tones("alaw")),
    ("scenario_dtmf_sent_as_tones_opus", sent_as_tones("opus")),
    ("scenario_dtmf_refused_info_is_tones", refused_info_is_tones),
    ("scenario_dtmf_wrong_questions", wrong_questions),
    ("scenario_dtmf_values_nowhere", values_nowhere),
]

if __name__ == "__main__":
    trunks = [dict(PBX, name=n, login=n, dtmf=order,
                   codecs="opus,alaw,g722,gsm", priority=str(i))
              for i, (n, order) in enumerate(ORDERS.items())]
    stage = Stage("dtmf", [user(1)], trunks)
    stage.telegram.behave(1001, **{"in": stage.tone(1000),
                                   "out": stage.path("heard-%c-%u.wav")})
    stage.clients_of = {n: stage.client(n) for n in ORDERS}
    play(stage, TESTS, "scenario_dtmf_nothing_left")
