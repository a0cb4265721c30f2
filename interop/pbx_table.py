"""docs/pbx-interop.md: written by a whole run, and by nothing else."""
import time

from interop import page

NAME = "pbx-interop.md"
HEADS = ["peer", "version", "what", "result", "seconds"]
HEAD = """# PBXs and phones that were run

Written by `make interop`; a change by hand makes the next run fail. Last run:
%s, %d of %d worked.

Each peer runs with its recipe of [pbx/](pbx/README.md), unmodified but for
addresses, against `gramline run` and the simulated Telegram. Calls count when
both sides have heard the other one's tone for half a second.

"""


class Row:
    """One thing that was run."""

    def __init__(self, peer, version, what):
        self.peer, self.version, self.what = peer, version, what
        self.good, self.seconds = False, 0.0

    def name(self):
        words = "pbx %s %s" % (self.peer, self.what)
        return "_".join("".join(c if c.isalnum() else " " for c in
                                words.lower()).split())

    def words(self):
        return [self.peer, self.version, self.what,
                "yes" if self.good else "NO", "%.1f" % self.seconds]


def table(rows):
    return page.table([HEADS] + [row.words() for row in rows])


def write(rows):
    page.write(NAME, HEAD % (time.strftime("%Y-%m-%d", time.gmtime()),
                             sum(r.good for r in rows), len(rows)) +
               table(rows) + "\n\n")


def edited():
    return page.edited(NAME)
