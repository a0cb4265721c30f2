"""docs/compatibility.md: written by a whole run of the matrix, and by nothing
else."""
import itertools
import time

from interop import page

NAME = "compatibility.md"
VERSIONS = ["13.0.0", "12.0.0", "11.0.0", "10.0.0", "9.0.0", "8.0.0", "7.0.0"]
ROLES = ["caller", "callee"]
PATHS = ["direct", "TURN", "reflector UDP", "reflector TCP"]
FAR_ENDS = ["gramline-endpoint", "libwebrtc"]
# Versions whose descriptions are SDP: apps take no reflector with them, and
# libwebrtc itself knows none.
WITHOUT_REFLECTORS = ["11.0.0", "10.0.0"]
LACKING = "n/a"
FIELDS = ["connected", "heard both ways", "seconds"]
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
    for version, role, path in itertools.product(VERSIONS, ROLES, PATHS):
        found = {c.far: c for c in some
                 if c.key()[:3] == (version, role, path)}
        if found:
            rows.append([version, role, path] + [
                word for far in FAR_ENDS for word in
                (found[far].words() if far in found else [""] * len(FIELDS))])
    return page.table(rows)


def write(all_cells):
    calls = [c for c in all_cells if c.possible()]
    text = HEAD % (time.strftime("%Y-%m-%d", time.gmtime()),
                   sum(c.heard for c in calls), len(calls))
    page.write(NAME, text + table(all_cells) + "\n\n")


def edited():
    return page.edited(NAME)


def incomplete():
    """Every version, role and path is there, and n/a only where it may be."""
    rows = [line.strip("| \n").split(" | ") for line in page.lines(NAME)
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
