#!/usr/bin/env python3
"""A Telegram user writes a number to the gateway's account and calls it: the
trunk's rules make of the text what is dialled at the PBX.

    dial_rules.py BUILD [NAME-PART]

# run: check 60 beside
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
from tests.harness.process import wait_for  # noqa: E402
from tests.harness.sip import Client  # noqa: E402
from tests.harness.stage import (OFFICE, PBX, Stage, equal,  # noqa: E402
                                 play, user)

STATIC = {"id": 503, "phone": "999669990003", "first_name": "Third"}
SILENT = {"id": 504, "phone": "999669990004", "first_name": "Fourth"}


def write(s, text, to=OFFICE, named=True):
    """named: the gateway is to find a number in it."""
    def count():
        return s.log().count("names a number for")
    before = count()
    s.telegram.ask("text", user=1001, to=to["id"], text=text)
    if named:
        wait_for("the text to be understood", lambda: count() > before)


def dialled(s, phone, to=OFFICE, trunks=1):
    """User 1 calls: the first Request-URI at the PBX; it refuses the calls of
    all trunks."""
    skip = len(phone.invites())
    s.telegram.ask("call", user=1001, to=to["id"])
    i = phone.wait_invite(skip=skip)
    before = len(s.gateway.records())
    for k in range(trunks):
        phone.wait_invite(skip=skip + k).refuse(486, "Busy Here")
    wait_for("the record", lambda: len(s.gateway.records()) > before)
    return i.message.uri


def contact(s, number):
    return "sip:%s@127.0.0.1:%d" % (number, s.pbx.port)


def written(s):
    """To a registered PBX: as user of its contact; once."""
    plain = dialled(s, s.pbx)
    assert plain.startswith(contact(s, "pbx")), plain
    write(s, "8 (926) 123-45-67")
    equal(dialled(s, s.pbx), plain.replace("sip:pbx@", "sip:79261234567@"))
    equal(s.gateway.records()[-1]["to"], "79261234567")
    equal(dialled(s, s.pbx), plain)


def escaped(s):
    """What may not stand in a URI is escaped; # means something there."""
    write(s, "*21#")
    assert dialled(s, s.pbx).startswith(contact(s, "*21%23")), \
        s.pbx.invites()[-1].uri


def empty(s):
    """Rules that leave nothing of it: the number that is always called."""
    write(s, "??? - !", named=False)
    assert dialled(s, s.pbx).startswith(contact(s, "pbx"))


def filtered(s):
    """A filter that the text does not pass: the trunk's own number."""
    peer = "@127.0.0.1:%d" % s.peer.port
    write(s, "1234", STATIC)
    equal(dialled(s, s.peer, STATIC), "sip:1234" + peer)
    write(s, "12345", STATIC, named=False)
    equal(dialled(s, s.peer, STATIC, 2), "sip:701" + peer)


def untouched(s):
    """The rules of a new trunk take no text for a number: it does not ring.
    A session whose messages are off takes none, whatever the rules."""
    skip = len(s.peer.invites())
    write(s, "1234", STATIC)
    equal(dialled(s, s.peer, STATIC), "sip:1234@127.0.0.1:%d" % s.peer.port)
    equal(len(s.peer.invites()), skip + 1)
    write(s, "1234", SILENT, named=False)
    equal(dialled(s, s.peer, SILENT), "sip:702@127.0.0.1:%d" % s.peer.port)


def unlogged(s):
    """What users write is nobody else's business."""
    for text in ("79261234567", "(926)", "123-45", "*21", "??? -"):
        assert text not in s.log(), text


TESTS = [
    ("scenario_dial_rules_number_written", written),
    ("scenario_dial_rules_number_escaped", escaped),
    ("scenario_dial_rules_empty_is_the_default", empty),
    ("scenario_dial_rules_filter", filtered),
    ("scenario_dial_rules_default_and_messages_off", untouched),
    ("scenario_dial_rules_texts_are_not_logged", unlogged),
]

if __name__ == "__main__":
    peer = Client("127.0.0.1:9", "peer", "")
    ip = {"kind": "ip", "address": "127.0.0.1:%d" % peer.port}
    stage = Stage("dial_rules", [user(1), STATIC, SILENT], (
        dict(PBX, dial_rules=r"[^+*#\w]= ^8=7"),
        dict(ip, name="static", session="static", number="701",
             dial_rules=r"^\d{4}$"),
        dict(ip, name="second", session="static", number="703",
             field="X-Office: second", priority="1"),
        dict(ip, name="silent", session="silent", number="702",
             field="X-Office: silent", dial_rules="=")),
        sessions={"office": "+" + OFFICE["phone"],
                  "static": "+" + STATIC["phone"],
                  "silent": "+" + SILENT["phone"]},
        session_lines={"silent": "messages = no"})
    peer.server = (stage.gateway.address.split(":")[0],
                   int(stage.gateway.address.split(":")[1]))
    stage.pbx, stage.peer = stage.client(), peer
    stage.clients.append(peer)
    play(stage, TESTS, "scenario_dial_rules_nothing_left")
