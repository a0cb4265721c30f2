"""Small proxies to get through: SOCKS5 (RFC 1928, 1929), HTTP CONNECT and an
MTProto proxy. Written from the documents with nothing of ours."""
import base64
import hashlib
import ipaddress
import socket
import struct
import threading

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes


class Refused(Exception):
    pass


def read_exactly(s, n):
    data = b""
    while len(data) < n:
        chunk = s.recv(n - len(data))
        if not chunk:
            raise Refused("cut off")
        data += chunk
    return data


class Listener:
    """Accepts, lets the subclass negotiate, carries bytes. `seen`: the targets
    that were asked for; `refused`: why somebody was turned away."""

    def __init__(self, host="127.0.0.1"):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.create_server((host, 0), family=family)
        self.host, self.port = host, self.socket.getsockname()[1]
        self.seen, self.refused, self.open = [], [], set()
        self.through = 0    # bytes carried towards Telegram
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,),
                             daemon=True).start()

    def serve(self, client):
        server = None
        self.open.add(client)
        try:
            client.settimeout(10)
            server, up, down = self.negotiate(client)
            client.settimeout(None)
            self.open.add(server)
            threading.Thread(target=self.carry, args=(server, client, down),
                             daemon=True).start()
            self.carry(client, server, up, True)
        except (Refused, OSError, ValueError) as why:
            self.refused.append(str(why))
        for s in (client, server):
            if s:
                s.close()
                self.open.discard(s)

    def carry(self, source, sink, change, count=False):
        try:
            while True:
                chunk = source.recv(65536)
                if not chunk:
                    break
                if count:
                    self.through += len(chunk)
                sink.sendall(change(chunk))
        except OSError:
            pass
        for s in (source, sink):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def dial(self, host, port):
        self.seen.append((host, port))
        server = socket.create_connection((host, port), 5)
        server.settimeout(None)
        return server

    def cut(self):
        """Ends every connection that is open."""
        for s in list(self.open):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def stop(self):
        if self.socket.fileno() < 0:
            return
        # close() alone would wait for accept().
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.cut()


def as_it_is(chunk):
    return chunk


class Socks5(Listener):
    """password: (user name, password) that must be given, or None. rule: the
    reply code to every request, 0 to let it pass."""

    def __init__(self, password=None, rule=0, host="127.0.0.1"):
        self.password, self.rule = password, rule
        super().__init__(host)

    def negotiate(self, client):
        version, n = read_exactly(client, 2)
        methods = read_exactly(client, n)
        wanted = 2 if self.password else 0
        if version != 5 or wanted not in methods:
            client.sendall(b"\x05\xff")
            raise Refused("no acceptable method")
        client.sendall(bytes((5, wanted)))
        if self.password:
            self.authenticate(client)
        version, command, zero, kind = read_exactly(client, 4)
        if (version, command, zero) != (5, 1, 0):
            raise Refused("bad request")
        if kind == 3:
            host = read_exactly(client, read_exactly(client, 1)[0]).decode()
        elif kind in (1, 4):
            host = str(ipaddress.ip_address(
                read_exactly(client, 4 if kind == 1 else 16)))
        else:
            raise Refused("bad address type")
        port, = struct.unpack(">H", read_exactly(client, 2))
        if self.rule:
            client.sendall(bytes((5, self.rule, 0, 1)) + bytes(6))
            raise Refused("rule %d" % self.rule)
        server = self.dial(host, port)
        # A name as the bound address: clients must read past it.
        client.sendall(b"\x05\x00\x00\x03\x04here" + struct.pack(">H", 1))
        return server, as_it_is, as_it_is

    def authenticate(self, client):
        version, n = read_exactly(client, 2)
        user = read_exactly(client, n).decode()
        word = read_exactly(client, read_exactly(client, 1)[0]).decode()
        good = version == 1 and (user, word) == self.password
        client.sendall(bytes((1, 0 if good else 1)))
        if not good:
            raise Refused("wrong password")


class HttpConnect(Listener):
    """password as for Socks5; status: what everybody is answered instead."""

    def __init__(self, password=None, status=None):
        self.password, self.status = password, status
        super().__init__()

    def negotiate(self, client):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += read_exactly(client, 1)
        lines = head.decode().split("\r\n")
        method, target, version = lines[0].split(" ")
        fields = dict(line.split(": ", 1) for line in lines[1:] if line)
        if (method, version) != ("CONNECT", "HTTP/1.1"):
            raise Refused("bad request")
        if fields["Host"] != target:
            raise Refused("another Host")
        if self.status:
            client.sendall(b"HTTP/1.1 " + self.status.encode() + b"\r\n\r\n")
            raise Refused(self.status)
        if self.password:
            scheme, text = fields.get("Proxy-Authorization",
                                      "none -").split(" ")
            if scheme != "Basic" or base64.b64decode(text).decode() != \
                    "%s:%s" % self.password:
                client.sendall(b"HTTP/1.1 407 Proxy Authentication Required"
                               b"\r\nProxy-Authenticate: Basic realm=\"x\""
                               b"\r\nContent-Length: 0\r\n\r\n")
                raise Refused("wrong password")
        host, port = target.rsplit(":", 1)
        server = self.dial(host.strip("[]"), int(port))
        client.sendall(b"HTTP/1.1 200 Connection established\r\n"
                       b"Via: 1.1 test\r\n\r\n")
        return server, as_it_is, as_it_is


def ctr(key, iv):
    return Cipher(algorithms.AES(key), modes.CTR(iv)).encryptor()


class Mtproto(Listener):
    """secret: 16 bytes; padded: only the padded transport is let in; dcs:
    {number: (host, port)}."""

    def __init__(self, secret, dcs, padded=False):
        self.secret, self.dcs, self.padded = secret, dcs, padded
        super().__init__()

    def negotiate(self, client):
        header = read_exactly(client, 64)
        back = header[::-1]
        reader = ctr(hashlib.sha256(header[8:40] + self.secret).digest(),
                     header[40:56])
        writer = ctr(hashlib.sha256(back[8:40] + self.secret).digest(),
                     back[40:56])
        clear = reader.update(header)
        tag, (dc,) = clear[56:60], struct.unpack("<h", clear[60:62])
        allowed = ((b"\xdd" * 4,) if self.padded
                   else (b"\xdd" * 4, b"\xee" * 4, b"\xef" * 4))
        if tag not in allowed:
            # Nobody is told that a proxy lives here.
            raise Refused("wrong secret")
        if dc not in self.dcs:
            raise Refused("unknown data centre %d" % dc)
        server = self.dial(*self.dcs[dc])
        # The same packets, obfuscated anew without a secret.
        mine = bytes((0x11,)) + hashlib.sha512(header).digest()[1:]
        mine = mine[:56] + tag + clear[60:62] + mine[62:]
        sender, taker = (ctr(mine[8:40], mine[40:56]),
                         ctr(mine[::-1][8:40], mine[::-1][40:56]))
        hidden = sender.update(mine)
        server.sendall(mine[:56] + hidden[56:])
        return (server, lambda b: sender.update(reader.update(b)),
                lambda b: writer.update(taker.update(b)))
