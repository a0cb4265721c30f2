#!/usr/bin/env python3
# run: check 60 beside
"""The account settings a gateway wants, shown and set by `gramline account`,
and what they change: who may call, and where it rings.

usage: account_settings.py BUILD [PART]
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
from tests.harness.process import wait_for  # noqa: E402
from tests.harness.stage import OFFICE, Stage, equal, user  # noqa: E402
from tests.harness.terminal import Terminal  # noqa: E402

NAMES = ("other-devices", "calls", "p2p", "groups")


def verb(s, session, *words):
    t = Terminal([s.gateway.program, "account", "-c", s.gateway.config,
                  session, *words])
    status = t.end()
    return status, t.seen


def shown(s, session="office"):
    """{setting: set} of the table."""
    status, text = verb(s, session)
    equal(status, 0)
    rows = {line.split()[0]: line.split()[1] for line in text.splitlines()[1:]
            if line.split() and line.split()[0] in NAMES}
    equal(sorted(rows), sorted(NAMES))
    return rows


def account(s):
    return next(a for a in s.telegram.ask("accounts")["accounts"]
                if a["id"] == OFFICE["id"])


def rings(s):
    """The sessions that a call to the account reaches."""
    before = len(s.log())
    s.telegram.ask("call", user=1001, to=OFFICE["id"], cancel_after_ms=700)
    wait_for("the call to be over", lambda: not s.telegram.calls())
    lines = s.log()[before:]
    return [n for n in ("office", "twin")
            if "incoming call for session " + n in lines]


def show(s):
    s.telegram.ask("set", user=OFFICE["id"], call="contacts", p2p="nobody",
                   groups="all")
    equal(shown(s), dict.fromkeys(NAMES, "no"))
    try:
        rings(s)
    except RuntimeError as refusal:     # a stranger does not get through
        assert "USER_PRIVACY_RESTRICTED" in str(refusal), refusal
    else:
        raise AssertionError("a stranger got through")


def first_day(s):
    """What Telegram permits is set, what it refuses is said in words."""
    status, text = verb(s, "office", "all")
    equal(status, 1)
    assert "other-devices: not set. " in text, text
    assert ("only after its first 24 hours: try again then "
            "(FRESH_RESET_AUTHORISATION_FORBIDDEN)") in text, text
    for name in NAMES[1:]:
        assert name + ": set." in text, text
    a = account(s)
    equal((a["call"], a["p2p"], a["groups"]), ("all", "all", "nobody"))
    equal(shown(s), {"other-devices": "no", "calls": "yes", "p2p": "yes",
                     "groups": "yes"})
    equal(rings(s), ["office", "twin"])


def second_day(s):
    s.telegram.ask("age", user=OFFICE["id"], seconds=86400)
    status, text = verb(s, "office", "other-devices")
    equal((status, text.split()), (0, ["other-devices:", "set."]))
    equal(shown(s), dict.fromkeys(NAMES, "yes"))
    equal(rings(s), ["office"])
    # The other way round: the log-in that asks takes the calls again.
    status, _ = verb(s, "twin", "other-devices")
    equal(status, 0)
    equal(rings(s), ["twin"])


def refused(s):
    status, text = verb(s, "office", "everything")
    equal(status, 1)
    assert "other-devices, calls, p2p, groups or all" in text, text
    status, text = verb(s, "nobody")
    assert status == 1 and "no [session nobody]" in text, text
    s.telegram.ask("fault", fault="error", method="account.setPrivacy",
                   code=420, text="FLOOD_WAIT_9")
    s.telegram.ask("set", user=OFFICE["id"], p2p="nobody")
    status, text = verb(s, "office", "p2p")
    equal(status, 1)
    assert "Telegram asks to wait 9 s" in text, text


def main():
    number = "+" + OFFICE["phone"]
    s = Stage("account_settings", [user(1)],
              sessions={"office": number, "twin": number})
    for name, test in (("scenario_account_settings_shown", show),
                       ("scenario_account_settings_first_day", first_day),
                       ("scenario_account_settings_second_day", second_day),
                       ("scenario_account_settings_refused", refused)):
        s.run(name, test, s)
    s.done("scenario_account_settings_nothing_left")


if __name__ == "__main__":
    sys.exit(main())
