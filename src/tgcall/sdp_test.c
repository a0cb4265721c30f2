#include "tgcall/sdp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/check.h"
#include "tgcall/sdp_exchange.h"
#include "tgcall/signal_message.h"

#define FINGERPRINT                                                            \
	"9E:B3:89:9A:99:03:B1:59:BF:93:DD:B1:62:AF:DB:E6:67:7C:C4:62:35:8E:"   \
	"F6:2C:F8:53:42:6C:A5:3D:57:FE"
#define TRANSPORT(setup)                                                       \
	"a=ice-ufrag:HHX1\r\na=ice-pwd:oKPYZq/GrwhmLd1yI64f7xqZ\r\n"           \
	"a=ice-options:trickle renomination\r\n"                               \
	"a=fingerprint:sha-256 " FINGERPRINT "\r\na=setup:" setup "\r\n"
#define HEAD(version)                                                          \
	"v=0\r\no=- 1206675281193534646 " version                              \
	" IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=extmap-allow-mixed\r\n"
#define AUDIO(mid, setup, direction)                                           \
	"m=audio 9 UDP/TLS/RTP/SAVPF 111 63 110\r\nc=IN IP4 0.0.0.0\r\n"       \
	"a=rtcp:9 IN IP4 0.0.0.0\r\n" TRANSPORT(                               \
		setup) "a=mid:" mid "\r\n"                                     \
		       "a=extmap:1 "                                           \
		       "urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"       \
		       "a=extmap:2 " SIGNAL_URI_ABS_SEND_TIME "\r\n"           \
		       "a=extmap:3 " SIGNAL_URI_TRANSPORT_CC "\r\n"            \
		       "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"    \
		       "a=" direction                                          \
		       "\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n"       \
		       "a=rtcp-fb:111 transport-cc\r\na=rtpmap:63 "            \
		       "red/48000/2\r\n"
#define SPEAKS(ssrc)                                                           \
	"a=ssrc:" ssrc " cname:7F8E\r\na=ssrc:" ssrc " msid:0 0\r\n"
#define DATA(mid, setup)                                                       \
	"m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"                 \
	"c=IN IP4 0.0.0.0\r\n" TRANSPORT(                                      \
		setup) "a=mid:" mid                                            \
		       "\r\na=sctp-port:5000\r\na=max-message-size:262144\r\n"
#define VIDEO(mid)                                                             \
	"m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\nc=IN IP4 0.0.0.0\r\n" TRANSPORT( \
		"actpass") "a=mid:" mid "\r\na=sendrecv\r\n"                   \
			   "a=rtpmap:96 VP8/90000\r\na=ssrc:55 cname:x\r\n"
#define OFFER                                                                  \
	HEAD("2")                                                              \
	AUDIO("0", "actpass", "sendrecv")                                      \
	SPEAKS("793325990") DATA("1", "actpass")

static int read_text(struct sdp *s, const char *text)
{
	return sdp_read(s, bytes_str(text));
}

/* -- reading ----------------------------------------------------------------
 */

static void test_sdp_reads_the_apps_offer(void)
{
	struct sdp s;
	const struct sdp_section *m = s.sections;

	CHECK_INT(read_text(&s, OFFER), 0);
	CHECK(s.id == 1206675281193534646u);
	CHECK_INT(s.version, 2);
	CHECK(s.has_transport);
	CHECK_STR(s.transport.ufrag, "HHX1");
	CHECK_STR(s.transport.pwd, "oKPYZq/GrwhmLd1yI64f7xqZ");
	CHECK(s.transport.renomination);
	CHECK_INT(s.transport.setup, TGCALL_ACTPASS);
	CHECK_INT(s.transport.fingerprint[0], 0x9e);
	CHECK_INT(s.transport.fingerprint[31], 0xfe);
	CHECK_INT(s.sections_n, 2);
	CHECK_INT(m[0].kind, SDP_AUDIO);
	CHECK_STR(m[0].mid, "0");
	CHECK(m[0].sends && m[0].receives && !m[0].refused && m[0].has_opus);
	CHECK_INT(m[0].channel.payload_type, 111);
	CHECK_INT(m[0].channel.ssrc, 793325990);
	CHECK_INT(m[0].channel.ext_audio_level, 1);
	CHECK_INT(m[0].channel.ext_abs_send_time, 2);
	CHECK_INT(m[0].channel.ext_transport_cc, 3);
	CHECK_INT(m[0].channel.ext_mid, 4);
	CHECK_INT(m[1].kind, SDP_DATA);
	CHECK_STR(m[1].mid, "1");
}

