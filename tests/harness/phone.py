"""baresip, unmodified, with the recipe of docs/pbx, as a SIP phone: fed from a
WAV file, recorded by its own sndfile module, steered over its control port."""
import json
import os
import socket
import threading

from . import recipe
from .process import Process, free_port, wait_for

# What is no recipe: how it is steered and recorded.
OWN = """net_interface {address}
module sndfile.so
module ctrl_tcp.so
snd_path {folder}
ctrl_tcp_listen 127.0.0.1:{port}
"""


def modules_folder():
    for root in ("/usr/lib/baresip/modules",
                 "/usr/lib/x86_64-linux-gnu/baresip/modules",
                 "/usr/lib/aarch64-linux-gnu/baresip/modules"):
        if os.path.isdir(root):
            return root
    raise FileNotFoundError("baresip's modules")


class Phone:
    """One baresip process with one account."""

    CODECS = {"PCMA": ("PCMA/8000/1", 8000), "PCMU": ("PCMU/8000/1", 8000),
              "opus": ("opus/48000/2", 48000)}

    def __init__(self, folder, server, login, password, codec, speech,
                 auto_answer=True, rtp_first=20000, max_calls=1,
                 transport="udp", mediaenc=None, address="127.0.0.1"):
        os.makedirs(folder, exist_ok=True)
        self.folder, self.server = folder, server
        name, rate = self.CODECS[codec]
        self.control_port = free_port()
        recipe.write(folder, ["baresip/config"], {
            "0.0.0.0:5060": "%s:%d" % (address, free_port()),
            "call_max_calls 1": "call_max_calls %d" % max_calls,
            "player alsa,default": "player aufile,%s/played.wav" % folder,
            "source alsa,default": "source aufile," + speech,
            "alert alsa,alert": "alert aufile,/dev/null",
            "module alsa.so": "module aufile.so",
            "module account.so": "module srtp.so\nmodule dtls_srtp.so\n"
                                 "module account.so",
            "srate 48000": "srate %d" % rate,
            "20000-20098": "%d-%d" % (rtp_first, rtp_first + 98),
            "/usr/lib/baresip/modules": modules_folder()})
        with open(os.path.join(folder, "config"), "a") as f:
            f.write(OWN.format(folder=folder, port=self.control_port,
                               address=address))
        recipe.write(folder, ["baresip/accounts"], {
            "sip:desk@10.0.0.5": "sip:%s@%s" % (login, server),
            "auth_user=desk": "auth_user=" + login,
            "auth_pass=change-me": "auth_pass=" + password,
            "opus/48000/2,PCMA/8000/1,PCMU/8000/1": name,
            "transport=udp": "transport=" + transport,
            "answermode=manual": "answermode=" + (
                "auto" if auto_answer else "manual") + (
                    ";mediaenc=" + mediaenc if mediaenc else "")})
        with open(os.path.join(folder, "contacts"), "w"):
            pass
        self.events = []
        self.process = Process("baresip", ["baresip", "-f", folder], folder)
        self.control = wait_for("baresip's control port", self.connect)
        threading.Thread(target=self.read_events, daemon=True).start()

    def connect(self):
        try:
            return socket.create_connection(("127.0.0.1", self.control_port))
        except OSError:
            return None

    def read_events(self):
        data = b""
        try:
            while True:
                chunk = self.control.recv(65536)
                if not chunk:
                    return
                data += chunk
                while b":" in data:
                    n, rest = data.split(b":", 1)
                    if len(rest) < int(n) + 1:
                        break
                    self.events.append(json.loads(rest[:int(n)]))
                    data = rest[int(n) + 1:]
        except (OSError, ValueError):
            return

    def command(self, name, params=""):
        text = json.dumps({"command": name, "params": params,
                           "token": "t"}).encode()
        self.control.sendall(b"%d:%s," % (len(text), text))

    def count(self, kind):
        return sum(1 for e in self.events if e.get("type") == kind)

    def last(self, kind):
        found = [e for e in self.events if e.get("type") == kind]
        return found[-1] if found else None

    def wait_event(self, kind, seconds=20.0, after=0):
        """Waits until more than `after` events of a kind were seen."""
        wait_for("baresip's %s" % kind, lambda: self.count(kind) > after,
                 seconds)
        return self.last(kind)

    def wait_registered(self):
        """By its log: the event may come before we listen."""
        self.process.wait_text("200 OK")

    def dial(self, user):
        self.command("dial", "sip:%s@%s" % (user, self.server))

    def hang_up(self):
        self.command("hangup")

    def recordings(self):
        """(heard, spoken) of the newest call, as baresip wrote them."""
        names = sorted(n for n in os.listdir(self.folder)
                       if n.startswith("dump-"))
        heard = [n for n in names if n.endswith("-dec.wav")]
        spoken = [n for n in names if n.endswith("-enc.wav")]
        return (os.path.join(self.folder, heard[-1]) if heard else None,
                os.path.join(self.folder, spoken[-1]) if spoken else None)

    def stop(self):
        self.process.stop()
        self.control.close()
