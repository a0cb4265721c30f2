"""Pages of docs that a run writes, and nobody else: the last line is a digest
of all above it."""
import hashlib
import os

HERE = os.path.dirname(os.path.abspath(__file__))
DOCS = os.path.join(os.path.dirname(HERE), "docs")
DIGEST = "<!-- digest %s -->\n"


def digest(text):
    return DIGEST % hashlib.sha256(text.encode()).hexdigest()


def write(name, text):
    with open(os.path.join(DOCS, name), "w", encoding="utf-8") as f:
        f.write(text + digest(text))


def lines(name):
    path = os.path.join(DOCS, name)
    if not os.path.exists(path):
        return []
    with open(path, newline="", encoding="utf-8") as f:
        return f.read().splitlines(True)


def edited(name):
    """What is wrong with the page; nothing: an empty string."""
    found = lines(name)
    if found and found[-1] != digest("".join(found[:-1])):
        return ("docs/%s was edited: take it back as it was, or delete it "
                "and run `make interop`" % name)
    return ""


def table(rows):
    """Markdown; the first row is the heads."""
    rows = [rows[0], ["---"] * len(rows[0])] + rows[1:]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)
