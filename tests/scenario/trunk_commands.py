#!/usr/bin/env python3
"""Trunks that are made, changed and taken away while the gateway runs; the
configuration read again; roles of the process stopped and started.

    trunk_commands.py BUILD [NAME-PART]

# run: check 120 beside
"""
import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
from tests.harness.pbx import Pbx  # noqa: E402
from tests.harness.process import wait_for  # noqa: E402
from tests.harness.sip import Client  # noqa: E402
from tests.harness.stage import (OFFICE, PBX, Stage, equal,  # noqa: E402
                                 phone, play, user)


def command(s, text, error=None):
    """As `gramline -x` does; its rows."""
    answer = s.gateway.ask(text)
    if error:
        equal(answer, {"ok": False, "error": error})
        return None
    assert answer["ok"], (text, answer)
    return answer.get("rows")


def account(s, name):
    return command(s, "trunk account " + name)[0]


def client(s, name, address="127.0.0.1"):
    a = account(s, name)
    c = Client(s.gateway.address, a["login"], a["password"], address)
    s.clients.append(c)
    return c


def status(s, c, number=1):
    """The final answer to a call that may not succeed."""
    call = c.call(phone(number), s.voice().sdp())
    return call.final().status


def added(s):
    command(s, "trunk add desk session=office codecs=alaw")
    command(s, "trunk add desk session=office",
            "there is a trunk desk already")
    command(s, "trunk add other session=office codecs=alaw,mp3",
            "codecs: there is no codec mp3")
    command(s, "trunk set desk colour=red", "there is no setting colour")
    command(s, "trunk set desk codecs", "KEY=VALUE is expected, not codecs")
    command(s, "trunk set pbx codecs=alaw", "trunk pbx is declared in the "
            "configuration: change it there, then reload")
    c = client(s, "desk")
    equal(c.register().code, 200)
    s.gateway.wait_trunk("desk")
    v = s.voice()
    call = c.call(phone(1), v.sdp())
    v.talk_to(call.answered())
    # A running call keeps what it began with.
    command(s, "trunk set desk codecs=mulaw")
    call2 = c.call(phone(2), s.voice("mulaw").sdp())
    assert " PCMU/8000" in call2.answered().sdp
    equal(status(s, c, 3), "488 Not Acceptable Here")
    before = len(v.packets)
    wait_for("more packets of the first call",
             lambda: len(v.packets) > before + 25)
    call.bye()
    call2.bye()
    text = s.gateway.cli("-x", "trunk show desk", "-s", s.gateway.control)
    assert "mulaw" in text.stdout and c.password not in text.stdout
    assert c.password not in s.log()


def switched_off(s):
    c = client(s, "desk")
    equal(c.register().code, 200)
    command(s, "trunk disable desk")
    s.gateway.wait_trunk("desk", "off")
    equal(status(s, c), "503 Account is not running")
    equal(c.register().status, "503 Account is not running")
    command(s, "trunk enable desk")
    equal(status(s, c), "405 REGISTER is required first")
    equal(c.register().code, 200)
    s.gateway.wait_trunk("desk")


def new_password(s):
    c = client(s, "desk")
    equal(c.register().code, 200)
    s.gateway.wait_trunk("desk")
    shown = command(s, "trunk password desk")[0]
    assert shown["password"] != c.password, shown
    equal(s.gateway.trunk("desk")["state"], "unregistered")
    equal(c.register().status, "403 Wrong password")
    equal(client(s, "desk").register().code, 200)


def trusted(s):
    c = client(s, "desk")
    equal(c.register().code, 200)
    command(s, "trunk set desk trusted_ips=127.0.0.2")
    equal(c.register().status, "403 Untrusted IP address")
    wait_for("its contact to be given up",
             lambda: s.gateway.trunk("desk")["state"] == "unregistered")
    command(s, "trunk set desk trusted_ips=")
    equal(c.register().code, 200)


def entitled(s):
    c = client(s, "desk")
    with open(s.gateway.config) as f:
        text = f.read()
    with open(s.gateway.config, "w") as f:
        f.write(text.replace("[session office]\n",
                             "[session office]\nowner = anna\n"))
    equal(s.gateway.ask("reload")["ok"], True)
    for setting, told in (
            ("owner=bob", "403 Route is not permitted"),
            ("worker=w9", "403 Worker is inactive"),
            ("subscription=gold", "402 Subscription is required")):
        command(s, "trunk set desk " + setting)
        equal(c.register().status, told)
        command(s, "trunk set desk %s=" % setting.split("=")[0])
        equal(c.register().code, 200)
    for place, told in (("worker w1", "403 Worker is inactive"),
                        ("storage s1", "403 Session storage is inactive")):
        kind, name = place.split()
        command(s, "%s disable %s" % (kind, name))
        equal(c.register().status, told)
        command(s, "%s enable %s" % (kind, name))
        equal(c.register().code, 200)
    command(s, "trunk set desk lines=1 codecs=")
    call = c.call(phone(1), s.voice().sdp())
    call.answered()
    equal(status(s, c, 2), "402 Amount of lines is exceeded")
    call.bye()
    command(s, "trunk set desk lines=")


