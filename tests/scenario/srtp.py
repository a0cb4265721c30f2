#!/usr/bin/env python3
"""Encrypted media towards the PBX: SRTP with keys from SDP and from DTLS, heard
both ways by baresip; what is refused, what stays plain, new keys under way.

    srtp.py BUILD [NAME-PART]

# run: check 120 beside
"""
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
from tests.harness import srtp, tones  # noqa: E402
from tests.harness.phone import Phone  # noqa: E402
from tests.harness.process import free_port, wait_for  # noqa: E402
from tests.harness.sip import Client  # noqa: E402
from tests.harness.stage import (OFFICE, PBX, Stage, equal,  # noqa: E402
                                 play, user)

PASSWORD = "for-tests"
AT_SIP, AT_TELEGRAM = 1000, 440     # the tone that this side must hear
SECOND, THIRD, FOURTH = (
    {"id": 500 + n, "phone": "99966999000%d" % n, "first_name": "S%d" % n}
    for n in (2, 3, 4))


# -- baresip --------------------------------------------------------------------
class Bare:
    """A baresip with one of its ways to encrypt."""

    def __init__(self, s, login, mediaenc, transport="tls"):
        s.phones = getattr(s, "phones", 0) + 1
        speech = s.path("baresip.wav")
        if not os.path.exists(speech):
            tones.write(speech, AT_TELEGRAM, 8000, 30.0)
        port = s.tls if transport == "tls" else s.gateway.sip_port
        self.phone = Phone(s.path("baresip-%d" % s.phones),
                           "127.0.0.1:%d" % port, login, PASSWORD, "PCMA",
                           speech, transport=transport, mediaenc=mediaenc)

    def __enter__(self):
        try:
            self.phone.wait_registered()
        except Exception:
            self.phone.stop()
            raise
        return self.phone

    def __exit__(self, *_):
        self.phone.stop()


def heard_both(s, p):
    out = s.path("heard-%s-1001.wav" % s.tg_call(1001, "active")["id"])
    wait_for("both to hear the other", lambda: (
        p.recordings()[0] and os.path.exists(out) and
        tones.file_heard(p.recordings()[0], AT_SIP) > 0.5 and
        tones.file_heard(out, AT_TELEGRAM) > 0.5), 20, 0.1)


def ended(s, by):
    before = len(s.gateway.records())
    by()
    wait_for("the record", lambda: len(s.gateway.records()) > before)
    s.gateway.wait_idle()
    return s.gateway.records()[-1]


def bare_calls(s, login, mediaenc, kind):
    with Bare(s, login, mediaenc) as p:
        p.dial("user_1")
        p.wait_event("CALL_ESTABLISHED")
        heard_both(s, p)
        r = ended(s, p.hang_up)
        equal(r["srtp"], kind)
        # It sends plain packets until it has its keys, as long as that may
        # take (rx_unsafe): none is heard.
        m = r["sip_media"]
        assert m["rx_packets"] > 10, m


def bare_called(s, login, account, mediaenc, kind):
    with Bare(s, login, mediaenc) as p:
        s.telegram.ask("call", user=1001, to=account["id"])
        p.wait_event("CALL_ESTABLISHED")
        heard_both(s, p)
        r = ended(s, p.hang_up)
        equal(r["srtp"], kind)
        # It sends plain packets until it has its keys, as long as that may
        # take (rx_unsafe): none is heard.
        m = r["sip_media"]
        assert m["rx_packets"] > 10, m


def sdes_calls(s):
    bare_calls(s, "must", "srtp-mand", "sdes")


def sdes_called(s):
    bare_called(s, "must", SECOND, "srtp-mand", "sdes")


def sdes_optional(s):
    """RTP/AVP with a key in it, both ways."""
    bare_calls(s, "may", "srtp", "sdes")
    bare_called(s, "may", THIRD, "srtp", "sdes")


def dtls_calls(s):
    bare_calls(s, "dtls", "dtls_srtp", "dtls")


def dtls_called(s):
    bare_called(s, "dtls", FOURTH, "dtls_srtp", "dtls")


def optional_plain(s):
    """A phone that knows nothing of SRTP."""
    bare_calls(s, "may", None, "")
    bare_called(s, "may", THIRD, None, "")


def client(s, login):
    c = Client(s.gateway.address, login, PBX["password"] if login == "pbx"
               else PASSWORD)
    s.clients.append(c)
    equal(c.register().code, 200)
    return c


# -- by hand ----------------------------------------------------------------------
def offer(s, login, protocol="RTP/AVP", key=True, edit=None):
    """A call with this offer: (client, call, voice)."""
    c = client(s, login)
    v = s.voice("alaw", AT_TELEGRAM)
    v.key = srtp.key_new() if key else None
    sdp = v.sdp(protocol=protocol)
    return c, c.call("user_1", edit(sdp) if edit else sdp), v


def refused(s):
    """488 with the reason, before anything rings."""
    for login, protocol, key, text in (
            ("must", "RTP/AVP", False, "SRTP is required on this trunk"),
            ("must", "RTP/SAVP", False, "no usable key for SRTP offered"),
            ("pbx", "RTP/SAVP", True, "SRTP is off for this trunk")):
        _, c, _ = offer(s, login, protocol, key)
        m = c.final()
        equal(m.line, "SIP/2.0 488 Not Acceptable Here")
        equal(m.get("Warning"), '399 gramline "%s"' % text)


