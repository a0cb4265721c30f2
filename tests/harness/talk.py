"""Calls between SIP phones and the simulated user 1 in which both sides hear
the other one."""
from .process import wait_for
from .stage import OFFICE, equal

AT_SIP, AT_TELEGRAM = 1000, 440     # the tone that this side must hear


def give_voice(stage):
    """User 1 says his tone and keeps what he hears."""
    stage.telegram.behave(1001, **{
        "in": stage.tone(AT_SIP), "out": stage.path("heard-%c-%u.wav")})


def ring(stage, account, *clients):
    """A call of user 1 to an account: the INVITE at each of these."""
    skip = [len(c.invites()) for c in clients]
    stage.telegram.ask("call", user=1001, to=account["id"])
    return [c.wait_invite(skip=n) for c, n in zip(clients, skip)]


def record_of(stage, invite):
    return stage.record(call=invite.message.get("X-GW-Context"))


def talk(stage, sip, message, voice):
    """Both sides of an answered call hear the other one; then it ends. Its
    record."""
    voice.talk_to(message)
    wait_for("the phone to hear", lambda: voice.heard(AT_SIP) > 0.4)
    before = len(stage.gateway.records())
    equal(sip.bye().code, 200)
    wait_for("the record", lambda: len(stage.gateway.records()) > before)
    r = stage.gateway.records()[-1]
    equal((r["sip_status"], r["telegram_media"]["rx_packets"] > 3,
           r["sip_media"]["rx_packets"] > 3), (200, True, True))
    return r


def calls(stage, client, headers=()):
    """A phone calls user 1; the record."""
    voice = stage.voice("alaw", AT_TELEGRAM)
    call = client.call("user_1", voice.sdp(), headers)
    return talk(stage, call, call.answered(), voice)


def calls_contact(stage, pbx, login):
    """A PBX calls user 1 at the contact that was registered with it; the
    record."""
    voice = stage.voice("alaw", AT_TELEGRAM)
    call = pbx.call_contact(login, "user_1", voice.sdp())
    return talk(stage, call, call.answered(), voice)


def answers(stage, invite):
    """A phone takes a call of user 1; the record."""
    voice = stage.voice("alaw", AT_TELEGRAM)
    invite.answer(voice.sdp())
    return talk(stage, invite, invite.message, voice)


def is_called(stage, client, account=OFFICE):
    """User 1 calls a phone; its INVITE."""
    invite, = ring(stage, account, client)
    answers(stage, invite)
    return invite
