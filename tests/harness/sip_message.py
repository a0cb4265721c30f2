"""SIP messages as text, as far as a test phone needs them: reading, writing,
digest answers, SDP."""
import hashlib
import os
import re

COMPACT = {"v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact",
           "c": "content-type", "l": "content-length"}


class Message:
    def __init__(self, data):
        head, _, self.body = data.partition(b"\r\n\r\n")
        lines = head.decode("utf-8", "replace").split("\r\n")
        self.first = lines[0]
        self.headers = []
        for line in lines[1:]:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            self.headers.append((COMPACT.get(name, name), value.strip()))
        self.code = self.method = None
        words = self.first.split(" ", 2)
        if words[0] == "SIP/2.0":
            self.code = int(words[1])
            self.reason = words[2] if len(words) > 2 else ""
        else:
            self.method, self.uri = words[0], words[1]

    def get(self, name):
        return next((v for n, v in self.headers if n == name), "")

    def all(self, name):
        return [v for n, v in self.headers if n == name]

    @property
    def cseq(self):
        number, method = self.get("cseq").split()
        return int(number), method

    @property
    def branch(self):
        m = re.search(r";branch=([^;,\s]+)", self.get("via"))
        return m.group(1) if m else ""

    def contact_uri(self):
        m = re.search(r"<([^>]*)>", self.get("contact"))
        return m.group(1) if m else self.get("contact").split(";")[0]


def tag():
    return os.urandom(8).hex()


def write(first, headers, body=b""):
    lines = [first] + ["%s: %s" % h for h in headers]
    lines.append("Content-Length: %d" % len(body))
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def response(request, code, reason, to_tag="", headers=(), body=b""):
    to = request.get("to")
    if to_tag and ";tag=" not in to:
        to += ";tag=" + to_tag
    return write("SIP/2.0 %d %s" % (code, reason),
                 [("Via", v) for v in request.all("via")] +
                 [("From", request.get("from")), ("To", to),
                  ("Call-ID", request.get("call-id")),
                  ("CSeq", request.get("cseq"))] + list(headers), body)


def digest(challenge, method, uri, login, password):
    """The Authorization value for a WWW-Authenticate or Proxy-Authenticate
    value (RFC 7616)."""
    said = {k.lower(): v.strip('"') for k, v in re.findall(
        r'(\w+)=("[^"]*"|[^\s,]+)', challenge)}
    algorithm = said.get("algorithm", "MD5")
    new = hashlib.sha256 if algorithm.upper() == "SHA-256" else hashlib.md5

    def h(text):
        return new(text.encode()).hexdigest()
    cnonce, count = tag(), "00000001"
    ha1 = h("%s:%s:%s" % (login, said["realm"], password))
    ha2 = h("%s:%s" % (method, uri))
    parts = ['username="%s"' % login, 'realm="%s"' % said["realm"],
             'nonce="%s"' % said["nonce"], 'uri="%s"' % uri,
             "algorithm=%s" % algorithm]
    if "qop" in said:
        answer = h(":".join([ha1, said["nonce"], count, cnonce, "auth", ha2]))
        parts += ["qop=auth", "nc=" + count, 'cnonce="%s"' % cnonce]
    else:
        answer = h(":".join([ha1, said["nonce"], ha2]))
    if "opaque" in said:
        parts.append('opaque="%s"' % said["opaque"])
    parts.append('response="%s"' % answer)
    return "Digest " + ", ".join(parts)


def sdp(host, port):
    """PCMA only, with telephone events."""
    return ("v=0\r\no=- 1 1 IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\n"
            "m=audio %d RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\n"
            "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n"
            "a=ptime:20\r\na=sendrecv\r\n" % (host, host, port)).encode()


def sdp_address(body):
    """(host, port) of the audio of an SDP."""
    text = body.decode("utf-8", "replace")
    host = re.search(r"^c=IN IP4 (\S+)", text, re.M)
    port = re.search(r"^m=audio (\d+)", text, re.M)
    return (host.group(1), int(port.group(1))) if host and port else None
