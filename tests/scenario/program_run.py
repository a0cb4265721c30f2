#!/usr/bin/env python3
"""`gramline run`: it starts or says why not, keeps others away, and stops
cleanly with calls up.

    program_run.py BUILD [NAME-PART]

# run: check 120 beside
"""
import os
import socket
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
from tests.harness.process import Process, wait_for  # noqa: E402
from tests.harness.stage import (OFFICE, PBX, Stage, equal,  # noqa: E402
                                 phone, play, user)


def restart(s):
    s.gateway.start()
    s.gateway.wait_sessions_ready()
    s.pbx = s.client()


def up(s, number=1):
    v = s.voice()
    call = s.pbx.call(phone(number), v.sdp())
    v.talk_to(call.answered())
    return call, s.tg_call(1000 + number, "active")


def ringing_in(s, number):
    """A Telegram user's call that rings at the phone."""
    skip = len(s.pbx.invites())
    s.telegram.ask("call", user=1000 + number, to=OFFICE["id"])
    call = s.pbx.wait_invite(skip=skip)
    call.ring()
    wait_for("the call to ring", lambda: any(
        r["state"] == "ringing" and r["direction"] == "telegram-to-sip"
        for r in s.gateway.rows("calls")))
    return call, s.tg_call(1000 + number)


def status(s, tg):
    return s.telegram.ask("call-status", call=tg["id"])["call"]


def stops_cleanly(s):
    """SIGTERM with calls in every state: BYE, CANCEL or a refusal on SIP, an
    end in Telegram, a record each, exit 0."""
    a, tg_a = up(s)
    b, tg_b = ringing_in(s, 3)
    b.answer(s.voice().sdp())
    wait_for("two calls up", lambda: sum(
        r["state"] == "up" for r in s.gateway.rows("calls")) == 2)
    c = s.pbx.call("user_2", s.voice().sdp())
    c.wait_code(180)
    tg_c = s.tg_call(1002)
    d, tg_d = ringing_in(s, 4)
    before = len(s.gateway.records())
    equal(s.gateway.stop(), 0)
    a.wait_request("BYE")
    b.wait_request("BYE")
    equal(c.final().line, "SIP/2.0 503 Worker is unavailable")
    d.wait_request("CANCEL")
    for tg, reason in ((tg_a, "hangup"), (tg_b, "hangup"),
                       (tg_c, "missed"), (tg_d, "disconnect")):
        wait_for("the end in Telegram", lambda: status(s, tg)["state"] ==
                 "ended")
        equal((tg["id"], status(s, tg)["reason"]), (tg["id"], reason))
    rows = s.gateway.records()[before:]
    equal(sorted((r["sip_status"], r["ended_by"]) for r in rows),
          [(200, "gateway"), (200, "gateway"), (503, "gateway"),
           (503, "gateway")])
    assert not os.path.exists(s.gateway.control)
    restart(s)


def stops_idle(s):
    """Without calls it is quick, and the phone's registration is forgotten
    with it."""
    equal(s.gateway.stop(), 0)
    restart(s)
    call, _ = up(s)
    call.bye()
    s.gateway.wait_idle()


def stops_by_interrupt(s):
    s.gateway.process.child.send_signal(2)
    equal(s.gateway.process.child.wait(15), 0)
    restart(s)


def stops_without_telegram(s):
    """Nobody answers the ends of the calls: it stops all the same."""
    call, _ = up(s)
    s.telegram.kill()
    equal(s.gateway.stop(), 0)
    call.wait_request("BYE")
    s.telegram.start()
    restart(s)
    s.tidy()


def starts_without_telegram(s):
    """It waits for Telegram, and works when it comes."""
    equal(s.gateway.stop(), 0)
    s.telegram.stop()
    s.gateway.start()
    wait_for("the session to be tried", lambda: s.gateway.rows("sessions"))
    assert s.gateway.rows("sessions")[0]["state"] != "ready"
    s.pbx = s.client()    # a phone may register meanwhile
    call = s.pbx.call("user_1", s.voice().sdp())
    equal(call.final().line, "SIP/2.0 503 Session is not running")
    s.telegram.start()
    s.gateway.wait_sessions_ready()
    call, _ = up(s)
    call.bye()
    s.gateway.wait_idle()


