#!/usr/bin/env python3
# run: check 120 beside
"""Messages, keyboards, inline bots and files of the gateway's accounts, by
`gramline message`, `gramline file` and the control socket, against the
simulated Telegram.

usage: messages.py BUILD [PART]
"""
import hashlib
import os
import random
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from harness.gateway import Gateway
from harness.process import Tap, wait_for
from harness.telegram import Telegram
from harness.terminal import Terminal

TOKEN = "7103:AA-token_for_tests"
# Fictitious numbers: country code 999 is not assigned.
ACCOUNTS = [
    {"id": 7101, "phone": "999662000001", "first_name": "Office",
     "username": "office_t"},
    {"id": 7102, "phone": "999662000002", "first_name": "Anna",
     "username": "anna_t"},
    {"id": 7103, "phone": "999662000003", "first_name": "Keys",
     "username": "keys_bot", "bot_token": TOKEN, "inline_hint": "digits"},
    {"id": 7104, "phone": "999662000004", "first_name": "Far",
     "username": "far_t", "dc": 4},
]
SESSIONS = {"office": 7101, "anna": 7102, "keys": 7103, "far": 7104}
KEYBOARD = [[{"text": "1", "data": "1"}, {"text": "2", "data": "hex:00ff32"}],
            [{"text": "Site", "url": "https://example.org/"}]]


class World:
    def __init__(self, build):
        build = os.path.abspath(build)
        self.folder = os.path.join(build, "scenario", "messages")
        shutil.rmtree(self.folder, ignore_errors=True)
        self.telegram = Telegram(build, os.path.join(self.folder, "telegram"),
                                 ACCOUNTS, dcs=[{"id": 2}, {"id": 4}])
        self.telegram.start()
        phones = {a["id"]: "+" + a["phone"] for a in ACCOUNTS}
        self.gateway = Gateway(build, os.path.join(self.folder, "gateway"),
                               self.settings(),
                               {name: phones[id] for name, id in
                                SESSIONS.items()}, [])
        self.numbers = {}       # of the newest event known, by session

    def settings(self):
        """Both data centres, that of most accounts first."""
        dcs = re.findall(r"ready dc=(\d+) address=(\S+) ",
                         self.telegram.process.text())
        lines = [line for line in self.telegram.settings().splitlines()
                 if not line.startswith("dc ")]
        return "\n".join(lines + ["dc = %s %s" % d for d in sorted(dcs)])

    def login(self):
        for a in ACCOUNTS:
            if "bot_token" not in a:
                name = next(n for n in SESSIONS if SESSIONS[n] == a["id"])
                self.gateway.login(name,
                                   lambda: self.telegram.code(a["phone"]))
        t = Terminal([self.gateway.program, "login", "-c",
                      self.gateway.config, "--bot", "keys"])
        t.expect("Bot token: ")
        t.type(TOKEN)
        assert t.end() == 0, t.seen

    def run(self, *words):
        """gramline with these words: what it printed."""
        done = self.gateway.cli(words[0], "-c", self.gateway.config,
                                *[str(w) for w in words[1:]])
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout.strip()

    def fails(self, *words):
        done = self.gateway.cli(words[0], "-c", self.gateway.config,
                                *[str(w) for w in words[1:]])
        assert done.returncode == 1, (words, done.stdout, done.stderr)
        return done.stderr

    def ask(self, command, **arguments):
        answer = self.gateway.ask(command, 60, **arguments)
        assert answer and answer["ok"], (command, arguments, answer)
        return answer

    def refused(self, command, **arguments):
        answer = self.gateway.ask(command, 60, **arguments)
        assert answer and not answer["ok"], (command, arguments, answer)
        return answer["error"]

    def watch(self, *sessions):
        """Events of these sessions are kept, and known up to here."""
        for s in sessions:
            self.numbers[s] = self.ask("events", session=s)["next"]

    def event(self, session, **wanted):
        """The next event of that kind."""
        for _ in range(20):
            answer = self.ask("events", session=session, wait_s=5,
                              after=self.numbers[session])
            for e in answer["rows"]:
                self.numbers[session] = e["number"]
                if all(e.get(k) == v for k, v in wanted.items()):
                    return e
        raise AssertionError("no event %s at %s" % (wanted, session))

    def incoming(self, session, kind="message"):
        while True:
            e = self.event(session, event=kind)
            if not e["message"]["out"]:
                return e["message"]

    def file(self, name, size):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as f:
            f.write(random.Random(size).randbytes(size))
        return path


