#!/usr/bin/env python3
"""Two gramline-endpoint processes on networks that change under the call.

    endpoint_network.py BUILD [NAME-PART]

In network namespaces (root only): no packet for 15 s; a side that gets another
address, told to the peer or not; IPv6 alone. On loopback: a reflector that is
deaf for 8 s; relays of both kinds, of which the peer has one; the parameters
of a call that change its media. Prints TAP.

# run: check 300
"""
import json
import os
import shutil
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import endpoint_pair as pair  # noqa: E402
import endpoint_relay as relay  # noqa: E402

AT_ONCE = 6


class Namespaces6(pair.Namespaces):
    """The same cable with IPv6 addresses alone."""

    def __enter__(self):
        super().__enter__()
        try:
            for side, host in (("a", 1), ("b", 2)):
                n = self.names[side]
                self.run("ip", "-n", n, "address", "flush", "dev", n, "scope",
                         "global")
                self.run("ip", "-n", n, "address", "add",
                         "fd00:7::%d/64" % host, "dev", n, "nodad")
        except BaseException:
            self.__exit__()
            raise
        return self


def ipv6(build, directory, version, a_calls):
    with Namespaces6("6%d%s" % (a_calls, version[:2].strip("."))) as namespaces:
        ends = pair.pair_run(build, directory, version, a_calls,
                             prefix=namespaces.prefix)
    pair.heard(os.path.join(directory, "a.wav"), pair.HERTZ["b"],
               pair.HERTZ["a"])
    pair.heard(os.path.join(directory, "b.wav"), pair.HERTZ["a"],
               pair.HERTZ["b"])
    for e in ends.values():
        if "[fd00:7::" not in e.stats["local"]:
            raise pair.Failure("local %s" % e.stats["local"])
    return ends["a"].stats["remote"]


def talked(directory, seconds):
    pair.record(pair.recordings(directory), seconds)


def lost(ends, sides="ab"):
    """They say that the connection is lost."""
    for side in sides:
        ends[side].wait_state("reconnecting", 8)
        ends[side].states.clear()


def back(directory, ends, within=12):
    for e in ends.values():
        e.wait_state("established", within)
    talked(directory, pair.SECONDS)


def silence_survived(build, directory, a_calls):
    with pair.Namespaces("s%d" % a_calls) as namespaces:
        def talk(ends):
            talked(directory, 1)
            namespaces.cable(False)
            lost(ends)
            talked(directory, 13)
            namespaces.cable(True)
            back(directory, ends)

        return pair.tones_cross(build, directory, "13.0.0", a_calls, talk=talk,
                                prefix=namespaces.prefix)


def address_changed(build, directory, a_calls, told):
    """Side a leaves its address for another one. Without signalling the peer
    learns it from a's checks alone."""
    with pair.Namespaces("n%d%d" % (a_calls, told)) as namespaces:
        name = namespaces.names["a"]

        def talk(ends):
            talked(directory, 1)
            for e in ends.values():
                e.lose = lambda: not told
            for what, host in (("del", 1), ("add", 11)):
                namespaces.run("ip", "-n", name, "address", what,
                               "10.213.7.%d/24" % host, "dev", name)
            lost(ends, "a")  # b may be quicker than its own clock
            back(directory, ends)

        ends = pair.pair_run(build, directory, "13.0.0", a_calls, talk=talk,
                             prefix=namespaces.prefix)
    pair.heard(os.path.join(directory, "a.wav"), pair.HERTZ["b"],
               pair.HERTZ["a"])
    pair.heard(os.path.join(directory, "b.wav"), pair.HERTZ["a"],
               pair.HERTZ["b"])
    remote = ends["b"].stats["remote"]
    if "10.213.7.11:" not in remote or remote.startswith("host") != told:
        raise pair.Failure("b sends to %s" % remote)
    return remote


