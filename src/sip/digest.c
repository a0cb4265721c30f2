#include "sip/digest.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/plant.h"
#include "base/random.h"
#include "sip/head.h"

#define SECRET_BYTES 32
#define TIME_DIGITS 16
#define SIGNATURE_BYTES 16
#define NONCE_LENGTH (TIME_DIGITS + 2 * SIGNATURE_BYTES)
/* Nonces in use within their life; the oldest of a bucket makes room. */
#define USES_BUCKETS 512
#define USES_DEPTH 8

struct use {
	uint64_t nonce; /* 0: free */
	usec_t until;
	uint32_t highest;
	uint64_t seen; /* bit i: highest - i was used */
};

struct digest_server {
	char realm[128];
	uint8_t secret[SECRET_BYTES];
	struct use uses[USES_BUCKETS][USES_DEPTH];
};

/* -- reading --------------------------------------------------------------- */

static bool store(char *dst, size_t size, struct bytes b)
{
	if (b.n >= size || memchr(b.p ? (const void *)b.p : "", 0, b.n))
		return false;
	if (b.p)
		memcpy(dst, b.p, b.n);
	dst[b.n] = '\0';
	return true;
}

/* The value of one parameter, quotes and backslashes undone, into buf. */
static bool value_read(struct rd *r, struct buf *value)
{
	buf_reset(value);
	if (r->n && *r->p == '"') {
		rd_skip(r, 1);
		while (r->n) {
			uint8_t c = rd_u8(r);

			if (c == '"')
				return true;
			if (c == '\\')
				c = rd_u8(r);
			buf_u8(value, c);
		}
		return false;
	}
	while (r->n && *r->p != ',')
		buf_u8(value, rd_u8(r));
	while (value->n && strchr(" \t\r\n", value->p[value->n - 1]))
		value->n--;
	return value->n > 0;
}

static enum digest_algorithm algorithm_of(struct bytes b)
{
	if (head_is(b, "MD5"))
		return DIGEST_MD5;
	return head_is(b, "SHA-256") ? DIGEST_SHA256 : DIGEST_UNKNOWN;
}

/* qop is a list in a challenge, one word in credentials. */
static bool qop_has_auth(struct bytes b)
{
	struct rd r;

	rd_init(&r, b.p, b.n);
	while (r.n) {
		const uint8_t *comma = memchr(r.p, ',', r.n);
		size_t n = comma ? (size_t)(comma - r.p) : r.n;

		if (head_is(head_trim(rd_bytes(&r, n)), "auth"))
			return true;
		if (comma)
			rd_skip(&r, 1);
	}
	return false;
}

