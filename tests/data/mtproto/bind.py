#!/usr/bin/env python3
"""Writes bind.txt: the encrypted message of auth.bindTempAuthKey, computed here
from the formulas of MTProto 1.0 without any code of the project. Needs
python3-cryptography.

usage: bind.py > bind.txt
"""
import hashlib
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes


def sha1(*parts):
    return hashlib.sha1(b"".join(parts)).digest()


def ige_encrypt(data, key, iv):
    ecb = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    cipher, plain, out = iv[:16], iv[16:], b""
    for i in range(0, len(data), 16):
        block = data[i:i + 16]
        mixed = bytes(a ^ b for a, b in zip(block, cipher))
        cipher = bytes(a ^ b for a, b in zip(ecb.update(mixed), plain))
        plain = block
        out += cipher
    return out


perm = bytes((7 * i + i // 16) % 256 for i in range(256))
temp = bytes((11 * i + 3) % 256 for i in range(256))
perm_id, temp_id = sha1(perm)[12:], sha1(temp)[12:]
msg_id, nonce, session = 0x5e0b86bc00000004, 0x1122334455667788, -2
expires = 1900000000
random = bytes(range(0xa0, 0xb8))     # 16 before, 8 behind
inner = (struct.pack("<Iq", 0x75a3f765, nonce) + temp_id + perm_id +
         struct.pack("<qi", session, expires))
plain = random[:16] + struct.pack("<qii", msg_id, 0, len(inner)) + inner
assert len(plain) == 72
msg_key = sha1(plain)[4:20]
a = sha1(msg_key, perm[:32])
b = sha1(perm[32:48], msg_key, perm[48:64])
c = sha1(perm[64:96], msg_key)
d = sha1(msg_key, perm[96:128])
key = a[:8] + b[8:20] + c[4:16]
iv = a[8:20] + b[:8] + c[16:20] + d[:8]
message = perm_id + msg_key + ige_encrypt(plain + random[16:], key, iv)
for name, value in (("perm", perm), ("temp", temp), ("random", random),
                    ("message", message)):
    print(name, value.hex())