def digest(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def scenario_message_without_a_running_gateway(w):
    """A gateway is made for the occasion."""
    number = w.run("message", "send", "office", "@anna_t", "*early* text")
    box = w.telegram.ask("messages", user=7102)["messages"]
    assert [m["text"] for m in box] == ["early text"], box
    assert number == "1", number


def scenario_message_sent_and_read(w):
    w.gateway.start()
    w.gateway.wait_sessions_ready()
    w.watch("office", "anna")
    w.run("message", "send", "office", "+999662000002",
          "Hello *bold* _world_ 🙂 `code`")
    m = w.incoming("anna")
    assert m["text"] == "Hello bold world 🙂 code", m
    assert m["chat"]["username"] == "office_t", m
    assert [(e["style"], e["offset"], e["length"]) for e in m["entities"]] == [
        ("bold", 6, 4), ("italic", 11, 5), ("code", 20, 4)], m
    w.run("message", "send", "anna", "7101", "--format", "html",
          "<b>back</b> &amp; forth")
    m = w.incoming("office")
    assert m["text"] == "back & forth" and m["entities"][0]["length"] == 4, m
    assert "Hello" not in w.gateway.process.text()
    rows = w.run("message", "list", "office", "anna_t").splitlines()
    assert "back & forth" in rows[1] and "Hello" in rows[2], rows


def scenario_message_edited_and_deleted(w):
    number = w.run("message", "send", "office", "anna_t", "first")
    got = w.incoming("anna")
    w.run("message", "edit", "office", "anna_t", number, "second")
    e = w.event("anna", event="edited")
    assert e["message"]["text"] == "second" and e["message"]["edited"], e
    assert e["message"]["id"] == got["id"], e
    assert "says already" in w.fails("message", "edit", "office", "anna_t",
                                     number, "second")
    w.run("message", "delete", "office", number)
    assert w.event("anna", event="deleted")["ids"] == [got["id"]]
    assert "no such message" in w.fails("message", "edit", "office", "anna_t",
                                        number, "third")


def scenario_message_refusals(w):
    long = "x" * 4097
    assert "more than 4096" in w.fails("message", "send", "office", "anna_t",
                                       long)
    assert "not well formed" in w.fails("message", "send", "office", "anna_t",
                                        "--format", "html", "<b>x")
    assert "nobody has this username" in w.fails(
        "message", "send", "office", "nobody_t", "x")
    assert "no [session nobody]" in w.fails("message", "send", "nobody",
                                            "anna_t", "x")
    assert w.refused("message send", session="office", to="anna_t", text="x",
                     keyboard=KEYBOARD) == "REPLY_MARKUP_INVALID"
    assert w.refused("message send", session="keys", to="anna_t", text="x",
                     keyboard=[[{"text": "1", "data": "x" * 65}]]) == \
        "ARGUMENT_INVALID"
    w.telegram.ask("fault", method="messages.sendMessage", fault="error",
                   code=420, text="FLOOD_WAIT_7", times=1)
    assert w.refused("message send", session="anna", to="office_t",
                     text="x") == "FLOOD_WAIT_7"


def scenario_message_once_despite_a_lost_answer(w):
    """The data centre takes the text, and the connection ends before the
    answer: it is sent again, and stays one."""
    w.telegram.ask("fault", method="messages.sendMessage", fault="drop-answer",
                   times=1)
    answer = w.ask("message send", session="office", to="anna_t",
                   text="only *once*")
    m = w.incoming("anna")
    assert m["text"] == "only once", m
    box = w.telegram.ask("messages", user=7101)["messages"]
    mine = [m["id"] for m in box if m["text"] == "only once"]
    assert mine == [answer["id"]], (mine, answer)
    w.gateway.wait_sessions_ready()


def scenario_message_keyboard_pressed(w):
    """Our account is the bot; another of ours presses."""
    w.watch("keys", "anna")
    sent = w.ask("message send", session="keys", to="anna_t", text="Choose",
                 keyboard=KEYBOARD)
    m = w.incoming("anna")
    assert [b["data"] for b in m["keyboard"][0]] == ["1", "hex:00ff32"], m
    assert m["keyboard"][1][0]["url"] == "https://example.org/", m
    child = subprocess.Popen(
        [sys.executable, "-c", PRESS, w.gateway.control, str(m["id"])],
        stdout=subprocess.PIPE, text=True)
    e = w.event("keys", event="pressed")
    assert e["data"] == "hex:00ff32" and e["from"]["username"] == "anna_t", e
    assert e["id"] == sent["id"], e
    w.ask("message answer", session="keys", query=e["query"], text="Two!")
    out, _ = child.communicate(timeout=30)
    assert '"answer":"Two!"' in out.replace(" ", ""), out
    w.ask("message edit", session="keys", to="anna_t", id=sent["id"],
          text="Chosen: 2")
    e = w.event("anna", event="edited")
    assert e["message"]["text"] == "Chosen: 2" and \
        "keyboard" not in e["message"], e
    assert w.refused("message answer", session="keys", query="1",
                     text="late") == "QUERY_ID_INVALID"


# Presses while the test answers as the bot.
PRESS = """
import json, socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(json.dumps({"command": "message press", "session": "anna",
                      "to": "keys_bot", "id": int(sys.argv[2]),
                      "data": "hex:00ff32"}).encode() + b"\\n")
print(s.makefile().readline())
"""

# Asks for inline results while the test answers as the bot.
ASK = """
import json, socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(json.dumps({"command": "inline ask", "session": sys.argv[2],
                      "bot": "keys_bot", "to": sys.argv[3],
                      "query": "call 17"}).encode() + b"\\n")
print(s.makefile().readline())
"""


def inline_keypad(w, session, to):
    """The session sends the bot's keypad into its chat; the chosen event."""
    import json
    child = subprocess.Popen([sys.executable, "-c", ASK, w.gateway.control,
                              session, to], stdout=subprocess.PIPE, text=True)
    e = w.event("keys", event="inline-query")
    assert e["text"] == "call 17", e
    w.ask("inline answer", session="keys", query=e["query"], results=[
        {"id": "k1", "title": "Keypad", "text": "*Keypad*",
         "keyboard": KEYBOARD}])
    out, _ = child.communicate(timeout=30)
    offers = json.loads(out)
    assert offers["rows"][0]["title"] == "Keypad", offers
    w.ask("inline send", session=session, bot="keys_bot", to=to,
          query=offers["query"], result="k1")
    return w.event("keys", event="inline-chosen")


def scenario_message_inline_keypad(w):
    w.watch("keys", "anna", "office")
    chosen = inline_keypad(w, "office", "anna_t")
    assert chosen["from"]["username"] == "office_t", chosen
    m = w.incoming("anna")
    assert m["text"] == "Keypad" and m["via_bot"] == "7103", m
    w.ask("inline edit", session="keys", message=chosen["message"],
          text="typed: 5", keyboard=KEYBOARD)
    assert w.event("anna", event="edited")["message"]["text"] == "typed: 5"
    assert w.refused("inline send", session="office", bot="keys_bot",
                     to="anna_t", query="1", result="k1") == \
        "QUERY_ID_INVALID"


def scenario_message_inline_edit_on_another_data_centre(w):
    """The keypad of an account of data centre 4 is edited there."""
    w.watch("keys", "anna", "far")
    chosen = inline_keypad(w, "far", "anna_t")
    assert chosen["message"].startswith("4/7104/"), chosen
    w.incoming("anna")
    w.ask("inline edit", session="keys", message=chosen["message"],
          text="from afar")
    assert w.event("anna", event="edited")["message"]["text"] == "from afar"


def transfer(w, path, sender="office", to="anna_t", receiver="anna",
             *options):
    w.watch(receiver)
    w.run("file", "send", *options, sender, to, path, "A *file*")
    m = w.incoming(receiver)
    assert m["text"] == "A file", m
    out = path + ".got"
    w.run("file", "receive", receiver, m["id"], out)
    assert digest(path) == digest(out), path
    os.unlink(out)
    return m


def scenario_file_sizes_survive(w):
    for size in (1, 512 * 1024, 512 * 1024 + 1, 11 * 1024 * 1024 + 7):
        path = w.file("file-%d.bin" % size, size)
        m = transfer(w, path)
        assert m["file"]["size"] == str(size), m
        assert m["file"]["name"] == os.path.basename(path), m


def scenario_file_from_another_data_centre(w):
    w.ask("message send", session="far", to="anna_t", text="a file follows")
    m = transfer(w, w.file("far.bin", 300000), "far")
    assert m["file"]["size"] == "300000", m
    assert w.telegram.ask("refused")["refused"].get("file-migrate", 0) == 0


def scenario_file_reference_renewed(w):
    path = w.file("old.bin", 1000)
    w.watch("anna")
    w.run("file", "send", "office", "anna_t", path)
    m = w.incoming("anna")
    w.telegram.ask("fault", method="upload.getFile", fault="error", code=400,
                   text="FILE_REFERENCE_EXPIRED", times=1)
    w.run("file", "receive", "anna", m["id"], path + ".got")
    assert digest(path) == digest(path + ".got")
    assert "is there already" in w.fails("file", "receive", "anna", m["id"],
                                         path)


def scenario_file_parts_repeated(w):
    """Lost parts and lost connections: the file is whole all the same."""
    w.telegram.ask("fault", method="upload.saveFilePart", fault="error",
                   code=500, text="WORKER_BUSY_TOO_LONG_RETRY", times=1)
    w.telegram.ask("fault", method="upload.saveFilePart", fault="drop-before",
                   times=1)
    w.telegram.ask("fault", method="upload.getFile", fault="drop-before",
                   times=1)
    transfer(w, w.file("shaky.bin", 1000 * 1000))
    w.gateway.wait_sessions_ready()


def opus_pages(seconds):
    """A legal Ogg stream of Opus with empty packets: one head, one page."""
    def page(kind, position, number, packet):
        return (b"OggS\0" + bytes([kind]) + position.to_bytes(8, "little") +
                (1).to_bytes(4, "little") + number.to_bytes(4, "little") +
                bytes(4) + bytes([1, len(packet)]) + packet)
    head = (b"OpusHead\x01\x01" + (312).to_bytes(2, "little") +
            (48000).to_bytes(4, "little") + bytes(3))
    return (page(2, 0, 0, head) +
            page(0, 0, 1, b"OpusTags" + bytes(8)) +
            page(4, 48000 * seconds + 312, 2, b"\xf8\xff\xfe"))


def scenario_file_voice_message(w):
    path = os.path.join(w.folder, "voice.ogg")
    with open(path, "wb") as f:
        f.write(opus_pages(17))
    m = transfer(w, path, "office", "anna_t", "anna", "--voice")
    assert m["file"]["voice"] and m["file"]["seconds"] == 17, m
    assert m["file"]["mime"] == "audio/ogg", m
    plain = w.file("no.ogg", 100)
    assert "Opus in Ogg" in w.fails("file", "send", "--voice", "office",
                                    "anna_t", plain)
    w.telegram.ask("set", user=7102, forbids_voice=True)
    assert "takes no voice messages" in w.fails(
        "file", "send", "--voice", "office", "anna_t", path)


def scenario_file_refusals(w):
    assert "no such file" in w.fails("file", "send", "office", "anna_t",
                                     "/nonexistent/file")
    empty = w.file("empty.bin", 0)
    assert w.fails("file", "send", "office", "anna_t", empty)
    w.watch("anna")
    w.run("message", "send", "office", "anna_t", "no file")
    number = w.incoming("anna")["id"]
    assert "no file in this message" in w.fails(
        "file", "receive", "anna", number, "/tmp/never")


def scenario_message_stops_cleanly(w):
    assert w.gateway.stop() == 0, w.gateway.process.text()[-3000:]
    assert w.telegram.stop() == 0


def main():
    tap = Tap()
    w = World(sys.argv[1])
    part = sys.argv[2] if len(sys.argv) > 2 else ""
    w.login()
    if part:
        w.gateway.start()
        w.gateway.wait_sessions_ready()
        w.watch(*SESSIONS)
    for f in (scenario_message_without_a_running_gateway,
              scenario_message_sent_and_read,
              scenario_message_edited_and_deleted,
              scenario_message_refusals,
              scenario_message_once_despite_a_lost_answer,
              scenario_message_keyboard_pressed,
              scenario_message_inline_keypad,
              scenario_message_inline_edit_on_another_data_centre,
              scenario_file_sizes_survive,
              scenario_file_from_another_data_centre,
              scenario_file_reference_renewed,
              scenario_file_parts_repeated,
              scenario_file_voice_message,
              scenario_file_refusals,
              scenario_message_stops_cleanly):
        if part in f.__name__ or f is scenario_message_stops_cleanly:
            tap.run(f.__name__, f, w)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
