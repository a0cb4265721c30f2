#!/usr/bin/env python3
"""Alerts: raised by what happens, cleared when it is over, acknowledged, and
kept over a restart.

    alerts.py BUILD [NAME-PART]

# run: check 60 beside
"""
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
from tests.harness.process import free_port, wait_for  # noqa: E402
from tests.harness.sip import Client  # noqa: E402
from tests.harness.stage import PBX, Stage, equal, play, user  # noqa: E402

STRANGER = "127.0.0.66"


def alerts(s, kind, state=None):
    """The newest first."""
    return [a for a in s.gateway.rows("alerts") if a["kind"] == kind and
            (not state or a["state"] == state)]


def wait_alert(s, kind, state="open", obj=None):
    def found():
        for a in alerts(s, kind):
            if a["state"] == state and (obj is None or a["object"] == obj):
                return a
        return None
    return wait_for("an alert %s, %s" % (kind, state), found)


def trunk(s):
    """A PBX unregisters, and comes back."""
    equal(alerts(s, "trunk", "open"), [])
    equal(s.pbx.register(expires=0).code, 200)
    a = wait_alert(s, "trunk")
    equal((a["object"], a["reason"], a["count"], a["cleared"]),
          ("pbx", "not registered", 1, ""))
    equal(s.pbx.register().code, 200)
    past = wait_alert(s, "trunk", "past")
    equal(past["id"], a["id"])
    assert past["cleared"] >= past["since"], past


def ban(s):
    """Placed by wrong passwords, lifted by hand."""
    c = Client(s.gateway.address, "pbx", "", STRANGER)
    s.clients.append(c)
    for _ in range(5):
        equal(c.register(password="guess").code, 403)
    a = wait_alert(s, "ban")
    equal((a["object"], a["code"], a["reason"]),
          (STRANGER, 403, "Wrong password"))
    assert s.gateway.ask("ban lift " + STRANGER)["ok"]
    equal(wait_alert(s, "ban", "past")["id"], a["id"])


def errors(s):
    """Nine calls that end with a 5xx are none, ten within five minutes are.
    Telegram wants us to wait: that is one of its own."""
    s.telegram.ask("fault", fault="error", method="phone.requestCall",
                   code=420, text="FLOOD_WAIT_600", count=1)
    for n in range(9):
        code = s.pbx.call("user_1", s.voice().sdp()).final().code
        equal(code, 503)
    a = wait_alert(s, "flood")
    equal((a["object"], a["code"]), ("office", 503))
    assert a["reason"].startswith("Too Many Requests: retry after "), a
    equal(alerts(s, "5xx"), [])
    s.pbx.call("user_1", s.voice().sdp()).final()
    a = wait_alert(s, "5xx")
    equal((a["object"], a["code"], a["count"]), ("", 503, 1))


def acknowledged(s):
    a = wait_alert(s, "5xx")
    assert not a["acknowledged"], a
    done = s.gateway.cli("-x", "alert acknowledge %d" % a["id"], "-c",
                         s.gateway.config)
    equal(done.returncode, 0)
    assert wait_alert(s, "5xx")["acknowledged"]
    equal(s.gateway.ask("alert acknowledge 99999")["error"],
          "there is no such alert")


def wait_session(s, name, state):
    wait_for("session %s to be %s" % (name, state), lambda: any(
        r["session"] == name and r["state"] == state
        for r in s.gateway.rows("sessions")), 30)


def restarted(s):
    """Alerts outlive the process. A stop is none, nor is a session that nobody
    has logged in yet."""
    a = wait_alert(s, "5xx")
    known = [r["id"] for r in s.gateway.rows("alerts")]
    equal(s.gateway.stop(), 0)
    with open(s.gateway.config, "a") as f:
        f.write("\n[session empty]\nphone = +999669990099\n")
    s.gateway.start()
    wait_session(s, "office", "ready")
    wait_session(s, "empty", "waiting_for_login")
    equal(s.pbx.register().code, 200)
    b = wait_alert(s, "5xx")
    equal((b["id"], b["since"], b["acknowledged"]),
          (a["id"], a["since"], True))
    equal([(r["kind"], r["object"]) for r in s.gateway.rows("alerts")
           if r["id"] not in known], [])


