#!/usr/bin/env python3
"""Calls from Telegram that the PBX refuses, or that reach none: what the user
reads in the chat, byte for byte, how his call ends, and what the record says.

    causes_to_sip.py BUILD [NAME-PART]

# run: check 100 beside
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
from tests.harness import causes  # noqa: E402
from tests.harness.pbx import Pbx  # noqa: E402
from tests.harness.process import wait_for  # noqa: E402
from tests.harness.sip import Client  # noqa: E402
from tests.harness.stage import (OFFICE, PBX, Stage, equal,  # noqa: E402
                                 play, user)

PASSWORD = PBX["password"]
ACCOUNTS = {name: {"id": 510 + i, "phone": "9996699901%02d" % i,
                   "first_name": name.title()}
            for i, name in enumerate(("away", "deaf", "mute", "forked",
                                      "challenged", "proxied", "empty"))}
# What a PBX refuses with: (row, code, reason). 486, 600 and 603 are busy to
# Telegram, the rest is a disconnect (behaviour 8.4).
REFUSALS = [
    (8, 403, "Auth Failed"), (9, 403, "Forbidden"), (19, 404, "Not Found"),
    (26, 408, "Request timeout"), (30, 480, "Temporarily Unavailable"),
    (35, 486, "Busy Here"), (37, 500, "Internal Server Error"),
    (40, 503, "Service Unavailable"), (51, 603, "Declined"),
]
BUSY = (486, 600, 603)
fresh = iter(range(1, 60))      # users nobody has heard of yet


class Challenger(Pbx):
    """Lets us register, and then asks for credentials again and again."""
    code, reason, header = 401, "Unauthorized", "WWW-Authenticate"

    def take(self, m):
        if m.method == "INVITE":
            self.challenge(m, self.code, self.reason, self.header)
        else:
            super().take(m)

    def invites(self):
        return Client.invites(self)


class Proxy(Challenger):
    code, reason = 407, "Proxy Authentication Required"
    header = "Proxy-Authenticate"


def call_from(s, number, account):
    """A simulated user calls; Telegram's call."""
    s.telegram.ask("call", user=1000 + number, to=account["id"])
    return s.tg_call(1000 + number)


def record_of(s, tg):
    return wait_for("the record", lambda: next(
        (r for r in s.gateway.records()
         if r["telegram_user"] == str(tg["caller"]["user"])), None), 45)


def ended(s, tg, reason):
    c = wait_for("the end in Telegram", lambda: next(
        (c for c in s.telegram.calls(True) if c["id"] == tg["id"] and
         c["state"] == "ended"), None), 45)
    equal(c["reason"], reason)


def told(s, tg, account, text):
    causes.wait_text(s, tg["caller"]["user"], account["id"], text)


def refused(row, code, reason):
    def test(s):
        n = next(fresh)
        skip = len(s.pbx.invites())
        tg = call_from(s, n, OFFICE)
        i = s.pbx.wait_invite(skip=skip)
        i.refuse(code, reason)
        ended(s, tg, "busy" if code in BUSY else "disconnect")
        told(s, tg, OFFICE, causes.status(row))
        r = record_of(s, tg)
        causes.record_is(r, row, sip_status_source="remote", hop="sip",
                         trunk="pbx", event=r["call"])
        equal(r["call"], i.message.get("X-GW-Context"))
    return test


def passed_on(code, reason, text=None):
    """Whatever the words are, they are passed on; what could begin another
    line, or another header, is not."""
    def test(s):
        skip = len(s.pbx.invites())
        tg = call_from(s, next(fresh), OFFICE)
        s.pbx.wait_invite(skip=skip).refuse(code, reason)
        told(s, tg, OFFICE, text or "%d %s" % (code, reason))
        r = record_of(s, tg)
        equal((r["sip_status"], r["sip_status_source"], r["hop"]),
              (code, "remote", "sip"))
    return test


