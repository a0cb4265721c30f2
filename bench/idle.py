"""Memory and CPU of accounts that are connected and do nothing.

The whole gateway keeps N accounts logged in at the simulated Telegram, each
with a connection and a key of its own, pinged as always. They were logged in by
code through the gateway's control socket, which made their keys; then the
gateway is started again for some of them and for all: memory per account is
the difference, so that what the program itself needs does not count.
"""
import concurrent.futures
import os
import shutil
import time

from bench.usage import Usage, rss_bytes
from tests.harness.gateway import Gateway
from tests.harness.process import wait_for
from tests.harness.telegram import Telegram

FIRST_ID = 100001
CODE = "12345"
LOGINS_AT_ONCE = 50
# Between connecting and measuring: what is asked once is answered then.
SETTLE_S = 10
READY_WITHIN_S = 300


def phone(i):
    return "99966%07d" % i


class Idle:
    def __init__(self, build, folder, say):
        self.build, self.folder, self.say = build, folder, say

    def gateway(self, telegram, accounts):
        return Gateway(self.build, os.path.join(self.folder, "gateway"),
                       telegram.settings(),
                       {"idle%d" % i: "+" + phone(i) for i in accounts}, [])

    def login(self, gateway, i):
        """By code, as often as it takes: a connection may be lost meanwhile."""
        words = {"session": "idle%d" % i}

        def done():
            for command, more in (("login start", {"phone": "+" + phone(i)}),
                                  ("login code", {"code": CODE})):
                answer = gateway.ask(command, 60, **words, **more) or {}
                if answer.get("error") == "ALREADY_LOGGED_IN":
                    return True
                if not answer.get("ok"):
                    return False
            return True

        wait_for("%s to log in" % words["session"], done, READY_WITHIN_S, 0.2)

    def logins(self, telegram, n):
        """All accounts, with a key each: some at a time, for a key takes a
        while to make, and who waits too long begins again."""
        began = time.monotonic()
        for first in range(0, n, LOGINS_AT_ONCE):
            some = range(first, min(first + LOGINS_AT_ONCE, n))
            gateway = self.gateway(telegram, some)
            gateway.start()
            try:
                with concurrent.futures.ThreadPoolExecutor(4) as pool:
                    list(pool.map(lambda i: self.login(gateway, i), some))
            finally:
                gateway.stop()
            if some.stop % 200 == 0 or some.stop == n:
                self.say("    %d of %d logged in" % (some.stop, n))
        self.say("    each with its own key, in %.0f s" % (
            time.monotonic() - began))

    def measure(self, telegram, n, seconds):
        gateway = self.gateway(telegram, range(n))
        gateway.start()
        try:
            gateway.wait_sessions_ready(READY_WITHIN_S)
            self.say("    %d accounts are connected" % n)
            time.sleep(SETTLE_S)
            pid = gateway.process.pid
            start = Usage(pid)
            time.sleep(seconds)
            end = Usage(pid)
            ready = sum(r["state"] == "ready"
                        for r in gateway.rows("sessions"))
            if ready != n:
                raise RuntimeError("%d of %d accounts stayed connected" % (
                    ready, n))
            return {"accounts": n, "seconds": round(end.at - start.at, 1),
                    "rss_bytes": rss_bytes(pid),
                    "cpu_percent": round((end.cpu_us - start.cpu_us) /
                                         (end.at - start.at) / 1e4, 2)}
        finally:
            gateway.stop()

    def run(self, accounts, seconds):
        """What goes into the report."""
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        telegram = Telegram(
            self.build, os.path.join(self.folder, "telegram"),
            [{"id": FIRST_ID + i, "phone": phone(i), "code": CODE,
              "first_name": "Idle"} for i in range(accounts)])
        telegram.start()
        try:
            self.logins(telegram, accounts)
            some = self.measure(telegram, accounts // 4, seconds)
            every = self.measure(telegram, accounts, seconds)
        finally:
            telegram.stop()
        self.say("    %d bytes each, %.2f %% of a core for all" % (
            (every["rss_bytes"] - some["rss_bytes"]) /
            (every["accounts"] - some["accounts"]), every["cpu_percent"]))
        return {
            "idle_accounts": accounts,
            "idle_account_bytes": round(
                (every["rss_bytes"] - some["rss_bytes"]) /
                (every["accounts"] - some["accounts"])),
            "idle_accounts_cpu_percent": every["cpu_percent"],
            "idle_rounds": [some, every],
        }