def unusable(s):
    """Lines we cannot use are passed over; the first that we can is taken."""
    def more(sdp):
        return re.sub(r"a=crypto:1 ", lambda m: (
            "a=crypto:7 F8_128_HMAC_SHA1_80 inline:%s\r\n"
            "a=crypto:8 AES_CM_128_HMAC_SHA1_80 inline:%s|2^20|1:4\r\n"
            "a=crypto:9 " % (srtp.key_new(), srtp.key_new())), sdp)
    _, c, v = offer(s, "must", "RTP/SAVP", edit=more)
    m = c.answered()
    crypto = re.findall(r"^a=crypto:(\d+ \w+)", m.sdp, re.M)
    equal(crypto, ["9 AES_CM_128_HMAC_SHA1_80"])
    assert "RTP/SAVP 8" in m.sdp, m.sdp
    v.talk_to(m)
    wait_for("the phone to hear", lambda: v.heard(AT_SIP) > 0.4)
    equal(v.plain, 0)
    ended(s, c.bye)


def off(s):
    """A trunk without SRTP answers an optional offer plainly."""
    _, c, v = offer(s, "pbx")
    m = c.answered()
    assert "crypto" not in m.sdp and "RTP/AVP 8" in m.sdp, m.sdp
    v.talk_to(m)
    wait_for("the phone to hear", lambda: v.heard(AT_SIP) > 0.4)
    equal(ended(s, c.bye)["srtp"], "")


def new_keys(s):
    """A re-INVITE with a new key of the peer's: heard on; ours stays. And what
    comes plain is dropped and counted."""
    _, c, v = offer(s, "must", "RTP/SAVP")
    first = c.answered()
    v.talk_to(first)
    wait_for("the phone to hear", lambda: v.heard(AT_SIP) > 0.4)
    v.remote, v.key = None, srtp.key_new()
    m = c.reinvite(v.sdp(protocol="RTP/SAVP", version=2))
    equal(srtp.key_of(m.sdp), srtp.key_of(first.sdp))
    v.talk_to(m)
    v.hertz = 600
    out = s.path("heard-%s-1001.wav" % s.tg_call(1001, "active")["id"])
    wait_for("Telegram to hear the new tone",
             lambda: tones.file_heard(out, 600) > 0.4, 20, 0.1)
    v.tx = None     # plain now
    sent = v.sent
    wait_for("some plain packets", lambda: v.sent > sent + 20)
    r = ended(s, c.bye)
    assert r["sip_media"]["rx_unsafe"] >= 15, r["sip_media"]
    equal((r["srtp"], v.plain), ("sdes", 0))


def answered_plainly(s):
    """We offer; SRTP is required; the answer has none: the call ends."""
    c = client(s, "must")
    s.telegram.ask("call", user=1001, to=SECOND["id"])
    i = c.wait_invite()
    assert "RTP/SAVP" in i.message.sdp, i.message.sdp
    equal(len(re.findall("^a=crypto:", i.message.sdp, re.M)), 2)
    i.answer(s.voice("alaw").sdp())
    i.wait_request("BYE")
    s.gateway.wait_idle()


def secret(s):
    """No key stands in the log."""
    assert "inline:" not in s.log()


TESTS = [
    ("scenario_srtp_sdes_baresip_calls", sdes_calls),
    ("scenario_srtp_sdes_baresip_is_called", sdes_called),
    ("scenario_srtp_optional_baresip", sdes_optional),
    ("scenario_srtp_dtls_baresip_calls", dtls_calls),
    ("scenario_srtp_dtls_baresip_is_called", dtls_called),
    ("scenario_srtp_optional_stays_plain", optional_plain),
    ("scenario_srtp_refused", refused),
    ("scenario_srtp_takes_the_first_usable_key", unusable),
    ("scenario_srtp_off", off),
    ("scenario_srtp_new_keys_under_way", new_keys),
    ("scenario_srtp_answered_without", answered_plainly),
    ("scenario_srtp_no_key_in_the_log", secret),
]


def trunk(name, session, **more):
    return dict({"name": name, "login": name, "session": session,
                 "password": PASSWORD, "codecs": "alaw"}, **more)


if __name__ == "__main__":
    tls = free_port()
    stage = Stage("srtp", [SECOND, THIRD, FOURTH, user(1)], [
        PBX, trunk("must", "second", srtp="required"),
        trunk("may", "third", srtp="optional"),
        trunk("dtls", "fourth", srtp="required", srtp_keying="dtls")],
        sip="tls = 127.0.0.1:%d\n" % tls, sessions={
            "office": "+" + OFFICE["phone"], "second": "+" + SECOND["phone"],
            "third": "+" + THIRD["phone"], "fourth": "+" + FOURTH["phone"]})
    stage.tls = tls
    stage.telegram.behave(1001, **{
        "in": stage.tone(AT_SIP), "out": stage.path("heard-%c-%u.wav")})
    play(stage, TESTS, "scenario_srtp_nothing_left")
