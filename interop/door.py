"""A second TCP port of a server: what comes there goes to the first."""
import socket
import threading


def carry(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    for end in (source, target):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def accept(listener, address):
    while True:
        try:
            near, _ = listener.accept()
        except OSError:
            return
        far = socket.create_connection(address)
        for pair in ((near, far), (far, near)):
            threading.Thread(target=carry, args=pair, daemon=True).start()


class Door:
    def __init__(self, port, address):
        self.listener = socket.create_server((address[0], port))
        threading.Thread(target=accept, args=(self.listener, address),
                         daemon=True).start()

    def stop(self):
        self.listener.close()