def role(s, what, name):
    answer = s.gateway.ask("role %s %s" % (what, name), 30)
    assert answer and answer["ok"], answer


def past(s, kind, a):
    equal(wait_alert(s, kind, "past", a["object"])["id"], a["id"])


def storage(s):
    """It goes and comes back: its session tells."""
    role(s, "stop", "storage")
    a = wait_alert(s, "storage")
    equal((a["object"], a["code"], a["reason"]),
          ("s1", 503, "Telegram storage is unavailable"))
    role(s, "start", "storage")
    past(s, "storage", a)
    wait_session(s, "office", "ready")


def worker(s):
    role(s, "stop", "worker")
    a = wait_alert(s, "worker")
    equal((a["object"], a["code"], a["reason"]),
          ("w1", 503, "Worker is unavailable"))
    role(s, "start", "worker")
    past(s, "worker", a)
    wait_for("the PBX to register again",
             lambda: s.pbx.register().code == 200, 15, 0.2)


def manager(s):
    """One that comes back tells that there was none."""
    equal(alerts(s, "manager"), [])
    role(s, "stop", "manager")
    role(s, "start", "manager")
    a = wait_alert(s, "manager", "past")
    equal((a["object"], a["code"], a["reason"], a["count"]),
          ("", 503, "No response from Manager", 1))
    equal(alerts(s, "manager", "open"), [])
    wait_session(s, "office", "ready")


def lines(s):
    """A second call on the only line; over when one goes through."""
    c = s.single.call("user_1", s.voice().sdp())
    c.answered()
    for n in range(2):
        equal(s.single.call("user_1", s.voice().sdp()).final().code, 402)
    a = wait_alert(s, "lines")
    equal((a["object"], a["code"], a["reason"]),
          ("single", 402, "Amount of lines is exceeded"))
    wait_for("both to be counted",
             lambda: alerts(s, "lines", "open")[0]["count"] == 2)
    equal(c.bye().code, 200)
    past(s, "lines", a)


def session(s):
    """Telegram ends the log-in: the next question finds out."""
    equal(alerts(s, "session", "open"), [])
    s.telegram.ask("logout", user=501)
    assert not s.gateway.ask("show account office")["ok"]
    a = wait_alert(s, "session")
    equal(a["object"], "office")
    equal(a["reason"], "AUTH_KEY_UNREGISTERED")


def certificate(s):
    """Ours ends in nine days."""
    a = wait_alert(s, "certificate")
    equal((a["object"], a["reason"]), (s.certificate, "expires in 9 days"))


TESTS = [
    ("scenario_alert_trunk_lost_and_back", trunk),
    ("scenario_alert_ban", ban),
    ("scenario_alert_lines_exhausted", lines),
    ("scenario_alert_flood_and_ten_errors", errors),
    ("scenario_alert_acknowledged", acknowledged),
    ("scenario_alert_outlives_a_restart", restarted),
    ("scenario_alert_certificate", certificate),
    ("scenario_alert_storage_gone", storage),
    ("scenario_alert_worker_gone", worker),
    ("scenario_alert_manager_came_back", manager),
    ("scenario_alert_session_lost", session),
]


def certificate_make(folder):
    path = os.path.join(folder, "tls.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "10",
                    "-subj", "/CN=gateway", "-keyout", path, "-out",
                    path + ".crt"], check=True, stderr=subprocess.DEVNULL)
    with open(path, "a") as f, open(path + ".crt") as g:
        f.write(g.read())
    return path


if __name__ == "__main__":
    folder = os.path.join(os.path.abspath(sys.argv[1]), "scenario",
                          "alerts-tls")
    os.makedirs(folder, exist_ok=True)
    path = certificate_make(folder)
    single = dict(PBX, name="single", login="single", lines=1)
    stage = Stage("alerts", [user(1)], [PBX, single], sip="never_ban = 127.0.0.1\n"
                  "tls = 127.0.0.1:%d\ncertificate = %s\n"
                  "private_key = %s\n" % (free_port(), path, path))
    stage.certificate, stage.pbx = path, stage.client()
    stage.single = stage.client("single")
    play(stage, TESTS, "scenario_alert_nothing_left")
