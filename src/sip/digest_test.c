#include "sip/digest.h"

#include <errno.h>

#include "tests/check.h"

#define SECOND USEC_S

/* RFC 2617 3.5 */
static void test_digest_rfc2617_example(void)
{
	struct digest_fields f;
	char hex[65];

	CHECK_INT(digest_read(
			  &f,
			  bytes_str("Digest username=\"Mufasa\", "
				    "realm=\"testrealm@host.com\", "
				    "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c"
				    "093\", uri=\"/dir/index.html\", qop=auth,"
				    " nc=00000001, cnonce=\"0a4f113b\", "
				    "response=\"6629fae49393a05397450978507c4"
				    "ef1\", opaque=\"5ccc069c403ebaf9f0171e9"
				    "517f40e41\"")),
		  0);
	CHECK_INT(digest_response(hex, &f, "GET", "Circle Of Life"), 0);
	CHECK_STR(hex, f.response);
}

/* RFC 7616 3.9.1 */
static void test_digest_rfc7616_examples(void)
{
	struct digest_fields f = {
		.username = "Mufasa",
		.realm = "http-auth@example.org",
		.uri = "/dir/index.html",
		.nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
		.nc = "00000001",
		.cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
		.qop_auth = true,
	};
	char hex[65];

	CHECK_INT(digest_response(hex, &f, "GET", "Circle of Life"), 0);
	CHECK_STR(hex, "8ca523f5e9506fed4657c9700eebdbec");
	f.algorithm = DIGEST_SHA256;
	CHECK_INT(digest_response(hex, &f, "GET", "Circle of Life"), 0);
	CHECK_STR(hex, "753927fa0e85d155564e2e272a28d180"
		       "2ca10daf4496794697cf8db5856cb6c1");
	f.algorithm = DIGEST_UNKNOWN;
	CHECK_INT(digest_response(hex, &f, "GET", "x"), -ENOTSUP);
}

static void test_digest_reading_refuses(void)
{
	static const char *const bad[] = {
		"",
		"Basic dXNlcg==",
		"Digest",
		"Digest ",
		"Digest realm",
		"Digest realm=\"open, nonce=\"1\"",
		"Digest nonce=\"1\"",
		"Digest realm=\"r\"",
		"Digest realm=\"r\", nonce=",
		"Digest realm=\"r\", nonce=\"n\", nc=000000001",
		"Digest re alm=\"r\", nonce=\"n\"",
		"Digest realm=\"r\", nonce=\"n\", cnonce=\"x\\",
	};
	struct digest_fields f;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CHECK_INT(digest_read(&f, bytes_str(bad[i])), -EBADMSG);
	CHECK_INT(digest_read(&f, bytes_str("digest Realm=r ,, NONCE=\"a\\\"b\""
					    ",stale=TRUE,foo=bar,"
					    "qop=\"auth-int, auth\"")),
		  0);
	CHECK_STR(f.nonce, "a\"b");
	CHECK(f.stale && f.qop_auth);
}

/* The server's challenge, answered by our own client. */
static enum digest_verdict round_trip(struct digest_server *d,
				      struct digest_fields *f,
				      const char *password, unsigned count,
				      usec_t issued, usec_t now)
{
	struct digest_fields challenge;
	enum digest_verdict verdict = DIGEST_REFUSED;
	struct buf b;

	buf_init(&b);
	digest_challenge(d, &b, false, issued);
	if (!digest_read(&challenge, buf_bytes(&b))) {
		buf_reset(&b);
		if (!digest_answer(&b, &challenge, "REGISTER", "sip:h",
				   "al\"ice", password, count) &&
		    !digest_read(f, buf_bytes(&b)))
			verdict = digest_check(d, f, "REGISTER", "secret", now);
	}
	buf_clear(&b);
	return verdict;
}

