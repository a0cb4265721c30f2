#include "sip/sdp_secure.h"

#include "sip/sdp.h"
#include "tests/check.h"

/* RFC 4568 4.1, 6.1 */
#define RFC_KEY "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
#define OTHER_KEY "PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR"

static bool reads(struct sip_sdp_crypto *c, const char *value)
{
	return sip_sdp_crypto_read(c, bytes_str(value));
}

static void test_sdp_crypto_line_of_the_rfc(void)
{
	struct sip_sdp_crypto c;

	CHECK(reads(&c, "1 AES_CM_128_HMAC_SHA1_80 inline:" OTHER_KEY "|2^20"));
	CHECK_INT(c.tag, 1);
	CHECK_STR(c.suite, "AES_CM_128_HMAC_SHA1_80");
	CHECK_INT(c.key_n, 30);
	CHECK_MEM(c.key, "=-n@%^x!Bjufr9)?,#5h\\`=&]{qiPQ", 30);
	CHECK(reads(&c, "2 AES_CM_128_HMAC_SHA1_32 inline:" RFC_KEY
			" WSH=128 -UNKNOWN=1"));
	CHECK_INT(c.tag, 2);
}

static void test_sdp_crypto_lines_that_cannot_be_used(void)
{
	static const char *const lines[] = {
		"",
		"1",
		"1 AES_CM_128_HMAC_SHA1_80",
		"x AES_CM_128_HMAC_SHA1_80 inline:" RFC_KEY,
		"1234567890 AES_CM_128_HMAC_SHA1_80 inline:" RFC_KEY,
		"1 AES CM inline:" RFC_KEY,
		"1 AES-CM inline:" RFC_KEY,
		"1 A23456789012345678901234567890123 inline:" RFC_KEY,
		"1 AES_CM_128_HMAC_SHA1_80 outline:" RFC_KEY,
		"1 AES_CM_128_HMAC_SHA1_80 inline:",
		"1 AES_CM_128_HMAC_SHA1_80 inline:" RFC_KEY "A",
		"1 AES_CM_128_HMAC_SHA1_80 inline:" RFC_KEY RFC_KEY,
		"1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX1-zZW1jdGwg",
		"1 AES_CM_128_HMAC_SHA1_80 inline:====",
		/* another key for later, an identifier in each packet */
		"1 AES_CM_128_HMAC_SHA1_80 inline:" RFC_KEY "|2^20|1:4",
		"1 AES_CM_128_HMAC_SHA1_80 inline:" RFC_KEY "|1:4",
		"1 AES_CM_128_HMAC_SHA1_80 inline:" RFC_KEY
		"|2^20|1:4;inline:" OTHER_KEY "|2^20|2:4",
		"1 AES_CM_128_HMAC_SHA1_80 inline:" RFC_KEY " UNENCRYPTED_SRTP",
		"1 AES_CM_128_HMAC_SHA1_80 inline:" RFC_KEY " KDR=1",
		"1 AES_CM_128_HMAC_SHA1_80 inline:" RFC_KEY " WSH=64 FEC_KEY=x",
	};
	struct sip_sdp_crypto c = {.tag = 77};

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		if (reads(&c, lines[i]))
			printf("# %s\n", lines[i]);
	CHECK_INT(c.tag, 77); /* untouched by each */
}

static void test_sdp_fingerprint_and_setup(void)
{
	static const char good[] =
		"SHA-256 00:01:02:03:04:05:06:07:08:09:0a:0B:0c:0d:0e:0f:"
		"10:11:12:13:14:15:16:17:18:19:1A:1b:1c:1d:1e:ff";
	uint8_t f[32] = {0};
	enum sip_sdp_setup setup = SIP_SDP_HOLDCONN;

	CHECK(sip_sdp_fingerprint_read(f, bytes_str(good)));
	CHECK_INT(f[10], 10);
	CHECK_INT(f[31], 255);
	CHECK(!sip_sdp_fingerprint_read(f, bytes_of(good, 102)));
	CHECK(!sip_sdp_fingerprint_read(f, bytes_str("sha-1 00:01")));
	CHECK(!sip_sdp_fingerprint_read(f, bytes_str("sha-256")));
	CHECK(sip_sdp_setup_read(&setup, bytes_str(" Active ")));
	CHECK_INT(setup, SIP_SDP_ACTIVE);
	CHECK(!sip_sdp_setup_read(&setup, bytes_str("activ")));
}

