#include "tgcall/signal_message.h"

#include <errno.h>

#include "tests/check.h"

static struct signal_message m;

static int parse(const char *text)
{
	signal_message_clear(&m);
	return signal_message_parse(&m, bytes_str(text));
}

#define FINGERPRINT                                                            \
	"00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:"                     \
	"00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff"

static char *setup_text(const char *ufrag, const char *renomination,
			const char *hash, const char *fingerprint)
{
	static char text[1024];

	snprintf(text, sizeof(text),
		 "{\"@type\":\"InitialSetup\",\"ufrag\":%s,\"pwd\":\"p\","
		 "\"renomination\":%s,\"fingerprints\":[{\"hash\":\"%s\","
		 "\"setup\":\"active\",\"fingerprint\":\"%s\"}]}",
		 ufrag, renomination, hash, fingerprint);
	return text;
}

static void test_message_setup_is_strict(void)
{
	CHECK_INT(parse(setup_text("\"u\"", "true", "sha-256", FINGERPRINT)),
		  0);
	CHECK_INT(m.type, SIGNAL_INITIAL_SETUP);
	CHECK_STR(m.setup.ufrag, "u");
	CHECK_STR(m.setup.pwd, "p");
	CHECK(m.setup.renomination);
	CHECK_INT(m.setup.setup, TGCALL_ACTIVE);
	CHECK_INT(m.setup.fingerprint[1], 0x11);
	CHECK_INT(m.setup.fingerprint[31], 0xff);
	CHECK_INT(parse(setup_text("5", "true", "sha-256", FINGERPRINT)),
		  -EBADMSG);
	CHECK_INT(parse(setup_text("\"\"", "true", "sha-256", FINGERPRINT)),
		  -EBADMSG);
	CHECK_INT(parse(setup_text("\"u\"", "1", "sha-256", FINGERPRINT)),
		  -EBADMSG);
	CHECK_INT(parse(setup_text("\"u\"", "true", "sha-1", FINGERPRINT)),
		  -EBADMSG);
	CHECK_INT(parse(setup_text("\"u\"", "true", "sha-256",
				   FINGERPRINT ":00")),
		  -EBADMSG);
	CHECK_INT(parse(setup_text("\"u\"", "true", "sha-256", "00:11")),
		  -EBADMSG);
	signal_message_clear(&m);
}

static void test_message_setup_comes_back(void)
{
	struct tgcall_transport t = {
		.ufrag = "ab\"c/+", .pwd = "p", .setup = TGCALL_PASSIVE};
	struct buf b;

	t.fingerprint[0] = 0xab;
	buf_init(&b);
	CHECK_INT(signal_setup_put(&b, &t), 0);
	CHECK(strstr(buf_cstr(&b), "\"fingerprint\":\"AB:00:"));
	CHECK_INT(parse(buf_cstr(&b)), 0);
	CHECK_MEM(&m.setup, &t, sizeof(t));
	buf_clear(&b);
	signal_message_clear(&m);
}

static const char video_offer[] =
	"{\"@type\":\"NegotiateChannels\",\"exchangeId\":4294967295,"
	"\"contents\":[{\"type\":\"video\",\"ssrc\":\"5\",\"ssrcGroups\":"
	"[{\"semantics\":\"FID\",\"ssrcs\":[\"5\",\"6\"]}],\"payloadTypes\":"
	"[{\"id\":100,\"name\":\"VP8\",\"clockrate\":90000,\"feedbackTypes\":"
	"[{\"type\":\"nack\",\"subtype\":\"pli\"}],\"parameters\":{}}],"
	"\"rtpExtensions\":[]},{\"type\":\"audio\",\"ssrc\":\"7\","
	"\"ssrcGroups\":[{\"semantics\":\"X\",\"ssrcs\":[\"7\"]}],"
	"\"payloadTypes\":[{\"id\":0,\"name\":\"PCMU\",\"clockrate\":8000},"
	"{\"id\":114,\"name\":\"opus\",\"clockrate\":48000,\"channels\":2,"
	"\"feedbackTypes\":[],\"parameters\":{\"minptime\":\"10\"}}],"
	"\"rtpExtensions\":[{\"id\":9,\"uri\":\"urn:unknown\"},{\"id\":1,"
	"\"uri\":\"urn:ietf:params:rtp-hdrext:ssrc-audio-level\"}]}]}";

static void test_message_answer_repeats_the_audio_content_alone(void)
{
	struct buf b;

	CHECK_INT(parse(video_offer), 0);
	CHECK(m.negotiation.has_audio);
	CHECK_INT(m.negotiation.audio.ssrc, 7);
	CHECK_INT(m.negotiation.audio.payload_type, 114);
	CHECK_INT(m.negotiation.audio.ext_audio_level, 1);
	CHECK_INT(m.negotiation.audio.ext_abs_send_time, 0);
	buf_init(&b);
	CHECK_INT(signal_answer_put(&b, &m.negotiation), 0);
	CHECK_STR(buf_cstr(&b),
		  "{\"@type\":\"NegotiateChannels\",\"contents\":[{"
		  "\"payloadTypes\":[{\"channels\":2,\"clockrate\":48000,"
		  "\"feedbackTypes\":[],\"id\":114,\"name\":\"opus\","
		  "\"parameters\":{\"minptime\":\"10\"}}],\"rtpExtensions\":[{"
		  "\"id\":1,\"uri\":\"urn:ietf:params:rtp-hdrext:"
		  "ssrc-audio-level\"}],\"ssrc\":\"7\",\"ssrcGroups\":[{"
		  "\"semantics\":\"X\",\"ssrcs\":[\"7\"]}],\"type\":\"audio\"}"
		  "],\"exchangeId\":\"4294967295\"}");
	buf_clear(&b);
	signal_message_clear(&m);
}

