#!/usr/bin/env python3
"""Adds to the kept corpus of fuzz_sip what one step away from right looks
like: the kept request and response with one thing changed each.

usage: fuzz/corpus_sip.py
"""
import os
import sys

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus",
                      "sip")
VIA = b"Via: SIP/2.0/UDP 192.0.2.4:5060;branch=z9hG4bK77;rport\r\n"
FROM = b'From: "A. Caller" <sip:caller@example.net>;tag=17\r\n'
TO = b"To: <sip:callee@example.com>\r\n"
CSEQ = b"CSeq: 8 INVITE\r\n"
CALL_ID = b"Call-ID: 55@192.0.2.4\r\n"
CONTACT = b"Contact: <sip:caller@192.0.2.4:5060>\r\n"
FORWARDS = b"Max-Forwards: 70\r\n"
LENGTH = b"Content-Length: 357\r\n"
URI = b"sip:callee@example.com "
TWO_VIAS = VIA[:-2] + b", SIP/2.0/TCP 192.0.2.9;branch=z9hG4bK1\r\n" + VIA

# what, and what stands there instead
REQUEST = (
    (VIA, b"Via:\r\n"), (VIA, b"Via: SIP/2.0/UDP\r\n"),
    (VIA, b"Via: SIP/2.0/PIGEON 192.0.2.4\r\n"), (CSEQ, b"CSeq: 8\r\n"),
    (CSEQ, b"CSeq: 2147483648 INVITE\r\n"), (CSEQ, b"CSeq: 8 IN VITE\r\n"),
    (CSEQ, b"CSeq: 8\tINVITE\r\n"), (CSEQ, b"CSeq: x INVITE\r\n"),
    (CSEQ, b"CSeq: 8 BYE\r\n"), (TO, b"To: <sip:callee@\r\n"),
    (TO, b"To: <sip:callee@example.com\r\n"), (FROM, b"From: x y z\r\n"),
    (TO, b"To:\r\n"), (CALL_ID, b"Call-ID:\r\n"), (CALL_ID, CALL_ID * 2),
    (CONTACT, b"Contact: <sip:a@192.0.2.4>, <sip:b@192.0.2.4>\r\n"),
    (CONTACT, b"Contact: *\r\n"), (CONTACT, b"Contact: <\r\n"),
    (CONTACT, b""), (LENGTH, b""), (LENGTH, b"Content-Length: -1\r\n"),
    (LENGTH, b"Content-Length: 99999999\r\n"), (LENGTH, LENGTH * 2),
    (LENGTH, b"Content-Length: 999\r\n"), (FORWARDS, b""),
    (FORWARDS, FORWARDS * 2), (FORWARDS, b"Max-Forwards: 256\r\n"),
    (FORWARDS, b"Max-Forwards: 0\r\n"), (URI, b"<sip:callee@example.com> "),
    (URI, b'sip:"callee"@example.com '), (URI, b"callee "), (URI, b"sip: "),
    (URI, b"sips:callee@example.com "), (URI, b"tel:+990001 "),
    (URI, b"sip:@:x "), (b"Max", b"Require: 100rel\r\nMax"),
    (b"INVITE", b"SUBSCRIBE"), (b"INVITE", b"NEWLY"), (VIA, TWO_VIAS),
    (FROM, FROM[:-9] + b"\r\n"), (TO, TO[:-2] + b";tag=99\r\n"),
    (b"a=ptime", b"a=" + b"x" * 70000 + b"\r\na=ptime"),
)
RESPONSE = (
    (b" 200 ", b" 20 "), (b" 200 ", b" 2x0 "), (b" 200 ", b" 700 "),
    (b" 200 ", b" 099 "), (b"SIP/2.0 200", b"SIP/3.0 200"), (VIA, b""),
    (VIA, b"Via: SIP/2.0/PIGEON x\r\n"), (CSEQ, b"CSeq: x INVITE\r\n"),
    (CSEQ, b"CSeq: 8 (\r\n"), (FROM, b"From: <\r\n"),
    (b";tag=99", b">>"), (CONTACT, b"Contact: <\r\n"),
    (b"Length: 345", b"Length: 9999"), (CALL_ID, b""),
    (b"a=ptime", b"a=" + b"x" * 70000 + b"\r\na=ptime"),
)
MEDIA = b"m=audio 40000 RTP/AVP 111 8 0 101 102\r\n"
CONNECTION = b"c=IN IP4 192.0.2.4\r\n"
MAP = b"a=rtpmap:111 opus/48000/2\r\n"
DESCRIPTION = tuple((MEDIA, b"m=" + line + b"\r\n") for line in (
    b"audio 0 RTP/AVP 8", b"audio 40000/2 RTP/AVP 8 8 13 4", b"audio",
    b"audio 99999 RTP/AVP 8", b"audio x RTP/AVP 8", b"audio 40000 RTP/AVP",
    b"audio 65535 RTP/AVP 8", b"audio 40000 RTP/SAVP 8",
    b"audio 1234567890 RTP/AVP 8", b"video 40000 RTP/AVP 96", b"",
    b"audio 4 RTP/AVP 128 x 8", b"audio 0 RTP/AVP 8\r\nm=audio 6 RTP/AVP 0",
    b"audio 4 RTP/AVP 8\r\nm=audio 6 RTP/AVP 0", b"audio 4 RTP/AVP " +
    b" ".join(b"%d" % i for i in range(60, 100)), b"\t\taudio\t4 RTP/AVP\t8",
    b"audio 40000 RTP/AVP 8\r\nm=audio 0 RTP/AVP 0")) + tuple(
    (CONNECTION, b"c=" + line + b"\r\n") for line in (
        b"IN IP4 0.0.0.0", b"IN IP4 host.example", b"IN IP4 224.2.1.1/127",
        b"IN IP6 2001:db8::1", b"XX IP4 192.0.2.4", b"IN IP5 192.0.2.4", b"",
        b"IN IP4 0.0.0.0\r\na=recvonly", b"IN IP4 0.0.0.0\r\na=inactive",
        b"IN IP4 192.0.2.4\n\nx")) + tuple(
    (MAP, b"a=" + line + b"\r\n") for line in (
        b"rtpmap:200 opus/48000/2", b"rtpmap:55 opus/48000/2", b"rtpmap:111",
        b"rtpmap:111 /8000", b"rtpmap:111 " + b"n" * 40 + b"/8000",
        b"rtpmap:111 opus/0", b"rtpmap:111 opus/x", b"rtpmap:111 opus/800000",
        b"rtpmap:111 opus/48000/9", b"rtpmap:111 opus/48000/0",
        b"rtpmap:111 op\x01us/48000", b"fmtp:x y", b"fmtp:55 y",
        b"fmtp:8 " + b"y" * 200, b"fmtp:8   y", b"rtcp:x", b"rtcp:40001",
        b"rtcp:40001 IN IP6 ::1", b"rtcp:40001 IN IP4 nowhere", b"maxptime:10",
        b"maxptime:10\r\na=ptime:40", b"ptime:9999", b"sendonly", b"inactive",
        b"rtpmap:111 telephone-event/16000", b"")) + (
    (b"v=0\r\n", b"v=1\r\n"), (b"v=0\r\n", b"v=0\r\n\r\n"), (b"s=-", b"s"),
    (b"a=ptime:20\r\n", b""), (b"s=-\r\n", b"s=-\n"),
    (MEDIA, MEDIA[:-2] + b" 103 104\r\na=rtpmap:103 CN/16000\r\n"
     b"a=rtpmap:104 telephone-event/8000\r\n"),
    (MEDIA, b"m=video 1 RTP/AVP 96\r\n" * 20 + MEDIA),
)


def kept(name):
    with open(os.path.join(FOLDER, name), "rb") as f:
        return f.read()


def bend(name, source, changes):
    for i, (what, instead) in enumerate(changes):
        if what not in source:
            sys.exit("%s %d: %r is not there" % (name, i, what))
        with open(os.path.join(FOLDER, "%s-%02d" % (name, i)), "wb") as f:
            f.write(source.replace(what, instead, 1))


if __name__ == "__main__":
    request = kept("invite_mux")
    bend("request", request, REQUEST)
    bend("response", kept("ok"), RESPONSE)
    # the body may be shorter or longer than before
    bend("media", request.replace(LENGTH, b""), DESCRIPTION)
