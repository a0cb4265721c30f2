#!/usr/bin/env python3
"""The simulated Telegram by itself: users who call each other, and a data
centre that is killed and comes back while their endpoints run on.

# run: check 60 beside
"""
import json
import os
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path.insert(0, ROOT)
from tests.harness.process import Tap, wait_for  # noqa: E402
from tests.harness.telegram import Telegram  # noqa: E402

# Speaks the endpoint contract; what it hears by signalling goes to --out.
ENDPOINT = r"""
import sys
args = dict(zip(sys.argv[1:], sys.argv[2:]))
out = open(args["--out"], "a", buffering=1)
print("STATE established", flush=True)
print("SIG " + args["--key"][:8], flush=True)
for line in sys.stdin:
    out.write(line)
    if line.startswith("SIG 0"):
        print("SIG ff" + line.split()[1], flush=True)
    if line.strip() == "STOP":
        break
print('STATS {"heard": true}', flush=True)
"""


class World:
    def __init__(self, build, folder):
        self.folder = folder
        stub = os.path.join(self.folder, "endpoint.py")
        with open(stub, "w") as f:
            f.write(ENDPOINT)
        self.telegram = Telegram(build, self.folder, [
            {"id": 1, "phone": "9990000001", "first_name": "Anna",
             "app": {"out": self.path("%u-%c")}},
            {"id": 2, "phone": "9990000002", "first_name": "Boris",
             "app": {"behaviour": "answer", "after_ms": 50,
                     "out": self.path("%u-%c")}},
        ], endpoint=[sys.executable, stub])
        self.telegram.start()

    def path(self, name):
        return os.path.join(self.folder, name)

    def heard(self, user, call):
        try:
            with open(self.path("%d-%s" % (user, call))) as f:
                return f.read().split("\n")
        except FileNotFoundError:
            return []

    def call(self):
        """A call with both media established; its id."""
        call = self.telegram.ask("call", user=1, to=2)["call"]["id"]
        wait_for("media on both sides", lambda: all(
            self.status(call)[side]["media"] == "established"
            for side in ("caller", "callee")))
        return call

    def status(self, call):
        return self.telegram.ask("call-status", call=call)["call"]


def scenario_sim_users_call_each_other(w):
    call = w.call()
    assert w.status(call)["version"] == "13.0.0"
    # Both drew the same key, and each blob reached the other side.
    for user in (1, 2):
        wait_for("the peer's blob", lambda: [
            x for x in w.heard(user, call) if x.startswith("SIG ")])
    first = [next(x for x in w.heard(u, call) if x.startswith("SIG "))
             for u in (1, 2)]
    assert first[0] == first[1], first
    w.telegram.ask("hangup", call=call)
    wait_for("both STATS", lambda: all(
        w.status(call)[side].get("stats") for side in ("caller", "callee")))
    c = w.status(call)
    assert (c["state"], c["reason"]) == ("ended", "hangup"), c
    assert w.telegram.calls() == []


def scenario_sim_endpoints_outlive_the_data_centre(w):
    t = w.telegram
    call = w.call()
    before = sorted(t.endpoints())
    assert len(before) == 2, before
    port = t.port
    t.kill()
    assert sorted(t.endpoints()) == before
    t.start()
    assert t.port == port, "the port changed over a restart"
    c = w.status(call)
    assert c["state"] == "active", c
    assert sorted(t.endpoints()) == before
    t.ask("hangup", call=call)
    wait_for("STOP at both", lambda: all(
        "STOP" in w.heard(u, call) for u in (1, 2)))
    wait_for("the endpoints to be gone", lambda: not t.endpoints())
    # New calls work.
    t.ask("hangup", call=w.call())


def scenario_sim_endpoint_that_dies_ends_the_call(w):
    t = w.telegram
    call = w.call()
    t.kill()
    # While nobody watches, one endpoint ends: told after the restart.
    victim = t.endpoints()[0]
    os.kill(victim, 9)
    wait_for("its end", lambda: victim not in t.endpoints())
    t.start()
    wait_for("the call's end", lambda: w.status(call)["state"] == "ended")
    assert w.status(call)["reason"] == "disconnect", w.status(call)
    wait_for("the other to stop", lambda: not t.endpoints())


def scenario_sim_control_waits_for_events(w):
    t = w.telegram
    t.behave(2, behaviour="decline", after_ms=100)
    with t.open() as s:
        f = s.makefile()

        def ask(**q):
            s.sendall(json.dumps(q).encode() + b"\n")
            return json.loads(f.readline())
        call = ask(op="call", user=1, to=2)["call"]["id"]
        e = ask(op="wait", past=True,
                match={"event": "call",
                       "call": {"id": call, "state": "ended"}})
        assert e["ok"] and e["event"]["call"]["reason"] == "busy", e
        assert e["event"]["call"]["received"], e
        assert not ask(op="wait", timeout_ms=1, match={"event": "x"})["ok"]
        assert ask(op="nonsense")["error"] == "op: unknown"
        assert not ask(op="text", user=1, to=77, text="x")["ok"]
        assert ask(op="text", user=1, to=2, text="Hello")["ok"]
        assert ask(op="messages", user=2)["messages"][-1]["text"] == "Hello"


def scenario_sim_stops_cleanly(w):
    t = w.telegram
    t.behave(2, behaviour="answer", after_ms=0)
    w.call()
    t.stop()
    wait_for("the endpoints to be gone", lambda: not t.endpoints())
    assert "ERROR: " not in t.process.text(), t.process.text()[-2000:]


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix="gramline-sim-") as folder:
        w = World(sys.argv[1], folder)
        for f in (scenario_sim_users_call_each_other,
                  scenario_sim_endpoints_outlive_the_data_centre,
                  scenario_sim_endpoint_that_dies_ends_the_call,
                  scenario_sim_control_waits_for_events,
                  scenario_sim_stops_cleanly):
            tap.run(f.__name__, f, w)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
