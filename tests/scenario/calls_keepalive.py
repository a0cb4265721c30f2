#!/usr/bin/env python3
"""Is the PBX there? OPTIONS to PBXs and to registered phones.

    calls_keepalive.py BUILD [NAME-PART]

# run: check 60 beside
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
from tests.harness.pbx import Pbx  # noqa: E402
from tests.harness.process import wait_for  # noqa: E402
from tests.harness.sip import Client  # noqa: E402
from tests.harness.stage import PBX, Stage, equal, play, user  # noqa: E402
from tests.harness.talk import record_of, ring  # noqa: E402

MANY = {"id": 502, "phone": "999669990002", "first_name": "Many"}
LOST = {"id": 503, "phone": "999669990003", "first_name": "Lost"}
THIRD = {"id": 504, "phone": "999669990004", "first_name": "Third"}
USERS = [MANY, LOST, THIRD, user(1)]


class Silent(Client):
    """A PBX that can stop answering."""
    silent = False

    def take(self, m):
        if not self.silent:
            super().take(m)


def keepalive(s):
    """OPTIONS every second; unanswered, the trunk is passed over, and comes
    back with the first answer."""
    s.lost.wait("OPTIONS", lambda m: m.method == "OPTIONS")
    s.gateway.wait_trunk("lost", "static")
    s.lost.silent = True
    s.gateway.wait_trunk("lost", "unreachable")
    equal(s.gateway.trunk("lost")["cause"], "OPTIONS is not answered")
    before = len(s.gateway.records())
    s.telegram.ask("call", user=1001, to=LOST["id"])
    wait_for("the record", lambda: len(s.gateway.records()) > before)
    r = s.gateway.records()[-1]
    equal((r["sip_status"], r["reason"]),
          (503, "SIP account is unavailable"))
    equal(s.lost.invites(), [])
    s.lost.silent = False
    s.gateway.wait_trunk("lost", "static")
    i, = ring(s, LOST, s.lost)
    i.refuse(486, "Busy Here")
    equal(record_of(s, i)["sip_status"], 486)


def keepalive_of_phones(s):
    """Of two phones the one that is gone is passed over; with both gone the
    trunk is."""
    gone, left = s.many
    gone.silent = True
    wait_for("its silence to be noticed", lambda: s.log().count(
        "[many] unreachable"))
    s.gateway.wait_trunk("many")
    skip = len(gone.invites())
    i, = ring(s, MANY, left)
    i.refuse(486, "Busy Here")
    record_of(s, i)
    equal(len(gone.invites()), skip)
    left.silent = True
    s.gateway.wait_trunk("many", "unreachable")
    gone.silent = left.silent = False
    s.gateway.wait_trunk("many")
    wait_for("both to be back", lambda: s.log().count(
        "[many] answers again") == 2)
    for i in ring(s, MANY, *s.many):
        i.refuse(486, "Busy Here")
    record_of(s, i)


def keepalive_of_a_registrar(s):
    """The PBX we are registered with is asked by its domain, not by a
    number."""
    m = s.pbx.wait("OPTIONS", lambda m: m.method == "OPTIONS")
    equal(m.uri, "sip:" + s.pbx.address)
    s.gateway.wait_trunk("out")
    # More than the answer may take: it is still there.
    s.pbx.wait("OPTIONS", lambda m: m.method == "OPTIONS", skip=5)
    s.gateway.wait_trunk("out", seconds=1)


TESTS = [
    ("scenario_dialog_keepalive", keepalive),
    ("scenario_dialog_keepalive_of_phones", keepalive_of_phones),
    ("scenario_dialog_keepalive_of_a_registrar", keepalive_of_a_registrar),
]


def main():
    lost, pbx = Silent("127.0.0.1:9", "lost", ""), Pbx({"gw": "pw"})
    trunks = [
        dict(PBX, name="many", login="many", session="many", bindings=2,
             keepalive=1),
        {"name": "lost", "session": "lost", "kind": "ip", "number": "700",
         "address": "127.0.0.1:%d" % lost.port, "keepalive": 1,
         "field": "X-Office: lost"},
        {"name": "out", "session": "third", "kind": "gateway-to-pbx",
         "login": "gw", "password": "pw", "domain": pbx.address,
         "number": "700", "keepalive": 1},
    ]
    s = Stage("calls_keepalive", USERS, trunks=trunks,
              sessions={"many": "+" + MANY["phone"],
                        "lost": "+" + LOST["phone"],
                        "third": "+" + THIRD["phone"]})
    s.meet(lost, pbx)
    s.lost, s.pbx = lost, pbx
    s.many = [Silent(s.gateway.address, "many", PBX["password"])
              for _ in range(2)]
    for c in s.many:
        equal(c.register().code, 200)
    s.clients += s.many
    play(s, TESTS, "scenario_keepalive_nothing_left")


if __name__ == "__main__":
    main()