/* RFC 8866 5: LF alone; a session part holds for every section. */
static void test_sdp_reads_what_the_session_says(void)
{
	struct sdp s;

	CHECK_INT(
		read_text(&s,
			  "v=0\no=- 1 1 IN IP4 0\na=sendonly\n"
			  "a=ice-ufrag:aaaa\na=ice-pwd:bbbb\n"
			  "a=setup:passive\na=fingerprint:SHA-256 " FINGERPRINT
			  "\nm=audio 9 X 96\na=mid:a\n"
			  "a=rtpmap:96 OPUS/48000/2"),
		0);
	CHECK(s.has_transport && s.sections[0].sends);
	CHECK(!s.sections[0].receives);
	CHECK_STR(s.transport.pwd, "bbbb");
	CHECK_INT(s.transport.setup, TGCALL_PASSIVE);
	CHECK_INT(s.sections[0].channel.payload_type, 96);
}

static void test_sdp_knows_refused_and_bundled_sections(void)
{
	struct sdp s;

	CHECK_INT(read_text(&s,
			    HEAD("1") "m=audio 0 X 111\r\n" TRANSPORT(
				    "active") "m=audio 0 X 111\r\na=bundle-only"
					      "\r\na=candidate:1 1 udp 1 "
					      "10.0.0.1 9 typ "
					      "host\r\n"),
		  0);
	CHECK(s.sections[0].refused && !s.sections[1].refused);
	CHECK(!s.has_transport); /* what is refused has none */
	CHECK_INT(s.candidates_n, 1);
	CHECK_INT(s.candidates[0].n,
		  strlen("candidate:1 1 udp 1 10.0.0.1 9 typ host"));
}

static void test_sdp_ignores_opus_that_is_not_offered(void)
{
	struct sdp s;

	CHECK_INT(read_text(&s, HEAD("1") "m=audio 9 X 0 8\r\n"
					  "a=rtpmap:111 opus/48000/2\r\n"),
		  0);
	CHECK(!s.sections[0].has_opus);
	CHECK_INT(read_text(&s, HEAD("1") "m=audio 9 X 111\r\n"
					  "a=rtpmap:111 opus/16000\r\n"),
		  0);
	CHECK(!s.sections[0].has_opus);
}

static void test_sdp_refuses_broken_lines(void)
{
	static const char *const broken[] = {
		"",
		"v=0",
		"v=1\r\nm=audio 9 X 1\r\n",
		HEAD("2"), /* no section */
		HEAD("x") "m=audio 9 X 1\r\n",
		HEAD("99999999999999999999") "m=audio 9 X 1\r\n",
		HEAD("2") "m=audio\r\n",
		HEAD("2") "m=audio 9\r\n",
		HEAD("2") "m=audio 9 X\r\n",
		HEAD("2") "m=audio 65536 X 1\r\n",
		HEAD("2") "m=audio -1 X 1\r\n",
		HEAD("2") "m=audioaudioaudioaudio 9 X 1\r\n",
		HEAD("2") "m=audio 9 X 1\r\nx\r\n",
		HEAD("2") "m=audio 9 X 1\r\nab\r\n",
		HEAD("2") "m=audio 9 X 1\r\na=mid:\r\n",
		HEAD("2") "m=audio 9 X 1\r\na=mid:\x01\r\n",
		HEAD("2") "m=audio 9 X 1\r\na=ssrc:4294967296 x\r\n",
		HEAD("2") "m=audio 9 X 1\r\na=ssrc:\r\n",
		HEAD("2") "m=audio 9 X 1\r\na=rtpmap:128 opus/48000/2\r\n",
		HEAD("2") "m=audio 9 X 1\r\na=extmap:x uri\r\n",
		HEAD("2") "m=audio 9 X 1\r\na=fingerprint:sha-256 AB\r\n",
		HEAD("2") "m=audio 9 X 1\r\na=setup:\r\n",
		HEAD("2") "m=audio 9 X 1\r\na=ice-pwd:\r\n",
	};
	struct sdp s;

	for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
		CHECK_INT(read_text(&s, broken[i]), -EBADMSG);
		if (check_failed)
			printf("# number %zu\n", i);
	}
}

