#!/usr/bin/env python3
"""Writes handshake.txt: one key creation, both sides, computed here from the
formulas of MTProto without any code of the project. Needs python3-cryptography.

usage: handshake.py > handshake.txt
"""
import hashlib
import random
import struct
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.serialization import (Encoding,
                                                          PublicFormat)

KNOWN_PRIME = int(
    "c71caeb9c6b1c9048e6c522f70f13f73980d40238e3e21c14934d037563d930f"
    "48198a0aa7c14058229493d22530f4dbfa336f6e0ac925139543aed44cce7c37"
    "20fd51f69458705ac68cd4fe6b6b13abdc9746512969328454f18faf8c595f64"
    "2477fe96bb2a941d5bcd1d4ac8cc49880708fa9b378e3c4f3a9060bee67cf9a4"
    "a4a695811051907e162753b56b0f6b410dba74d8a84b2a14b3144e0ef1284754"
    "fd17ed950d5965b4b9dd46582db1178d169c6bc465b0d6ff9ca3928fef5b9ae4"
    "e418fc15e83ebea0f87fa9ff5eed70050ded2849f47bf959d956850ce929851f"
    "0d8115f635b105ee2e4e15d04b2454bf6f4fadf034b10403119cd8e3b92fcc5b", 16)

rng = random.Random("gramline mtproto handshake")


def draw(n):
    return bytes(rng.randrange(256) for _ in range(n))


def sha1(*parts):
    return hashlib.sha1(b"".join(parts)).digest()


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def ige(data, key, iv, encrypt):
    ecb = Cipher(algorithms.AES(key), modes.ECB())
    run = (ecb.encryptor() if encrypt else ecb.decryptor()).update
    cipher, plain = iv[:16], iv[16:]
    out = b""
    for i in range(0, len(data), 16):
        block = data[i:i + 16]
        if encrypt:
            done = bytes(a ^ b for a, b in zip(
                run(bytes(a ^ b for a, b in zip(block, cipher))), plain))
            cipher, plain = done, block
        else:
            done = bytes(a ^ b for a, b in zip(
                run(bytes(a ^ b for a, b in zip(block, plain))), cipher))
            cipher, plain = block, done
        out += done
    return out


def number(v):
    return v.to_bytes((v.bit_length() + 7) // 8, "big")


def tl_bytes(b):
    head = bytes([len(b)]) if len(b) < 254 else \
        b"\xfe" + struct.pack("<I", len(b))[:3]
    return head + b + bytes(-(len(head) + len(b)) % 4)


def rsa_pad(data, n, e, padding, temp_key):
    d = data + padding
    assert len(d) == 192
    x = d[::-1] + sha256(temp_key, d)
    y = ige(x, temp_key, bytes(32), True)
    z = bytes(a ^ b for a, b in zip(temp_key, sha256(y))) + y
    z = int.from_bytes(z, "big")
    return pow(z, e, n).to_bytes(256, "big") if z < n else None


def wrap(data, key, iv, padding):
    whole = sha1(data) + data
    whole += padding[:-len(whole) % 16]
    return ige(whole, key, iv, True)


def main():
    u32 = lambda v: struct.pack("<I", v)
    out = {}
    private = rsa.generate_private_key(65537, 2048)
    public = private.public_key()
    n = public.public_numbers().n
    fingerprint = sha1(tl_bytes(number(n)), tl_bytes(number(65537)))[12:]
    out["pem"] = public.public_bytes(Encoding.PEM, PublicFormat.PKCS1)
    out["fingerprint"] = fingerprint
    nonce, server_nonce, new_nonce = draw(16), draw(16), draw(32)
    p, q = 1229739323, 1402015859
    out["nonce"] = nonce
    out["req_pq"] = u32(0xbe7e8ef1) + nonce
    out["res_pq"] = (u32(0x05162463) + nonce + server_nonce +
                     tl_bytes(number(p * q)) + u32(0x1cb5c415) + u32(2) +
                     draw(8) + fingerprint)
    inner = (u32(0xa9f55f95) + tl_bytes(number(p * q)) + tl_bytes(number(p)) +
             tl_bytes(number(q)) + nonce + server_nonce + new_nonce + u32(2))
    padding = draw(192 - len(inner))
    sealed, keys = None, b""
    while sealed is None:
        temp_key = draw(32)
        keys += temp_key
        sealed = rsa_pad(inner, n, 65537, padding, temp_key)
    out["random_params"] = new_nonce + padding + keys
    out["req_dh_params"] = (u32(0xd712e4be) + nonce + server_nonce +
                            tl_bytes(number(p)) + tl_bytes(number(q)) +
                            fingerprint + tl_bytes(sealed))
    ns, sn = sha1(new_nonce, server_nonce), sha1(server_nonce, new_nonce)
    key = ns + sn[:12]
    iv = sn[12:] + sha1(new_nonce, new_nonce) + new_nonce[:4]
    a, b = draw(256), draw(256)
    power = lambda base, e: pow(base, int.from_bytes(e, "big"), KNOWN_PRIME)
    g_a, g_b = power(3, a), power(3, b)
    out["server_time"] = u32(1700000000)
    answer = (u32(0xb5890dba) + nonce + server_nonce + u32(3) +
              tl_bytes(number(KNOWN_PRIME)) + tl_bytes(number(g_a)) +
              out["server_time"])
    out["server_dh_params"] = (u32(0xd0e8075c) + nonce + server_nonce +
                               tl_bytes(wrap(answer, key, iv, draw(16))))
    padding = draw(16)
    out["random_key"] = b + padding
    inner = (u32(0x6643b654) + nonce + server_nonce + bytes(8) +
             tl_bytes(g_b.to_bytes(256, "big")))
    out["set_client_dh_params"] = (u32(0xf5045f1f) + nonce + server_nonce +
                                   tl_bytes(wrap(inner, key, iv, padding)))
    auth_key = power(g_a, b).to_bytes(256, "big")
    hash1 = sha1(new_nonce, b"\1", sha1(auth_key)[:8])[4:]
    out["dh_gen_ok"] = u32(0x3bcbf734) + nonce + server_nonce + hash1
    out["auth_key"] = auth_key
    out["salt"] = bytes(x ^ y for x, y in zip(new_nonce, server_nonce))[:8]
    for name, value in out.items():
        print(name, value.hex())


if __name__ == "__main__":
    main()
