"""A router that translates addresses, between two network namespaces: the
test's own and a far one. Root only.

    LAN 10.78.0.0/24 -- router 203.0.113.1 -- WAN 203.0.113.0/24

Nobody in the WAN reaches the LAN unasked, except by forwarded ports.
"""
import ctypes
import os
import subprocess

LAN, WAN = "10.78.0.", "203.0.113."
PUBLIC = WAN + "1"
HOST = "2"      # of the only machine on either side
CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)

RULES = """
table ip nat {
	chain before {
		type nat hook prerouting priority -100;
		%s
	}
	chain after {
		type nat hook postrouting priority 100;
		oifname "wan" masquerade %s
	}
}
table ip filter {
	chain forward {
		type filter hook forward priority 0;
		iifname "wan" ct status dnat accept
		iifname "wan" ct state new drop
	}
}
"""


def run(*words, **more):
    subprocess.run(words, check=True, **more)


class Router:
    """From now on this thread, and what it starts, is in a new namespace:
    within the LAN if `within`, else in the WAN; `far` is on the other side.

    ports: {protocol: port or range} of PUBLIC, forwarded into the LAN.
    masquerade: nftables' words behind it, as "random"."""

    def __init__(self, within, ports=None, masquerade=""):
        self.names = {side: "gl%d-%s" % (os.getpid(), side)
                      for side in ("far", "router")}
        self.here, self.there = ((LAN, WAN) if within else (WAN, LAN))
        self.here, self.there = self.here + HOST, self.there + HOST
        if libc.unshare(CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "unshare")
        run("ip", "link", "set", "lo", "up")
        for name in self.names.values():
            run("ip", "netns", "add", name)
        self.join(None, self.here)
        self.join("far", self.there)
        self.router("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
        forwarded = "\n\t\t".join(
            'iifname "wan" %s dport %s dnat to %s%s' % (
                protocol, port, LAN, HOST)
            for protocol, port in (ports or ()))
        self.router("nft", "-f", "-", text=True,
                    input=RULES % (forwarded, masquerade))

    def router(self, *words, **more):
        """Runs a program there."""
        run("ip", "netns", "exec", self.names["router"], *words, **more)

    def join(self, side, address):
        """A machine with this address, and its wire to the router."""
        net = LAN if address.startswith(LAN) else WAN
        wire = "lan" if net == LAN else "wan"
        at = ["-n", self.names[side]] if side else []
        there = ["-n", self.names["router"]]
        run("ip", *there, "link", "add", wire, "type", "veth", "peer", "name",
            "eth0", "netns", self.names[side] if side else str(os.getpid()))
        for words in ([*there, "address", "add", net + "1/24", "dev", wire],
                      [*there, "link", "set", wire, "up"],
                      [*at, "address", "add", address + "/24", "dev", "eth0"],
                      [*at, "link", "set", "lo", "up"],
                      [*at, "link", "set", "eth0", "up"],
                      [*at, "route", "add", "default", "via", net + "1"]):
            run("ip", *words)

    def forgets_udp_after(self, seconds):
        """Translations of silent UDP ports end."""
        for name in ("udp_timeout", "udp_timeout_stream"):
            self.router("sh", "-c", "echo %d > /proc/sys/net/netfilter/"
                        "nf_conntrack_%s" % (seconds, name))

    def inside(self, make):
        """What make() returns; its sockets are of the far side."""
        with open("/proc/thread-self/ns/net") as home, \
                open("/run/netns/" + self.names["far"]) as there:
            libc.setns(there.fileno(), CLONE_NEWNET)
            try:
                return make()
            finally:
                libc.setns(home.fileno(), CLONE_NEWNET)

    def remove(self):
        for name in self.names.values():
            subprocess.run(["ip", "netns", "delete", name])


def impossible():
    """Why there can be no such router, or None."""
    if os.geteuid():
        return "needs root"
    name = "gl%d-nat" % os.getpid()
    try:
        run("ip", "netns", "add", name)
        try:
            run("ip", "netns", "exec", name, "nft", "-f", "-", text=True,
                input=RULES % ("", ""), stderr=subprocess.DEVNULL)
        finally:
            run("ip", "netns", "delete", name)
    except (OSError, subprocess.CalledProcessError):
        return "nft cannot make a nat table"
    return None