static void test_sdp_bounds_what_it_keeps(void)
{
	struct sdp s;
	struct buf b;

	buf_init(&b);
	buf_str(&b, HEAD("1") AUDIO("0", "actpass", "sendrecv"));
	for (int i = 0; i < SDP_CANDIDATES_MAX + 5; i++)
		buf_str(&b, "a=candidate:1 1 udp 1 10.0.0.1 9 typ host\r\n");
	for (int i = 1; i < SDP_SECTIONS_MAX; i++)
		buf_str(&b, "m=video 9 X 96\r\n");
	CHECK_INT(sdp_read(&s, buf_bytes(&b)), 0);
	CHECK_INT(s.sections_n, SDP_SECTIONS_MAX);
	CHECK_INT(s.candidates_n, SDP_CANDIDATES_MAX);
	buf_str(&b, "m=video 9 X 96\r\n");
	CHECK_INT(sdp_read(&s, buf_bytes(&b)), -EBADMSG);
	buf_fill(&b, 'x', SDP_TEXT_MAX);
	CHECK_INT(sdp_read(&s, buf_bytes(&b)), -EBADMSG);
	buf_clear(&b);
}

/* Every cut and every turned byte of a whole offer: refused or understood,
 * never more. */
static void test_sdp_survives_mangled_offers(void)
{
	size_t n = strlen(OFFER);
	struct sdp s;

	for (size_t i = 0; i < n; i++) {
		char *copy = malloc(n); /* to the byte, for the sanitizer */

		memcpy(copy, OFFER, n);
		sdp_read(&s, bytes_of(copy, i));
		copy[i] ^= (char)(1 << i % 8);
		sdp_read(&s, bytes_of(copy, n));
		free(copy);
	}
}

/* -- offer and answer -------------------------------------------------------
 */

struct end {
	struct sdp_exchange x;
	char said[8];    /* type of the last description */
	struct sdp ours; /* that description; points into text */
	struct buf text;
	unsigned texts, transports, sends, recvs, candidates;
	struct tgcall_transport transport;
	struct tgcall_channel send, recv;
};

static void end_text(struct bytes json, void *arg)
{
	struct end *e = arg;
	struct signal_message m;

	CHECK_INT(signal_message_parse(&m, json), 0);
	snprintf(e->said, sizeof(e->said), "%s",
		 m.type == SIGNAL_OFFER ? "offer" : "answer");
	buf_reset(&e->text);
	buf_put(&e->text, m.sdp.p, m.sdp.n);
	CHECK_INT(sdp_read(&e->ours, buf_bytes(&e->text)), 0);
	signal_message_clear(&m);
	e->texts++;
}

static void end_transport(const struct tgcall_transport *t, void *arg)
{
	struct end *e = arg;

	e->transport = *t;
	e->transports++;
}

static void end_candidate(struct bytes line, void *arg)
{
	((struct end *)arg)->candidates++;
}

static void end_send(const struct tgcall_channel *c, void *arg)
{
	struct end *e = arg;

	e->send = *c;
	e->sends++;
}

static void end_recv(const struct tgcall_channel *c, void *arg)
{
	struct end *e = arg;

	e->recv = *c;
	e->recvs++;
}

static void count_up(void *p, size_t n, void *arg)
{
	memset(p, 0x11, n);
}

static void end_init(struct end *e, uint32_t ssrc)
{
	struct sdp_exchange_conf conf = {
		.ssrc = ssrc,
		.local = {.ufrag = "abcd", .pwd = "0123456789abcdefghijkl"},
		.random = count_up,
		.text = end_text,
		.transport = end_transport,
		.candidate = end_candidate,
		.send_open = end_send,
		.recv_open = end_recv,
		.arg = e,
	};

	memset(e, 0, sizeof(*e));
	buf_init(&e->text);
	sdp_exchange_init(&e->x, &conf);
}

static void end_clear(struct end *e)
{
	buf_clear(&e->text);
	sdp_exchange_clear(&e->x);
}

static int offer_give(struct end *e, const char *text)
{
	return sdp_exchange_input(&e->x, true, bytes_str(text));
}

static int answer_give(struct end *e, const char *text)
{
	return sdp_exchange_input(&e->x, false, bytes_str(text));
}

