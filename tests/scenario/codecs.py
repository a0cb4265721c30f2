#!/usr/bin/env python3
"""Every codec in a whole call: speech in both directions sounds like the same
two codecs applied one after the other, within 2 %; which codec is chosen, and
what is said in SDP.

    codecs.py BUILD [NAME-PART]
    codecs.py BUILD docs        also writes the table of docs/codecs.md

# run: release 240
"""
import os
import random
import re
import subprocess
import sys

import numpy

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
from tests.harness import codecs, opus, speech, tones  # noqa: E402
from tests.harness.process import wait_for  # noqa: E402
from tests.harness.stage import (OFFICE, PBX, Stage, equal,  # noqa: E402
                                 play, user)

NAMES = list(codecs.MAKE)
ALL = "opus,alaw,mulaw,g722,gsm,speex,amr,slin"
SAY_S = 6.0         # a sentence, and silence up to here
HEAR_S = 15.0       # so that it is heard whole, twice
ROUNDS = 3
SAME = 0.98
# What the gateway encodes for Telegram, and the app for the gateway.
GATEWAY = {opus.SET_BITRATE: 24000, opus.SET_COMPLEXITY: 5,
           opus.SET_INBAND_FEC: 1, opus.SET_LOSS: 10}
APP = {opus.SET_BITRATE: 32000, opus.SET_COMPLEXITY: 5,
       opus.SET_MAX_BANDWIDTH: opus.WIDEBAND}
APP_RATE = 48000
DOCS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..",
                    "docs", "codecs.md")


def narrow(x, rate):
    """At 8 kHz, as figures of likeness are made."""
    return speech.decimated(numpy.asarray(x, float), rate)


def opus_apply(x, rate, settings, rate_out):
    """x, 60 ms at a time, through Opus."""
    encoder, n = opus.Encoder(rate, settings), rate * 60 // 1000
    return opus.decode([encoder(x[i:i + n].astype("<i2"))
                        for i in range(0, len(x) - n + 1, n)], rate_out)


