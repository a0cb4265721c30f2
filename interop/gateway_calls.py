"""Whole calls: a SIP phone (baresip), the gateway, the simulated Telegram, and
libwebrtc as the media of the Telegram user. Both say a sentence of their own."""
import os
import time

from tests.harness import speech
from tests.harness.gateway import Gateway
from tests.harness.phone import Phone
from tests.harness.process import Timeout, wait_for
from tests.harness.telegram import Telegram

HERE = os.path.dirname(os.path.abspath(__file__))
SIMILAR, MARGIN = 0.7, 0.15
# A phone that is called answers before the Telegram side has its media: what
# it says in that time, nobody can hear.
LEAD_SECONDS = 1.0
HEAR_WITHIN = 30.0
# Fictitious numbers: country code 999 is not assigned.
OFFICE, ANNA = "999660000001", "999660000077"
OFFICE_ID, ANNA_ID = 1001, 1002
CODECS = {"PCMA": "alaw", "opus": "opus"}
CALLS = [
    ("sip-to-telegram", "13.0.0", "PCMA"),
    ("telegram-to-sip", "13.0.0", "opus"),
    ("sip-to-telegram", "9.0.0", "opus"),
    ("telegram-to-sip", "9.0.0", "PCMA"),
]


class Bench:
    """What all calls share: the simulated Telegram and a log-in."""

    def __init__(self, node, build, folder):
        self.build, self.folder = build, folder
        self.telegram = Telegram(
            build, os.path.join(folder, "telegram"), [
                {"id": OFFICE_ID, "phone": OFFICE, "first_name": "Office"},
                {"id": ANNA_ID, "phone": ANNA, "first_name": "Anna",
                 "app": {"behaviour": "answer", "ring_after_ms": 100,
                         "after_ms": 300}},
            ], endpoint=[node, os.path.join(HERE, "endpoint", "endpoint.js")])
        self.telegram.start()
        self.logged_in = False

    def gateway(self, codec):
        g = Gateway(self.build, os.path.join(self.folder, "gateway"),
                    self.telegram.settings(), {"office": "+" + OFFICE},
                    [{"name": "pbx", "session": "office", "login": "pbx",
                      "password": "interop-only", "codecs": CODECS[codec]}])
        if not self.logged_in:
            g.login("office", lambda: self.telegram.code(OFFICE))
            self.logged_in = True
        try:
            g.start()
            g.wait_sessions_ready()
        except Exception:
            g.process.kill()
            raise
        return g


class Side:
    """One party: what it says, and where what it hears is written."""

    def __init__(self, text, folder, name, rate, voice):
        self.spoken = speech.speak(text, os.path.join(folder, name + ".wav"),
                                   rate, voice, LEAD_SECONDS, 30)
        self.heard = os.path.join(folder, "heard-by-%s.wav" % name)

    def said(self):
        return speech.load(self.spoken)

    def seconds(self):
        return speech.speech_bounds(self.said())[1] / speech.RATE

    def recorded(self):
        """Seconds of what it has heard so far."""
        if not os.path.exists(self.heard):
            return 0.0
        return len(speech.load(self.heard)) / speech.RATE


def call(bench, direction, version, codec, folder, row):
    texts = speech.sentences(2)
    sip = Side(texts[0], folder, "sip", Phone.CODECS[codec][1], "en-gb")
    telegram = Side(texts[1], folder, "telegram", 48000, "en-us+f3")
    sim = bench.telegram
    sim.ask("set", user=ANNA_ID, version=version)
    sim.behave(ANNA_ID, **{"in": telegram.spoken, "out": telegram.heard})
    gateway = bench.gateway(codec)
    phone = Phone(os.path.join(folder, "phone"), gateway.address, "pbx",
                  "interop-only", codec, sip.spoken)
    try:
        gateway.wait_trunk("pbx")
        began = time.monotonic()
        if direction == "sip-to-telegram":
            phone.dial("+" + ANNA)
        else:
            sim.ask("call", user=ANNA_ID, to=OFFICE_ID)
        phone.wait_event("CALL_ESTABLISHED", 30)
        wait_for("libwebrtc's media", lambda: any(
            when > began and event.get("event") == "media" and
            event.get("state") == "established"
            for when, event in list(sim.events)))
        row["connected"] = "yes"
        row["seconds"] = "%.2f" % (time.monotonic() - began)
        sip.heard = wait_for("the phone's recording",
                             lambda: phone.recordings()[0])
        heard = both_hear(sip, telegram)
        phone.hang_up()
        wait_for("the call to end in Telegram", lambda: not sim.calls())
        gateway.wait_idle()
    finally:
        phone.stop()
        gateway.stop()
    row["heard"] = "yes" if heard else "NO"
    return heard


def both_hear(sip, telegram):
    """Whether each hears the other's sentence, once it was recorded for as
    long as that takes."""
    longest = max(sip.seconds(), telegram.seconds())
    ends = [(side, side.recorded() + longest) for side in (sip, telegram)]
    try:
        wait_for("both to hear the other one", lambda:
                 all(side.recorded() >= end for side, end in ends) and
                 hear(sip, telegram) and hear(telegram, sip),
                 longest + HEAR_WITHIN, 0.5)
    except Timeout:
        return False
    return True


def hear(listener, speaker):
    """The other one's sentence, and not his own."""
    got = speech.load(listener.heard)
    right = speech.similarity(speaker.said(), got)[0]
    wrong = speech.similarity(listener.said(), got)[0]
    return right >= SIMILAR and right >= wrong + MARGIN


def run(report, node, build, folder, quick):
    """Rows for the table."""
    os.makedirs(folder)
    bench = Bench(node, build, folder)
    rows = []
    try:
        for direction, version, codec in CALLS[:2 if quick else None]:
            name = "wrtc_gateway_%s_%s" % (direction.replace("-", "_"),
                                           version)
            row = {"what": direction + ", " + codec, "version": version,
                   "role": "callee" if direction == "sip-to-telegram"
                   else "caller", "connected": "NO", "heard": "NO",
                   "seconds": "-"}
            rows.append(row)
            place = os.path.join(folder, name)
            os.mkdir(place)
            try:
                good = call(bench, direction, version, codec, place, row)
                report.result(name, good, "" if good else "not heard")
            except Exception as e:  # one call's failure is told, not the end
                report.result(name, False, "%s: %s" % (type(e).__name__, e))
    finally:
        bench.telegram.stop()
    return rows