static bool field_store(struct digest_fields *f, struct bytes name,
			struct bytes v)
{
	const struct {
		const char *name;
		char *dst;
		size_t size;
	} texts[] = {
		{"username", f->username, sizeof(f->username)},
		{"realm", f->realm, sizeof(f->realm)},
		{"nonce", f->nonce, sizeof(f->nonce)},
		{"uri", f->uri, sizeof(f->uri)},
		{"response", f->response, sizeof(f->response)},
		{"cnonce", f->cnonce, sizeof(f->cnonce)},
		{"nc", f->nc, sizeof(f->nc)},
		{"opaque", f->opaque, sizeof(f->opaque)},
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (head_is(name, texts[i].name))
			return store(texts[i].dst, texts[i].size, v);
	if (head_is(name, "algorithm"))
		f->algorithm = algorithm_of(v);
	else if (head_is(name, "stale"))
		f->stale = head_is(v, "true");
	else if (head_is(name, "qop")) {
		f->qop_given = true;
		f->qop_auth = qop_has_auth(v);
	}
	return true; /* others are for others (RFC 7616 3.4: auth-param) */
}

int digest_read(struct digest_fields *f, struct bytes value)
{
	struct buf text;
	struct rd r;
	bool good = true;

	*f = (struct digest_fields){0};
	value = head_trim(value);
	if (value.n < 7 || !head_is(bytes_of(value.p, 6), "Digest") ||
	    !strchr(" \t\r\n", value.p[6]))
		return -EBADMSG;
	rd_init(&r, value.p + 7, value.n - 7);
	buf_init(&text);
	while (good && r.n) {
		const uint8_t *equal = memchr(r.p, '=', r.n);
		struct bytes name;

		if (!equal) {
			good = false;
			break;
		}
		name = head_trim(rd_bytes(&r, (size_t)(equal - r.p)));
		rd_skip(&r, 1);
		while (r.n && strchr(" \t\r\n", *r.p) && *r.p)
			rd_skip(&r, 1);
		good = head_is_token(name) && value_read(&r, &text) &&
		       field_store(f, name, buf_bytes(&text));
		while (r.n && strchr(" \t\r\n,", *r.p) && *r.p)
			rd_skip(&r, 1);
		PLANT_OVERFLOW(f->stale && f->qop_auth && *f->cnonce, f->cnonce,
			       strlen(f->cnonce));
	}
	good = good && !r.bad && !text.bad;
	buf_clear(&text);
	return good && *f->nonce && *f->realm ? 0 : -EBADMSG;
}

/* -- computing ------------------------------------------------------------- */

static void hash_hex(char hex[65], enum digest_algorithm algorithm,
		     struct buf *text)
{
	const EVP_MD *md = algorithm == DIGEST_MD5 ? EVP_md5() : EVP_sha256();
	uint8_t sum[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	hex[0] = '\0';
	if (EVP_Digest(text->p, text->n, sum, &n, md, NULL) == 1 && n <= 32)
		hex_encode(hex, sum, n);
	bytes_wipe(sum, sizeof(sum));
	buf_clear(text);
}

int digest_response(char hex[65], const struct digest_fields *f,
		    const char *method, const char *password)
{
	char ha1[65], ha2[65];
	struct buf text;

	if (f->algorithm == DIGEST_UNKNOWN)
		return -ENOTSUP;
	buf_init(&text);
	buf_printf(&text, "%s:%s:%s", f->username, f->realm, password);
	hash_hex(ha1, f->algorithm, &text);
	buf_printf(&text, "%s:%s", method, f->uri);
	hash_hex(ha2, f->algorithm, &text);
	if (f->qop_auth)
		buf_printf(&text, "%s:%s:%s:%s:auth:%s", ha1, f->nonce, f->nc,
			   f->cnonce, ha2);
	else
		buf_printf(&text, "%s:%s:%s", ha1, f->nonce, ha2);
	hash_hex(hex, f->algorithm, &text);
	bytes_wipe(ha1, sizeof(ha1));
	return *hex ? 0 : -EIO;
}

/* -- client ---------------------------------------------------------------- */

static void quoted_write(struct buf *dst, const char *name, const char *value)
{
	buf_printf(dst, "%s=\"", name);
	for (; *value; value++) {
		if (*value == '"' || *value == '\\')
			buf_u8(dst, '\\');
		if ((uint8_t)*value >= ' ' && *value != 0x7f)
			buf_u8(dst, (uint8_t)*value);
	}
	buf_u8(dst, '"');
}

int digest_answer(struct buf *value, const struct digest_fields *challenge,
		  const char *method, const char *uri, const char *user,
		  const char *password, unsigned count)
{
	struct digest_fields f = *challenge;
	int err;

	if (f.algorithm == DIGEST_UNKNOWN || (f.qop_given && !f.qop_auth) ||
	    !store(f.username, sizeof(f.username), bytes_str(user)) ||
	    !store(f.uri, sizeof(f.uri), bytes_str(uri)))
		return -ENOTSUP;
	snprintf(f.nc, sizeof(f.nc), "%08x", count);
	random_text(f.cnonce, 16);
	err = digest_response(f.response, &f, method, password);
	if (err)
		return err;
	buf_str(value, "Digest ");
	quoted_write(value, "username", f.username);
	quoted_write(value, ", realm", f.realm);
	quoted_write(value, ", nonce", f.nonce);
	quoted_write(value, ", uri", f.uri);
	quoted_write(value, ", response", f.response);
	buf_printf(value, ", algorithm=%s",
		   f.algorithm == DIGEST_MD5 ? "MD5" : "SHA-256");
	if (*f.opaque)
		quoted_write(value, ", opaque", f.opaque);
	if (f.qop_auth)
		buf_printf(value, ", qop=auth, cnonce=\"%s\", nc=%s", f.cnonce,
			   f.nc);
	return value->bad ? -ENOMEM : 0;
}

/* -- server ---------------------------------------------------------------- */

int digest_server_new(struct digest_server **dp, const char *realm)
{
	struct digest_server *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	if (!store(d->realm, sizeof(d->realm), bytes_str(realm))) {
		free(d);
		return -EINVAL;
	}
	random_bytes(d->secret, sizeof(d->secret));
	*dp = d;
	return 0;
}

void digest_server_free(struct digest_server **dp)
{
	if (*dp)
		bytes_wipe(*dp, sizeof(**dp));
	free(*dp);
	*dp = NULL;
}

/* The time, and what proves that we wrote it. */
static void nonce_make(char nonce[NONCE_LENGTH + 1],
		       const struct digest_server *d, usec_t when)
{
	uint8_t mac[EVP_MAX_MD_SIZE];
	unsigned n = sizeof(mac);
	struct buf text;

	buf_init(&text);
	buf_printf(&text, "%016" PRIx64 ":%s", when, d->realm);
	HMAC(EVP_sha256(), d->secret, sizeof(d->secret), text.p, text.n, mac,
	     &n);
	buf_clear(&text);
	snprintf(nonce, TIME_DIGITS + 1, "%016" PRIx64, when);
	hex_encode(nonce + TIME_DIGITS, mac, SIGNATURE_BYTES);
}

void digest_challenge(const struct digest_server *d, struct buf *value,
		      bool stale, usec_t now)
{
	char nonce[NONCE_LENGTH + 1];

	nonce_make(nonce, d, now);
	buf_str(value, "Digest ");
	quoted_write(value, "realm", d->realm);
	quoted_write(value, ", nonce", nonce);
	buf_printf(value, ", algorithm=MD5, qop=\"auth\"%s",
		   stale ? ", stale=true" : "");
}

static bool nonce_time(const struct digest_server *d, const char *nonce,
		       usec_t *when)
{
	char own[NONCE_LENGTH + 1];
	uint8_t t[8];

	if (strlen(nonce) != NONCE_LENGTH ||
	    hex_decode(t, sizeof(t), nonce, TIME_DIGITS))
		return false;
	*when = (usec_t)be32_load(t) << 32 | be32_load(t + 4);
	nonce_make(own, d, *when);
	return bytes_equal_ct(own, nonce, NONCE_LENGTH);
}

enum digest_verdict digest_check_nonce(const struct digest_server *d,
				       const struct digest_fields *f,
				       usec_t now)
{
	uint8_t count[4];
	usec_t when;

	if (strcmp(f->realm, d->realm) != 0 || !f->qop_auth || !*f->cnonce ||
	    hex_decode(count, sizeof(count), f->nc, strlen(f->nc)) ||
	    f->algorithm == DIGEST_UNKNOWN || !nonce_time(d, f->nonce, &when))
		return DIGEST_REFUSED;
	return now < when || now - when > DIGEST_NONCE_LIFE ? DIGEST_STALE
							    : DIGEST_GOOD;
}

static struct use *use_get(struct digest_server *d, uint64_t nonce, usec_t now)
{
	struct use *bucket = d->uses[nonce % USES_BUCKETS];
	struct use *oldest = bucket;

