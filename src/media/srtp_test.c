#include "media/srtp.h"

#include <errno.h>
#include <stdlib.h>

#include "base/re.h"
#include "tests/check.h"

#define ROOM 256

static void hex(uint8_t *dst, size_t n, const char *text)
{
	(void)str_hex(dst, n, text);
}

/* RFC 3711 B.3 */
static const char master[] = "e1f97a0d3e018be0d64fa32c06de4139"
			     "0ec675ad498afeebb6960b3aabe6";

static void test_srtp_key_derivation_vectors(void)
{
	uint8_t key[30], wanted[96], got[96];

	hex(key, sizeof(key), master);
	hex(wanted, 16, "c61e7a93744f39ee10734afe3ff7a087");
	CHECK_INT(media_srtp_derive(got, 16, key, 16, key + 16, 0), 0);
	CHECK_MEM(got, wanted, 16);
	hex(wanted, 94,
	    "cebe321f6ff7716b6fd4ab49af256a156d38baa48f0a0acf3c34e2359e6cdbce"
	    "e049646c43d9327ad175578ef72270986371c10c9a369ac2f94a8c5fbcdddc25"
	    "6d6e919a48b610ef17c2041e474035766b68642c59bbfc2f34db60dbdfb2");
	CHECK_INT(media_srtp_derive(got, 94, key, 16, key + 16, 1), 0);
	CHECK_MEM(got, wanted, 94);
	hex(wanted, 14, "30cbbc08863d8c85d49db34a9ae1");
	CHECK_INT(media_srtp_derive(got, 14, key, 16, key + 16, 2), 0);
	CHECK_MEM(got, wanted, 14);
}

static struct media_srtp_key key_of(enum media_srtp_suite suite)
{
	struct media_srtp_key k = {.suite = suite};

	for (size_t i = 0; i < media_srtp_key_bytes(suite); i++)
		k.bytes[i] = (uint8_t)(i * 7 + 1);
	return k;
}

/* A packet that other implementations make of that key and these bytes. */
static void test_srtp_packet_vector(void)
{
	struct media_srtp_key key = {.suite = MEDIA_SRTP_AES_CM_128_80};
	struct media_srtp *s, *r;
	uint8_t packet[ROOM], plain[28], wanted[38];

	hex(key.bytes, 30, master);
	hex(plain, 28,
	    "800f1234decafbadcafebabeabababababababababababababababab");
	hex(wanted, 38,
	    "800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402"
	    "b78d6acc99ea179b8dbb");
	CHECK_INT(media_srtp_new(&s, &key), 0);
	CHECK_INT(media_srtp_new(&r, &key), 0);
	memcpy(packet, plain, 28);
	CHECK_INT(media_srtp_protect(s, packet, 28), 38);
	CHECK_MEM(packet, wanted, 38);
	CHECK_INT(media_srtp_unprotect(r, packet, 38), 28);
	CHECK_MEM(packet, plain, 28);
	media_srtp_free(&s);
	media_srtp_free(&r);
}

static size_t packet_make(uint8_t *p, uint32_t ssrc, uint16_t seq)
{
	memset(p, 0, ROOM);
	p[0] = 0x91; /* an extension and one contributing source */
	p[1] = 8;
	be16_store(p + 2, seq);
	be32_store(p + 8, ssrc);
	be32_store(p + 12, 77);
	be16_store(p + 16, 0xbede);
	be16_store(p + 18, 1);
	for (size_t i = 20; i < 184; i++)
		p[i] = (uint8_t)i;
	return 184;
}

static size_t report_make(uint8_t *p, uint32_t ssrc)
{
	static const uint8_t head[8] = {0x80, 201, 0, 1};

	memset(p, 0, ROOM);
	memcpy(p, head, sizeof(head));
	be32_store(p + 4, ssrc);
	for (size_t i = 8; i < 32; i++)
		p[i] = (uint8_t)(i * 3);
	return 32;
}