def relay_call(build, directory, servers, talk, **more):
    ends = relay.start(build, directory, "13.0.0", True, servers, **more)
    try:
        for e in ends.values():
            e.thread.start()
        for e in ends.values():
            e.wait_state("established", pair.CONNECT_WITHIN)
        talk(ends)
        for e in ends.values():
            e.stop()
    finally:
        for e in ends.values():
            e.kill()
    pair.heard(os.path.join(directory, "a.wav"), pair.HERTZ["b"],
               pair.HERTZ["a"])
    pair.heard(os.path.join(directory, "b.wav"), pair.HERTZ["a"],
               pair.HERTZ["b"])
    return ends


def reflector_deaf(build, directory, tcp):
    reflector = relay.Reflector("127.0.0.1", relay.free_port())

    def talk(ends):
        talked(directory, 1)
        reflector.process.send_signal(signal.SIGSTOP)
        lost(ends)
        talked(directory, 5)
        reflector.process.send_signal(signal.SIGCONT)
        back(directory, ends)

    try:
        relay_call(build, directory,
                   lambda side: [reflector.entry(side, tcp)], talk)
    finally:
        reflector.stop()
    return "over it again"


def relay_kinds(build, directory, peer_has):
    """Side a has both kinds of relays, its peer one of them."""
    turn = relay.Turn(directory)
    reflector = relay.Reflector("127.0.0.1", relay.free_port())
    of = {"turn": turn, "reflector": reflector}

    def servers(side):
        kinds = of if side == "a" else [peer_has]
        return [of[k].entry(side) for k in kinds]

    try:
        ends = relay_call(build, directory, servers,
                          lambda ends: talked(directory, pair.SECONDS))
    finally:
        turn.stop()
        reflector.stop()
    local = ends["a"].stats["local"]
    if (".reflector" in local) != (peer_has == "reflector"):
        raise pair.Failure("a is at %s" % local)
    return local


def with_parameters(build, directory, names):
    """Through a reflector; sealed by the call's key instead of SRTP."""
    reflector = relay.Reflector("127.0.0.1", relay.free_port())
    parameters = json.dumps({"network_" + n: True for n in names})
    try:
        ends = relay_call(build, directory,
                          lambda side: [reflector.entry(side)],
                          lambda ends: talked(directory, pair.SECONDS),
                          more=("--parameters", parameters))
    finally:
        reflector.stop()
    remote = ends["b"].stats["remote"]
    if ("-1.reflector" in remote) != ("standalone_reflectors" in names):
        raise pair.Failure("b sends to %s" % remote)
    return remote


def tests_list(build, root, has_turn):
    tests = []

    def add(name, run, possible):
        tests.append(("endpoint_network_" + name, run if possible else None))

    for role, a_calls in (("caller", True), ("callee", False)):
        add("silence_15s_" + role, lambda d, a=a_calls: silence_survived(
            build, d, a), root)
        add("address_changes_" + role, lambda d, a=a_calls: address_changed(
            build, d, a, True), root)
        add("address_changes_untold_" + role, lambda d, a=a_calls:
            address_changed(build, d, a, False), root)
        for version in ("13.0.0", "11.0.0", "9.0.0"):
            add("ipv6_%s_%s" % (version, role), lambda d, a=a_calls,
                v=version: ipv6(build, d, v, a), root)
    for kind in ("udp", "tcp"):
        add("reflector_deaf_" + kind, lambda d, k=kind: reflector_deaf(
            build, d, k == "tcp"), True)
    for name in ("use_mtproto", "standalone_reflectors"):
        add(name, lambda d, n=name: with_parameters(build, d, [n]), True)
    for kind in ("turn", "reflector"):
        add("both_relays_peer_" + kind, lambda d, k=kind: relay_kinds(
            build, d, k), has_turn)
    return tests


def main():
    build = os.path.abspath(sys.argv[1])
    part = sys.argv[2] if len(sys.argv) > 2 else ""
    root = os.geteuid() == 0 and shutil.which("ip")
    tests = [t for t in tests_list(build, root, shutil.which("turnserver"))
             if part in t[0]]
    return pair.run_all(tests, AT_ONCE)


if __name__ == "__main__":
    sys.exit(main())
