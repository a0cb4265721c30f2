#!/usr/bin/env python3
"""Garbage to every listening port, and spoiled MTProto and signalling messages,
under sanitizers: no crash, counted, logged once a kind, and service goes on.

    strain_garbage.py BUILD [SEED]

# run: check 400
"""
import os
import re
import socket
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path.insert(0, ROOT)
os.environ.setdefault("ASAN_OPTIONS", "detect_leaks=1:abort_on_error=0")
os.environ.setdefault("UBSAN_OPTIONS", "halt_on_error=1:print_stacktrace=1")
from tests.harness import garbage  # noqa: E402
from tests.harness.crowd import Crowd, say  # noqa: E402
from tests.harness.process import Tap, wait_for  # noqa: E402
from tests.harness.proxy import Proxy, TO_CLIENT, TO_SERVER  # noqa: E402
from tests.harness.telegram import Telegram  # noqa: E402

VERSIONS = ("13.0.0", "12.0.0", "9.0.0", "8.0.0", "7.0.0")
PACKETS = 400
FIRST = re.compile(r" warn +(\S+) +\[[^]]*\] (.*?): .*first of its kind")


class World:
    """Call 0 runs all the time; the others prove that new ones work."""

    def __init__(self, build, seed):
        self.draw = garbage.new(seed)
        self.proxy = None
        # Announced as a CDN's, its address is no way around the proxy.
        self.crowd = Crowd(build, [2, 2, 2], telegram_settings=self.settings,
                           dcs=[{"id": 2, "cdn": True}])
        self.crowd.start()
        self.steady = self.crowd.calls[0]
        self.others = self.crowd.calls[1:]
        self.crowd.begin([self.steady])

    def settings(self, telegram):
        self.proxy = Proxy((telegram.host, telegram.port), self.draw)
        return ("%s\nobfuscated = no" % Telegram.settings(telegram)).replace(
            ":%d\n" % telegram.port, ":%d\n" % self.proxy.port)

    @property
    def gateway(self):
        return self.crowd.gateway

    def alive(self):
        g, t = self.gateway.process, self.crowd.telegram.process
        assert g.alive(), "gateway: " + g.text()[-3000:]
        assert t.alive(), "simulator: " + t.text()[-3000:]

    def during(self, names, work):
        """Runs work(); meanwhile call 0 goes on, and afterwards one of the
        named counters has grown and the log has not been flooded."""
        before, lines = self.gateway.counters(), self.log_lines()
        self.steady.mark()
        work()
        self.alive()
        grown = self.wait_counted(names, before)
        self.crowd.talk([self.steady], 1.5, 40)
        self.check_log(lines)
        new = self.others[:2]
        self.crowd.begin(new)
        self.crowd.talk(new, 1, 40)
        self.crowd.finish_some(new)
        self.crowd.check([self.steady] + new)
        return ", ".join("%s %d" % g for g in sorted(grown.items()))

    def wait_counted(self, names, before):
        def grown():
            now = self.gateway.counters()
            return {k: v - before.get(k, 0) for k, v in now.items()
                    if v > before.get(k, 0) and k.split(".")[0] in names}
        return wait_for("a counter of %s to grow" % (names,), grown, 10)

    def log_lines(self):
        return self.gateway.process.text().count("\n")

    def check_log(self, before):
        """Each kind once; beyond that only changes of state."""
        text = self.gateway.process.text()
        first = FIRST.findall(text)
        twice = {k for k in first if first.count(k) > 1}
        assert not twice, "logged more than once: %s" % twice
        added = text.splitlines()[before:]
        loud = [x for x in added if x.split()[1:2] in (["warn"], ["error"])]
        other = [x for x in loud if not FIRST.search(x)]
        assert len(other) <= 3 and len(added) < PACKETS, \
            "%d lines were logged, %d of them loud:\n%s" % (
                len(added), len(loud), "\n".join(added[-40:]))


# -- ports ------------------------------------------------------------------

def scenario_strain_garbage_sip_udp(w):
    port = w.gateway.sip_port
    real = garbage.sip("127.0.0.1", port, w.crowd.lines.port)
    return w.during(("sip",), lambda: garbage.throw_udp(
        port, list(real) + list(garbage.broken(w.draw, real, PACKETS))))


