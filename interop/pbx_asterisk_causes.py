"""What Asterisk is told when a call or a registration fails: the words of the
status line, as its own dial plan and log have them."""
from interop.pbx_world import BORIS, CARLA
from tests.harness.process import wait_for


def refused(s, number, cause):
    mark = len(s.asterisk.text())
    c = s.reception.try_dial(number)
    m = c.final()
    assert m.code >= 400, m.line
    s.asterisk.wait_text("Telegram: SIP " + cause, since=mark)
    s.world.gateway.wait_idle()


def gives_up(s):
    c = s.reception.try_dial("carla_test")
    c.wait_code(180)
    s.world.call(CARLA, "ringing")
    c.cancel()
    assert c.final().code == 487
    s.world.over(CARLA, "missed")


def given_up(s):
    """A Telegram user hangs up before anybody has picked up."""
    s.world.ring()
    i = s.reception.wait_invite(skip=len(s.reception.invites()))
    i.ring()
    s.world.hang_up(wait_for("the call", lambda: next(
        (c for c in s.world.telegram.calls()
         if c["id"] not in s.world.known), None)))
    i.wait_request("CANCEL")
    s.world.gateway.wait_idle()


def reception_busy(s):
    s.world.ring()
    i = s.reception.wait_invite(skip=len(s.reception.invites()))
    i.refuse(486, "Busy Here")
    s.world.over(reason="busy")


def wrong_password(s):
    s.asterisk.wait_text("SIP/2.0 403 Wrong password")
    wait_for("Asterisk to give up", lambda: " Rejected " in
             s.asterisk.cli("pjsip show registrations"), 20, 0.2)


def no_common_codec(s):
    """And which codecs each side has."""
    refused(s, "anna_test", "488 Not Acceptable Here")
    s.asterisk.wait_text("Warning: 304 ")


CALLS = [
    ("refused: he declines",
     lambda s: refused(s, "boris_test", "486 User declined the call")),
    ("refused: nobody has this name",
     lambda s: refused(s, "nobody_has_this",
                       "404 USERNAME_NOT_OCCUPIED")),
    ("refused: nobody has this number",
     lambda s: refused(s, "8999660009999", "404 Not Found")),
    ("gives up while it rings", gives_up),
    ("Telegram gives up while it rings", given_up),
    ("its phone is busy", reception_busy),
]
# (what, words replaced in the recipe, whether it connects, test)
WRONG = [
    ("wrong password", {"password = change-me": "password = guessed"},
     False, wrong_password),
    ("no common codec", {"allow = alaw,ulaw,opus": "allow = g722"},
     True, no_common_codec),
]
