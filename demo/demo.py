#!/usr/bin/env python3
"""Real calls before your eyes: a SIP phone (baresip) and a Telegram user talk
through the gateway, in both directions.

Nothing on the path is faked inside the gateway: SIP and RTP over UDP, MTProto
against a simulated Telegram data centre, call signalling and key exchange, ICE,
DTLS-SRTP and Opus. Both sides speak a sentence drawn anew; the run succeeds
only if each side heard the other's.
"""
import json
import os
import shutil
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)
from tests.harness import speech  # noqa: E402
from tests.harness.gateway import Gateway  # noqa: E402
from tests.harness.phone import Phone  # noqa: E402
from tests.harness.process import wait_for  # noqa: E402
from tests.harness.telegram import Telegram  # noqa: E402

BUILD = os.path.join(ROOT, "build")
WORK = os.path.join(BUILD, "demo")
SIMILAR, MARGIN = 0.7, 0.15
# Fictitious numbers: country code 999 is not assigned.
OFFICE, ANNA = "999660000001", "999660000077"
CALLS = [
    ("sip-to-telegram", "13.0.0", "PCMA"),
    ("telegram-to-sip", "13.0.0", "PCMA"),
    ("sip-to-telegram", "9.0.0", "opus"),
    ("telegram-to-sip", "9.0.0", "opus"),
]
CODEC_SETTING = {"PCMA": "alaw", "opus": "opus"}


def say(text):
    print("%7.1f s  %s" % (time.monotonic() - BEGAN, text), flush=True)


class Growing:
    """A WAV file that is being written, and when its first sample was: files
    grow in lumps, so the earliest start that any look suggests is right."""

    def __init__(self, find):
        self.find, self.path, self.start = find, None, None
        self.bytes_per_s = 0

    def seconds(self):
        self.path = self.path or self.find()
        if not self.path or not os.path.exists(self.path):
            return 0.0
        size = os.path.getsize(self.path)
        now = time.monotonic()
        if size <= 44:
            return 0.0
        if not self.bytes_per_s:
            with open(self.path, "rb") as f:
                self.bytes_per_s = int.from_bytes(f.read(32)[28:32], "little")
        long = (size - 44) / self.bytes_per_s
        if self.start is None or now - long < self.start:
            self.start = now - long
        return long

    def first_speech_at(self):
        bounds = speech.speech_bounds(speech.load(self.path))
        return self.start + bounds[0] / speech.RATE if bounds else None


def relative(path):
    return os.path.relpath(path, ROOT)


