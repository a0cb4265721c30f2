#!/usr/bin/env python3
"""Writes the kept corpora of fuzz_srp and fuzz_updates: answers and updates as
Telegram sends them, by the schema in schema/api.tl.

usage: fuzz/corpus_telegram.py
"""
import os
import re
import struct

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VECTOR = 0x1cb5c415
SELF, ANNA, BOB = 111, 222, 333


def schema_read():
    """name -> (id, [(field, flags word or None, bit, type)])"""
    ctors = {}
    with open(os.path.join(ROOT, "schema", "api.tl"),
              encoding="utf-8") as f:
        for line in f:
            m = re.match(r"([\w.]+)#([0-9a-f]+) (.*)= ([\w.<>]+);", line)
            if not m:
                continue
            fields = []
            for word in m.group(3).split():
                name, _, kind = word.partition(":")
                flag = re.match(r"(\w+)\.(\d+)\?(.*)", kind)
                fields.append((name, flag.group(1), int(flag.group(2)),
                               flag.group(3)) if flag else
                              (name, None, 0, kind))
            ctors[m.group(1)] = (int(m.group(2), 16), fields)
    return ctors


CTORS = schema_read()


def text(b):
    b = b.encode() if isinstance(b, str) else b
    head = bytes([len(b)]) if len(b) < 254 else \
        b"\xfe" + struct.pack("<I", len(b))[:3]
    return head + b + bytes(-(len(head) + len(b)) % 4)


def value(kind, v):
    if kind == "int":
        return struct.pack("<I", v & 0xffffffff)
    if kind == "long":
        return struct.pack("<q", v)
    if kind == "double":
        return struct.pack("<d", v)
    if kind in ("string", "bytes"):
        return text(v)
    if kind.startswith("Vector<"):
        return struct.pack("<II", VECTOR, len(v)) + b"".join(
            value(kind[7:-1], item) for item in v)
    return v  # an object, made by make()


DEFAULTS = {"int": 0, "long": 0, "string": "", "bytes": b""}


def make(ctor, **given):
    """The bytes of an object; fields left out are absent, or empty."""
    number, fields = CTORS[ctor]
    words, out = {}, struct.pack("<I", number)
    for name, flag, bit, _ in fields:
        if flag and name in given:
            words[flag] = words.get(flag, 0) | 1 << bit
    for name, flag, _, kind in fields:
        if kind == "#":
            out += value("int", words.get(name, 0))
        elif kind == "true" or flag and name not in given:
            continue
        else:
            out += value(kind, given.get(name, DEFAULTS.get(
                kind, [] if kind.startswith("Vector<") else None)))
    missing = set(given) - {f[0] for f in fields}
    assert not missing, missing
    return out


def error(code, reason):
    return struct.pack("<Ii", 0x2144ca19, code) + text(reason)


def write(target, name, content):
    folder = os.path.join(ROOT, "fuzz", "corpus", target)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as f:
        f.write(content)


def user(number, **more):
    return make("user", id=number, access_hash=number * 7,
                first_name="Anna", last_name="B", phone="99966", **more)


# -- srp ---------------------------------------------------------------------

HINT, PASSWORD, RECOVER, RECOVER_OFF, EMAIL, WRONGLY = range(6)
UNHEARD, ROOM = 8, 16  # nobody wants to know; times the queries
ALGO = "passwordKdfAlgoSHA256SHA256PBKDF2HMACSHA512iter100000SHA256ModPow"
TRUE, FALSE = struct.pack("<I", 0x997275b5), struct.pack("<I", 0xbc799737)


def prime():
    """Telegram's, which the client knows."""
    with open(os.path.join(ROOT, "src", "mtproto", "dh.c")) as f:
        table = re.search(r"known_prime\[MTP_DH_BYTES\] = \{(.*?)\}",
                          f.read(), re.S).group(1)
    return bytes(int(x, 16) for x in re.findall(r"0x[0-9a-f]{2}", table))


P = prime()
B = bytes(range(256))


def algo(**changes):
    return make(ALGO, **dict({"salt1": bytes(range(40)), "salt2": b"s" * 16,
                              "g": 3, "p": P}, **changes))


