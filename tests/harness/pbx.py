"""A PBX in Python: others register with it, and it asks them for digest
credentials, of REGISTER and of INVITE."""
import hashlib
import re

from .process import wait_for
from .sip import Call, Client, Incoming, token


def fields(value):
    return dict(re.findall(r'(\w+)="?([^",]*)"?', value))


class Pbx(Client):
    """accounts: {login: password}. algorithm: MD5 or SHA-256. It has to be
    there before the gateway is: `server` is set when that is known."""

    def __init__(self, accounts, algorithm="MD5", wire=None):
        self.accounts, self.algorithm = accounts, algorithm
        self.nonce = token()
        self.contacts = {}      # login: the contact as registered
        self.refusal = None     # (code, reason) of every REGISTER
        self.granted = 300
        super().__init__("127.0.0.1:9", "pbx", "", wire=wire)

    @property
    def address(self):
        return "127.0.0.1:%d" % self.port

    def authorised(self, m, name):
        """The login whose password the request proves, or None."""
        f = fields(m.get(name, ""))
        password = self.accounts.get(f.get("username"))
        if password is None or f.get("nonce") != self.nonce:
            return None

        def h(text):
            kind = (hashlib.md5 if self.algorithm == "MD5"
                    else hashlib.sha256)
            return kind(text.encode()).hexdigest()
        ha1 = h("%s:%s:%s" % (f["username"], f["realm"], password))
        ha2 = h("%s:%s" % (m.method, f["uri"]))
        good = h(":".join((ha1, f["nonce"], f["nc"], f["cnonce"], "auth",
                           ha2)))
        return f["username"] if f["response"] == good else None

    def challenge(self, m, code, reason, name):
        self.respond(m, code, reason, [(name, 'Digest realm="pbx", '
                     'nonce="%s", qop="auth", algorithm=%s' % (
                         self.nonce, self.algorithm))])

    def take(self, m):
        if m.method == "REGISTER":
            self.take_register(m)
        elif m.method == "INVITE" and ";tag=" not in m.get("To"):
            if not self.authorised(m, "Proxy-Authorization"):
                self.challenge(m, 407, "Proxy Authentication Required",
                               "Proxy-Authenticate")
        else:
            super().take(m)

    def take_register(self, m):
        login = self.authorised(m, "Authorization")
        if self.refusal:
            self.respond(m, *self.refusal)
        elif not login:
            self.challenge(m, 401, "Unauthorized", "WWW-Authenticate")
        elif m.get("Expires") == "0":
            self.contacts.pop(login, None)
            self.respond(m, 200, "OK")
        else:
            self.contacts[login] = m.contact_uri()
            self.respond(m, 200, "OK", [("Contact", "<%s>;expires=%d" % (
                m.contact_uri(), self.granted))])

    def invites(self):
        """Those whose credentials were right."""
        return [m for m in super().invites()
                if self.authorised(m, "Proxy-Authorization")]

    def wait_invite(self, seconds=20, skip=0):
        return Incoming(self, wait_for(
            "an INVITE with credentials",
            lambda: (self.invites()[skip:] or [None])[0], seconds, 0.005))

    def call_contact(self, login, user, sdp, contact=None):
        """To a registered contact, with the number in its user part."""
        c = Call(self, user)
        uri = contact or self.contacts[login]
        c.target = re.sub(r"^sip:[^@]*@", "sip:%s@" % user, uri)
        c.to = "<sip:%s@%s>" % (user, self.address)
        c.invite(sdp, (), False)
        return c