class Demo:
    def __init__(self):
        shutil.rmtree(WORK, ignore_errors=True)
        os.makedirs(WORK)
        self.telegram = Telegram(BUILD, os.path.join(WORK, "telegram"), [
            {"id": 1001, "phone": OFFICE, "first_name": "Office",
             "username": "office_line"},
            {"id": 1002, "phone": ANNA, "first_name": "Anna",
             "username": "anna_test", "app": {"behaviour": "answer",
                                              "ring_after_ms": 100,
                                              "after_ms": 500}},
        ])
        self.telegram.start()
        say("simulated Telegram is up, data centre %d at %s:%d" % (
            self.telegram.dc, self.telegram.host, self.telegram.port))

    def gateway_with(self, codec):
        """A gateway whose one trunk speaks one codec, so that the calls of a
        codec are known to use it."""
        folder = os.path.join(WORK, "gateway")
        g = Gateway(BUILD, folder, self.telegram.settings(),
                    {"office": "+" + OFFICE},
                    [{"name": "pbx", "session": "office", "login": "pbx",
                      "password": "demo-only", "codecs":
                      CODEC_SETTING[codec]}])
        if not os.path.exists(os.path.join(folder, "data", "gramline.db")):
            g.login("office", lambda: self.telegram.code(OFFICE))
            say("the gateway's Telegram account is logged in by phone code")
        g.start()
        g.wait_sessions_ready()
        return g

    def call(self, number, direction, version, codec):
        folder = os.path.join(WORK, "%d-%s-%s" % (number, direction, version))
        os.makedirs(folder)
        by_sip, by_telegram = speech.sentences(2)
        rate = Phone.CODECS[codec][1]
        sip_wav = speech.speak(by_sip, os.path.join(folder, "sip.wav"), rate,
                               "en-gb", 0.1, 30)
        tg_wav = speech.speak(by_telegram, os.path.join(folder,
                                                        "telegram.wav"),
                              48000, "en-us+f3", 0.1, 30)
        heard_tg = os.path.join(folder, "heard-by-telegram.wav")
        gateway = self.gateway_with(codec)
        phone = Phone(os.path.join(folder, "phone"), gateway.address, "pbx",
                      "demo-only", codec, sip_wav)
        try:
            gateway.wait_trunk("pbx")
            self.telegram.ask("set", user=1002, version=version)
            self.telegram.behave(1002, **{"in": tg_wav, "out": heard_tg})
            say("call %d: %s, version %s, %s" % (number, direction, version,
                                                 codec))
            say("    SIP says:      \"%s\"" % by_sip)
            say("    Telegram says: \"%s\"" % by_telegram)
            return self.measure(direction, version, codec, gateway, phone,
                                sip_wav, tg_wav, heard_tg)
        finally:
            phone.stop()
            gateway.stop()

    def measure(self, direction, version, codec, gateway, phone, sip_wav,
                tg_wav, heard_tg):
        before = {c["id"] for c in self.telegram.calls(True)}
        if direction == "sip-to-telegram":
            phone.dial("+" + ANNA)
        else:
            self.telegram.ask("call", user=1002, to=1001)
        call = wait_for("the call in Telegram", lambda: next(
            (c for c in self.telegram.calls(True) if c["id"] not in before),
            None))
        phone.wait_event("CALL_ESTABLISHED", 30)
        established = time.monotonic()
        at_sip = Growing(lambda: phone.recordings()[0])
        spoken = Growing(lambda: phone.recordings()[1])
        at_telegram = Growing(lambda: heard_tg)
        sentence = max(speech.speech_bounds(speech.load(w))[1]
                       for w in (sip_wav, tg_wav)) / speech.RATE
        files = (at_sip, spoken, at_telegram)
        wait_for("the sentences to be spoken", lambda: min(
            [f.seconds() for f in files]) > sentence + 2.0, 60, 0.003)
        phone.hang_up()
        wait_for("the call to end in Telegram",
                 lambda: not self.telegram.calls())
        gateway.wait_idle()
        if direction == "sip-to-telegram":
            answered = self.telegram.call_time(call["id"], "accepted")
            first = at_sip.first_speech_at()
        else:
            answered = established
            first = at_telegram.first_speech_at()
        result = {
            "direction": direction, "version": version, "sip_codec": codec,
            "connect_ms": (round(1000 * (first - answered))
                           if first and answered else None),
            "spoken_by_sip": relative(sip_wav),
            "heard_by_telegram": relative(heard_tg),
            "spoken_by_telegram": relative(tg_wav),
            "heard_by_sip": relative(at_sip.path),
        }
        self.compare(result, at_sip, spoken, at_telegram)
        record = gateway.records()[-1]
        result["record"] = {k: record[k] for k in (
            "call", "direction", "version", "codec", "sip_status",
            "ended_by")}
        return result

    def compare(self, r, at_sip, spoken, at_telegram):
        by_sip = speech.load(os.path.join(ROOT, r["spoken_by_sip"]))
        by_telegram = speech.load(os.path.join(ROOT, r["spoken_by_telegram"]))
        sip_heard = speech.load(at_sip.path)
        tg_heard = speech.load(at_telegram.path)
        r["similarity_at_telegram"] = round(
            speech.similarity(by_sip, tg_heard)[0], 3)
        r["similarity_at_sip"] = round(
            speech.similarity(by_telegram, sip_heard)[0], 3)
        r["other_at_telegram"] = round(
            speech.similarity(by_telegram, tg_heard)[0], 3)
        r["other_at_sip"] = round(
            speech.similarity(by_sip, sip_heard)[0], 3)
        # Both recordings on one clock: what baresip sent, what the Telegram
        # side heard.
        sent = speech.load(spoken.path)
        lead = round((spoken.start - at_telegram.start) * speech.RATE)
        got = tg_heard[lead:] if lead > 0 else tg_heard
        r["one_way_delay_ms"] = round(1000 * speech.delay(sent, got))
        r["heard"] = all(
            r["similarity_at_" + side] >= SIMILAR and
            r["similarity_at_" + side] >= r["other_at_" + side] + MARGIN
            for side in ("telegram", "sip"))

    def stop(self):
        self.telegram.stop()


def table(results):
    head = ("direction", "version", "codec", "connect s", "at Telegram",
            "at SIP", "one-way ms", "heard")
    rows = [(r["direction"], r["version"], r["sip_codec"],
             "%.2f" % (r["connect_ms"] / 1000) if r["connect_ms"] else "-",
             "%.2f" % r["similarity_at_telegram"],
             "%.2f" % r["similarity_at_sip"], "%d" % r["one_way_delay_ms"],
             "yes" if r["heard"] else "NO") for r in results]
    widths = [max(len(x[i]) for x in [head] + rows) for i in range(len(head))]
    print()
    for row in [head] + rows:
        print("  ".join(x.ljust(w) for x, w in zip(row, widths)))
    print()


def main():
    demo = Demo()
    results = []
    try:
        for number, (direction, version, codec) in enumerate(CALLS, 1):
            results.append(demo.call(number, direction, version, codec))
    finally:
        demo.stop()
        with open(os.path.join(WORK, "report.json"), "w") as f:
            json.dump({"calls": results}, f, indent=2)
            f.write("\n")
    table(results)
    good = len(results) == len(CALLS) and all(r["heard"] for r in results)
    print("Everybody heard the other side." if good else
          "NOT everybody heard the other side: see build/demo/.")
    return 0 if good else 1


BEGAN = time.monotonic()
if __name__ == "__main__":
    sys.exit(main())