def password(b=B, **changes):
    given = {"has_password": True, "current_algo": algo(), "srp_B": b,
             "srp_id": 7, "new_algo": algo(salt1=b"8 bytes."),
             "new_secure_algo": make("securePasswordKdfAlgoUnknown"),
             "secure_random": b"r" * 32}
    given.update(changes)
    return make("account.password", **{
        k: v for k, v in given.items() if v is not None})


def srp_corpus():
    off = {k: None for k in ("has_password", "current_algo", "srp_B",
                             "srp_id")}
    unknown = make("passwordKdfAlgoUnknown")
    done = make("auth.authorization", user=user(SELF))
    empty = make("auth.authorization", user=make("userEmpty", id=SELF))
    again = error(400, "SRP_ID_INVALID")
    changed = error(400, "SRP_PASSWORD_CHANGED")
    wrong = error(400, "PASSWORD_HASH_INVALID")
    pattern = make("auth.passwordRecovery", email_pattern="a**b@c.de")
    cases = {
        "hint": (HINT, password(hint="the dog's name", has_recovery=True)),
        "hint-off": (HINT, password(**off)), "hint-cut": (HINT, b"\1\2"),
        "hint-refused": (HINT, error(420, "FLOOD_WAIT_9")),
        "right": (PASSWORD, password(), done),
        "right-fields": (PASSWORD, password(
            hint="hint", has_secure_values=True, has_recovery=True,
            email_unconfirmed_pattern="x", pending_reset_date=9,
            login_email_pattern="y"), done),
        "wrong": (PASSWORD, password(), wrong),
        "off": (PASSWORD, password(**off)), "nobody": (
            PASSWORD, password(), empty),
        "other": (PASSWORD, password(current_algo=unknown)),
        "again": (PASSWORD, password(), again, password(), done),
        "changed": (PASSWORD, password(), changed, password(), wrong),
        "forever": (PASSWORD, password()) + (again, password()) * 5,
        "fetch-refused": (PASSWORD, error(401, "AUTH_KEY_UNREGISTERED")),
        "migrated": (PASSWORD, error(303, "USER_MIGRATE_4")),
        "again-refused": (PASSWORD, password(), again, error(500, "NO")),
        "recover": (RECOVER, TRUE, password(), done),
        "recover-wrong": (RECOVER, FALSE),
        "recover-refused": (RECOVER, error(400, "CODE_INVALID")),
        "recover-terms": (RECOVER, TRUE, error(500, "NO")),
        "recover-other": (RECOVER, TRUE, password(new_algo=unknown)),
        "recover-short": (RECOVER, TRUE, password(new_algo=algo(salt1=b"")),
                          done),
        "recover-long": (RECOVER, TRUE, password(
            new_algo=algo(salt1=b"x" * 129))),
        "recover-group": (RECOVER, TRUE, password(new_algo=algo(g=2))),
        "recover-failed": (RECOVER, TRUE, password(), again),
        "recover-off": (RECOVER_OFF, TRUE, done),
        "unheard": (PASSWORD | UNHEARD, password(), done),
        "unheard-hint": (HINT | UNHEARD, password(hint="h")),
        "unheard-email": (EMAIL | UNHEARD, pattern), "wrongly": (WRONGLY,),
        "no-room": (PASSWORD | ROOM, password()),
        "no-room-again": (PASSWORD | 2 * ROOM, password(), again),
        "no-room-terms": (RECOVER | ROOM, TRUE),
        "recover-prime": (RECOVER, TRUE, password(new_algo=algo(p=P[1:]))),
        "email": (EMAIL, pattern), "email-none": (EMAIL, error(
            400, "PASSWORD_RECOVERY_NA")),
    }
    for name, (what, *answers) in cases.items():
        write("srp", name, bytes([what]) + b"".join(
            struct.pack(">H", len(a)) + a for a in answers))
    for i, terms in enumerate(
            [password(current_algo=algo(g=g)) for g in
             (0, 1, 2, 4, 5, 6, 7, 8)] +
            [password(current_algo=algo(p=p)) for p in (
                P[1:], P[:-1], b"\0" + P[1:], P + b"\0", b"",
                P[:-1] + b"\x5a")] +
            [password(current_algo=algo(salt1=s)) for s in (
                b"", b"8 bytes.", bytes(range(39)))] +
            [password(current_algo=algo(salt2=s)) for s in (b"", b"x" * 15)] +
            [password(b) for b in (
                b"", bytes(256), b"\xff" * 256, P, B[:248], B[:247],
                B + b"\0", b"\1" + B[1:])]):
        write("srp", "terms-%02d" % i, bytes([PASSWORD]) + struct.pack(
            ">H", len(terms)) + terms + struct.pack(">H", len(done)) + done)


