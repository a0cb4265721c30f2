"""The messages of RFC 4475 and what it wants done with them, from
tests/data/rfc4475 (see its README)."""
import collections
import hashlib
import os
import re

FOLDER = os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "data", "rfc4475")

# verdict: the RFC's; udp, tcp: our answers' codes, "-" for silence; of tcp also
# "closed" (the end of the connection) and "." (nothing else than over UDP).
Case = collections.namedtuple("Case", "name section verdict udp tcp message")


def line_of(text):
    """One line in the RFC's notation (its section 2)."""
    text = re.sub(r"<repeat count=(\d+)>(.*?)</repeat>",
                  lambda m: int(m.group(1)) * m.group(2), text)
    return b"".join(
        bytes.fromhex(part) if n % 2 else part.encode()
        for n, part in enumerate(re.split(r"<hex>(\w*)</hex>", text)))


def message_of(lines):
    done, joined = b"", None
    for text in lines:
        if text == "<allOneLine>":
            joined = b""
        elif text == "</allOneLine>":
            done, joined = done + joined + b"\r\n", None
        elif joined is not None:
            joined += line_of(text)
        else:
            done += line_of(text) + b"\r\n"
    return done


def messages():
    with open(os.path.join(FOLDER, "messages.txt"), encoding="ascii") as f:
        parts = re.split(r"^=== (\w+)\n", f.read(), flags=re.M)
    return {name: message_of(text.split("\n")[:-1])
            for name, text in zip(parts[1::2], parts[2::2])}


def cases():
    """Every message with its verdict, in the RFC's order."""
    found, known = [], messages()
    with open(os.path.join(FOLDER, "verdicts.txt"), encoding="ascii") as f:
        for text in f:
            if text.strip() and not text.startswith("#"):
                name, section, verdict, udp, tcp, digest = text.split()
                message = known.pop(name)
                assert hashlib.sha256(message).hexdigest().startswith(
                    digest), "%s is not as in the RFC's archive" % name
                found.append(Case(name, section, verdict, udp, tcp, message))
    assert not known, "no verdict for %s" % sorted(known)
    return found
