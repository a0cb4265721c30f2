"""docs/compatibility.md: written by a whole run of the matrix, and by nothing
else. Its last line is a digest of all above it."""
import hashlib
import itertools
import os
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PATH = os.path.join(os.path.dirname(HERE), "docs", "compatibility.md")
VERSIONS = ["13.0.0", "12.0.0", "11.0.0", "10.0.0", "9.0.0", "8.0.0", "7.0.0"]
ROLES = ["caller", "callee"]
PATHS = ["direct", "TURN", "reflector UDP", "reflector TCP"]
FAR_ENDS = ["gramline-endpoint", "libwebrtc"]
# Versions whose descriptions are SDP: apps take no reflector with them, and
# libwebrtc itself knows none.
WITHOUT_REFLECTORS = ["11.0.0", "10.0.0"]
LACKING = "n/a"
FIELDS = ["connected", "heard both ways", "seconds"]
DIGEST = "<!-- digest %s -->\n"
HEAD = """# Which calls work

Written by `make interop`; a change by hand makes the next run fail. Last run:
%s, %d of %d calls worked.

`gramline-endpoint` (the gateway's own call media) as caller and as callee of
each library version, over each path, against itself and against libwebrtc
(`interop/endpoint/`, which shares no code with it). Both sides run on one
machine and each says a tone; seconds run from both programs being ready to
both reporting the call as established. Every path but "direct" is with
peer-to-peer calls off, so that nothing but the relay can carry the call.

- TURN is coturn from Debian.
- **Reflectors are stand-ins of our own** (`tests/harness/reflector.py`), not
  Telegram's.
- n/a: with 10.0.0 and 11.0.0 apps use no reflectors; libwebrtc has none.

"""


class Cell:
    """One call; role is that of gramline-endpoint."""

    def __init__(self, version, role, path, far):
        self.version, self.role, self.path, self.far = version, role, path, far
        self.connected = self.heard = False
        self.seconds = None

    def key(self):
        return self.version, self.role, self.path, self.far

    def name(self):
        return "matrix_%s_%s_%s_%s" % (
            self.far.replace("gramline-endpoint", "ours"), self.version,
            self.role, self.path.replace(" ", "_"))

    def possible(self):
        return not self.path.startswith("reflector") or not (
            self.far == "libwebrtc" or self.version in WITHOUT_REFLECTORS)

    def words(self):
        if not self.possible():
            return [LACKING] * len(FIELDS)
        return ["yes" if self.connected else "NO",
                "yes" if self.heard else "NO",
                "%.2f" % self.seconds if self.connected else "-"]


def cells():
    return [Cell(*key) for key in itertools.product(VERSIONS, ROLES, PATHS,
                                                    FAR_ENDS)]


def table(some):
    """Markdown: a row for a version, role and path; both far ends in it."""
    rows = [["version", "role", "path"] +
            ["%s: %s" % (far, field) for far in FAR_ENDS for field in FIELDS]]
    rows.append(["---"] * len(rows[0]))
    for version, role, path in itertools.product(VERSIONS, ROLES, PATHS):
        found = {c.far: c for c in some
                 if c.key()[:3] == (version, role, path)}
        if found:
            rows.append([version, role, path] + [
                word for far in FAR_ENDS for word in
                (found[far].words() if far in found else [""] * len(FIELDS))])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def digest(text):
    return DIGEST % hashlib.sha256(text.encode()).hexdigest()


def write(all_cells):
    calls = [c for c in all_cells if c.possible()]
    text = HEAD % (time.strftime("%Y-%m-%d", time.gmtime()),
                   sum(c.heard for c in calls), len(calls))
    text += table(all_cells) + "\n\n"
    with open(PATH, "w") as f:
        f.write(text + digest(text))


def lines_read():
    if not os.path.exists(PATH):
        return []
    with open(PATH, newline="") as f:
        return f.read().splitlines(True)


def edited():
    """What is wrong with the file; nothing: an empty string."""
    lines = lines_read()
    if lines and lines[-1] != digest("".join(lines[:-1])):
        return ("docs/compatibility.md was edited: take it back as it was, "
                "or delete it and run `make interop`")
    return ""


def incomplete():
    """Every version, role and path is there, and n/a only where it may be."""
    rows = [line.strip("| \n").split(" | ") for line in lines_read()
            if line.startswith("| ")][2:]
    keys = list(itertools.product(VERSIONS, ROLES, PATHS))
    if [tuple(row[:3]) for row in rows] != keys:
        return "docs/compatibility.md lacks rows: run `make interop`"
    for row in rows:
        for i, far in enumerate(FAR_ENDS):
            lacking = LACKING in row[3 + 3 * i:6 + 3 * i]
            if lacking == Cell(*row[:3], far).possible():
                return "docs/compatibility.md: n/a in " + " ".join(row[:3])
    return ""
