"""Texts, keyboards, inline bots and files between accounts of the gateway and
of @mtcute/node (chat/main.js), users and bots on both sides."""
import hashlib
import json
import os
import queue
import random
import subprocess
import threading

from tests.harness.gateway import Gateway
from tests.harness.telegram import Telegram
from tests.harness.terminal import Terminal

HERE = os.path.dirname(os.path.abspath(__file__))
SECONDS = 60
CODE = "27182"
OUR_TOKEN, THEIR_TOKEN = "7203:AA-ours", "7204:AA-theirs"
# Fictitious numbers: country code 999 is not assigned.
ACCOUNTS = [
    {"id": 7201, "phone": "999663000001", "first_name": "Office",
     "username": "office_chat"},
    {"id": 7202, "phone": "999663000002", "first_name": "Maria",
     "username": "maria_chat", "code": CODE},
    {"id": 7203, "phone": "999663000003", "first_name": "Ours",
     "username": "our_bot", "bot_token": OUR_TOKEN, "inline_hint": "digits"},
    {"id": 7204, "phone": "999663000004", "first_name": "Theirs",
     "username": "their_bot", "bot_token": THEIR_TOKEN,
     "inline_hint": "digits"},
]
SESSIONS = {"office": "+999663000001", "keys": "+999663000003"}
# What the libraries ask before they are logged in.
PROVOKED = {"method-before-login"}
BIG = 10 * 1024 * 1024 + 12345


class Steered:
    """One account on mtcute."""

    def __init__(self, node, telegram, layer, log):
        self.log = open(log, "w")
        self.child = subprocess.Popen(
            [node, os.path.join(HERE, "chat", "main.js"), str(telegram.dc),
             telegram.host, str(telegram.port), telegram.key, layer],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log,
            text=True, bufsize=1)
        self.events, self.answers, self.n = queue.Queue(), {}, 0
        self.changed = threading.Condition()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.child.stdout:
            self.log.write(line)
            said = json.loads(line)
            if "event" in said:
                self.events.put(said)
                continue
            with self.changed:
                self.answers[said["n"]] = said
                self.changed.notify_all()

    def order(self, op, **fields):
        """Sends an order; its number."""
        self.n += 1
        self.child.stdin.write(json.dumps(dict(fields, n=self.n, op=op)) +
                               "\n")
        return self.n

    def answer(self, n):
        with self.changed:
            assert self.changed.wait_for(lambda: n in self.answers, SECONDS), \
                "no answer in %d s" % SECONDS
            said = self.answers.pop(n)
        assert said["ok"], said
        return said

    def ask(self, op, **fields):
        return self.answer(self.order(op, **fields))

    def event(self, name, **wanted):
        while True:
            e = self.events.get(timeout=SECONDS)
            wanted.setdefault("out", None)
            if e["event"] == name and \
                    all((e.get(k) or None) == v for k, v in wanted.items()):
                return e

    def stop(self):
        self.child.stdin.close()
        try:
            self.child.wait(5)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        self.log.close()


class Ours:
    """One session of the gateway, over its control socket."""

    def __init__(self, gateway, session):
        self.gateway, self.session = gateway, session
        self.number = self.ask("events")["next"]

    def ask(self, command, **arguments):
        answer = self.gateway.ask(command, SECONDS, session=self.session,
                                  **arguments)
        assert answer and answer["ok"], (command, answer)
        return answer

    def start(self, command, **arguments):
        """The answer comes later: a function that waits for it."""
        answers = queue.Queue()
        threading.Thread(target=lambda: answers.put(self.gateway.ask(
            command, SECONDS, session=self.session, **arguments)),
            daemon=True).start()

        def wait():
            answer = answers.get(timeout=SECONDS)
            assert answer and answer["ok"], (command, answer)
            return answer
        return wait

    def event(self, name):
        for _ in range(12):
            answer = self.ask("events", after=self.number, wait_s=5)
            for e in answer["rows"]:
                self.number = e["number"]
                if e["event"] == name and not self.is_own(e):
                    return e
        raise AssertionError("no event %s" % name)

    @staticmethod
    def is_own(e):
        return isinstance(e.get("message"), dict) and e["message"]["out"]