# -- updates -----------------------------------------------------------------

def update(b):
    return b"\0" + struct.pack(">H", len(b)) + b


def answer(b):
    return b"\1" + struct.pack(">H", len(b)) + b


def after(seconds):
    return bytes([2, int(seconds * 10)])


LOST = b"\3"


def peer(number):
    return make("peerUser", user_id=number)


def message(number=ANNA, words="Good morning", **more):
    return make("message", id=1, peer_id=peer(number), date=1000,
                message=words, **more)


def new_message(pts, width=1, **more):
    return make("updateNewMessage", message=message(**more), pts=pts,
                pts_count=width)


def counted(name, number, **more):
    """An update that carries pts, or qts."""
    fields = {f[0] for f in CTORS[name][1]}
    if "pts" in fields:
        more.update(pts=number, pts_count=1)
    else:
        more.update(qts=number)
    return make(name, **more)


def state(pts=20, qts=6, date=1010, seq=4):
    return make("updates.state", pts=pts, qts=qts, date=date, seq=seq)


def whole(kind="updates.difference", messages=(), others=(), **at):
    last = {"updates.difference": "state",
            "updates.differenceSlice": "intermediate_state"}[kind]
    return make(kind, new_messages=messages, other_updates=others,
                users=[user(ANNA)], **{last: state(**at)})


def container(*items, seq=4, **more):
    return make("updates", updates=items, users=[user(ANNA)], date=1001,
                seq=seq, **more)


def combined(*items, seq_start=4, seq=4):
    return make("updatesCombined", updates=items, users=[user(BOB)],
                date=1001, seq_start=seq_start, seq=seq)


def short(b):
    return make("updateShort", update=b, date=1001)


def short_message(pts, number=ANNA, **more):
    return make("updateShortMessage", id=1, user_id=number, message="Hello",
                pts=pts, pts_count=1, date=1001, **more)


EMPTY = make("updates.differenceEmpty", date=1000, seq=3)
READY = answer(EMPTY)  # the first question's answer
PROTOCOL = make("phoneCallProtocol", udp_p2p=True, min_layer=92, max_layer=92,
                library_versions=["13.0.0"])
CALL = make("phoneCallRequested", id=5, access_hash=6, date=1001,
            admin_id=ANNA, participant_id=SELF, g_a_hash=b"h" * 32,
            protocol=PROTOCOL)
RINGING = make("updatePhoneCall", phone_call=CALL)
ENDED = make("updatePhoneCall", phone_call=make(
    "phoneCallDiscarded", id=5, duration=1, need_rating=True))
SIGNAL = make("updatePhoneCallSignalingData", phone_call_id=5, data=b"blob")


