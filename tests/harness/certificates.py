"""Certificates for tests: an authority, and what it signs."""
import datetime
import os

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def name_of(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class Authority:
    """Its certificate is `path`."""

    def __init__(self, folder, name="test authority"):
        self.folder, self.name = folder, name_of(name)
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.path = os.path.join(folder, name.replace(" ", "-") + ".pem")
        self.write(self.path, self.build(self.name, self.key, None, True))

    def build(self, subject, key, host, authority, days=(-1, 30)):
        now = datetime.datetime.utcnow()
        b = (x509.CertificateBuilder().subject_name(subject)
             .issuer_name(self.name).public_key(key.public_key())
             .serial_number(x509.random_serial_number())
             .not_valid_before(now + datetime.timedelta(days=days[0]))
             .not_valid_after(now + datetime.timedelta(days=days[1]))
             .add_extension(x509.BasicConstraints(authority, None), True))
        if host:
            b = b.add_extension(x509.SubjectAlternativeName(
                [x509.DNSName(host)]), False)
        return b.sign(self.key, hashes.SHA256())

    @staticmethod
    def write(path, certificate, key=None):
        with open(path, "wb") as f:
            if key:
                f.write(key.private_bytes(
                    serialization.Encoding.PEM,
                    serialization.PrivateFormat.PKCS8,
                    serialization.NoEncryption()))
            f.write(certificate.public_bytes(serialization.Encoding.PEM))

    def certificate(self, host, days=(-1, 30)):
        """The path of a file with key and certificate for a host."""
        key = ec.generate_private_key(ec.SECP256R1())
        path = os.path.join(self.folder, "%s.pem" % host)
        self.write(path, self.build(name_of(host), key, host, False, days),
                   key)
        return path