def challenged_twice(name, row):
    def test(s):
        pbx = s.pbxs[name]
        tg = call_from(s, next(fresh), ACCOUNTS[name])
        ended(s, tg, "disconnect")
        told(s, tg, ACCOUNTS[name], causes.status(row))
        causes.record_is(record_of(s, tg), row, sip_status_source="remote",
                         hop="sip", trunk=name)
        invites = pbx.invites()
        equal(len(invites), 2)      # the second one with credentials
        assert (invites[1].get("Authorization") or
                invites[1].get("Proxy-Authorization")), invites[1].headers
    return test


def nobody_registered(s):
    tg = call_from(s, next(fresh), ACCOUNTS["away"])
    ended(s, tg, "disconnect")
    told(s, tg, ACCOUNTS["away"], causes.status(49))
    r = record_of(s, tg)
    causes.record_is(r, 49, sip_status_source="local", hop="sip")
    equal([(t["trunk"], t["sip_status"], t["row"]) for t in r["tried"]],
          [("away", 503, 49)])


def never_answers(s):
    """D11: the hop that did not answer, and how often it was asked."""
    ended(s, s.deaf_call, "disconnect")
    told(s, s.deaf_call, ACCOUNTS["deaf"], causes.status(49))
    r = record_of(s, s.deaf_call)
    causes.record_is(r, 49, hop="sip", retransmissions=6)
    equal(len(s.deaf.invites()), 7)


def caller_is_gateway(s):
    """No text: two gateways would talk to each other (3.13)."""
    client = s.client("away")
    skip = len(s.gateway.records())
    c = client.call("office_line", s.voice().sdp())
    assert c.final().code >= 400
    r = wait_for("the record of the caught loop", lambda: next(
        (r for r in s.gateway.records()[skip:]
         if r["direction"] == "telegram-to-sip"), None))
    causes.record_is(r, 34, sip_status_source="local", hop="gateway",
                     telegram_user=str(ACCOUNTS["away"]["id"]))
    equal(causes.texts_of(s, ACCOUNTS["away"]["id"], OFFICE["id"]), [])
    equal(client.register(expires=0).code, 200)


def no_common_codec(s):
    """The PBX answers with a codec nobody offered: that is no call, either."""
    skip = len(s.pbx.invites())
    tg = call_from(s, next(fresh), OFFICE)
    i = s.pbx.wait_invite(skip=skip)
    i.answer(s.voice().sdp(codecs=[(9, "G722/8000")]))
    i.wait_request("BYE")
    ended(s, tg, "disconnect")
    told(s, tg, OFFICE, causes.status(56))
    causes.record_is(record_of(s, tg), 56, sip_status_source="local")


def caller_hangs_up(s):
    """His own hanging up is no error: 487 in the record, nothing said."""
    n, skip = next(fresh), len(s.pbx.invites())
    tg = call_from(s, n, OFFICE)
    i = s.pbx.wait_invite(skip=skip)
    i.ring()
    s.telegram.ask("hangup", call=tg["id"])
    i.wait_request("CANCEL")
    causes.record_is(record_of(s, tg), 57, ended_by="calling")
    equal(causes.texts_of(s, 1000 + n, OFFICE["id"]), [])


def messages_off(s):
    """Behaviour 3.18: no text before, during or after any call."""
    tg = call_from(s, next(fresh), ACCOUNTS["mute"])
    ended(s, tg, "disconnect")
    causes.record_is(record_of(s, tg), 49)
    # What is said later elsewhere has been said by then.
    other = call_from(s, next(fresh), ACCOUNTS["away"])
    told(s, other, ACCOUNTS["away"], causes.status(49))
    equal(causes.texts_of(s, tg["caller"]["user"], ACCOUNTS["mute"]["id"]),
          [])


def tried(s):
    """The record tells what became of each trunk that was rung."""
    tg = call_from(s, next(fresh), ACCOUNTS["forked"])
    first, second, later = s.fork
    for c, code, reason in ((first, 404, "Gone Fishing"),
                            (second, 503, "Service Unavailable"),
                            (later, 480, "Nobody Home")):
        c.wait_invite().refuse(code, reason)
    told(s, tg, ACCOUNTS["forked"], "480 Nobody Home")
    r = record_of(s, tg)
    equal([(t["trunk"], t["priority"], t["sip_status"], t["reason"])
           for t in r["tried"]],
          [("one", 0, 404, "Gone Fishing"),
           ("two", 0, 503, "Service Unavailable"),
           ("three", 1, 480, "Nobody Home")])


