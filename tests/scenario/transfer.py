#!/usr/bin/env python3
"""Call transfer: REFER, with and without Replaces, and INVITE with Replaces.
The Telegram user stays in the one call and hears the new party.

    transfer.py BUILD [NAME-PART]

# run: check 90 beside
"""
import os
import sys
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
from tests.harness import tones  # noqa: E402
from tests.harness.process import wait_for  # noqa: E402
from tests.harness.sip import Client  # noqa: E402
from tests.harness.stage import (OFFICE, PBX, Stage, equal,  # noqa: E402
                                 play, user)

AT_SIP = 1000               # what phones must hear of the Telegram user
FIRST, SECOND = 440, 620    # and what he must hear of the two phones


class Talk:
    """An answered call of the phone, or to it, with user 1."""

    def __init__(self, s, incoming=False, pbx=None, number=1):
        self.s, self.pbx = s, pbx or s.pbx
        self.voice = s.voice("alaw", FIRST)
        before = {c["id"] for c in s.telegram.calls(True)}
        if incoming:
            skip = len(self.pbx.invites())
            s.telegram.ask("call", user=1000 + number, to=OFFICE["id"])
            self.sip = self.pbx.wait_invite(skip=skip)
            self.sip.answer(self.voice.sdp())
            self.voice.talk_to(self.sip.message)
        else:
            self.sip = self.pbx.call("user_%d" % number, self.voice.sdp())
            self.voice.talk_to(self.sip.answered())
        self.tg = wait_for("the call in Telegram", lambda: next(
            (c for c in s.telegram.calls(True) if c["id"] not in before and
             c["state"] == "active"), None))
        self.out = s.path("heard-%s-%d.wav" % (self.tg["id"], 1000 + number))
        self.hears(self.voice, FIRST)

    def at_telegram(self, hertz):
        return (tones.file_heard(self.out, hertz)
                if os.path.exists(self.out) else 0.0)

    def hears(self, voice, hertz):
        """Both ends of the call hear each other."""
        floor, since = self.at_telegram(hertz), voice.heard(AT_SIP)
        wait_for("both sides to hear the other", lambda: (
            voice.heard(AT_SIP) > since + 0.3 and
            self.at_telegram(hertz) > floor + 0.3), 20, 0.1)

    def refer(self, target, headers=(), code=202):
        """The answer to a REFER."""
        n = self.sip.send_in_dialog("REFER", [("Refer-To", target)] +
                                    list(headers))
        m = self.pbx.answer_of(self.sip.call_id, n, "REFER")
        equal(m.code, code)
        self.referred = n
        return m

    def notified(self, fragment, state):
        """NOTIFY with this status line."""
        m = self.pbx.wait("NOTIFY of " + fragment, lambda m: (
            m.method == "NOTIFY" and self.sip.is_mine(m) and
            m.body.decode().strip() == fragment))
        equal(m.get("Content-Type"), "message/sipfrag;version=2.0")
        assert m.get("Event").startswith("refer"), m.get("Event")
        assert m.get("Subscription-State").startswith(state), m.headers
        return m

    def target(self, uri="sip:200@pbx.example", **more):
        """The INVITE that a REFER led to."""
        skip = len(self.pbx.invites())
        self.refer("<%s>" % uri, **more)
        return self.pbx.wait_invite(skip=skip)

    def answer(self, target):
        """The target answers, talks, and is the call's phone from now on."""
        old, self.other = self.sip, self.s.voice("alaw", SECOND)
        target.answer(self.other.sdp())
        self.other.talk_to(target.message)
        self.voice.remote = None
        self.sip = target
        self.hears(self.other, SECOND)
        equal(self.s.telegram.ask("call-status", call=self.tg["id"])["call"]
              ["state"], "active")
        return old

    def end(self, call_id, kind, to, status):
        """Hung up by the phone that is left: the record."""
        equal(self.sip.bye().code, 200)
        r = self.s.record(**call_id)
        equal([(t["kind"], t["to"], t["sip_status"]) for t in
               r["transfers"]], [(kind, to, status)])
        return r


