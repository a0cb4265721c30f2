#include "sip/sdp.h"

#include <errno.h>
#include <stdlib.h>

#include "tests/check.h"

#define HEAD "v=0\r\no=- 1 1 IN IP4 198.51.100.7\r\ns=-\r\n"

static int read_text(struct sip_sdp_remote *r, const char *text)
{
	return sip_sdp_read(r, bytes_str(text));
}

static bool address_is(const struct sa *sa, const char *host, unsigned port)
{
	struct sa want;

	return !sa_set_str(&want, host, (uint16_t)port) &&
	       sa_cmp(sa, &want, SA_ALL);
}

static void test_sdp_phone_offer_is_read(void)
{
	struct sip_sdp_remote r;

	CHECK_INT(
		read_text(&r, HEAD
			  "c=IN IP4 198.51.100.7\r\nt=0 0\r\n"
			  "m=audio 40000 RTP/AVP 111 8 0 101 102\r\n"
			  "a=rtpmap:111 opus/48000/2\r\n"
			  "a=fmtp:111 useinbandfec=1;maxplaybackrate=16000\r\n"
			  "a=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n"
			  "a=rtpmap:101 telephone-event/8000\r\n"
			  "a=fmtp:101 0-15\r\n"
			  "a=rtpmap:102 telephone-event/48000\r\n"
			  "a=ptime:20\r\na=maxptime:60\r\na=sendrecv\r\n"),
		0);
	CHECK(address_is(&r.rtp, "198.51.100.7", 40000));
	CHECK(address_is(&r.rtcp, "198.51.100.7", 40001));
	CHECK_INT(r.codecs_n, 3);
	CHECK_STR(r.codecs[0].name, "opus");
	CHECK_INT(r.codecs[0].clock_hz, 48000);
	CHECK_INT(r.codecs[0].channels, 2);
	CHECK_STR(r.codecs[0].fmtp, "useinbandfec=1;maxplaybackrate=16000");
	CHECK_STR(r.codecs[2].name, "PCMU");
	CHECK_INT(r.dtmf_pt, 101);
	CHECK_INT(r.dtmf_pt_48k, 102);
	CHECK_INT(r.ptime_ms, 20);
	CHECK_INT(r.direction, SIP_SDP_SENDRECV);
}

static void test_sdp_static_types_need_no_rtpmap(void)
{
	struct sip_sdp_remote r;

	/* LF alone, c= only in the section, an unmapped dynamic type. */
	CHECK_INT(read_text(&r, "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=x\n"
				"t=0 0\nm=audio 5004/2 RTP/AVP 8 13 97 3\n"
				"c=IN IP4 192.0.2.9/127\n"),
		  0);
	CHECK(address_is(&r.rtp, "192.0.2.9", 5004));
	CHECK_INT(r.codecs_n, 2);
	CHECK_STR(r.codecs[0].name, "PCMA");
	CHECK_STR(r.codecs[1].name, "GSM");
	CHECK_INT(r.dtmf_pt, -1);
}

static void test_sdp_rtcp_and_ipv6(void)
{
	struct sip_sdp_remote r;

	CHECK_INT(read_text(&r, HEAD "c=IN IP6 2001:db8::5\r\n"
				     "m=audio 6000 RTP/AVP 0\r\n"
				     "a=rtcp:6101 IN IP6 2001:db8::6\r\n"
				     "a=rtcp-mux\r\n"),
		  0);
	CHECK(address_is(&r.rtp, "2001:db8::5", 6000));
	CHECK(address_is(&r.rtcp, "2001:db8::6", 6101));
	CHECK(r.rtcp_mux);
}

static void test_sdp_hold_forms(void)
{
	struct sip_sdp_remote r;

	CHECK_INT(read_text(&r, HEAD "c=IN IP4 0.0.0.0\r\n"
				     "m=audio 6000 RTP/AVP 0\r\n"),
		  0);
	CHECK_INT(r.direction, SIP_SDP_SENDONLY);
	CHECK_INT(read_text(&r, HEAD "c=IN IP4 192.0.2.1\r\na=sendonly\r\n"
				     "m=audio 6000 RTP/AVP 0\r\n"),
		  0);
	CHECK_INT(r.direction, SIP_SDP_SENDONLY);
	CHECK_INT(read_text(&r,
			    HEAD "c=IN IP4 192.0.2.1\r\na=sendonly\r\n"
				 "m=audio 6000 RTP/AVP 0\r\na=inactive\r\n"),
		  0);
	CHECK_INT(r.direction, SIP_SDP_INACTIVE);
	/* A host name is no hold: the address is learnt from the packets. */
	CHECK_INT(read_text(&r, HEAD "c=IN IP4 pbx.example\r\n"
				     "m=audio 6000 RTP/AVP 0\r\n"),
		  0);
	CHECK_INT(r.direction, SIP_SDP_SENDRECV);
	CHECK_INT(sa_port(&r.rtp), 6000);
}