#define HEAD "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\n"
#define ADDRESS "c=IN IP4 192.0.2.1\r\nt=0 0\r\n"
#define CRYPTO "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" RFC_KEY "\r\n"
#define PRINT                                                                  \
	"a=fingerprint:sha-256 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:"  \
	"0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F\r\n"

static void test_sdp_of_two_sections_takes_the_wanted(void)
{
	struct bytes text =
		bytes_str(HEAD ADDRESS "m=audio 1000 RTP/SAVP 8\r\n" CRYPTO
				       "m=audio 2000 RTP/AVP 8\r\n");
	struct sip_sdp_remote r;

	CHECK_INT(sip_sdp_read(&r, text), 0);
	CHECK_INT(sa_port(&r.rtp), 2000);
	CHECK(!r.protocol_secure);
	CHECK_INT(r.secure.crypto_n, 0);
	CHECK_INT(sip_sdp_read_secure(&r, text), 0);
	CHECK_INT(sa_port(&r.rtp), 1000);
	CHECK(r.protocol_secure);
	CHECK_INT(r.secure.crypto_n, 1);
}

static void test_sdp_of_optional_srtp_keeps_its_protocol(void)
{
	struct bytes text =
		bytes_str(HEAD ADDRESS "m=audio 1000 RTP/AVP 8\r\n" CRYPTO);
	struct sip_sdp_remote r;

	CHECK_INT(sip_sdp_read(&r, text), 0);
	CHECK(!r.protocol_secure);
	CHECK_INT(r.secure.crypto_n, 1);
}

/* RFC 8122 5: what stands for the session holds for its sections. */
static void test_sdp_fingerprint_of_the_session_is_inherited(void)
{
	struct bytes text =
		bytes_str(HEAD PRINT "a=setup:active\r\n" ADDRESS
				     "m=audio 1000 UDP/TLS/RTP/SAVP 8\r\n");
	struct sip_sdp_remote r;

	CHECK_INT(sip_sdp_read_secure(&r, text), 0);
	CHECK(r.secure.has_fingerprint);
	CHECK_INT(r.secure.fingerprint[31], 31);
	CHECK_INT(r.secure.setup, SIP_SDP_ACTIVE);
}

static void test_sdp_answer_writes_what_it_reads(void)
{
	struct bytes text = bytes_str(HEAD ADDRESS
				      "m=audio 1000 RTP/SAVP 8\r\n" CRYPTO PRINT
				      "a=setup:passive\r\n");
	struct sip_sdp_local l = {.dtmf_pt = -1};
	struct sip_sdp_remote r, again;
	struct buf out;

	CHECK_INT(sip_sdp_read_secure(&r, text), 0);
	l.codecs = r.codecs;
	l.codecs_n = r.codecs_n;
	l.secure = &r.secure;
	buf_init(&out);
	CHECK_INT(sip_sdp_answer(&out, &l, &r), 0);
	CHECK(strstr(buf_cstr(&out), "m=audio 0 RTP/SAVP 8\r\n"));
	CHECK(strstr(buf_cstr(&out), CRYPTO));
	CHECK(strstr(buf_cstr(&out), PRINT "a=setup:passive\r\n"));
	CHECK_INT(sip_sdp_read_secure(&again, buf_bytes(&out)), 0);
	CHECK_MEM(&again.secure, &r.secure, sizeof(r.secure));
	buf_clear(&out);
}

int main(void)
{
	RUN(test_sdp_crypto_line_of_the_rfc);
	RUN(test_sdp_crypto_lines_that_cannot_be_used);
	RUN(test_sdp_fingerprint_and_setup);
	RUN(test_sdp_of_two_sections_takes_the_wanted);
	RUN(test_sdp_of_optional_srtp_keeps_its_protocol);
	RUN(test_sdp_fingerprint_of_the_session_is_inherited);
	RUN(test_sdp_answer_writes_what_it_reads);
	return check_done();
}