def scenario_strain_garbage_sip_tcp(w):
    port = w.gateway.sip_port
    real = [m.replace(b"SIP/2.0/UDP", b"SIP/2.0/TCP") for m in garbage.sip(
        "127.0.0.1", port, w.crowd.lines.port)]

    def work():
        garbage.throw_stream(("127.0.0.1", port), list(real) + list(
            garbage.broken(w.draw, real, PACKETS // 2)))
        # Connections that say nothing, or half of something, and stay.
        idle = [socket.create_connection(("127.0.0.1", port), 5)
                for _ in range(20)]
        for s, m in zip(idle, real):
            s.sendall(m[:len(m) // 2])
        for s in idle:
            s.close()
    return w.during(("sip",), work)


def scenario_strain_garbage_media_ports(w):
    """Every UDP port the gateway has open in a call: RTP, RTCP, Telegram
    media. Strangers first, then the phone itself."""
    ports = garbage.ports_of(w.gateway.process.pid)["udp"]
    ports.discard(w.gateway.sip_port)
    assert len(ports) >= 3, ports
    real = (garbage.rtp() + garbage.rtp(96) + garbage.stun(w.draw) +
            garbage.dtls(w.draw))

    def work():
        for port in sorted(ports):
            garbage.throw_udp(port, real + list(garbage.broken(
                w.draw, real, PACKETS)))
        line = w.steady.line
        # What is well-formed A-law would be voice.
        garbage.throw_udp(line.peer[1], [
            m for m in garbage.broken(w.draw, garbage.rtp(0), PACKETS)
            if m[1:2] not in (b"\x08", b"\x88")], line.socket)
    return w.during(("rtp", "rtcp", "ice", "tgcall"), work)


def scenario_strain_garbage_control_socket(w):
    path = w.gateway.control
    lines = [b"\n", b"{}\n", b"[]\n", b"null\n", b'{"command":7}\n',
             b'{"command":"show calls"', b'{"command":"logout"}\n',
             b'{"command":"login start","session":[],"phone":{}}\n',
             b'{"command":"\xff\xfe"}\n', b"[" * 5000 + b"\n",
             b'{"command":"%s"}\n' % (b"x" * 70000), b"\0" * 70000]

    def work():
        garbage.throw_stream(path, lines + [
            m + b"\n" for m in garbage.broken(w.draw, lines, PACKETS // 2)],
            socket.AF_UNIX)
        idle = []
        for _ in range(40):
            s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            s.connect(path)
            idle.append(s)
        for s in idle:
            s.close()
        wait_for("an answer", lambda: w.gateway.ask("show version"))
    return w.during(("ctl",), work)


def scenario_strain_garbage_data_centre_port(w):
    """The simulator's own port: it refuses, and goes on."""
    t = w.crowd.telegram
    real = garbage.http_and_other() + w.proxy.seen[TO_SERVER][:20]
    before = t.ask("refused")
    garbage.throw_stream((t.host, t.port), real + [
        b"\xee\xee\xee\xee" + len(m).to_bytes(4, "little") + m
        for m in garbage.broken(w.draw, real, PACKETS // 2)])
    w.alive()
    wait_for("refusals to be counted", lambda: t.ask("refused") != before)
    w.crowd.talk([w.steady], 1, 40)
    w.crowd.check([w.steady])


# -- messages -----------------------------------------------------------------

def spoiled_mtproto(w, direction, count):
    """Texts keep packets flowing while they are spoiled."""
    t = w.crowd.telegram

    def keys():
        return {(s["user"], s["key"]) for s in t.ask("sessions")["sessions"]
                if s["user"]}

    def enough():
        w.alive()
        for office in (1001, 1002, 1003):
            t.ask("text", user=w.steady.user, to=office, text="Hello")
        return w.proxy.count() >= count

    def work():
        w.proxy.spoil(direction)
        try:
            wait_for("%d spoiled packets" % count, enough, 120, 0.1)
            say("spoiled %s: %s, %d connections so far" % (
                direction, w.proxy.spoiled, w.proxy.connections))
        finally:
            w.proxy.spoil(None)
        wait_for("the same keys again", lambda: keys() == known, 60, 0.1)
        w.gateway.wait_sessions_ready(60)
    known = keys()
    assert len(known) == 3, known
    return w.during(("mtproto",), work)


def scenario_strain_garbage_mtproto_from_server(w):
    return spoiled_mtproto(w, TO_CLIENT, 36)


def scenario_strain_garbage_mtproto_to_server(w):
    return spoiled_mtproto(w, TO_SERVER, 24)


def scenario_strain_garbage_signalling(w):
    """Five calls at once, one of each version, every blob mangled."""
    t, calls = w.crowd.telegram, w.others
    program = [sys.executable, os.path.join(ROOT, "tests", "harness",
                                            "mangler.py")]
    endpoint = program + [os.path.join(w.crowd.build, "gramline-endpoint"),
                          "--bind", "127.0.0.1", "--pre-encoded"]
    before, lines = w.gateway.counters(), w.log_lines()
    for c, version in zip(calls, VERSIONS):
        t.ask("set", user=c.user, version=version)
        t.behave(c.user, endpoint=endpoint)
    w.crowd.begin(calls)
    found = {r["version"] for r in w.gateway.rows("calls")}
    assert found == set(VERSIONS), found
    w.crowd.talk(calls, 2, 60)
    w.crowd.finish_some(calls)
    w.crowd.check(calls)
    w.alive()
    grown = w.wait_counted(("signaling", "tgcall"), before)
    w.check_log(lines)
    return ", ".join("%s %d" % g for g in sorted(grown.items()))


def scenario_strain_garbage_clean_end(w):
    """No descriptor, call or port is left, and no sanitizer has a word."""
    w.crowd.talk([w.steady], 1, 40)
    w.crowd.check([w.steady])
    w.crowd.finish([w.steady])
    status = w.gateway.process.stop(30)
    assert status == 0, w.gateway.process.text()[-3000:]
    status = w.crowd.telegram.stop()
    assert status == 0, "simulator: %d" % status
    reports = w.crowd.sanitizer_reports()
    assert not reports, "\n".join(reports)


def main():
    tap = Tap()
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else None
    w = World(os.path.abspath(sys.argv[1]), seed)
    good = True
    try:
        for f in (scenario_strain_garbage_sip_udp,
                  scenario_strain_garbage_sip_tcp,
                  scenario_strain_garbage_media_ports,
                  scenario_strain_garbage_control_socket,
                  scenario_strain_garbage_data_centre_port,
                  scenario_strain_garbage_mtproto_from_server,
                  scenario_strain_garbage_mtproto_to_server,
                  scenario_strain_garbage_signalling,
                  scenario_strain_garbage_clean_end):
            good = tap.run(f.__name__, f, w) and good
    finally:
        w.proxy.stop()
        w.crowd.stop(keep=not good)
    if not good:
        say("kept: " + w.crowd.folder)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
