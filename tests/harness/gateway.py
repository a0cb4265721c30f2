"""The gateway under test: its configuration, its process, its answers."""
import json
import os
import socket
import subprocess

from .process import Process, free_port, wait_for


class Gateway:
    """trunks: dicts of name, login, password, session, codecs;
    sessions: {name: phone}; telegram: lines for the [telegram] section;
    more: text at the end of the configuration."""

    def __init__(self, build, folder, telegram, sessions, trunks,
                 rtp="16384-18384", extra_sip="", address=None, more="",
                 session_lines=None):
        os.makedirs(folder, exist_ok=True)
        self.program = os.path.join(build, "gramline")
        self.folder = folder
        self.address = address or "127.0.0.1:%d" % free_port()
        self.sip_port = int(self.address.rpartition(":")[2])
        self.control = os.path.join(folder, "control.sock")
        self.config = os.path.join(folder, "gramline.conf")
        self.key = os.path.join(folder, "secret.key")
        self.records_path = os.path.join(folder, "data", "calls.jsonl")
        self.process = None
        if not os.path.exists(self.key):
            subprocess.run([self.program, "key", self.key], check=True)
        with open(self.config, "w") as f:
            f.write("[gramline]\ndata = %s\ncontrol = %s\nkey_file = %s\n"
                    "log = info\n\n" % (os.path.join(folder, "data"),
                                        self.control, self.key))
            f.write("[telegram]\n%s\nmedia_loopback = yes\n"
                    "media_address = 127.0.0.1\n\n" % telegram)
            f.write("[sip]\nlisten = %s\nrtp = %s\n%s\n" % (
                self.address, rtp, extra_sip))
            for name, phone in sessions.items():
                f.write("\n[session %s]\nphone = %s\n%s\n" % (
                    name, phone, (session_lines or {}).get(name, "")))
            for t in trunks:
                f.write("\n[trunk %s]\n" % t["name"])
                for key, value in t.items():
                    if key != "name":
                        f.write("%s = %s\n" % (key, value))
            f.write("\n" + more)

    def certificate(self):
        """Its own one, without the key; there once it has started."""
        with open(os.path.join(self.folder, "data", "certificate.pem")) as f:
            return f.read().partition("-----BEGIN CERT")[2].join(
                ("-----BEGIN CERT", ""))

    def login(self, session, code_source, seconds=60):
        """`gramline login` as a person would: the code is asked of
        code_source() when the program asks for it."""
        child = subprocess.Popen(
            [self.program, "login", "-c", self.config, session],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        seen = b""
        while b"Code: " not in seen:
            chunk = child.stdout.read1(4096)
            if not chunk:
                raise RuntimeError("login ended: %s" % seen.decode())
            seen += chunk
        out, _ = child.communicate(code_source().encode() + b"\n", seconds)
        text = (seen + out).decode()
        if child.returncode != 0:
            raise RuntimeError("login failed: " + text)
        return text

    def start(self):
        self.process = Process("gramline",
                               [self.program, "run", "-c", self.config],
                               self.folder)
        wait_for("the gateway's control socket", self.answers)

    def answers(self):
        if not self.process.alive():
            raise RuntimeError("gramline ended:\n" +
                               self.process.text()[-3000:])
        return self.ask("show version") is not None

    def ask(self, command, seconds=10, **arguments):
        """Over the control socket, as `gramline -x` does; None: no answer."""
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
                s.settimeout(seconds)
                s.connect(self.control)
                request = dict(arguments, command=command)
                s.sendall(json.dumps(request).encode() + b"\n")
                line = s.makefile().readline()
        except OSError:
            return None
        return json.loads(line) if line else None

    def cli(self, *words):
        """The program itself: exit status, output and errors."""
        return subprocess.run([self.program, *words], text=True,
                              stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=60)

    def rows(self, what):
        answer = self.ask("show " + what)
        return answer["rows"] if answer else []

    def wait_sessions_ready(self, seconds=30):
        def ready():
            rows = self.rows("sessions")
            return rows and all(r["state"] == "ready" for r in rows)
        wait_for("the sessions to be ready", ready, seconds)

    def trunk(self, name):
        return next(r for r in self.rows("trunks") if r["trunk"] == name)

    def wait_trunk(self, name, state="registered", seconds=20):
        wait_for("trunk %s %s" % (name, state), lambda: any(
            r["trunk"] == name and r["state"] == state
            for r in self.rows("trunks")), seconds)

    def wait_idle(self, seconds=40):
        def idle():
            s = self.rows("status")
            return s and s[0]["calls"] == 0 and s[0]["rtp_ports"] == 0
        wait_for("no call and no RTP port in use", idle, seconds)

    def records(self):
        if not os.path.exists(self.records_path):
            return []
        with open(self.records_path) as f:
            return [json.loads(line) for line in f]

    def counters(self):
        return {r["area"] + "." + r["kind"]: r["count"]
                for r in self.rows("counters")}

    def stop(self):
        return self.process.stop()