def blind(s):
    """202; NOTIFY: trying, rings, answered; BYE to the one who transferred."""
    t = Talk(s)
    target = t.target()
    equal(target.message.uri, "sip:200@pbx.example")
    assert target.message.get("From").startswith("<sip:user_1@"), \
        target.message.get("From")
    m = t.notified("SIP/2.0 100 Trying", "active;expires=")
    equal(m.get("Event"), "refer")
    target.ring()
    t.notified("SIP/2.0 180 Ringing", "active;expires=")
    old = t.answer(target)
    t2 = t.sip
    t.sip = old
    t.notified("SIP/2.0 200 OK", "terminated;reason=noresource")
    old.wait_request("BYE")
    t.sip = t2
    r = t.end({"sip_call_id": old.call_id}, "blind", "sip:200@pbx.example",
              200)
    equal((r["transfers"][0]["sip_call_id"], r["sip_status"], r["ended_by"]),
          (target.call_id, 200, "calling"))
    equal(len([c for c in s.telegram.calls(True) if c["id"] == t.tg["id"]]),
          1)


def refused(s):
    """The real failure is told, and the call goes on; a second try has an id
    of its own."""
    t = Talk(s)
    target = t.target()
    target.refuse(486, "Busy Here")
    t.notified("SIP/2.0 486 Busy Here", "terminated;reason=noresource")
    t.hears(t.voice, FIRST)
    target = t.target("sip:201@pbx.example")
    m = t.notified("SIP/2.0 100 Trying", "active")
    target.refuse(404, "Not Found")
    m = t.notified("SIP/2.0 404 Not Found", "terminated")
    equal(m.get("Event"), "refer;id=%d" % t.referred)
    t.hears(t.voice, FIRST)
    equal(t.sip.requests("BYE"), [])
    equal(t.sip.bye().code, 200)
    r = s.record(t.sip.call_id)
    equal([(x["sip_status"], x["reason"]) for x in r["transfers"]],
          [(486, "Busy Here"), (404, "Not Found")])


def attended(s):
    """Refer-To with Replaces: the INVITE has it, and who sent it."""
    t = Talk(s, incoming=True)
    replaces = "abc@pbx.example;to-tag=12;from-tag=34"
    skip = len(s.pbx.invites())
    t.refer("<sip:200@pbx.example;user=phone?Replaces=%s&Require=replaces>" %
            urllib.parse.quote(replaces),
            [("Referred-By", "<sip:100@pbx.example>")])
    target = s.pbx.wait_invite(skip=skip)
    equal((target.message.uri, target.message.get("Replaces"),
           target.message.get("Referred-By")),
          ("sip:200@pbx.example;user=phone", replaces,
           "<sip:100@pbx.example>"))
    # The new party sees who calls.
    equal(target.message.get("From").split(";")[0],
          t.sip.message.get("From").split(";")[0])
    equal(target.message.get("X-TG-ID"), "1001")
    old = t.answer(target)
    old.wait_request("BYE")
    t.end({"call": old.message.get("X-GW-Context")}, "attended",
          "sip:200@pbx.example;user=phone", 200)


def replace(s, t, client, voice, more="", code=200, call_id=None):
    """INVITE with Replaces from another phone of the same login."""
    remote = t.sip.to.split(";tag=")[1]
    value = "%s;to-tag=%s;from-tag=%s%s" % (
        call_id or t.sip.call_id, remote, t.sip.from_tag, more)
    c = client.call("whoever", voice.sdp(), [("Replaces", value)])
    m = c.final()
    equal(m.code, code)
    return c


def replaced(s):
    """INVITE with Replaces: at once in the place of the phone, which gets
    BYE; of both kinds of calls."""
    other = s.client("pbx", register=False)
    for incoming in (False, True):
        t = Talk(s, incoming)
        voice = s.voice("mulaw", SECOND)
        c = replace(s, t, other, voice)
        voice.talk_to(c.answered())
        t.sip.wait_request("BYE")
        t.voice.remote = None
        t.hears(voice, SECOND)
        old, t.sip = t.sip, c
        r = t.end({"call": old.message.get("X-GW-Context")} if incoming else
                  {"sip_call_id": old.call_id}, "replaces", "pbx", 200)
        equal(r["codec"], "PCMU")