class World:
    def __init__(self, node, build, folder, layer):
        self.folder = folder
        self.telegram = Telegram(build, os.path.join(folder, "telegram"),
                                 ACCOUNTS)
        self.telegram.start()
        self.gateway = Gateway(build, os.path.join(folder, "gateway"),
                               self.telegram.settings(), SESSIONS, [])
        self.gateway.login("office",
                           lambda: self.telegram.code("999663000001"))
        t = Terminal([self.gateway.program, "login", "-c",
                      self.gateway.config, "--bot", "keys"])
        t.expect("Bot token: ")
        t.type(OUR_TOKEN)
        assert t.end() == 0, t.seen
        self.gateway.start()
        self.gateway.wait_sessions_ready()
        self.office = Ours(self.gateway, "office")
        self.keys = Ours(self.gateway, "keys")
        self.maria = Steered(node, self.telegram, layer,
                             os.path.join(folder, "maria.log"))
        self.bot = Steered(node, self.telegram, layer,
                           os.path.join(folder, "bot.log"))

    def stop(self):
        self.maria.stop()
        self.bot.stop()
        self.gateway.stop()
        self.telegram.stop()


def file_make(w, name, size):
    path = os.path.join(w.folder, name)
    with open(path, "wb") as f:
        f.write(random.Random(size).randbytes(size))
    return path


