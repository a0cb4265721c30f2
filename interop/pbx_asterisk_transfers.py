"""Hold and transfers by Asterisk itself: the trunk's call stays, somebody else
is bridged to it, and its audio goes on in new streams."""
from interop.pbx_desk import replaces
from interop.pbx_world import ANNA_PHONE
from tests.harness.process import wait_for


def talk_in(s):
    """A Telegram user has called the reception; (call there, ear, call)."""
    s.world.ring()
    i = s.reception.pick_up(len(s.reception.invites()))
    tg = s.world.call()
    ear = s.world.ear(tg)
    s.world.both_hear(ear, s.reception)
    return i, ear, tg


def talk_out(s):
    c = s.reception.dial("8" + ANNA_PHONE)
    tg = s.world.call()
    ear = s.world.ear(tg)
    s.world.both_hear(ear, s.reception)
    return c, ear, tg


def held(s):
    """Both the music and, afterwards, the phone again."""
    c, ear, tg = talk_out(s)
    s.reception.hold(c)
    s.world.hears(ear, s.MUSIC)
    s.reception.resume(c)
    s.world.both_hear(ear, s.reception)
    c.bye()
    s.world.over(reason="hangup")


def ended_by_workshop(s, ear, its_call):
    s.world.both_hear(ear, s.workshop)
    its_call.bye()
    s.world.over(reason="hangup")


def blind(s, talk):
    call, ear, tg = talk(s)
    skip = len(s.workshop.invites())
    m = s.reception.refer(call, "sip:101@" + s.address)
    assert m.code == 202, m.line
    ended_by_workshop(s, ear, s.workshop.pick_up(skip))


def attended(s, talk):
    call, ear, tg = talk(s)
    s.reception.hold(call)
    s.world.hears(ear, s.MUSIC)
    skip = len(s.workshop.invites())
    asking = s.reception.try_dial("101")
    its_call = s.workshop.pick_up(skip)
    asking.answered()
    m = s.reception.refer(call, replaces(asking, "101", s.address))
    assert m.code == 202, m.line
    ended_by_workshop(s, ear, its_call)


def keypad(s):
    """#1 and the number, heard by Asterisk."""
    call, ear, tg = talk_in(s)
    skip = len(s.workshop.invites())
    s.reception.voice.digits("#1101")
    ended_by_workshop(s, ear, s.workshop.pick_up(skip))


def keypad_asking(s):
    """*2 and the number: Telegram hears music, then, when the one who asked
    hangs up, the one asked."""
    call, ear, tg = talk_in(s)
    skip = len(s.workshop.invites())
    s.reception.voice.digits("*2101")
    s.world.hears(ear, s.MUSIC)
    its_call = s.workshop.pick_up(skip)
    wait_for("the workshop to be heard at the reception", lambda:
             s.reception.voice.heard(s.workshop.voice.hertz) > 0.5)
    call.bye()
    ended_by_workshop(s, ear, its_call)


def by_manager(s):
    """A call to Telegram, sent elsewhere by a program."""
    call, ear, tg = talk_out(s)
    skip = len(s.workshop.invites())
    s.asterisk.manager.action(
        "BlindTransfer", Channel=s.asterisk.channel("PJSIP/100"),
        Exten="101", Context="internal")
    ended_by_workshop(s, ear, s.workshop.pick_up(skip))


TESTS = [
    ("hold: music is heard", held),
    ("blind transfer by a phone, called", lambda s: blind(s, talk_in)),
    ("blind transfer by a phone, caller", lambda s: blind(s, talk_out)),
    ("attended transfer by a phone, called", lambda s: attended(s, talk_in)),
    ("attended transfer by a phone, caller",
     lambda s: attended(s, talk_out)),
    ("blind transfer from the keypad", keypad),
    ("attended transfer from the keypad", keypad_asking),
    ("transfer by the manager interface", by_manager),
]
QUICK = [TESTS[0], TESTS[1], TESTS[4]]