	for (int i = 0; i < USES_DEPTH; i++) {
		if (bucket[i].nonce == nonce)
			return &bucket[i];
		if (bucket[i].until < oldest->until)
			oldest = &bucket[i];
	}
	*oldest =
		(struct use){.nonce = nonce, .until = now + DIGEST_NONCE_LIFE};
	return oldest;
}

/* Each count once, in any order within 64 (RFC 7616 3.4: nc lets the server
 * detect replays). */
static bool count_use(struct digest_server *d, const struct digest_fields *f,
		      usec_t now)
{
	uint8_t key[8] = {0}, nc[4] = {0};
	uint32_t count, back;
	struct use *u;

	(void)hex_decode(key, sizeof(key), f->nonce + TIME_DIGITS, 16);
	(void)hex_decode(nc, sizeof(nc), f->nc, 8);
	count = be32_load(nc);
	u = use_get(d,
		    ((uint64_t)be32_load(key) << 32 | be32_load(key + 4)) | 1,
		    now);
	if (count == 0)
		return false;
	if (count > u->highest) {
		back = count - u->highest;
		u->seen = back < 64 ? u->seen << back : 0;
		u->seen |= 1;
		u->highest = count;
		return true;
	}
	back = u->highest - count;
	if (back >= 64 || u->seen >> back & 1)
		return false;
	u->seen |= 1ULL << back;
	return true;
}

enum digest_verdict digest_check(struct digest_server *d,
				 const struct digest_fields *f,
				 const char *method, const char *password,
				 usec_t now)
{
	enum digest_verdict verdict = digest_check_nonce(d, f, now);
	char wanted[65];
	size_t n;

	if (verdict != DIGEST_GOOD)
		return verdict;
	if (digest_response(wanted, f, method, password))
		return DIGEST_REFUSED;
	n = strlen(wanted);
	if (strlen(f->response) != n)
		return DIGEST_WRONG;
	for (size_t i = 0; i < n; i++) /* hex of either case */
		if (wanted[i] >= 'a' && f->response[i] == wanted[i] - 32)
			wanted[i] -= 32;
	if (!bytes_equal_ct(wanted, f->response, n))
		return DIGEST_WRONG;
	return count_use(d, f, now) ? DIGEST_GOOD : DIGEST_STALE;
}