def digest(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


# -- checks ------------------------------------------------------------------

def login(w):
    w.maria.ask("login", phone="999663000002", code=CODE)
    assert w.bot.ask("login_bot", token=THEIR_TOKEN)["id"] == 7204
    w.maria.ask("resolve", to="office_chat")


def texts_with_styles_both_ways(w):
    w.office.ask("message send", to="@maria_chat",
                 text="*bold* 🙂 _italic_ [site](https://example.org/)")
    m = w.maria.event("message")
    assert m["text"] == "bold 🙂 italic site", m
    assert m["entities"] == [["messageEntityBold", 0, 4],
                             ["messageEntityItalic", 8, 6],
                             ["messageEntityTextUrl", 15, 4]], m
    w.maria.ask("text", to="office_chat", text="你好 🙂 code",
                entities=[["messageEntityCode", 6, 4]])
    m = w.office.event("message")["message"]
    assert m["text"] == "你好 🙂 code", m
    assert [(e["style"], e["offset"], e["length"]) for e in m["entities"]] \
        == [("code", 6, 4)], m


def edits_and_deletions_both_ways(w):
    ours = w.office.ask("message send", to="@maria_chat", text="one")["id"]
    theirs = w.maria.event("message")["id"]
    w.office.ask("message edit", to="@maria_chat", id=ours, text="two")
    e = w.maria.event("edited")
    assert e["id"] == theirs and e["text"] == "two" and e["edited"], e
    w.office.ask("message delete", id=ours)
    assert w.maria.event("deleted")["ids"] == [theirs]
    theirs = w.maria.ask("text", to="office_chat", text="three")["id"]
    ours = w.office.event("message")["message"]["id"]
    w.maria.ask("edit", to="office_chat", id=theirs, text="four")
    m = w.office.event("edited")["message"]
    assert m["id"] == ours and m["text"] == "four", m
    w.maria.ask("delete", to="office_chat", ids=[theirs])
    assert w.office.event("deleted")["ids"] == [ours]


def their_bots_keyboard_pressed_by_us(w):
    w.office.ask("message send", to="their_bot", text="/start")
    w.bot.event("message")
    w.bot.ask("text", to=7201, text="Choose", keyboard=[[["1", "one"]]])
    m = w.office.event("message")["message"]
    assert m["keyboard"][0][0]["data"] == "one", m
    answer = w.office.start("message press", to="their_bot", id=m["id"],
                            data="one")
    pressed = w.bot.event("pressed")
    assert pressed["data"] == "one", pressed
    w.bot.ask("answer", query=pressed["query"], text="One!")
    assert answer()["answer"] == "One!"


def our_bots_keyboard_pressed_by_them(w):
    w.maria.ask("text", to="our_bot", text="/start")
    w.keys.event("message")
    sent = w.keys.ask("message send", to="7202", text="Choose",
                      keyboard=[[{"text": "2", "data": "two"}]])
    m = w.maria.event("message")
    assert m["buttons"] == [["two"]], m
    n = w.maria.order("press", to="our_bot", id=m["id"], data="two")
    e = w.keys.event("pressed")
    assert e["data"] == "two" and e["id"] == sent["id"], e
    w.keys.ask("message answer", query=e["query"], text="Two!")
    assert w.maria.answer(n)["answer"] == "Two!"
    w.keys.ask("message edit", to="7202", id=sent["id"], text="Chosen")
    e = w.maria.event("edited")
    assert e["text"] == "Chosen" and not e["buttons"], e


def our_inline_bot_asked_by_them(w):
    n = w.maria.order("ask", bot="our_bot", to="office_chat", text="call 5")
    e = w.keys.event("inline-query")
    assert e["text"] == "call 5", e
    w.keys.ask("inline answer", query=e["query"], results=[
        {"id": "k", "title": "Keypad", "text": "*Keypad*",
         "keyboard": [[{"text": "5", "data": "five"}]]}])
    offers = w.maria.answer(n)
    assert offers["results"] == ["k"], offers
    w.maria.ask("send_result", to="office_chat", query=offers["query"],
                result="k")
    chosen = w.keys.event("inline-chosen")
    m = w.office.event("message")["message"]
    assert m["via_bot"] == "7203" and m["text"] == "Keypad", m
    # Who got it presses; the bot edits what both see.
    answer = w.office.start("message press", to="maria_chat", id=m["id"],
                            data="five")
    pressed = w.keys.event("pressed")
    assert pressed["message"] == chosen["message"], (pressed, chosen)
    w.keys.ask("message answer", query=pressed["query"], text="")
    answer()
    w.keys.ask("inline edit", message=chosen["message"], text="typed: 5")
    assert w.office.event("edited")["message"]["text"] == "typed: 5"
    assert w.maria.event("edited", out=True)["text"] == "typed: 5"


def their_inline_bot_asked_by_us(w):
    answer = w.office.start("inline ask", bot="their_bot", to="maria_chat",
                            query="call 6")
    e = w.bot.event("inline-query")
    assert e["text"] == "call 6", e
    w.bot.ask("offer", query=e["query"], results=[
        {"id": "a", "title": "First", "text": "Keypad",
         "keyboard": [[["6", "six"]]]}])
    offers = answer()
    assert offers["rows"][0]["title"] == "First", offers
    w.office.ask("inline send", bot="their_bot", to="maria_chat",
                 query=offers["query"], result="a")
    m = w.maria.event("message")
    assert m["via_bot"] == 7204 and m["buttons"] == [["six"]], m
    chosen = w.bot.event("inline-chosen")
    w.bot.ask("edit_inline", message=chosen["message"], text="typed: 6")
    assert w.maria.event("edited")["text"] == "typed: 6"


def file_both_ways(w, size):
    path = file_make(w, "file-%d.bin" % size, size)
    w.office.ask("file send", to="maria_chat", path=path, caption="*ours*")
    m = w.maria.event("message")
    assert m["file"]["size"] == size and m["text"] == "ours", m
    assert m["file"]["name"] == os.path.basename(path), m
    assert w.maria.ask("fetch", to="office_chat",
                       id=m["id"])["sha256"] == digest(path)
    w.maria.ask("file", to="office_chat", path=path, name="theirs.bin",
                caption="theirs")
    m = w.office.event("message")["message"]
    assert m["file"]["size"] == str(size) and m["text"] == "theirs", m
    assert m["file"]["name"] == "theirs.bin", m
    got = path + ".got"
    w.office.ask("file receive", id=m["id"], path=got)
    assert digest(got) == digest(path)


def voice_both_ways(w):
    levels = [(i * 7) % 32 for i in range(100)]
    path = os.path.join(w.folder, "voice.ogg")
    with open(path, "wb") as f:
        f.write(opus_pages(9))
    w.office.ask("file send", to="maria_chat", path=path, voice=True,
                 levels=levels)
    m = w.maria.event("message")
    assert m["file"]["voice"] and m["file"]["seconds"] == 9, m
    packed = sum(v << 5 * i for i, v in enumerate(levels))
    assert bytes.fromhex(m["file"]["waveform"]) == \
        packed.to_bytes((500 + 7) // 8, "little"), m
    assert w.maria.ask("fetch", to="office_chat",
                       id=m["id"])["sha256"] == digest(path)
    w.maria.ask("voice", to="office_chat", path=path, seconds=9,
                levels=levels)
    m = w.office.event("message")["message"]
    assert m["file"]["voice"] and m["file"]["seconds"] == 9, m
    assert m["file"]["levels"] == levels, m
    w.office.ask("file receive", id=m["id"], path=path + ".got")
    assert digest(path + ".got") == digest(path)


def nothing_legal_was_refused(w):
    refused = w.telegram.ask("refused")["refused"]
    assert not set(refused) - PROVOKED, refused


def opus_pages(seconds):
    """A legal Ogg stream of Opus with one silent packet."""
    def page(kind, position, number, packet):
        return (b"OggS\0" + bytes([kind]) + position.to_bytes(8, "little") +
                (1).to_bytes(4, "little") + number.to_bytes(4, "little") +
                bytes(4) + bytes([1, len(packet)]) + packet)
    head = (b"OpusHead\x01\x01" + (312).to_bytes(2, "little") +
            (48000).to_bytes(4, "little") + bytes(3))
    return (page(2, 0, 0, head) + page(0, 0, 1, b"OpusTags" + bytes(8)) +
            page(4, 48000 * seconds + 312, 2, b"\xf8\xff\xfe"))


CHECKS = [
    ("login", login),
    ("texts_with_styles_both_ways", texts_with_styles_both_ways),
    ("edits_and_deletions_both_ways", edits_and_deletions_both_ways),
    ("their_bots_keyboard_pressed_by_us", their_bots_keyboard_pressed_by_us),
    ("our_bots_keyboard_pressed_by_them", our_bots_keyboard_pressed_by_them),
    ("our_inline_bot_asked_by_them", our_inline_bot_asked_by_them),
    ("their_inline_bot_asked_by_us", their_inline_bot_asked_by_us),
    ("file_of_1_byte_both_ways", lambda w: file_both_ways(w, 1)),
    ("file_of_512_kib_and_1_both_ways",
     lambda w: file_both_ways(w, 512 * 1024 + 1)),
    ("file_over_10_mib_both_ways", lambda w: file_both_ways(w, BIG)),
    ("voice_message_both_ways", voice_both_ways),
    ("nothing_legal_was_refused", nothing_legal_was_refused),
]


def run(report, node, build, folder, layer):
    """layer: "own" of mtcute, or "gateway" for that of the gateway."""
    os.makedirs(folder)
    w = World(node, build, folder, layer)
    try:
        for name, check in CHECKS:
            detail = ""
            try:
                check(w)
                good = True
            except (AssertionError, RuntimeError, queue.Empty) as e:
                good, detail = False, "%s %s" % (type(e).__name__, e)
            report.result("chat_%s_layer_%s" % (layer, name), good,
                          detail[:3000])
    finally:
        w.stop()
