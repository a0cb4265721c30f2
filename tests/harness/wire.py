"""Connections that carry SIP, as sip.Client uses a socket: one message a
recvfrom(). TCP and TLS, made or accepted."""
import re
import select
import socket
import ssl
import threading


class Stream:
    """SIP over a byte stream (RFC 3261 18.3: Content-Length ends a message).
    """

    def __init__(self, connection, name):
        self.connection, self.name = connection, name
        self.data, self.lock = b"", threading.Lock()
        self.source = connection.getpeername()
        # One thread in it at a time: OpenSSL bears no two.
        connection.setblocking(False)

    def getsockname(self):
        return self.connection.getsockname()

    def sendto(self, data, _):
        while data:
            try:
                with self.lock:
                    data = data[self.connection.send(data):]
            except (BlockingIOError, ssl.SSLWantWriteError):
                select.select([], [self.connection], [], 1)

    def chunk(self):
        while True:
            try:
                with self.lock:
                    return self.connection.recv(65536)
            except (BlockingIOError, ssl.SSLWantReadError):
                pass
            try:
                select.select([self.connection], [], [], 1)
            except ValueError as e:
                raise OSError("closed") from e

    def message(self):
        """The first whole message of what has come, or None."""
        self.data = self.data.lstrip(b"\r\n")
        head, end, rest = self.data.partition(b"\r\n\r\n")
        if not end:
            return None
        length = re.search(rb"^(?:Content-Length|l)\s*:\s*(\d+)", head,
                           re.M | re.I)
        n = len(head) + 4 + int(length.group(1))
        if len(self.data) < n:
            return None
        message, self.data = self.data[:n], self.data[n:]
        return message

    def recvfrom(self, _):
        while True:
            message = self.message()
            if message:
                return message, self.source
            chunk = self.chunk()
            if not chunk:
                raise OSError("closed")
            self.data += chunk

    def close(self):
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        with self.lock:
            self.connection.close()


def tcp(host, port):
    return Stream(socket.create_connection((host, port)), "TCP")


def tls(host, port, ca_file=None, name=None):
    """Verified against ca_file and name when there is one."""
    context = ssl.create_default_context(cafile=ca_file)
    if not ca_file:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return Stream(context.wrap_socket(
        socket.create_connection((host, port)),
        server_hostname=name or host), "TLS")


class Listener:
    """Who waits for one connection at a time: a PBX that we register with.
    `names` holds the server names that were asked for (SNI)."""

    def __init__(self, certificate=None, name="TLS", address="127.0.0.1"):
        self.listener = socket.create_server(
            (address, 0), family=socket.AF_INET6 if ":" in address
            else socket.AF_INET)
        self.name, self.names, self.context = name, [], None
        if certificate:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(certificate)
            self.context.sni_callback = \
                lambda _, host, __: self.names.append(host)
        self.stream, self.accepted = None, 0

    def getsockname(self):
        return self.listener.getsockname()

    def sendto(self, data, where):
        self.stream.sendto(data, where)

    def recvfrom(self, size):
        while True:
            try:
                if self.stream:
                    return self.stream.recvfrom(size)
            except (OSError, ssl.SSLError):
                self.stream.close()
                self.stream = None
            connection, _ = self.listener.accept()
            try:
                if self.context:
                    connection = self.context.wrap_socket(connection,
                                                          server_side=True)
                self.stream = Stream(connection, self.name)
                self.accepted += 1
            except (OSError, ssl.SSLError):
                connection.close()

    def close(self):
        if self.stream:
            self.stream.close()
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
