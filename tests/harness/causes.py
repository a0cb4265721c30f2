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


KINDS = {401: "401", 403: "403", 404: "404", 405: "405"}


def visible(stage, ask, address="127.0.0.1"):
    """What is refused before it is a call has no record. So the log has it,
    with its event and from where it came (not a challenge), and `show refused`
    counts it. Returns the answer of ask()."""
    def row():
        return next((r for r in stage.gateway.rows("refused")
                     if r["address"] == address), {})
    before = row()
    m = ask()
    kind = KINDS.get(m.code, "other")
    after = row()
    assert after.get("reason") == m.status, (m.status, after)
    assert after[kind] == before.get(kind, 0) + 1, (before, after)
    if m.code == 401:
        return m
    text = wait_for("the log line of %s" % m.status, lambda: next(
        (t for t in stage.log().splitlines()
         if m.get("X-Gateway-Event") in t), None))
    assert m.status in text and " from %s:" % address in text, text
    return m


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