/* libre's implementation, both directions. */
static void libre_exchange(enum media_srtp_suite suite, enum srtp_suite theirs)
{
	struct media_srtp_key key = key_of(suite);
	size_t bytes = media_srtp_key_bytes(suite);
	struct mbuf *mb = mbuf_alloc(ROOM);
	struct srtp *tx = NULL, *rx = NULL;
	struct media_srtp *s, *r;
	uint8_t plain[ROOM];
	size_t n;
	int got;

	CHECK_INT(media_srtp_new(&s, &key), 0);
	CHECK_INT(media_srtp_new(&r, &key), 0);
	CHECK_INT(srtp_alloc(&tx, theirs, key.bytes, bytes, 0), 0);
	CHECK_INT(srtp_alloc(&rx, theirs, key.bytes, bytes, 0), 0);
	for (unsigned seq = 65530; seq < 65545; seq++) {
		n = packet_make(plain, 42, (uint16_t)seq);
		memcpy(mb->buf, plain, ROOM);
		got = media_srtp_protect(s, mb->buf, n);
		CHECK(got > (int)n);
		mb->pos = 0;
		mb->end = (size_t)got;
		CHECK_INT(srtp_decrypt(rx, mb), 0);
		CHECK_INT(mb->end, n);
		CHECK_MEM(mb->buf, plain, n);
		mb->pos = 0;
		CHECK_INT(srtp_encrypt(tx, mb), 0);
		CHECK_INT(media_srtp_unprotect(r, mb->buf, mb->end), n);
		CHECK_MEM(mb->buf, plain, n);
		/* It gives SRTCP the short tag too; RFC 4568 6.2.2 does not. */
		if (suite == MEDIA_SRTP_AES_CM_128_32 ||
		    suite == MEDIA_SRTP_AES_CM_256_32)
			continue;
		n = report_make(plain, 42);
		memcpy(mb->buf, plain, ROOM);
		got = media_srtcp_protect(s, mb->buf, n);
		CHECK(got > (int)n);
		mb->pos = 0;
		mb->end = (size_t)got;
		CHECK_INT(srtcp_decrypt(rx, mb), 0);
		CHECK_INT(mb->end, n);
		CHECK_MEM(mb->buf, plain, n);
		mb->pos = 0;
		CHECK_INT(srtcp_encrypt(tx, mb), 0);
		CHECK_INT(media_srtcp_unprotect(r, mb->buf, mb->end), n);
		CHECK_MEM(mb->buf, plain, n);
	}
	mem_deref(tx);
	mem_deref(rx);
	mem_deref(mb);
	media_srtp_free(&s);
	media_srtp_free(&r);
}

static void test_srtp_speaks_with_another_implementation(void)
{
	libre_exchange(MEDIA_SRTP_AES_CM_128_80, SRTP_AES_CM_128_HMAC_SHA1_80);
	libre_exchange(MEDIA_SRTP_AES_CM_128_32, SRTP_AES_CM_128_HMAC_SHA1_32);
	libre_exchange(MEDIA_SRTP_AES_CM_256_80, SRTP_AES_256_CM_HMAC_SHA1_80);
	libre_exchange(MEDIA_SRTP_AES_CM_256_32, SRTP_AES_256_CM_HMAC_SHA1_32);
	libre_exchange(MEDIA_SRTP_GCM_128, SRTP_AES_128_GCM);
	libre_exchange(MEDIA_SRTP_GCM_256, SRTP_AES_256_GCM);
}

static void changes_are_refused(enum media_srtp_suite suite)
{
	struct media_srtp_key key = key_of(suite);
	uint8_t sent[ROOM], copy[ROOM];
	struct media_srtp *s, *r;
	int n;

	CHECK_INT(media_srtp_new(&s, &key), 0);
	CHECK_INT(media_srtp_new(&r, &key), 0);
	n = media_srtp_protect(s, sent, packet_make(sent, 1, 9));
	for (int i = 0; i < n; i++) {
		memcpy(copy, sent, ROOM);
		copy[i] ^= 0x20;
		CHECK(media_srtp_unprotect(r, copy, (size_t)n) < 0);
	}
	for (int i = 0; i < n; i++) {
		memcpy(copy, sent, ROOM);
		CHECK_INT(media_srtp_unprotect(r, copy, (size_t)i), -EBADMSG);
	}
	CHECK(media_srtp_unprotect(r, sent, (size_t)n) > 0);
	n = media_srtcp_protect(s, sent, report_make(sent, 1));
	for (int i = 0; i < n; i++) {
		memcpy(copy, sent, ROOM);
		copy[i] ^= 0x20;
		CHECK(media_srtcp_unprotect(r, copy, (size_t)n) < 0);
		memcpy(copy, sent, ROOM);
		CHECK_INT(media_srtcp_unprotect(r, copy, (size_t)i), -EBADMSG);
	}
	CHECK(media_srtcp_unprotect(r, sent, (size_t)n) > 0);
	media_srtp_free(&s);
	media_srtp_free(&r);
}