def explained(s):
    """By the command line, what the record says and what to do."""
    r = record_of(s, s.deaf_call)
    text = s.gateway.cli("-x", "explain " + r["call"], "-s",
                         s.gateway.control).stdout
    for part in ("503 SIP account is unavailable (made here)",
                 "sip: did not answer, asked again 6 times",
                 "trunk deaf", "show trunks: state and cause"):
        assert part in text, text
    answer = s.gateway.ask("explain nothing")
    equal(answer["error"],
          "no record of this call; running ones: show calls")


TESTS = [("cause_row_%d_from_the_pbx" % r[0], refused(*r))
         for r in REFUSALS] + [
    ("cause_row_3_challenged_twice", challenged_twice("challenged", 3)),
    ("cause_row_25_challenged_twice", challenged_twice("proxied", 25)),
    ("cause_row_34_caller_is_a_gateway", caller_is_gateway),
    ("cause_row_49_nobody_registered", nobody_registered),
    ("cause_row_56_pbx_answers_with_another_codec", no_common_codec),
    ("cause_row_57_telegram_user_hangs_up", caller_hangs_up),
    ("scenario_cause_408_in_other_words", passed_on(408, "Request Timeout")),
    ("scenario_cause_of_no_row", passed_on(483, "Too Many Hops")),
    ("scenario_cause_in_utf_8", passed_on(480, "Gör\u0131şme yok")),
    ("scenario_cause_with_control_characters", passed_on(
        480, "Un\x07avail\x1bable\x7f", "480 Unavailable")),
    ("scenario_cause_of_128_bytes", passed_on(
        480, "x" * 300, "480 " + "x" * 128)),
    ("scenario_cause_messages_off", messages_off),
    ("scenario_cause_of_each_trunk", tried),
    ("cause_row_49_never_answers", never_answers),
    ("scenario_cause_explained", explained),
]


def static(name, port):
    """With a field: else every phone on this address would be that PBX."""
    return {"name": name, "kind": "ip", "session": name, "number": 700,
            "address": "127.0.0.1:%d" % port, "field": "X-Office: " + name}


def registering(name, pbx):
    return {"name": name, "kind": "gateway-to-pbx", "session": name,
            "login": name, "password": PASSWORD, "domain": pbx.address,
            "number": 700}


if __name__ == "__main__":
    pbxs = {"challenged": Challenger({"challenged": PASSWORD}),
            "proxied": Proxy({"proxied": PASSWORD})}
    deaf = Client("127.0.0.1:9", "deaf", "")
    trunks = [PBX, static("deaf", deaf.port)]
    trunks += [registering(n, p) for n, p in pbxs.items()]
    trunks += [dict(PBX, name=n, login=n, session=n) for n in ("away", "mute")]
    trunks += [dict(PBX, name=n, login=n, session="forked", priority=p)
               for n, p in (("one", 0), ("two", 0), ("three", 1))]
    sessions = dict({"office": "+" + OFFICE["phone"]}, **{
        n: "+" + a["phone"] for n, a in ACCOUNTS.items()})
    stage = Stage("causes_to_sip", list(ACCOUNTS.values()) +
                  [user(n) for n in range(1, 60)], trunks, sessions=sessions,
                  session_lines={"mute": "messages = no"})
    stage.pbx, stage.pbxs, stage.deaf = stage.client(), pbxs, deaf
    for c in list(pbxs.values()) + [deaf]:
        host, port = stage.gateway.address.split(":")
        c.server = (host, int(port))
        stage.clients.append(c)
    for name in pbxs:
        stage.gateway.wait_trunk(name)
    stage.fork = [stage.client(n) for n in ("one", "two", "three")]
    stage.deaf_call = call_from(stage, next(fresh), ACCOUNTS["deaf"])
    play(stage, TESTS, "scenario_cause_to_sip_nothing_left")