/* Of two engines of ours one offer and one answer open both directions. */
static void test_exchange_of_two_opens_at_once(void)
{
	struct end a, b;

	end_init(&a, 100);
	end_init(&b, 200);
	sdp_exchange_offer(&a.x);
	CHECK_STR(a.said, "offer");
	CHECK_INT(sdp_exchange_input(&b.x, true, buf_bytes(&a.text)), 0);
	CHECK_STR(b.said, "answer");
	CHECK_INT(b.sends, 1);
	CHECK_INT(b.send.ssrc, 200);
	CHECK_INT(b.recv.ssrc, 100);
	/* The callee is DTLS client, as in the apps. */
	CHECK_INT(b.ours.transport.setup, TGCALL_ACTIVE);
	CHECK_INT(b.transport.setup, TGCALL_PASSIVE);
	CHECK_INT(sdp_exchange_input(&a.x, false, buf_bytes(&b.text)), 0);
	CHECK_INT(a.send.ssrc, 100);
	CHECK_INT(a.send.ext_transport_cc, 3);
	CHECK_INT(a.recv.ssrc, 200);
	CHECK_INT(a.transport.setup, TGCALL_ACTIVE);
	CHECK_INT(a.texts, 1);
	end_clear(&a);
	end_clear(&b);
}

/* E.13: "the callee answers the caller's audio section recvonly and then
 * re-offers with a second audio section for its own sending" */
static void test_exchange_takes_the_apps_second_section(void)
{
	struct end e;

	end_init(&e, 7);
	sdp_exchange_offer(&e.x);
	CHECK_INT(answer_give(&e, HEAD("2") AUDIO("0", "active", "recvonly")
					  DATA("1", "active")),
		  0);
	CHECK_INT(e.sends, 1);
	CHECK_INT(e.recvs, 0);
	CHECK_INT(offer_give(&e, HEAD("4") AUDIO("0", "actpass", "recvonly")
					 DATA("1", "actpass") AUDIO(
						 "2", "actpass", "sendrecv")
						 SPEAKS("2072750244")),
		  0);
	CHECK_STR(e.said, "answer");
	CHECK_INT(e.recv.ssrc, 2072750244u);
	CHECK_INT(e.sends, 1);
	CHECK_INT(e.ours.sections_n, 3);
	CHECK(e.ours.sections[0].sends && !e.ours.sections[0].receives);
	CHECK_INT(e.ours.sections[0].channel.ssrc, 7);
	CHECK(!e.ours.sections[2].sends && e.ours.sections[2].receives);
	/* The role of the first answer stays. */
	CHECK_INT(e.ours.transport.setup, TGCALL_PASSIVE);
	end_clear(&e);
}

static void test_exchange_leaves_video_out(void)
{
	struct end e;

	end_init(&e, 7);
	CHECK_INT(offer_give(&e, HEAD("3") AUDIO("0", "actpass", "sendrecv")
					 SPEAKS("5") DATA("1", "actpass") VIDEO(
						 "2") DATA("3", "actpass")),
		  0);
	CHECK_INT(e.ours.sections_n, 4);
	CHECK(!e.ours.sections[0].refused && !e.ours.sections[1].refused);
	CHECK(e.ours.sections[2].refused && e.ours.sections[3].refused);
	CHECK_STR(e.ours.sections[2].mid, "2");
	CHECK_STR(e.ours.sections[2].media, "video");
	CHECK(strstr(buf_cstr(&e.text), "a=group:BUNDLE 0 1\r\n") != NULL);
	CHECK_INT(e.recv.ssrc, 5);
	end_clear(&e);
}

/* Both offered at once. An app that gave way answers ours afterwards, one that
 * did not waits for our answer. */
static void test_exchange_stands_colliding_offers(void)
{
	for (int gives_way = 0; gives_way < 2; gives_way++) {
		struct end e;

		end_init(&e, 7);
		sdp_exchange_offer(&e.x);
		CHECK_INT(offer_give(&e, OFFER), 0);
		CHECK_STR(e.said, "answer");
		CHECK_INT(e.sends, 1);
		CHECK_INT(e.recv.ssrc, 793325990);
		CHECK_INT(e.transport.setup, TGCALL_PASSIVE);
		if (gives_way) {
			CHECK_INT(answer_give(&e, HEAD("3") AUDIO("0", "active",
								  "recvonly")
							  DATA("1", "active")),
				  0);
			CHECK_INT(e.transport.setup, TGCALL_ACTIVE);
		}
		CHECK_INT(e.sends, 1);
		CHECK_INT(e.recvs, 1);
		end_clear(&e);
	}
}

static void test_exchange_passes_over_old_descriptions(void)
{
	struct end e;

	end_init(&e, 7);
	CHECK_INT(offer_give(&e, HEAD("3") AUDIO("0", "actpass", "sendrecv")
					 SPEAKS("5")),
		  0);
	CHECK_INT(offer_give(&e, OFFER), 0); /* version 2 */
	CHECK_INT(e.texts, 1);
	CHECK_INT(e.recv.ssrc, 5);
	/* The same again is answered again. */
	CHECK_INT(offer_give(&e, HEAD("3") AUDIO("0", "actpass", "sendrecv")
					 SPEAKS("5")),
		  0);
	CHECK_INT(e.texts, 2);
	CHECK_INT(e.recvs, 1);
	end_clear(&e);
}