static void test_srtp_refuses_each_changed_byte_and_each_length(void)
{
	changes_are_refused(MEDIA_SRTP_AES_CM_128_80);
	changes_are_refused(MEDIA_SRTP_AES_CM_128_32);
	changes_are_refused(MEDIA_SRTP_GCM_128);
}

static void test_srtp_replays_are_refused_and_late_ones_taken(void)
{
	struct media_srtp_key key = key_of(MEDIA_SRTP_AES_CM_128_80);
	static uint8_t sent[200][ROOM];
	uint8_t copy[ROOM];
	struct media_srtp *s, *r;
	int n = 0;

	CHECK_INT(media_srtp_new(&s, &key), 0);
	CHECK_INT(media_srtp_new(&r, &key), 0);
	for (unsigned i = 0; i < 200; i++)
		n = media_srtp_protect(
			s, sent[i],
			packet_make(sent[i], 5, (uint16_t)(65500 + i)));
	/* over the rollover, out of order */
	for (unsigned i = 0; i < 200; i += 2) {
		unsigned at = i % 4 ? i - 2 : i + 2;

		memcpy(copy, sent[at], ROOM);
		CHECK(media_srtp_unprotect(r, copy, (size_t)n) > 0);
		memcpy(copy, sent[at], ROOM);
		CHECK_INT(media_srtp_unprotect(r, copy, (size_t)n), -EALREADY);
	}
	memcpy(copy, sent[197], ROOM); /* late */
	CHECK(media_srtp_unprotect(r, copy, (size_t)n) > 0);
	memcpy(copy, sent[101], ROOM); /* too late to know */
	CHECK_INT(media_srtp_unprotect(r, copy, (size_t)n), -EALREADY);
	media_srtp_free(&s);
	media_srtp_free(&r);
}

static void test_srtp_forgeries_make_no_source_known(void)
{
	struct media_srtp_key key = key_of(MEDIA_SRTP_AES_CM_128_80);
	uint8_t first[ROOM], copy[ROOM];
	struct media_srtp *s, *r;
	int n;

	CHECK_INT(media_srtp_new(&s, &key), 0);
	CHECK_INT(media_srtp_new(&r, &key), 0);
	n = media_srtp_protect(s, first, packet_make(first, 5, 1));
	memcpy(copy, first, ROOM);
	CHECK(media_srtp_unprotect(r, copy, (size_t)n) > 0);
	for (uint32_t ssrc = 100; ssrc < 120; ssrc++) {
		(void)packet_make(copy, ssrc, 7);
		CHECK_INT(media_srtp_unprotect(r, copy, (size_t)n), -EBADMSG);
	}
	/* the true source's window is still there */
	CHECK_INT(media_srtp_unprotect(r, first, (size_t)n), -EALREADY);
	media_srtp_free(&s);
	media_srtp_free(&r);
}

static void test_srtp_suites_by_name(void)
{
	struct media_srtp_key none = {.suite = MEDIA_SRTP_NONE};
	struct media_srtp *s = NULL;

	CHECK_INT(media_srtp_suite_of("aes_cm_128_hmac_sha1_80"),
		  MEDIA_SRTP_AES_CM_128_80);
	CHECK_INT(media_srtp_suite_of("AES_256_CM_HMAC_SHA1_32"),
		  MEDIA_SRTP_AES_CM_256_32);
	CHECK_INT(media_srtp_suite_of("F8_128_HMAC_SHA1_80"), MEDIA_SRTP_NONE);
	CHECK_INT(media_srtp_key_bytes(MEDIA_SRTP_AES_CM_128_32), 30);
	CHECK_INT(media_srtp_key_bytes(MEDIA_SRTP_GCM_256), 44);
	CHECK_INT(media_srtp_new(&s, &none), -EINVAL);
	CHECK(!s);
}

int main(void)
{
	RUN(test_srtp_key_derivation_vectors);
	RUN(test_srtp_packet_vector);
	RUN(test_srtp_suites_by_name);
	RUN(test_srtp_speaks_with_another_implementation);
	RUN(test_srtp_refuses_each_changed_byte_and_each_length);
	RUN(test_srtp_replays_are_refused_and_late_ones_taken);
	RUN(test_srtp_forgeries_make_no_source_known);
	return check_done();
}