static void test_sdp_first_usable_audio_is_chosen(void)
{
	struct sip_sdp_remote r;

	CHECK_INT(read_text(&r, HEAD "c=IN IP4 192.0.2.1\r\n"
				     "m=video 7000 RTP/AVP 96 97\r\n"
				     "m=audio 0 RTP/AVP 0\r\n"
				     "m=audio 6002 RTP/SAVP 8\r\n"
				     "m=audio 6004 RTP/AVP 18 8\r\n"
				     "m=image 9 udptl t38\r\n"),
		  0);
	CHECK_INT(r.sections, 5);
	CHECK_INT(r.audio_index, 3);
	CHECK_INT(sa_port(&r.rtp), 6004);
	CHECK_STR(r.codecs[0].name, "G729");
	CHECK_INT(read_text(&r, HEAD "m=audio 0 RTP/AVP 0\r\n"), 0);
	CHECK_INT(sa_port(&r.rtp), 0);
}

static void test_sdp_refusals(void)
{
	struct sip_sdp_remote r = {.sections = 77};
	char many[600] = HEAD;

	CHECK_INT(read_text(&r, ""), -EBADMSG);
	CHECK_INT(read_text(&r, "v=1\r\n"), -EBADMSG);
	CHECK_INT(read_text(&r, "hello"), -EBADMSG);
	CHECK_INT(read_text(&r, HEAD), -ENOTSUP);
	CHECK_INT(read_text(&r, HEAD "m=video 1 RTP/AVP 96\r\n"), -ENOTSUP);
	CHECK_INT(read_text(&r, HEAD "m=audio 70000 RTP/AVP 0\r\n"), -EBADMSG);
	CHECK_INT(read_text(&r, HEAD "m=audio\r\n"), -EBADMSG);
	CHECK_INT(read_text(&r, HEAD "nonsense\r\n"), -EBADMSG);
	for (int i = 0; i < 9; i++)
		strcat(many, "m=audio 6000 RTP/AVP 0\r\n");
	CHECK_INT(read_text(&r, many), -EBADMSG);
	CHECK_INT(r.sections, 77);
}

static void test_sdp_odd_attributes_are_ignored(void)
{
	struct sip_sdp_remote r;

	CHECK_INT(read_text(&r,
			    HEAD "c=IN IP4 192.0.2.1\r\n"
				 "m=audio 6000 RTP/AVP 0 96 97\r\n"
				 "a=rtpmap:96 \r\na=rtpmap:97 opus/0\r\n"
				 "a=rtpmap:128 opus/48000\r\na=rtpmap\r\n"
				 "a=fmtp\r\na=rtcp:99999\r\na=ptime:x\r\na=\r\n"
				 "x=\r\na\r\n"),
		  -EBADMSG);
	CHECK_INT(read_text(&r, HEAD "c=IN IP4 192.0.2.1\r\n"
				     "m=audio 6000 RTP/AVP 0 96 97 200\r\n"
				     "a=rtpmap:96 \r\na=rtpmap:97 opus/0\r\n"
				     "a=rtpmap:128 opus/48000\r\na=rtpmap\r\n"
				     "a=fmtp\r\na=rtcp:99999\r\na=ptime:x\r\n"
				     "a=maxptime:10\r\n"),
		  0);
	CHECK_INT(r.codecs_n, 1);
	CHECK_INT(r.ptime_ms, 10);
	CHECK_INT(sa_port(&r.rtcp), 6001);
}