def at_a_pbx(s):
    pbx = Pbx({"gw": "right", "gw2": "right"})
    s.clients.append(pbx)
    pbx.server = ("127.0.0.1", s.gateway.sip_port)
    command(s, "trunk add out kind=gateway-to-pbx session=office login=gw "
            "password=right number=700 domain=" + pbx.address)
    s.gateway.wait_trunk("out")
    command(s, "trunk set out login=gw2")
    wait_for("the new login", lambda: list(pbx.contacts) == ["gw2"])
    s.gateway.wait_trunk("out")
    command(s, "trunk disable out")
    wait_for("no contact", lambda: not pbx.contacts)
    command(s, "trunk enable out")
    s.gateway.wait_trunk("out")
    command(s, "trunk remove out")
    wait_for("no contact again", lambda: not pbx.contacts)
    assert not [r for r in s.gateway.rows("trunks") if r["trunk"] == "out"]


def reread(s):
    with open(s.gateway.config) as f:
        text = f.read()

    def write(more):
        with open(s.gateway.config, "w") as f:
            f.write(text + more)
    write("\n[trunk filed]\nsession = office\nlogin = filed\n"
          "password = for tests\n")
    os.kill(s.gateway.process.pid, signal.SIGHUP)
    wait_for("the trunk", lambda: any(
        r["trunk"] == "filed" for r in s.gateway.rows("trunks")))
    c = s.client("filed")
    command(s, "trunk remove filed", "trunk filed is declared in the "
            "configuration: change it there, then reload")
    write("\n[trunk filed]\nsession = office\nlogin = filed\n"
          "password = for tests\ncodecs = mp3\n")
    answer = s.gateway.ask("reload")
    assert not answer["ok"] and "codecs: there is no codec mp3" in \
        answer["error"], answer
    equal(c.register().code, 200)
    write("")
    equal(s.gateway.ask("reload")["trunks"], 1)
    equal(c.register().status, "404 Route not found")
    assert s.gateway.trunk("desk")["enabled"]


def without_manager(s):
    equal(s.pbx.register().code, 200)
    v = s.voice()
    call = s.pbx.call(phone(1), v.sdp())
    v.talk_to(call.answered())
    command(s, "role stop manager")
    equal([r["running"] for r in command(s, "show roles")],
          [False, True, True])
    command(s, "trunk show desk", "this role does not run here")
    equal(s.pbx.register().status, "503 No response from Manager")
    equal(status(s, s.pbx, 2), "503 No response from Manager")
    before = len(v.packets)
    wait_for("the call to go on", lambda: len(v.packets) > before + 25)
    call.bye()
    assert not [r for r in s.gateway.records()
                if r["sip_call_id"] == call.call_id]
    command(s, "role start manager")
    # Nothing is lost, and nothing invented.
    equal(s.record(call.call_id)["sip_status"], 200)
    wait_for("registration", lambda: s.pbx.register().code == 200)
    equal(s.gateway.trunk("desk")["declared"], False)
    v2 = s.voice()
    call = s.pbx.call(phone(2), v2.sdp())
    v2.talk_to(call.answered())
    command(s, "role stop manager")
    command(s, "role start manager")
    wait_for("the call to be known",
             lambda: s.gateway.trunk("pbx")["calls"] == 1)
    s.gateway.wait_trunk("pbx")
    before = len(v2.packets)
    wait_for("it to go on", lambda: len(v2.packets) > before + 25)
    call.bye()
    equal(s.record(call.call_id)["sip_status"], 200)


def without_storage(s):
    command(s, "role stop storage")
    wait_for("the cause", lambda: s.pbx.register().status ==
             "403 Session storage is inactive")
    equal(status(s, s.pbx), "503 Telegram storage is unavailable")
    command(s, "role start storage")
    s.gateway.wait_sessions_ready()
    wait_for("registration", lambda: s.pbx.register().code == 200)
    call = s.pbx.call(phone(1), s.voice().sdp())
    call.answered()
    call.bye()


def without_worker(s):
    equal(s.pbx.register().code, 200)
    s.gateway.wait_trunk("pbx")
    command(s, "role stop worker")
    gone = s.gateway.trunk("pbx")
    equal((gone["state"], gone["source"]), ("unregistered", ""))
    equal([r["running"] for r in command(s, "show roles")],
          [True, False, True])
    command(s, "role stop worker", "no such role runs here")
    command(s, "show calls", "this role does not run here")
    s.telegram.ask("call", user=1001, to=OFFICE["id"])
    wait_for("the record", lambda: any(
        r["reason"] == "Worker is unavailable"
        for r in s.gateway.records()))
    command(s, "role start worker")
    equal(s.gateway.trunk("pbx")["state"], "unregistered")
    wait_for("registration", lambda: s.pbx.register().code == 200)
    s.gateway.wait_trunk("pbx")
    call = s.pbx.call(phone(2), s.voice().sdp())
    call.answered()
    call.bye()


TESTS = [
    ("scenario_command_trunk_added", added),
    ("scenario_command_trunk_switched_off", switched_off),
    ("scenario_command_trunk_password", new_password),
    ("scenario_command_trunk_trusted", trusted),
    ("scenario_command_trunk_entitled", entitled),
    ("scenario_command_trunk_at_a_pbx", at_a_pbx),
    ("scenario_command_reload", reread),
    ("scenario_command_role_manager", without_manager),
    ("scenario_command_role_storage", without_storage),
    ("scenario_command_role_worker", without_worker),
]

if __name__ == "__main__":
    stage = Stage("trunk_commands", [user(n) for n in (1, 2, 3)], (PBX,))
    stage.pbx = stage.client()
    play(stage, TESTS, "scenario_command_nothing_left")
