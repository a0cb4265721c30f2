#!/usr/bin/env python3
"""Calls of a PBX that fail: the status line, byte for byte, and the record.
The checks of an INVITE in their order: the first that fails is the one told.

    causes_to_telegram.py BUILD [NAME-PART]

# run: check 100 beside
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
from tests.harness import causes  # noqa: E402
from tests.harness.process import wait_for  # noqa: E402
from tests.harness.stage import (OFFICE, PBX, Stage, equal,  # noqa: E402
                                 play, user)

ACCOUNTS = {name: {"id": 510 + i, "phone": "9996699902%02d" % i,
                   "first_name": name.title()}
            for i, name in enumerate(("revoked", "slow", "spam", "hung"))}
NOTHING_IN_COMMON = [(9, "G722/8000"), (18, "G729/8000")]
UNREADABLE = "a.b"      # no number, no name, no id


def sdp(s, common=True):
    v = s.voice()
    return v.sdp() if common else v.sdp(codecs=NOTHING_IN_COMMON)


def refused(s, client, to, row, words=None, common=True, seconds=30, **more):
    """The phone dials, is told exactly this, and the record agrees."""
    call = client.call(to, sdp(s, common))
    m = call.final(seconds)
    causes.line_is(m, row, words)
    r = s.record(call.call_id)
    causes.record_is(r, row, words, event=m.get("X-Gateway-Event"), **more)
    return m, r


def order(s, account, fault, **arguments):
    s.telegram.ask("fault", fault=fault, user=account["id"], **arguments)


# -- rows ---------------------------------------------------------------------
def dials(to, row, **more):
    def test(s):
        refused(s, s.pbx, to, row, **more)
    return test


def challenge(s):
    m = s.pbx.call("user_1", sdp(s), credentials=False).final()
    causes.line_is(m, 2)
    assert m.get("WWW-Authenticate").startswith("Digest "), m.headers


def early(s, client, row):
    """Before it is anybody's call."""
    m = causes.visible(s, lambda: client.call("user_1", sdp(s)).final())
    causes.line_is(m, row)
    return m


def unregistered(s):
    m = early(s, s.client("idle", register=False), 24)
    assert "REGISTER" in m.get("Allow"), m.headers


def unknown_login(s):
    early(s, s.client("nobody", register=False), 20)


def invite_wrong_password(s):
    c = s.client("pbx", register=False)
    c.password = "guess"
    early(s, c, 10)


def invite_untrusted(s):
    early(s, s.client("far", register=False), 11)


def premium(s):
    order(s, OFFICE, "error", method="phone.requestCall", code=406,
          text="PRIVACY_PREMIUM_REQUIRED")
    refused(s, s.pbx, "user_1", 18, hop="telegram",
            sip_status_source="remote")


def user_is_gone(s):
    """He was met; Telegram does not know his id any more."""
    order(s, OFFICE, "error", method="phone.requestCall", code=400,
          text="USER_ID_INVALID")
    refused(s, s.pbx, "user_1", 22, hop="telegram")


def hangs(s):
    """D11: the hop that did not answer; the order was given at the start."""
    m = s.hung_call.final(30)
    causes.line_is(m, 28)
    causes.record_is(s.record(s.hung_call.call_id), 28, hop="telegram",
                     sip_status_source="local", retransmissions=0)


def flood(s):
    s.telegram.ask("set", user=ACCOUNTS["slow"]["id"], flood_wait_s=31)
    m, _ = refused(s, s.slow, "user_1", 46, "31", hop="telegram")
    equal(m.get("Retry-After"), "31")


def peer_flood(s):
    order(s, ACCOUNTS["spam"], "error", method="phone.requestCall", code=400,
          text="PEER_FLOOD")
    refused(s, s.spam, "user_1", 47, hop="telegram")


def text_of_telegram(s):
    refused(s, s.pbx, "user_7", 39, "PARTICIPANT_VERSION_OUTDATED",
            hop="telegram", sip_status_source="remote")


def text_with_a_header_in_it(s):
    """Behaviour 8.3: what Telegram says begins no line of ours."""
    order(s, OFFICE, "error", method="phone.requestCall", code=500,
          text="CALL\r\nX-Evil: 1\x07")
    m, _ = refused(s, s.pbx, "user_1", 39, "CALLX-Evil: 1")
    assert not m.get("X-Evil"), m.headers


def codecs(s):
    m, _ = refused(s, s.pbx, "user_1", 56, common=False, hop="sip",
                   sip_status_source="local", ended_by="gateway")
    equal(m.get("Warning"), '304 gramline "offered: G722 G729; '
          'supported: opus PCMA PCMU"')


def codecs_in_the_call(s):
    """D8: a re-INVITE, too; the call goes on as it was."""
    v = s.voice()
    call = s.pbx.call("user_1", v.sdp())
    call.answered()
    m = call.reinvite(v.sdp(codecs=NOTHING_IN_COMMON))
    equal(m.line, "SIP/2.0 " + causes.status(56))
    equal(m.get("Warning"), '304 gramline "offered: G722 G729; '
          'supported: opus PCMA PCMU"')
    equal(call.bye().code, 200)


