"""Transfers for which Asterisk asks the gateway: REFER, with and without
Replaces. Asterisk leaves the call, and the gateway calls it anew."""
from interop.pbx_asterisk_transfers import ended_by_workshop, talk_in, talk_out

TRUNK_WORDS = {"session = office": "session = office\nrefer = yes"}


def refer(s, **target):
    """The trunk's channel runs into Transfer()."""
    s.asterisk.manager.action(
        "Redirect", Channel=s.asterisk.channel("PJSIP/gramline"),
        Context="refer", Priority="1", **target)


def blind(s, talk):
    call, ear, tg = talk(s)
    skip = len(s.workshop.invites())
    refer(s, Exten="101")
    its_call = s.workshop.pick_up(skip)
    call.wait_request("BYE")
    ended_by_workshop(s, ear, its_call)


def attended(s, talk):
    """The reception has asked the workshop; its leg of that call is what the
    gateway's call replaces."""
    call, ear, tg = talk(s)
    before = s.asterisk.channels("PJSIP/100")
    skip = len(s.workshop.invites())
    asking = s.reception.try_dial("101")
    its_call = s.workshop.pick_up(skip)
    asking.answered()
    leg, = s.asterisk.channels("PJSIP/100") - before
    get = s.asterisk.manager.get
    target = "<sip:101@%s?Replaces=%s%%3Bto-tag%%3D%s%%3Bfrom-tag%%3D%s>" % (
        s.address, get(leg, "CHANNEL(pjsip,call-id)").replace("@", "%40"),
        get(leg, "CHANNEL(pjsip,local_tag)"),
        get(leg, "CHANNEL(pjsip,remote_tag)"))
    trunk = s.asterisk.channel("PJSIP/gramline")
    s.asterisk.manager.action("Setvar", Channel=trunk, Variable="TARGET",
                              Value=target)
    refer(s, Exten="target")
    call.wait_request("BYE")
    asking.wait_request("BYE")
    ended_by_workshop(s, ear, its_call)


def refused(s):
    """Nobody has this extension: the call goes on where it was, which is in
    Transfer(), and ends there."""
    call, ear, tg = talk_in(s)
    refer(s, Exten="199")
    s.asterisk.wait_text("SIP/2.0 202 Accepted")
    call.wait_request("BYE")
    s.world.over()


TESTS = [
    ("blind, called", lambda s: blind(s, talk_in)),
    ("blind, caller", lambda s: blind(s, talk_out)),
    ("attended, called", lambda s: attended(s, talk_in)),
    ("attended, caller", lambda s: attended(s, talk_out)),
    ("blind, to nobody", refused),
]
