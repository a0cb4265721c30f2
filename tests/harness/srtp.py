"""SRTP with AES_CM_128_HMAC_SHA1_80 (RFC 3711) for short streams: the rollover
counter stays zero."""
import base64
import hmac
import os
import re

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

TAG = 10


def key_new():
    return base64.b64encode(os.urandom(30)).decode()


def key_of(sdp):
    """The first key of a description, or None."""
    m = re.search(r"^a=crypto:\d+ AES_CM_128_HMAC_SHA1_80 inline:([^\s|]+)",
                  sdp, re.M)
    return m.group(1) if m else None


def keystream(key, iv, data):
    c = Cipher(algorithms.AES(key), modes.CTR(iv)).encryptor()
    return c.update(data)


class Srtp:
    """One direction. key: base64 of master key and salt."""

    def __init__(self, key):
        raw = base64.b64decode(key)
        self.master, salt = raw[:16], int.from_bytes(raw[16:], "big")

        def derive(label, n):
            x = salt ^ label << 48
            return keystream(self.master, (x << 16).to_bytes(16, "big"),
                             bytes(n))
        self.key, self.auth = derive(0, 16), derive(1, 20)
        self.salt = int.from_bytes(derive(2, 14), "big")

    def crypt(self, packet):
        head = 12 + 4 * (packet[0] & 15)
        ssrc = int.from_bytes(packet[8:12], "big")
        seq = int.from_bytes(packet[2:4], "big")
        iv = self.salt << 16 ^ ssrc << 64 ^ seq << 16
        return packet[:head] + keystream(self.key, iv.to_bytes(16, "big"),
                                         packet[head:])

    def tag(self, packet):
        return hmac.new(self.auth, packet + bytes(4), "sha1").digest()[:TAG]

    def protect(self, packet):
        packet = self.crypt(packet)
        return packet + self.tag(packet)

    def unprotect(self, packet):
        """None: not authentic."""
        packet, tag = packet[:-TAG], packet[-TAG:]
        return self.crypt(packet) if self.tag(packet) == tag else None