def cancelled(s):
    """D9: no error."""
    call = s.pbx.call("user_4", sdp(s))
    call.wait_code(180)
    equal(call.cancel().code, 200)
    m = call.final()
    causes.line_is(m, 57)
    causes.record_is(s.record(call.call_id), 57, hop="sip",
                     ended_by="calling", event=m.get("X-Gateway-Event"))


def session_ended(s):
    """Telegram ends the log-in while the phone is registered."""
    s.telegram.ask("logout", user=ACCOUNTS["revoked"]["id"],
                   reason="SESSION_REVOKED")
    refused(s, s.revoked, "user_1", 44, hop="telegram")
    wait_for("the session to be over", lambda: any(
        r["session"] == "revoked" and r["reason"] == "SESSION_REVOKED"
        for r in s.gateway.rows("sessions")))


# -- the order of the checks (behaviour 3.4) ------------------------------------
# In each test everything that is checked later is wrong as well.
def check_login_before_password(s):
    c = s.client("nobody", register=False)
    c.password = "guess"
    causes.line_is(c.call(UNREADABLE, sdp(s, False)).final(), 20)


def check_password_before_address(s):
    c = s.client("far", register=False)
    c.password = "guess"
    causes.line_is(c.call(UNREADABLE, sdp(s, False)).final(), 10)


def check_address_before_registration(s):
    causes.line_is(s.client("far", register=False).call(
        UNREADABLE, sdp(s, False)).final(), 11)


def check_registration_before_session(s):
    """Its session is over by now."""
    causes.line_is(s.client("revoked2", register=False).call(
        UNREADABLE, sdp(s, False)).final(), 24)


def check_session_before_codec(s):
    refused(s, s.revoked, UNREADABLE, 44, common=False)


def check_codec_before_identifier(s):
    refused(s, s.pbx, UNREADABLE, 56, common=False)


def check_identifier_before_telegram(s):
    """An identifier that cannot be read is not asked for: the flood that
    would refuse it is not met."""
    refused(s, s.slow, UNREADABLE, 21)


TESTS = [
    ("cause_row_2_invite_is_challenged", challenge),
    ("cause_row_10_invite_with_a_wrong_password", invite_wrong_password),
    ("cause_row_11_invite_from_elsewhere", invite_untrusted),
    ("cause_row_17_privacy", dials("user_6", 17, hop="telegram",
                                   sip_status_source="remote")),
    ("cause_row_18_privacy_for_premium", premium),
    ("cause_row_20_invite_of_an_unknown_login", unknown_login),
    ("cause_row_21_number_of_nobody", dials("+999660007777", 21)),
    ("cause_row_21_no_identifier", dials(UNREADABLE, 21)),
    ("cause_row_22_user_is_gone", user_is_gone),
    ("cause_row_23_name_of_nobody", dials("nobody_at_all", 23,
                                          hop="telegram")),
    ("cause_row_24_call_without_registration", unregistered),
    ("cause_row_29_never_met", dials("0123456789", 29)),
    ("cause_row_36_declined", dials("user_2", 36, hop="telegram",
                                    ended_by="called")),
    ("cause_row_39_in_telegrams_words", text_of_telegram),
    ("cause_row_46_flood_wait", flood),
    ("cause_row_47_peer_flood", peer_flood),
    ("cause_row_56_no_common_codec", codecs),
    ("cause_row_56_no_common_codec_in_the_call", codecs_in_the_call),
    ("cause_row_57_cancelled", cancelled),
    ("cause_row_44_log_in_ended", session_ended),
    ("scenario_cause_telegrams_text_is_no_header", text_with_a_header_in_it),
    ("scenario_invite_check_3_login_first", check_login_before_password),
    ("scenario_invite_check_4_password_first", check_password_before_address),
    ("scenario_invite_check_4_address_first",
     check_address_before_registration),
    ("scenario_invite_check_5_registration_first",
     check_registration_before_session),
    ("scenario_invite_check_8_session_first", check_session_before_codec),
    ("scenario_invite_check_10_codec_first", check_codec_before_identifier),
    ("scenario_invite_check_11_identifier_first",
     check_identifier_before_telegram),
    ("cause_row_28_telegram_does_not_answer", hangs),
]

if __name__ == "__main__":
    users = [user(1), user(2, "decline"), user(4, "ignore"),
             user(6, privacy={"call": "nobody"}),
             user(7, app={"versions": ["2.4.4"]})]
    sessions = dict({"office": "+" + OFFICE["phone"]}, **{
        n: "+" + a["phone"] for n, a in ACCOUNTS.items()})
    trunks = [PBX, dict(PBX, name="idle", login="idle"),
              dict(PBX, name="far", login="far", trusted_ips="192.0.2.0/24"),
              dict(PBX, name="revoked2", login="revoked2", session="revoked")]
    trunks += [dict(PBX, name=n, login=n, session=n) for n in ACCOUNTS]
    stage = Stage("causes_to_telegram", users + list(ACCOUNTS.values()),
                  trunks, sessions=sessions)
    stage.pbx = stage.client()
    for name in ACCOUNTS:
        setattr(stage, name, stage.client(name))
    order(stage, ACCOUNTS["hung"], "hang", method="contacts.resolveUsername")
    stage.hung_call = stage.hung.call("user_1", sdp(stage))
    play(stage, TESTS, "scenario_cause_to_telegram_nothing_left")
