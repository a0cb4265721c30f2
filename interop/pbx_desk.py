"""A phone on somebody's desk, registered with a PBX: it says a tone of its own
and takes what a PBX asks of it in a call."""
import re

from tests.harness.process import wait_for
from tests.harness.rtp import Voice
from tests.harness.sip import Call, Client, Incoming, digest, token


class DeskPhone(Client):
    def __init__(self, pbx, login, hertz, password="desk-phone",
                 address="127.0.0.1"):
        self.voice = Voice("alaw", hertz)
        super().__init__(pbx + ":5060", login, password, address)

    def send(self, text):
        try:
            super().send(text)
        except OSError:
            pass    # closed meanwhile

    def take(self, m):
        if m.method in ("NOTIFY", "UPDATE", "INFO"):
            self.respond(m, 200, "OK")
        elif m.method == "INVITE" and ";tag=" in m.get("To"):
            self.respond(m, 200, "OK", body=self.voice.sdp())
            if "m=audio" in m.sdp:
                self.voice.talk_to(m)
        else:
            super().take(m)

    def dial(self, number):
        """Answered, and both sides send; the call."""
        c = self.try_dial(number)
        self.voice.talk_to(c.answered())
        return c

    def try_dial(self, number):
        c = Call(self, number)
        c.invite(self.voice.sdp(), (), True)
        return c

    def pick_up(self, skip=0):
        """The (skip+1)th call that came is answered."""
        i = self.wait_invite(skip=skip)
        i.ring()
        self.answer(i)
        return i

    def answer(self, i):
        i.answer(self.voice.sdp())
        self.voice.talk_to(i.message)

    def hold(self, call):
        return call.reinvite(self.voice.sdp("sendonly", version=2))

    def resume(self, call):
        return call.reinvite(self.voice.sdp(version=3))

    def refer(self, call, target):
        """The PBX is asked to transfer the other side; its answer."""
        headers = [("Refer-To", "<%s>" % target),
                   ("Referred-By", "<sip:%s@%s>" % (self.login,
                                                    self.server[0]))]
        n = call.send_in_dialog("REFER", headers)
        m = self.answer_of(call.call_id, n, "REFER")
        if m.code in (401, 407):
            name = "WWW" if m.code == 401 else "Proxy"
            headers.append((
                "Authorization" if m.code == 401 else "Proxy-Authorization",
                digest(m.get(name + "-Authenticate"), "REFER", call.target,
                       self.login, self.password)))
            n = call.send_in_dialog("REFER", headers)
            m = self.answer_of(call.call_id, n, "REFER")
        return m

    def close(self):
        self.voice.close()
        super().close()


def replaces(call, number, pbx):
    """The URI that means: in place of this call (RFC 3891)."""
    tag = re.search(r";tag=([^;\s]+)", call.to).group(1)
    value = "%s%%3Bto-tag%%3D%s%%3Bfrom-tag%%3D%s" % (
        call.call_id.replace("@", "%40"), tag, call.from_tag)
    return "sip:%s@%s?Replaces=%s" % (number, pbx, value)