# -- two of them --------------------------------------------------------------
def fails(s, config, text):
    p = Process("second", [s.gateway.program, "run", "-c", config], s.folder)
    try:
        wait_for("the second to give up", lambda: not p.alive())
    finally:
        p.kill()
    equal(p.child.wait(), 1)
    assert text in p.text(), p.text()


def changed(s, name, *pairs):
    """A configuration that differs from the running gateway's."""
    path = s.path(name + ".conf")
    with open(s.gateway.config) as f:
        text = f.read()
    for old, new in pairs:
        assert old in text, (old, text)
        text = text.replace(old, new)
    with open(path, "w") as f:
        f.write(text)
    return path


def second_instance(s):
    """The control socket is taken: the first one goes on undisturbed."""
    call, tg = up(s)
    path = changed(s, "same", (s.path("gateway", "data"), s.path("data2")))
    fails(s, path, "control socket: " + s.gateway.control)
    with open(s.path("second.log")) as f:
        assert "Address already in use" in f.read()
    equal(status(s, tg)["state"], "active")
    equal(s.gateway.rows("calls")[0]["state"], "up")
    call.bye()
    s.gateway.wait_idle()


def sip_port_taken(s):
    other = s.path("other.sock")
    path = changed(s, "port", (s.gateway.control, other),
                   (s.path("gateway", "data"), s.path("other-data")))
    fails(s, path, "SIP listening address")
    # The session's store was made anew; nothing of it was logged in.
    assert not os.path.exists(other)


def socket_left(s):
    """kill -9 leaves the socket's file behind: it is replaced; a file of
    another kind is not."""
    s.gateway.process.kill()
    assert os.path.exists(s.gateway.control)
    restart(s)
    path = s.path("a-file")
    with open(path, "w") as f:
        f.write("precious")
    fails(s, changed(s, "file", (s.gateway.control, path),
                     (s.path("gateway", "data"), s.path("data3"))), path)
    with open(path) as f:
        equal(f.read(), "precious")


def data_unusable(s):
    path = s.path("not-a-folder")
    with open(path, "w"):
        pass
    fails(s, changed(s, "data", (s.gateway.control, s.path("third.sock")),
                     (s.path("gateway", "data"), path)), path)


def store_shared(s):
    """Another control socket, the same store: refused as well, or two
    gateways would use one log-in."""
    fails(s, changed(s, "store", (s.gateway.control, s.path("4.sock"))),
          s.path("gateway", "data") + ": used by another gramline")
    fails(s, s.gateway.config, "used by another gramline")


def control_socket(s):
    """Only for the owner; nonsense gets an answer and hurts nobody."""
    equal(os.stat(s.gateway.control).st_mode & 0o777, 0o600)
    for line, answer in ((b"{}\n", b'"error"'), (b"nonsense\n", b'"error"'),
                         (b"[1]\n", b'"error"'),
                         (b'{"command":7}\n', b'"error"')):
        with socket.socket(socket.AF_UNIX) as c:
            c.connect(s.gateway.control)
            c.sendall(line)
            assert answer in c.makefile("rb").readline()
    with socket.socket(socket.AF_UNIX) as c:   # a line without an end
        c.connect(s.gateway.control)
        try:
            for _ in range(64):
                c.sendall(b"x" * 4096)
        except OSError:
            pass
    assert s.gateway.ask("show version")["ok"]


TESTS = [
    ("scenario_run_stops_with_calls", stops_cleanly),
    ("scenario_run_stops_idle", stops_idle),
    ("scenario_run_stops_by_interrupt", stops_by_interrupt),
    ("scenario_run_stops_without_telegram", stops_without_telegram),
    ("scenario_run_starts_without_telegram", starts_without_telegram),
    ("scenario_run_second_instance", second_instance),
    ("scenario_run_sip_port_taken", sip_port_taken),
    ("scenario_run_socket_left_behind", socket_left),
    ("scenario_run_data_unusable", data_unusable),
    ("scenario_run_store_shared", store_shared),
    ("scenario_run_control_socket", control_socket),
]

if __name__ == "__main__":
    stage = Stage("program_run", [user(1), user(2, "ignore"), user(3),
                                  user(4)], (PBX,))
    stage.pbx = stage.client()
    play(stage, TESTS, "scenario_run_nothing_left")