/* New credentials, with video beside: the call's audio and DTLS go on. */
static void test_exchange_restart_changes_the_transport_alone(void)
{
	static const char again[] =
		HEAD("7") "m=audio 9 UDP/TLS/RTP/SAVPF "
			  "111\r\na=ice-ufrag:new1\r\n"
			  "a=ice-pwd:newnewnewnewnewnewnewn"
			  "\r\na=fingerprint:sha-256 " FINGERPRINT
			  "\r\na=setup:actpass\r\na=mid:0\r\n"
			  "a=extmap:2 " SIGNAL_URI_ABS_SEND_TIME "\r\n"
			  "a=extmap:3 " SIGNAL_URI_TRANSPORT_CC "\r\n"
			  "a=rtpmap:111 opus/48000/2\r\n"
			  "a=extmap:1 "
			  "urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"
			  "a=extmap:4 "
			  "urn:ietf:params:rtp-hdrext:sdes:mid\r\n" SPEAKS(
				  "793325990") VIDEO("2");
	struct end e;

	end_init(&e, 7);
	CHECK_INT(offer_give(&e, OFFER), 0);
	CHECK_INT(offer_give(&e, again), 0);
	CHECK_INT(e.texts, 2);
	CHECK_INT(e.transports, 2);
	CHECK_STR(e.transport.ufrag, "new1");
	CHECK_INT(e.transport.setup, TGCALL_PASSIVE);
	CHECK_INT(e.ours.transport.setup, TGCALL_ACTIVE);
	CHECK(e.ours.sections[0].sends && e.ours.sections[1].refused);
	CHECK_INT(e.sends, 1);
	CHECK_INT(e.recvs, 1);
	end_clear(&e);
}

static void test_exchange_refuses_answers_to_nothing(void)
{
	struct end e;

	end_init(&e, 7);
	CHECK_INT(answer_give(&e, OFFER), -EBADMSG);
	CHECK_INT(offer_give(&e, HEAD("1") "m=audio 9 X 111\r\n"), -EBADMSG);
	CHECK_INT(e.texts + e.sends + e.recvs + e.transports, 0);
	end_clear(&e);
}

static void test_exchange_sends_with_the_offered_ids(void)
{
	struct end e;

	end_init(&e, 7);
	CHECK_INT(
		offer_give(
			&e,
			HEAD("1") "m=audio 9 UDP/TLS/RTP/SAVPF "
				  "96\r\n" TRANSPORT(
					  "passive") "a=mid:x\r\n"
						     "a=extmap:"
						     "9"
						     " " SIGNAL_URI_TRANSPORT_CC
						     "\r\n"
						     "a=rtpmap:96 "
						     "opus/48000/2\r\n"
						     "a=candidate:1 1 udp 1 "
						     "10.0.0.1 9 typ host"
						     "\r\n"),
		0);
	CHECK_INT(e.send.payload_type, 96);
	CHECK_INT(e.send.ext_transport_cc, 9);
	CHECK_INT(e.send.ext_abs_send_time, 0);
	CHECK_INT(e.send.ssrc, 7);
	CHECK_INT(e.candidates, 1);
	CHECK_STR(e.x.mid, "x");
	CHECK_INT(e.ours.transport.setup, TGCALL_ACTIVE);
	end_clear(&e);
}

int main(void)
{
	RUN(test_sdp_reads_the_apps_offer);
	RUN(test_sdp_reads_what_the_session_says);
	RUN(test_sdp_knows_refused_and_bundled_sections);
	RUN(test_sdp_ignores_opus_that_is_not_offered);
	RUN(test_sdp_refuses_broken_lines);
	RUN(test_sdp_bounds_what_it_keeps);
	RUN(test_sdp_survives_mangled_offers);
	RUN(test_exchange_of_two_opens_at_once);
	RUN(test_exchange_takes_the_apps_second_section);
	RUN(test_exchange_leaves_video_out);
	RUN(test_exchange_stands_colliding_offers);
	RUN(test_exchange_passes_over_old_descriptions);
	RUN(test_exchange_restart_changes_the_transport_alone);
	RUN(test_exchange_refuses_answers_to_nothing);
	RUN(test_exchange_sends_with_the_offered_ids);
	return check_done();
}