/* As recorded of the apps, byte for byte. */
static void test_message_offer_is_the_apps(void)
{
	struct buf b;

	buf_init(&b);
	CHECK_INT(signal_offer_put(&b, 3279278146, 1428500315), 0);
	CHECK_STR(buf_cstr(&b),
		  "{\"@type\":\"NegotiateChannels\",\"contents\":[{"
		  "\"payloadTypes\":[{\"channels\":2,\"clockrate\":48000,"
		  "\"feedbackTypes\":[{\"subtype\":\"\",\"type\":"
		  "\"transport-cc\"}],\"id\":111,\"name\":\"opus\","
		  "\"parameters\":{\"minptime\":\"10\",\"useinbandfec\":\"1\"}}"
		  "],\"rtpExtensions\":[{\"id\":2,\"uri\":\"http://www.webrtc."
		  "org/experiments/rtp-hdrext/abs-send-time\"},{\"id\":3,"
		  "\"uri\":\"http://www.ietf.org/id/draft-holmer-rmcat-"
		  "transport-wide-cc-extensions-01\"}],\"ssrc\":\"1428500315\","
		  "\"type\":\"audio\"}],\"exchangeId\":\"3279278146\"}");
	buf_clear(&b);
}

static void test_message_candidate_has_an_index(void)
{
	struct buf b;

	buf_init(&b);
	CHECK_INT(signal_candidate_put(&b, "candidate:1"), 0);
	CHECK_STR(buf_cstr(&b), "{\"@type\":\"Candidates\",\"candidates\":[{"
				"\"sdpMLineIndex\":0,\"sdpString\":"
				"\"candidate:1\"}]}");
	CHECK_INT(parse(buf_cstr(&b)), 0);
	CHECK_INT(m.candidates_n, 1);
	CHECK_STR(m.candidates[0], "candidate:1");
	CHECK(!m.has_mid);
	CHECK_INT(parse("{\"@type\":\"Candidates\",\"candidates\":[{"
			"\"sdpString\":\"a\",\"sdpMid\":\"0\"},"
			"{\"sdpString\":\"\"}]}"),
		  0);
	CHECK_INT(m.candidates_n, 1);
	CHECK(m.has_mid);
	buf_clear(&b);
	signal_message_clear(&m);
}

static void test_message_refuses_wrong_types_anywhere(void)
{
	static const char *const bad[] = {
		"",
		"{}",
		"[]",
		"{\"@type\":1}",
		"{\"@type\":\"InitialSetup\"",
		"{\"@type\":\"Candidates\"}",
		"{\"@type\":\"Candidates\",\"candidates\":{}}",
		"{\"@type\":\"Candidates\",\"candidates\":[\"candidate:1\"]}",
		"{\"@type\":\"NegotiateChannels\",\"contents\":[]}",
		"{\"@type\":\"NegotiateChannels\",\"exchangeId\":\"1\"}",
		"{\"@type\":\"NegotiateChannels\",\"exchangeId\":\"-1\","
		"\"contents\":[]}",
		"{\"@type\":\"NegotiateChannels\",\"exchangeId\":\"4294967296\""
		",\"contents\":[]}",
		"{\"@type\":\"NegotiateChannels\",\"exchangeId\":\"1\","
		"\"contents\":[{\"type\":\"audio\"}]}",
		"{\"@type\":\"MediaState\",\"muted\":0}",
		"{\"@type\":\"MediaState\",\"muted\":true,\"lowBattery\":0}",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CHECK_INT(parse(bad[i]), -EBADMSG);
	CHECK_INT(parse("{\"@type\":\"RequestVideo\",\"x\":[1,{}]}"), 0);
	CHECK_INT(m.type, SIGNAL_UNKNOWN);
	signal_message_clear(&m);
}

static void test_message_limits_depth_and_size(void)
{
	static char text[SIGNAL_TEXT_MAX + 64];
	char *p = text;

	p += sprintf(p, "{\"@type\":\"x\",\"a\":");
	for (int i = 0; i < SIGNAL_DEPTH_MAX - 1; i++)
		*p++ = '[';
	for (int i = 0; i < SIGNAL_DEPTH_MAX - 1; i++)
		*p++ = ']';
	strcpy(p, "}");
	CHECK_INT(parse(text), 0);
	memmove(strchr(text, '[') + 1, strchr(text, '['),
		strlen(strchr(text, '[')) + 1);
	p = strrchr(text, ']');
	memmove(p + 1, p, strlen(p) + 1);
	CHECK_INT(parse(text), -EBADMSG);
	/* brackets in strings do not count */
	CHECK_INT(parse("{\"@type\":\"[[[[[[[[[[[[[[[[\\\"[[[\"}"), 0);
	signal_message_clear(&m);
	memset(text, ' ', sizeof(text));
	memcpy(text, "{\"@type\":\"x\"}", 13);
	CHECK_INT(signal_message_parse(&m, bytes_of(text, SIGNAL_TEXT_MAX)), 0);
	signal_message_clear(&m);
	CHECK_INT(signal_message_parse(&m, bytes_of(text, SIGNAL_TEXT_MAX + 1)),
		  -EBADMSG);
	signal_message_clear(&m);
}

int main(void)
{
	RUN(test_message_setup_is_strict);
	RUN(test_message_setup_comes_back);
	RUN(test_message_answer_repeats_the_audio_content_alone);
	RUN(test_message_offer_is_the_apps);
	RUN(test_message_candidate_has_an_index);
	RUN(test_message_refuses_wrong_types_anywhere);
	RUN(test_message_limits_depth_and_size);
	return check_done();
}
