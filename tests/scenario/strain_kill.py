#!/usr/bin/env python3
"""Kill -9 of the data centre and of the gateway in the middle of calls.

# run: check 300
"""
import os
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path.insert(0, ROOT)
from tests.harness import chorus  # noqa: E402
from tests.harness.crowd import Crowd, say  # noqa: E402
from tests.harness.phone import Phone  # noqa: E402
from tests.harness.process import Tap, wait_for  # noqa: E402

END_WITHIN_S = 30


def keys(crowd):
    """The authorisation keys the gateway's accounts use at the simulator."""
    return sorted({(s["user"], s["key"]) for s in
                   crowd.telegram.ask("sessions")["sessions"] if s["user"]})


def wait_keys(crowd, expected):
    wait_for("the same keys at the data centre",
             lambda: keys(crowd) == expected, 30)


def one_more_round(crowd):
    crowd.begin(crowd.calls)
    crowd.talk(crowd.calls, 2)
    crowd.finish(crowd.calls)
    crowd.check(crowd.calls)


def scenario_strain_data_centre_killed_during_calls(crowd):
    t, calls = crowd.telegram, crowd.calls
    before = keys(crowd)
    assert len(before) == 2, before
    crowd.begin(calls)
    t.kill()
    # Tones keep arriving at both ends.
    crowd.talk(calls, 5)
    crowd.check(calls)
    # A call that is hung up while Telegram is away ends at the phone at once,
    # and in Telegram when it is back.
    calls[0].line.hang_up()
    wait_for("the gateway to drop it", lambda: len(crowd.gateway.rows(
        "calls")) == len(calls) - 1)
    t.start()
    crowd.gateway.wait_sessions_ready()
    wait_for("Telegram to be told", lambda: len(t.calls()) == len(calls) - 1)
    crowd.talk(calls[1:], 1)
    crowd.check(calls[1:])
    crowd.finish(calls[1:])
    wait_keys(crowd, before)
    one_more_round(crowd)
    wait_keys(crowd, before)


def far_ends(crowd, calls):
    """How many calls are still alive at either far end."""
    return (sum(c.line.state != "ended" for c in calls) +
            len(crowd.telegram.calls()) + len(crowd.telegram.endpoints()))


def interrupted(crowd, known):
    """Records added since; all say what happened."""
    records = crowd.gateway.records()[known:]
    for r in records:
        assert r["reason"] == "Gateway was interrupted", r
        assert r["sip_status"] == 503 and r["end"] >= r["invite"], r
        assert r["ended_by"] == "gateway", r
    return {r["call"]: r for r in records}


def scenario_strain_gateway_killed_during_calls(crowd):
    g, calls = crowd.gateway, crowd.calls
    before, known = keys(crowd), len(g.records())
    crowd.begin(calls)
    ids = {r["call"]: r for r in g.rows("calls")}
    assert len(ids) == len(calls), ids
    g.process.kill()
    killed = time.monotonic()
    g.start()
    wait_for("the far ends' calls to end", lambda: not far_ends(crowd, calls),
             END_WITHIN_S)
    took = time.monotonic() - killed
    assert all(c.line.ended_by == "remote" for c in calls), \
        [c.line.ended_by for c in calls]
    found = interrupted(crowd, known)
    assert set(found) == set(ids), (sorted(found), sorted(ids))
    for call, r in found.items():
        for k in ("direction", "from", "to", "trunk", "session"):
            assert r[k] == ids[call][k], (k, r, ids[call])
    crowd.ready()
    wait_keys(crowd, before)
    one_more_round(crowd)
    assert len(g.records()) == known + 2 * len(calls)
    return "far ends' calls ended after %.2f s" % took


def scenario_strain_gateway_killed_while_ringing(crowd):
    """Calls nobody has answered yet: Telegram is told, the record is true."""
    g, c = crowd.gateway, crowd.calls[0]
    known = len(g.records())
    crowd.telegram.behave(c.user, behaviour="ignore")
    c.start()
    c.line.wait("ringing")
    g.process.kill()
    g.start()
    wait_for("Telegram to be told", lambda: not crowd.telegram.calls(),
             END_WITHIN_S)
    assert len(interrupted(crowd, known)) == 1
    crowd.telegram.behave(c.user, behaviour="answer")
    c.line.hang_up()     # the phone gives up; nobody knows this call any more
    crowd.ready()
    one_more_round(crowd)


def scenario_strain_gateway_killed_for_good(crowd):
    """Nobody starts it again: a real phone (baresip) ends its call because RTP
    stays away, Telegram because the media is lost."""
    g, c = crowd.gateway, crowd.calls[0]
    known = len(g.records())
    phone = Phone(os.path.join(crowd.folder, "phone"), g.address, "pbx0",
                  "secret0", "PCMA",
                  tone_wav(os.path.join(crowd.folder, "phone.wav")))
    try:
        wait_for("the phone's registration", lambda: any(
            r["trunk"] == "t0" and not r["source"].endswith(
                ":%d" % crowd.lines.port) for r in g.rows("trunks")))
        phone.dial("+" + c.phone)
        phone.wait_event("CALL_ESTABLISHED", 30)
        wait_for("media in Telegram",
                 lambda: crowd.media_established() >= 1)
        g.process.kill()
        killed = time.monotonic()
        phone.wait_event("CALL_CLOSED", END_WITHIN_S)
        at_sip = time.monotonic() - killed
        wait_for("Telegram to end it", lambda: not (
            crowd.telegram.calls() or crowd.telegram.endpoints()),
            max(1, END_WITHIN_S - at_sip))
        at_telegram = time.monotonic() - killed
    finally:
        phone.process.kill()   # it would wait for answers to its BYE
        phone.stop()
    g.start()
    crowd.ready()
    assert len(interrupted(crowd, known)) == 1
    one_more_round(crowd)
    return "both ended within %.1f s" % max(at_sip, at_telegram)


def tone_wav(path):
    """8 kHz, as the phone speaks it."""
    import wave
    with wave.open(path, "wb") as f:
        f.setnchannels(1)
        f.setsampwidth(2)
        f.setframerate(chorus.SIP_RATE)
        f.writeframes(chorus.alaw_decode(chorus.alaw_tone(700) * 60).astype(
            "<i2").tobytes())
    return path


def main():
    tap = Tap()
    crowd = Crowd(os.path.abspath(sys.argv[1]), [2, 2])
    good = True
    try:
        crowd.start()
        for f in (scenario_strain_data_centre_killed_during_calls,
                  scenario_strain_gateway_killed_during_calls,
                  scenario_strain_gateway_killed_while_ringing,
                  scenario_strain_gateway_killed_for_good):
            good = tap.run(f.__name__, f, crowd) and good
    finally:
        crowd.stop(keep=not good)
    if not good:
        say("kept: " + crowd.folder)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
