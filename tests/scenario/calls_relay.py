#!/usr/bin/env python3
"""Whole calls between a phone and a Telegram user who may not be reached
directly: through a reflector over UDP, over TCP, at IPv6, and through TURN
(coturn).
The reflector is our own stand-in.

    calls_relay.py BUILD [NAME-PART]

# run: check 180 beside
"""
import os
import shutil
import signal
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(os.path.dirname(HERE)))
sys.path.insert(0, HERE)
import endpoint_relay as relay  # noqa: E402
from tests.harness import tones  # noqa: E402
from tests.harness.process import wait_for  # noqa: E402
from tests.harness.stage import (OFFICE, PBX, Stage, equal,  # noqa: E402
                                 user)

AT_SIP, AT_TELEGRAM = 1000, 440     # the tone that this side must hear


def heard_both(s, incoming):
    """One call; its record."""
    voice = s.voice("alaw", AT_TELEGRAM)
    if incoming:
        skip = len(s.pbx.invites())
        s.telegram.ask("call", user=1001, to=OFFICE["id"])
        sip = s.pbx.wait_invite(skip=skip)
        sip.ring()
        sip.answer(voice.sdp())
        voice.talk_to(sip.message)
    else:
        sip = s.pbx.call("user_1", voice.sdp())
        voice.talk_to(sip.answered())
    tg = s.tg_call(1001, "active")
    s.known.add(tg["id"])
    out = s.path("heard-%s-1001.wav" % tg["id"])
    wait_for("both sides to hear the other", lambda: (
        voice.heard(AT_SIP) >= 0.4 and os.path.exists(out) and
        tones.file_heard(out, AT_TELEGRAM) >= 0.4), 20, 0.1)
    voice.remote = None
    sip.bye()
    return s.record(**({"call": sip.message.get("X-GW-Context")} if incoming
                       else {"sip_call_id": sip.call_id}))


def both_ways(s):
    for incoming in (False, True):
        equal(heard_both(s, incoming)["sip_status"], 200)


def stage_with(name, connection):
    stage = Stage("calls_relay_" + name, [user(1)], (PBX,),
                  call={"p2p": False, "connections": [connection]})
    stage.telegram.behave(1001, **{
        "in": stage.tone(AT_SIP), "out": stage.path("heard-%c-%u.wav")})
    stage.pbx = stage.client()
    return stage


def relay_lost(s, process):
    """Deaf for a while: the call goes on. For good: it is over 20 s later, and
    both sides learn why."""
    voice = s.voice("alaw", AT_TELEGRAM)
    sip = s.pbx.call("user_1", voice.sdp())
    voice.talk_to(sip.answered())
    tg = s.tg_call(1001, "active")

    def deaf():
        process.send_signal(signal.SIGSTOP)
        mark = len(s.log())
        wait_for("the media to be lost", lambda: "media reconnecting" in
                 s.log()[mark:], 10)

    wait_for("sound", lambda: voice.heard(AT_SIP) >= 0.4, 20, 0.1)
    deaf()
    mark = len(s.log())
    process.send_signal(signal.SIGCONT)
    wait_for("media to be back", lambda: "media established" in
             s.log()[mark:], 12)
    deaf()
    try:
        sip.wait_request("BYE", 30)
    finally:
        process.send_signal(signal.SIGCONT)
    voice.remote = None
    r = s.record(sip_call_id=sip.call_id)
    equal((r["sip_status"], r["reason"]),
          (500, "Telegram media connection failed"))
    # Both ends wait for 20 s from the same moment: either may be first.
    assert r["ended_by"] in ("gateway", "called"), r["ended_by"]
    ended = [c for c in s.telegram.calls(True) if c["id"] == tg["id"]][0]
    equal(ended["reason"], "disconnect")


def run(name, connection, carried, lost=None):
    """carried(): has the relay forwarded the calls' packets? lost: a relay
    that is stopped and goes on."""
    stage = stage_with(name, connection)
    try:
        stage.run("scenario_relay_" + name, both_ways, stage)
        if lost:
            stage.run("scenario_relay_lost", relay_lost, stage, lost)
        stage.run("scenario_relay_%s_carried_it" % name, lambda _: carried(),
                  stage)
    finally:
        status = stage.done("scenario_relay_%s_nothing_left" % name)
    return status


def through_reflector(tcp, ipv6=False):
    host = "::1" if ipv6 else "127.0.0.1"
    reflector = relay.Reflector(host, relay.free_port())
    kind = "tcp" if tcp else "udp"

    def carried():
        counts = reflector.counts()
        assert counts[kind] >= 100, counts

    try:
        return run("reflector_ipv6" if ipv6 else "reflector_" + kind, {
            "type": "reflector", "ipv6" if ipv6 else "ip": reflector.host,
            "port": reflector.port, "tcp": tcp}, carried,
            None if tcp or ipv6 else reflector.process)
    finally:
        reflector.stop()


def through_turn(folder):
    turn = relay.Turn(folder)

    def carried():
        turn.stop()
        with open(turn.log, errors="replace") as f:
            text = f.read()
        # Two calls with two allocations each.
        assert text.count("ALLOCATE processed, success") >= 4, text[-2000:]

    try:
        return run("turn", {
            "type": "webrtc", "ip": turn.host, "port": turn.port,
            "username": relay.USER, "password": relay.PASSWORD,
            "turn": True}, carried)
    finally:
        turn.stop()


def main():
    status = through_reflector(False) | through_reflector(True)
    status |= through_reflector(False, ipv6=True)
    if not shutil.which("turnserver"):
        print("ok 1 - scenario_relay_turn # SKIP coturn is not installed")
        return status
    with tempfile.TemporaryDirectory(prefix="calls-relay-") as folder:
        return status | through_turn(folder)


if __name__ == "__main__":
    sys.exit(main())