def not_replaced(s):
    """RFC 3891 3: no such dialog, only an early one, two headers; and the
    call goes on."""
    other, voice = s.client("pbx", register=False), s.voice()
    t = Talk(s)
    replace(s, t, other, voice, code=481, call_id="nobody")
    replace(s, t, other, voice, ";early-only", 486)
    value = ("Replaces", "a;to-tag=1;from-tag=2")
    equal(other.call("x", voice.sdp(), [value, value]).final().code, 400)
    equal(other.call("x", voice.sdp(), [("Replaces", "a;to-tag=1")])
          .final().code, 400)
    c = other.call("x", s.voice("opus").sdp(codecs=[(98, "none/8000")]), [
        ("Replaces", "%s;to-tag=%s;from-tag=%s" % (
            t.sip.call_id, t.sip.to.split(";tag=")[1], t.sip.from_tag))])
    equal(c.final().code, 488)
    t.hears(t.voice, FIRST)
    equal(t.sip.bye().code, 200)
    replace(s, t, other, voice, code=481)


def picked_up(s):
    """INVITE with Replaces of a call that rings elsewhere."""
    other = s.client("pbx", register=False)
    before = {c["id"] for c in s.telegram.calls(True)}
    skip = len(s.pbx.invites())
    s.telegram.ask("call", user=1001, to=OFFICE["id"])
    ringing = s.pbx.wait_invite(skip=skip)
    ringing.ring()
    wait_for("the call to ring", lambda: any(
        r["state"] == "ringing" for r in s.gateway.rows("calls")))
    voice = s.voice("alaw", SECOND)
    c = other.call("x", voice.sdp(), [("Replaces", "%s;to-tag=%s;from-tag=%s"
                   ";early-only" % (ringing.call_id, ringing.message.tag(
                       "From"), ringing.from_tag))])
    voice.talk_to(c.answered())
    m = ringing.wait_request("CANCEL")
    assert "cause=200" in m.get("Reason", ""), m.headers
    tg = s.tg_call(1001, "active")
    assert tg["id"] not in before
    wait_for("the phone to hear", lambda: voice.heard(AT_SIP) > 0.3)
    equal(c.bye().code, 200)


def not_allowed(s):
    """A trunk without `refer`: 405 that names what is allowed; outside a call
    405, too."""
    t = Talk(s, pbx=s.closed)
    m = t.refer("<sip:200@pbx.example>", code=405)
    equal((m.reason, "REFER" in m.get("Allow"), "INVITE" in m.get("Allow")),
          ("Method Not Allowed", False, True))
    replace(s, t, s.closed, s.voice(), code=403)
    t.hears(t.voice, FIRST)
    equal(t.sip.bye().code, 200)
    s.pbx.request("REFER", "sip:x@" + s.gateway.address, "alone", 1,
                  "<sip:x@y>", "t", [("Refer-To", "<sip:200@h>")])
    m = s.pbx.answer_of("alone", 1, "REFER")
    equal((m.code, "INVITE" in m.get("Allow")), (405, True))


def bad(s):
    """REFER that cannot be followed."""
    t = Talk(s)
    equal("REFER" in t.sip.answers()[-1].get("Allow"), True)
    for target, code in (("<http://example>", 416), ("<sip:>", 400),
                         ("<sip:200@h;method=BYE>", 603),
                         ("<sip:200@h?Replaces=half>", 400)):
        t.refer(target, code=code)
    n = t.sip.send_in_dialog("REFER")
    equal(s.pbx.answer_of(t.sip.call_id, n, "REFER").code, 400)
    # One at a time.
    target = t.target()
    t.refer("<sip:201@pbx.example>", code=491)
    target.refuse(486, "Busy Here")
    t.notified("SIP/2.0 486 Busy Here", "terminated")
    t.hears(t.voice, FIRST)
    equal(t.sip.bye().code, 200)


def held(s):
    """Transfer of a held call: the Telegram user comes out of the hold."""
    t = Talk(s)
    equal(t.sip.reinvite(t.voice.sdp("sendonly", version=2)).code, 200)
    target = t.target()
    old = t.answer(target)
    old.wait_request("BYE")
    t.end({"sip_call_id": old.call_id}, "blind", "sip:200@pbx.example", 200)