def updates_corpus():
    read = counted("updateReadHistoryInbox", 13, peer=peer(ANNA), max_id=1,
                   still_unread_count=0)
    vote = counted("updateMessagePollVote", 6, poll_id=1, peer=peer(ANNA),
                   options=[b"x"])
    stopped = counted("updateBotStopped", 8, user_id=ANNA, date=1,
                      stopped=TRUE)
    deleted = counted("updateDeleteMessages", 12, messages=[1, 2])
    slice_ = "updates.differenceSlice"
    useless = error(400, "PERSISTENT_TIMESTAMP_INVALID")
    cases = {
        "empty": READY,
        "state": answer(useless) + after(2) + answer(state()),
        "difference": answer(whole(messages=[message(), message(BOB)],
                                   others=[RINGING, SIGNAL, read,
                                           new_message(19)])),
        "slices": answer(whole(slice_, [message()], [ENDED], pts=12)) +
        answer(whole(slice_, pts=12)) + answer(whole(slice_, pts=12)) +
        after(2) + answer(EMPTY),
        "too-long": answer(make("updates.differenceTooLong", pts=99)) +
        answer(make("updates.differenceTooLong", pts=99)) + answer(state()),
        "wrong-answer": answer(make("updates.state", pts=1)) +
        answer(make("userEmpty", id=1)) + after(2) + answer(EMPTY),
        "fails": (answer(error(500, "NO")) + after(25)) * 6 + answer(EMPTY),
        "forgets": (answer(error(400, "NO")) + after(25)) * 6 +
        answer(state()),
        "message": READY + update(container(new_message(11))) +
        update(container(new_message(11), seq=5)),
        "own": READY + update(container(new_message(11, out=True),
                                        new_message(12, number=SELF), seq=0)),
        "group": READY + update(short(make(
            "updateNewMessage", message=message(from_id=make(
                "peerChannel", channel_id=9)), pts=11, pts_count=1))),
        "gap": READY + update(container(new_message(13), seq=0)) +
        update(container(new_message(12), seq=0)) +
        update(short(new_message(11))),
        "gap-asked": READY + update(short(new_message(15))) + after(0.6) +
        answer(whole(pts=14)) + after(1) + answer(EMPTY),
        "gap-passed": READY + update(short(new_message(90))) + after(0.6) +
        answer(EMPTY) + after(0.6) + answer(EMPTY) + after(1),
        "before": update(short(new_message(11))) + update(container(
            new_message(12))) + READY,
        "old": READY + update(short(new_message(9))) + update(short(read)),
        "counted": READY + b"".join(update(short(u)) for u in (
            new_message(11), deleted, read, vote, stopped)),
        "counted-gap": READY + update(container(deleted, stopped, seq=9)) +
        after(0.6) + answer(whole()) + after(0.6) + answer(whole()),
        "combined": READY + update(combined(
            new_message(11), new_message(12), seq_start=4, seq=5)) +
        update(combined(seq_start=6, seq=7)) + update(combined(
            read, stopped, seq_start=9, seq=9)),
        "combined-more": READY + update(combined(
            read, stopped, deleted)) + update(combined(
                new_message(14), SIGNAL, seq_start=5, seq=5)) + update(
                    combined(vote, ENDED, RINGING, seq_start=6, seq=6)),
        "combined-far": READY + update(combined(
            seq_start=-1 << 31, seq=(1 << 31) - 1)) + update(combined(
                seq_start=(1 << 31) - 1, seq=-1 << 31)),
        "short": READY + update(short_message(11)) + answer(EMPTY) +
        update(container(seq=4)) + update(short_message(11)) +
        update(short_message(13)) + update(short_message(
            12, number=SELF, out=True)) + after(1),
        "short-others": READY + update(make(
            "updateShortChatMessage", id=1, from_id=ANNA, chat_id=4,
            message="Hello", pts=11, pts_count=1, date=1)) + update(make(
                "updateShortSentMessage", id=1, pts=12, pts_count=1,
                date=1)),
        "call": READY + update(container(RINGING, SIGNAL, ENDED)) +
        update(short(SIGNAL)),
        "call-gap": READY + update(container(RINGING, new_message(15),
                                             seq=9)) + after(0.6) +
        answer(whole(others=[SIGNAL, ENDED])),
        "too-long-told": READY + update(make("updatesTooLong")) +
        answer(EMPTY),
        "lost": READY + LOST + answer(EMPTY) + LOST + update(
            short(new_message(11))) + answer(EMPTY),
        "silence": READY + after(25) * 40 + answer(EMPTY),
        "token": READY + update(short(make("updateLoginToken"))),
        "unreadable": READY + update(b"\1\2\3") + answer(EMPTY) + update(
            container(b"\xde\xad\xbe\xef")) + answer(EMPTY) +
        answer(b"") + update(make("userEmpty", id=1)),
        "many-held": READY + b"".join(update(short(counted(
            "updateDeleteMessages", 30 + i, messages=[]))) for i in
            range(20)) + after(0.6) + answer(whole(pts=31)) + after(1),
        "too-many-held": READY + update(container(*[counted(
            "updateDeleteMessages", 30 + i, messages=[]) for i in
            range(600)])) + answer(EMPTY),
        "revoked": READY + update(short(new_message(15))) + after(0.6) +
        answer(error(401, "SESSION_REVOKED")) + update(short(
            new_message(11))) + after(1),
    }
    for name, content in cases.items():
        write("updates", name, content)


if __name__ == "__main__":
    srp_corpus()
    updates_corpus()
