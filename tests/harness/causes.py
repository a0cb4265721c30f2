"""The catalogue of causes as the specification has it (tests/data/causes.tsv):
what a status line or a chat text must be, byte for byte."""
import os
import re

from .process import wait_for

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
TABLE = os.path.join(ROOT, "tests", "data", "causes.tsv")


def read():
    """{number: (code and reason, direction)}"""
    rows = {}
    with open(TABLE, encoding="utf-8") as f:
        for line in f:
            if line[:1].isdigit():
                number, text, way = line.rstrip("\n").split("\t")
                rows[int(number)] = text, way
    return rows


ROWS = read()


def status(row, words=None):
    """Code and reason of a row; words stand for its XXX or its ..."""
    text = ROWS[row][0]
    for gap in ("XXX", "..."):
        if gap in text:
            assert words, "row %d needs words" % row
            text = text.replace(gap, words)
    return text


def line_is(m, row, words=None):
    """An answer's status line is that of the row. Final refusals carry the
    event by which log and record are found."""
    wanted = "SIP/2.0 " + status(row, words)
    assert m.line == wanted, "got %r, wanted %r" % (m.line, wanted)
    if m.code != 401:
        event = m.get("X-Gateway-Event") or ""
        assert re.fullmatch(r"\w{16}", event), m.headers


def record_is(r, row, words=None, **more):
    """A record says the row, its code and reason, and what else is named."""
    got = dict(sip="%d %s" % (r["sip_status"], r["reason"]), row=r["row"],
               **{k: r[k] for k in more})
    wanted = dict(sip=status(row, words), row=row, **more)
    assert got == wanted, "got %r, wanted %r" % (got, wanted)


def texts_of(stage, user, account):
    """What stands in the user's chat with the account, oldest first."""
    box = stage.telegram.ask("messages", user=user)["messages"]
    return [m["text"] for m in box
            if m["peer"] == account and not m["out"] and m["text"]]


def wait_text(stage, user, account, text, seconds=10):
    """The newest text of the chat is this one."""
    wait_for("the text %r, there is %r" % (text,
             texts_of(stage, user, account)),
             lambda: texts_of(stage, user, account)[-1:] == [text], seconds)
