"""SIPp scenarios, put together from steps. Messages are written as SIP has
them, with SIPp's own [words]; what all messages have is added here."""
from xml.sax.saxutils import quoteattr

SDP = """v=0
o=- 1 {version} IN IP4 [local_ip]
s=-
c=IN IP4 {address}
t=0 0
m=audio [media_port] RTP/AVP 8 101
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
a=ptime:20
a={direction}
"""
HERE = "<sip:odd@[local_ip]:[local_port]>"
ACCEPTED = "INVITE, ACK, CANCEL, OPTIONS, BYE"


def sdp(direction="sendrecv", version=1, address="[media_ip]"):
    return SDP.format(direction=direction, version=version, address=address)


def finish(lines, body):
    if body:
        lines.append("Content-Type: application/sdp")
    lines += ["Content-Length: " + ("[len]" if body else "0"), "", body]
    return "  <send>\n<![CDATA[\n%s\n]]>\n  </send>\n" % "\n".join(lines)


def request(method, cseq=1, user="anna_test", uri=None, branch="[branch]",
            peer_tag="[peer_tag_param]", sender="<sip:odd@[local_ip]>",
            to=None, headers=(), body=""):
    """Of a dialog that SIPp began."""
    uri = uri or "sip:%s@[remote_ip]:[remote_port]" % user
    return finish([
        "%s %s SIP/2.0" % (method, uri),
        "Via: SIP/2.0/UDP [local_ip]:[local_port];branch=%s" % branch,
        "Max-Forwards: 70",
        "From: %s;tag=[pid]t[call_number]" % sender,
        "To: %s%s" % (to or "<sip:%s@[remote_ip]>" % user, peer_tag),
        "Call-ID: [call_id]", "CSeq: %d %s" % (cseq, method),
        "Contact: " + HERE, "Allow: " + ACCEPTED, *headers], body)


def invite(body=None, **more):
    return request("INVITE", peer_tag="",
                   body=sdp() if body is None else body, **more)


def inside(method, cseq, **more):
    """To the contact that the 2xx named."""
    return request(method, cseq, uri="[next_url]", **more)


def reply(line, tag="a", headers=(), body="", contact=HERE):
    """To the request that came last. tag: of our dialog; the empty one is
    there already."""
    return finish([
        "SIP/2.0 " + line, "[last_Via:]", "[last_Record-Route:]",
        "[last_From:]", "[last_To:]" + (
            ";tag=[pid]%s[call_number]" % tag if tag else ""),
        "[last_Call-ID:]", "[last_CSeq:]", "Contact: " + contact,
        *headers], body)


def called(method, cseq, tag="a", headers=(), body=""):
    """Of a dialog that the gateway began: needs keep()."""
    return finish([
        "%s [$contact] SIP/2.0" % method,
        "Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]",
        "Max-Forwards: 70", "From: [$to];tag=[pid]%s[call_number]" % tag,
        "To: [$from]", "Call-ID: [call_id]", "CSeq: %d %s" % (cseq, method),
        "Contact: " + HERE, *headers], body)


def recv(what, **attributes):
    """A code or a method."""
    kind = "response" if what.isdigit() else "request"
    return "  <recv %s=%s%s/>\n" % (kind, quoteattr(what), "".join(
        " %s=%s" % (k, quoteattr(v)) for k, v in attributes.items()))


def ringing():
    return recv("100", optional="true") + recv("180", optional="true")


# What of an INVITE that came later messages of ours need.
KEPT = {"contact": ("Contact:", "sip:[^>]*"), "from": ("From:", "<.*"),
        "to": ("To:", "<.*"), "via": ("Via:", "SIP.*"),
        "cseq": ("CSeq:", "[0-9].*")}


def keep():
    return '  <recv request="INVITE" rrs="true">\n    <action>\n%s' \
        "    </action>\n  </recv>\n" % "".join(
            '      <ereg regexp=%s search_in="hdr" header="%s" '
            'assign_to="%s"/>\n' % (quoteattr(pattern), header, name)
            for name, (header, pattern) in KEPT.items())


def reply_kept(line, body=""):
    """To the INVITE that was kept, inside a dialog of ours."""
    return finish([
        "SIP/2.0 " + line, "Via: [$via]", "From: [$from]", "To: [$to]",
        "Call-ID: [call_id]", "CSeq: [$cseq]", "Contact: " + HERE], body)


def pause(milliseconds):
    return '  <pause milliseconds="%d"/>\n' % milliseconds


def bye(cseq=2):
    return inside("BYE", cseq) + recv("200")


def scenario(name, *steps):
    text = "".join(steps)
    if "assign_to" in text:    # what no message names is an error otherwise
        text += '  <Reference variables="%s"/>\n' % ",".join(KEPT)
    return ('<?xml version="1.0" encoding="UTF-8"?>\n'
            "<!DOCTYPE scenario SYSTEM \"sipp.dtd\">\n"
            "<scenario name=%s>\n%s</scenario>\n" % (quoteattr(name), text))