def impatient(s):
    """The phone hangs up when it has transferred; the call waits for the
    target, past the time that silence may last; and ends with it."""
    t = Talk(s)
    target = t.target()
    target.ring()
    equal(t.sip.bye().code, 200)
    old = t.answer(target)
    t.end({"sip_call_id": old.call_id}, "blind", "sip:200@pbx.example", 200)
    t = Talk(s)
    target = t.target()
    equal(t.sip.bye().code, 200)
    target.refuse(480, "Gone Home")
    r = s.record(t.sip.call_id)
    equal((r["sip_status"], r["reason"]), (480, "Gone Home"))
    wait_for("the end in Telegram", lambda: s.telegram.ask(
        "call-status", call=t.tg["id"])["call"]["state"] == "ended")


def given_up(s):
    """The Telegram user hangs up meanwhile: CANCEL, and that is told."""
    t = Talk(s)
    target = t.target()
    target.ring()
    t.notified("SIP/2.0 180 Ringing", "active")
    s.telegram.ask("hangup", call=t.tg["id"])
    target.wait_request("CANCEL")
    t.notified("SIP/2.0 487 Request Terminated", "terminated")
    t.sip.wait_request("BYE")
    r = s.record(t.sip.call_id)
    equal((r["sip_status"], r["transfers"][0]["sip_status"]), (200, 487))


def quiet(s):
    """RFC 4488: no subscription is wanted, none is made."""
    t = Talk(s)
    target = t.target(headers=[("Refer-Sub", "false"),
                               ("Require", "norefersub")])
    m = s.pbx.answer_of(t.sip.call_id, t.referred, "REFER")
    equal(m.get("Refer-Sub"), "false")
    old = t.answer(target)
    old.wait_request("BYE")
    equal(old.requests("NOTIFY"), [])
    t.end({"sip_call_id": old.call_id}, "blind", "sip:200@pbx.example", 200)


def static(s):
    """An IP trunk: the target is looked for at its address."""
    voice, other = s.voice("alaw", FIRST), s.voice("alaw", SECOND)
    c = s.peer.call("user_1", voice.sdp(), (), False)
    voice.talk_to(c.answered())
    n = c.send_in_dialog("REFER", [("r", "sip:300@elsewhere.example")])
    equal(s.peer.answer_of(c.call_id, n, "REFER").code, 202)
    i = s.peer.wait_invite()
    equal((i.message.uri, i.message.source[1]),
          ("sip:300@elsewhere.example", s.gateway.sip_port))
    i.answer(other.sdp())
    other.talk_to(i.message)
    c.wait_request("BYE")
    wait_for("the new phone to hear", lambda: other.heard(AT_SIP) > 0.3)
    equal(i.bye().code, 200)


TESTS = [
    ("scenario_transfer_blind", blind),
    ("scenario_transfer_refused_by_the_target", refused),
    ("scenario_transfer_attended", attended),
    ("scenario_transfer_by_replaces", replaced),
    ("scenario_transfer_replaces_refused", not_replaced),
    ("scenario_transfer_picked_up", picked_up),
    ("scenario_transfer_not_allowed", not_allowed),
    ("scenario_transfer_bad_refer", bad),
    ("scenario_transfer_of_a_held_call", held),
    ("scenario_transfer_phone_hangs_up", impatient),
    ("scenario_transfer_telegram_hangs_up", given_up),
    ("scenario_transfer_without_subscription", quiet),
    ("scenario_transfer_ip_trunk", static),
]

if __name__ == "__main__":
    peer = Client("127.0.0.1:9", "peer", "", "127.0.0.76")
    stage = Stage("transfer", [user(1)], (
        dict(PBX, refer="yes"), dict(PBX, name="closed", login="closed",
                                     priority=1),
        {"name": "static", "kind": "ip", "session": "office", "number": 300,
         "address": "127.0.0.76:%d" % peer.port, "refer": "yes",
         "priority": 2}))
    host, port = stage.gateway.address.split(":")
    peer.server = (host, int(port))
    stage.clients.append(peer)
    stage.telegram.behave(1001, **{
        "in": stage.tone(AT_SIP), "out": stage.path("heard-%c-%u.wav")})
    stage.pbx, stage.closed = stage.client(), stage.client("closed")
    stage.peer = peer
    play(stage, TESTS, "scenario_transfer_nothing_left")