static void test_sdp_offer_reads_back(void)
{
	const struct sip_sdp_codec codecs[] = {
		{"opus", 48000, 2, 107, "useinbandfec=1"},
		{"PCMA", 8000, 1, 8, ""},
	};
	struct sip_sdp_local l = {.session_id = 7,
				  .version = 8,
				  .ptime_ms = 20,
				  .codecs = codecs,
				  .codecs_n = 2,
				  .dtmf_pt = 101};
	struct sip_sdp_remote r;
	struct buf b;

	buf_init(&b);
	(void)sa_set_str(&l.rtp, "203.0.113.4", 16384);
	CHECK_INT(sip_sdp_offer(&b, &l), 0);
	CHECK_STR(buf_cstr(&b), "v=0\r\no=- 7 8 IN IP4 203.0.113.4\r\ns=-\r\n"
				"c=IN IP4 203.0.113.4\r\nt=0 0\r\n"
				"m=audio 16384 RTP/AVP 107 8 101\r\n"
				"a=rtpmap:107 opus/48000/2\r\n"
				"a=fmtp:107 useinbandfec=1\r\n"
				"a=rtpmap:8 PCMA/8000\r\n"
				"a=rtpmap:101 telephone-event/8000\r\n"
				"a=fmtp:101 0-15\r\na=ptime:20\r\n"
				"a=sendrecv\r\n");
	CHECK_INT(sip_sdp_read(&r, buf_bytes(&b)), 0);
	CHECK_INT(r.codecs_n, 2);
	CHECK_INT(r.dtmf_pt, 101);
	buf_clear(&b);
}

static void test_sdp_answer_declines_the_others(void)
{
	const struct sip_sdp_codec codec = {"PCMU", 8000, 1, 0, ""};
	struct sip_sdp_local l = {.codecs = &codec,
				  .codecs_n = 1,
				  .direction = SIP_SDP_RECVONLY,
				  .dtmf_pt = -1};
	struct sip_sdp_remote r;
	struct buf b;

	buf_init(&b);
	(void)sa_set_str(&l.rtp, "2001:db8::1", 20000);
	CHECK_INT(read_text(&r, HEAD "c=IN IP4 192.0.2.1\r\n"
				     "m=image 4000 udptl t38\r\n"
				     "m=audio 6000 RTP/AVP 0\r\n"
				     "m=video 7000 RTP/AVP 96 97\r\n"),
		  0);
	CHECK_INT(sip_sdp_answer(&b, &l, &r), 0);
	CHECK_STR(buf_cstr(&b), "v=0\r\no=- 0 0 IN IP6 2001:db8::1\r\ns=-\r\n"
				"c=IN IP6 2001:db8::1\r\nt=0 0\r\n"
				"m=image 0 udptl t38\r\n"
				"m=audio 20000 RTP/AVP 0\r\n"
				"a=rtpmap:0 PCMU/8000\r\na=recvonly\r\n"
				"m=video 0 RTP/AVP 96\r\n");
	r.audio_index = 3;
	CHECK_INT(sip_sdp_answer(&b, &l, &r), -EINVAL);
	l.codecs_n = 0;
	CHECK_INT(sip_sdp_offer(&b, &l), -EINVAL);
	buf_clear(&b);
}

static void test_sdp_every_prefix_is_survived(void)
{
	static const char text[] =
		HEAD "c=IN IP4 192.0.2.1\r\nt=0 0\r\n"
		     "m=audio 6000/2 RTP/AVP 111 101\r\n"
		     "a=rtpmap:111 opus/48000/2\r\na=fmtp:111 stereo=0\r\n"
		     "a=rtcp:6001 IN IP4 192.0.2.1\r\na=sendonly\r\n";
	struct sip_sdp_remote r;
	size_t good = 0;

	for (size_t n = 0; n < sizeof(text); n++) {
		uint8_t *copy = n ? malloc(n) : NULL;

		if (n)
			memcpy(copy, text, n);
		if (!sip_sdp_read(&r, bytes_of(copy, n)))
			good++;
		free(copy);
	}
	CHECK(good > 20);
}

int main(void)
{
	RUN(test_sdp_phone_offer_is_read);
	RUN(test_sdp_static_types_need_no_rtpmap);
	RUN(test_sdp_rtcp_and_ipv6);
	RUN(test_sdp_hold_forms);
	RUN(test_sdp_first_usable_audio_is_chosen);
	RUN(test_sdp_refusals);
	RUN(test_sdp_odd_attributes_are_ignored);
	RUN(test_sdp_offer_reads_back);
	RUN(test_sdp_answer_declines_the_others);
	RUN(test_sdp_every_prefix_is_survived);
	return check_done();
}