static void test_digest_server_verdicts(void)
{
	struct digest_server *d, *other;
	struct digest_fields f;
	usec_t t = 1000 * SECOND;

	CHECK_INT(digest_server_new(&d, "gramline"), 0);
	CHECK_INT(digest_server_new(&other, "gramline"), 0);
	CHECK_INT(round_trip(d, &f, "secret", 1, t, t + SECOND), DIGEST_GOOD);
	CHECK_STR(f.username, "al\"ice");
	CHECK_INT(round_trip(d, &f, "Secret", 1, t + 1, t + SECOND),
		  DIGEST_WRONG);
	CHECK_INT(round_trip(d, &f, "secret", 1, t + 2,
			     t + 2 + DIGEST_NONCE_LIFE),
		  DIGEST_GOOD);
	CHECK_INT(round_trip(d, &f, "secret", 1, t + 3,
			     t + 4 + DIGEST_NONCE_LIFE),
		  DIGEST_STALE);
	/* Issued in the future, by another process, or changed. */
	CHECK_INT(round_trip(d, &f, "secret", 1, t, t - 1), DIGEST_STALE);
	CHECK_INT(digest_check_nonce(other, &f, t), DIGEST_REFUSED);
	f.nonce[3] ^= 1;
	CHECK_INT(digest_check_nonce(d, &f, t), DIGEST_REFUSED);
	CHECK_INT(round_trip(d, &f, "secret", 1, t + 9, t + 10), DIGEST_GOOD);
	f.nonce[strlen(f.nonce) - 1] = '\0';
	CHECK_INT(digest_check_nonce(d, &f, t + 10), DIGEST_REFUSED);
	digest_server_free(&d);
	digest_server_free(&other);
}

static void test_digest_server_demands(void)
{
	struct digest_fields f, good;
	struct digest_server *d;
	usec_t t = 5 * SECOND;

	CHECK_INT(digest_server_new(&d, "gramline"), 0);
	CHECK_INT(round_trip(d, &good, "secret", 1, t, t), DIGEST_GOOD);
	f = good;
	f.qop_auth = false; /* no count: a replay could not be told */
	CHECK_INT(digest_check_nonce(d, &f, t), DIGEST_REFUSED);
	f = good;
	strcpy(f.realm, "elsewhere");
	CHECK_INT(digest_check_nonce(d, &f, t), DIGEST_REFUSED);
	f = good;
	strcpy(f.nc, "0000001");
	CHECK_INT(digest_check_nonce(d, &f, t), DIGEST_REFUSED);
	f = good;
	f.response[31] = '\0';
	CHECK_INT(digest_check(d, &f, "REGISTER", "secret", t), DIGEST_WRONG);
	CHECK_INT(digest_check(d, &good, "INVITE", "secret", t), DIGEST_WRONG);
	digest_server_free(&d);
}

static enum digest_verdict with_count(struct digest_server *d, unsigned count)
{
	struct digest_fields f;

	return round_trip(d, &f, "secret", count, SECOND, 2 * SECOND);
}

static void test_digest_counts_are_used_once(void)
{
	struct digest_server *d;

	CHECK_INT(digest_server_new(&d, "gramline"), 0);
	CHECK_INT(with_count(d, 1), DIGEST_GOOD);
	CHECK_INT(with_count(d, 1), DIGEST_STALE);
	CHECK_INT(with_count(d, 5), DIGEST_GOOD);
	CHECK_INT(with_count(d, 3), DIGEST_GOOD); /* overtaken under way */
	CHECK_INT(with_count(d, 3), DIGEST_STALE);
	CHECK_INT(with_count(d, 5), DIGEST_STALE);
	CHECK_INT(with_count(d, 0), DIGEST_STALE);
	CHECK_INT(with_count(d, 200), DIGEST_GOOD);
	CHECK_INT(with_count(d, 136), DIGEST_STALE); /* out of the window */
	CHECK_INT(with_count(d, 137), DIGEST_GOOD);
	digest_server_free(&d);
}

static void test_digest_client_refuses_what_it_lacks(void)
{
	struct digest_fields f = {.algorithm = DIGEST_UNKNOWN};
	struct buf b;

	buf_init(&b);
	CHECK_INT(digest_answer(&b, &f, "BYE", "sip:h", "u", "p", 1), -ENOTSUP);
	f = (struct digest_fields){.qop_given = true};
	CHECK_INT(digest_answer(&b, &f, "BYE", "sip:h", "u", "p", 1), -ENOTSUP);
	buf_clear(&b);
}

int main(void)
{
	RUN(test_digest_rfc2617_example);
	RUN(test_digest_rfc7616_examples);
	RUN(test_digest_reading_refuses);
	RUN(test_digest_server_verdicts);
	RUN(test_digest_server_demands);
	RUN(test_digest_counts_are_used_once);
	RUN(test_digest_client_refuses_what_it_lacks);
	return check_done();
}