class Say:
    """A sentence in a file for each rate."""

    def __init__(self, s, text, voice):
        self.files = {}
        for rate in (8000, 16000, 48000):
            path = s.path("%s-%d.wav" % (voice.replace("+", "-"), rate))
            self.files[rate] = speech.speak(text, path, rate, voice,
                                            total_s=SAY_S)
        self.reference = speech.load(self.files[8000])

    def at(self, rate):
        return tones.load(self.files[rate])[0]

    def times(self, x, rate):
        """It was said over and over: what holds it once each."""
        x, n = narrow(x, rate), int(SAY_S * speech.RATE)
        return [x[i:i + 3 * n // 2]
                for i in range(0, max(1, len(x) - n), n // 2)]

    def figure(self, times):
        """Of each half second the best: a busy machine disturbs some."""
        return speech.best_of(self.reference, times)


def offline(s, name):
    """(to Telegram, to SIP): the figures of the two codecs alone."""
    to_tg, to_sip = codecs.make(name), codecs.make(name)
    rate = to_tg.rate
    heard = to_tg.decode(to_tg.packets(s.phone_says.at(rate)))
    if name != "opus":      # which passes through
        heard = opus_apply(heard, rate, GATEWAY, APP_RATE)
        rate_there = APP_RATE
    else:
        rate_there = rate
    there = s.phone_says.figure(s.phone_says.times(heard, rate_there))
    heard = opus_apply(s.app_says.at(APP_RATE), APP_RATE, APP, rate)
    if name != "opus":
        heard = to_sip.decode(to_sip.packets(heard))
    return there, s.app_says.figure(s.app_says.times(heard, rate))


class Talk:
    def __init__(self, s, name):
        self.s, self.name = s, name
        self.number = NAMES.index(name) + 1
        self.at_telegram, self.at_phone = [], []
        self.alone = offline(s, name)
        self.there = self.back = 0.0

    def begin(self):
        s = self.s
        self.voice = s.voice(self.name)
        self.voice.speech = self.voice.codec.packets(
            s.phone_says.at(self.voice.codec.rate))
        s.known = {c["id"] for c in s.telegram.calls(True)}
        self.sip = s.pbx.call("user_%d" % self.number, self.voice.sdp())
        self.answer = self.sip.answered()
        self.voice.talk_to(self.answer)
        self.tg = s.tg_call(1000 + self.number, "active")

    def end(self):
        s = self.s
        out = s.path("heard-%s-%d.wav" % (self.tg["id"], 1000 + self.number))
        wait_for("both to have heard enough", lambda: min(
            tones.file_seconds(out), self.voice.seconds()) > HEAR_S,
            2 * HEAR_S, 0.1)
        self.voice.remote = None
        self.sip.bye()
        self.record = s.record(self.sip.call_id)
        heard, rate = tones.load(out)
        self.at_telegram += s.phone_says.times(heard, rate)
        self.at_phone += s.app_says.times(self.voice.samples(),
                                          self.voice.codec.rate)
        self.there = s.phone_says.figure(self.at_telegram)
        self.back = s.app_says.figure(self.at_phone)

    def is_good(self):
        return (self.there >= SAME * self.alone[0] and
                self.back >= SAME * self.alone[1])


def talk(s):
    """All at once; once more those that a busy machine has disturbed."""
    s.talks = {name: Talk(s, name) for name in NAMES}
    for _ in range(ROUNDS):
        again = [t for t in s.talks.values() if not t.is_good()]
        for t in again:
            t.begin()
        for t in again:
            t.end()


def quality(name):
    def test(s):
        t = s.talks[name]
        print("# %s: to Telegram %.3f (alone %.3f), to SIP %.3f (%.3f)" % (
            name, t.there, t.alone[0], t.back, t.alone[1]))
        assert "a=rtpmap:%d %s" % (t.voice.pt, t.voice.name) in \
            t.answer.sdp, t.answer.sdp
        r = t.record
        equal((r["sip_status"], r["codec"].lower(), r["sip_media"]["foreign"]),
              (200, t.voice.name.split("/")[0].lower(), 0))
        equal(r["telegram_media"]["passthrough"], name == "opus")
        assert t.is_good()
        assert min(t.alone) > 0.85, t.alone
    return test


# -- what is chosen -----------------------------------------------------------
def answered(s, client, lines):
    """The codec lines of the answer to an offer with these rtpmaps."""
    sdp = s.voice().sdp(codecs=[c[:2] for c in lines]).splitlines()
    for pt, _, *fmtp in lines:
        sdp += ["a=fmtp:%d %s" % (pt, f) for f in fmtp]
    call = client.call("user_1", "\r\n".join(sdp) + "\r\n")
    if call.final().code != 200:
        return call.final()
    m = call.answered()
    call.bye()
    return m


def first_of_ours(s):
    """The first of our list that the offer contains, not of its."""
    m = answered(s, s.ordered, [(8, "PCMA/8000"), (3, "GSM/8000"),
                                (9, "G722/8000")])
    assert re.search(r"^m=audio \d+ RTP/AVP 9( 101)?\r?$", m.sdp, re.M), m.sdp
    m = answered(s, s.ordered, [(8, "PCMA/8000"), (3, "GSM/8000")])
    assert "GSM/8000" in m.sdp and "PCMA" not in m.sdp, m.sdp
    m = answered(s, s.ordered, [(0, "PCMU/8000"), (97, "iLBC/8000")])
    equal(m.line, "SIP/2.0 488 Not Acceptable Here")
    assert 'offered: PCMU iLBC; supported: G722 GSM' in m.get("Warning"), \
        m.get("Warning")


def amr_parameters(s):
    """Both packings; modes that the offer permits; what we do not have."""
    m = answered(s, s.pbx, [(96, "AMR/8000", "mode-set=0,2; octet-align=1")])
    assert "a=fmtp:96 octet-align=1; mode-set=0,2" in m.sdp, m.sdp
    m = answered(s, s.pbx, [(96, "AMR/8000")])
    assert "a=fmtp:96" not in m.sdp, m.sdp
    m = answered(s, s.pbx, [(96, "AMR/8000", "octet-align=1; crc=1")])
    equal(m.code, 488)


def amr_request(s):
    """The phone asks for less, and gets it at once."""
    v = s.voice("amr-aligned")
    v.codec.request = 1
    call = s.pbx.call("user_1", v.sdp())
    v.talk_to(call.answered())
    wait_for("frames of the mode that was asked for", lambda: v.packets and
             v.codec.unpack(v.packets[-1][4])[1] == 1)
    v.codec.request = 7
    wait_for("frames of the best mode", lambda:
             v.codec.unpack(v.packets[-1][4])[1] == 7)
    v.remote = None
    call.bye()


def offered(s):
    """In the order of the setting, each with a type of its own; the answer
    may take any."""
    skip = len(s.pbx.invites())
    s.telegram.ask("call", user=1002, to=OFFICE["id"])
    sip = s.pbx.wait_invite(skip=skip)
    maps = re.findall(r"a=rtpmap:(\d+) (\S+)", sip.message.sdp)
    equal([name for _, name in maps],
          ["opus/48000/2", "PCMA/8000", "PCMU/8000", "G722/8000", "GSM/8000",
           "speex/16000", "speex/8000", "AMR/8000", "AMR/8000", "L16/48000",
           "L16/16000", "L16/8000", "telephone-event/8000"])
    equal(len({pt for pt, _ in maps}), len(maps))
    v = s.voice("speex-16", 440)
    v.pt = int(dict((n, pt) for pt, n in maps)["speex/16000"])
    sip.answer(v.sdp())
    v.talk_to(sip.message)
    tg = s.tg_call(1002, "active")
    out = s.path("heard-%s-1002.wav" % tg["id"])
    wait_for("the phone to be heard", lambda: os.path.exists(out) and
             tones.file_heard(out, 440) > 0.4, 20, 0.2)
    v.remote = None
    sip.bye()


def not_built(s):
    """A codec that this build does not have is refused by its name."""
    path = s.path("ilbc.conf")
    with open(s.gateway.config) as f:
        text = f.read()
    for name in ("ilbc", "g729"):
        with open(path, "w") as f:
            f.write(text.replace("codecs = " + ALL, "codecs = alaw," + name))
        done = subprocess.run([s.gateway.program, "check", "-c", path],
                              capture_output=True, text=True)
        equal(done.returncode, 1)
        assert "codec %s is not in this build" % name in done.stderr, \
            done.stderr


def table(s):
    """docs/codecs.md, by this run."""
    rows = ["| codec | SDP | to Telegram | alone | to the PBX | alone |",
            "|---|---|---|---|---|---|"]
    for name, t in s.talks.items():
        rows.append("| `%s` | %s | %.3f | %.3f | %.3f | %.3f |" % (
            {"speex-8": "speex", "speex-16": "speex", "amr-aligned": "amr",
             "l16-8": "slin", "l16-16": "slin",
             "l16-48": "slin"}.get(name, name),
            (t.voice.name + " " + t.voice.codec.fmtp).strip(), t.there,
            t.alone[0], t.back, t.alone[1]))
    equal(len(rows), 2 + len(NAMES))
    with open(DOCS) as f:
        text = f.read()
    head, rest = text.split("<!-- table -->\n", 1)
    tail = rest.split("<!-- end -->\n", 1)[1]
    with open(DOCS, "w") as f:
        f.write(head + "<!-- table -->\n" + "\n".join(rows) +
                "\n<!-- end -->\n" + tail)


TESTS = [("scenario_codecs_talk", talk)]
TESTS += [("scenario_codecs_quality_" + n.replace("-", "_"), quality(n))
          for n in NAMES]
TESTS += [
    ("scenario_codecs_first_of_ours", first_of_ours),
    ("scenario_codecs_amr_parameters", amr_parameters),
    ("scenario_codecs_amr_request", amr_request),
    ("scenario_codecs_offered", offered),
    ("scenario_codecs_not_built", not_built),
]

if __name__ == "__main__":
    docs = sys.argv[2:3] == ["docs"]
    if docs:
        sys.argv.pop()
        TESTS = TESTS[:1 + len(NAMES)] + [("scenario_codecs_docs", table)]
    stage = Stage("codecs", [user(n + 1) for n in range(len(NAMES))],
                  (dict(PBX, codecs=ALL),
                   dict(PBX, name="ordered", login="ordered",
                        codecs="g722,gsm")))
    draw = random.Random(7)
    said = speech.sentences(2, draw)
    stage.phone_says = Say(stage, said[0], "en")
    stage.app_says = Say(stage, said[1], "en+f3")
    for n in range(len(NAMES)):
        stage.telegram.behave(1001 + n, **{
            "in": stage.app_says.files[48000],
            "out": stage.path("heard-%c-%u.wav")})
    stage.ordered = stage.client("ordered")
    stage.pbx = stage.client()
    play(stage, TESTS, "scenario_codecs_nothing_left")
