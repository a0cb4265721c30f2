/* OpenSSL's general interface to hashes allocates at every start; the old one,
 * which it calls deprecated and keeps, is a plain struct. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "media/srtp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/evp.h>
#include <openssl/sha.h>

#define RTP_BYTES 12
#define RTCP_BYTES 8
#define INDEX_BYTES 4 /* E flag and SRTCP index */
#define SALT_BYTES 14
#define GCM_SALT_BYTES 12
#define GCM_TAG_BYTES 16
#define AUTH_BYTES 20
#define HASH_BLOCK_BYTES 64
#define STREAMS_MAX 4
#define WINDOW_BITS 64
#define ENCRYPTED 0x80000000u
#define INDEX_MAX 0x7fffffffu

/* RFC 3711 4.3.2 */
enum label {
	LABEL_RTP_ENCRYPTION,
	LABEL_RTP_AUTHENTICATION,
	LABEL_RTP_SALT,
	LABEL_RTCP_ENCRYPTION,
	LABEL_RTCP_AUTHENTICATION,
	LABEL_RTCP_SALT,
};

struct suite {
	const char *name;
	size_t key, salt, tag;
	bool gcm;
};

static const struct suite suites[] = {
	[MEDIA_SRTP_AES_CM_128_80] = {"AES_CM_128_HMAC_SHA1_80", 16, 14, 10,
				      false},
	[MEDIA_SRTP_AES_CM_128_32] = {"AES_CM_128_HMAC_SHA1_32", 16, 14, 4,
				      false},
	[MEDIA_SRTP_AES_CM_256_80] = {"AES_256_CM_HMAC_SHA1_80", 32, 14, 10,
				      false},
	[MEDIA_SRTP_AES_CM_256_32] = {"AES_256_CM_HMAC_SHA1_32", 32, 14, 4,
				      false},
	[MEDIA_SRTP_GCM_128] = {"AEAD_AES_128_GCM", 16, 12, 16, true},
	[MEDIA_SRTP_GCM_256] = {"AEAD_AES_256_GCM", 32, 12, 16, true},
};

#define SUITES (sizeof(suites) / sizeof(*suites))

/* The session keys of RTP or of RTCP. */
struct keys {
	EVP_CIPHER_CTX *cipher;
	SHA_CTX inner, outer; /* behind their first block, RFC 2104 */
	uint8_t salt[SALT_BYTES];
	size_t tag;
};

/* Bit i of seen: index `highest - i` came. */
struct window {
	uint64_t highest, seen;
	bool started;
};

struct stream {
	bool used;
	uint32_t ssrc;
	struct window rtp, rtcp; /* receiving */
	uint32_t roc;            /* sending: */
	uint16_t seq;
	bool sent;
	uint32_t rtcp_index;
};

struct media_srtp {
	const struct suite *suite;
	struct keys rtp, rtcp;
	struct stream streams[STREAMS_MAX];
	size_t next; /* stream that makes room */
};

size_t media_srtp_key_bytes(enum media_srtp_suite suite)
{
	return suite < SUITES ? suites[suite].key + suites[suite].salt : 0;
}

enum media_srtp_suite media_srtp_suite_of(const char *name)
{
	for (size_t i = 1; i < SUITES; i++)
		if (strcasecmp(suites[i].name, name) == 0)
			return (enum media_srtp_suite)i;
	return MEDIA_SRTP_NONE;
}

const char *media_srtp_suite_name(enum media_srtp_suite suite)
{
	return suite && suite < SUITES ? suites[suite].name : "none";
}

/* -- keys ------------------------------------------------------------------ */

/* "x = key_id XOR master_salt", key_id = label || r with r = 0 (no further
 * derivation); the key stream of AES-CM from IV x * 2^16. */
int media_srtp_derive(uint8_t *dst, size_t n, const uint8_t *key,
		      size_t key_bytes, const uint8_t salt[14], uint8_t label)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	uint8_t iv[16] = {0};
	int out = 0;
	bool good;

	memcpy(iv, salt, SALT_BYTES);
	iv[7] ^= label;
	memset(dst, 0, n);
	good = c &&
	       EVP_EncryptInit_ex(c,
				  key_bytes == 32 ? EVP_aes_256_ctr()
						  : EVP_aes_128_ctr(),
				  NULL, key, iv) &&
	       EVP_EncryptUpdate(c, dst, &out, dst, (int)n);
	EVP_CIPHER_CTX_free(c);
	return good ? 0 : -ENOMEM;
}

static const EVP_CIPHER *cipher_of(const struct suite *s)
{
	if (s->gcm)
		return s->key == 32 ? EVP_aes_256_gcm() : EVP_aes_128_gcm();
	return s->key == 32 ? EVP_aes_256_ctr() : EVP_aes_128_ctr();
}

static void keys_clear(struct keys *k)
{
	EVP_CIPHER_CTX_free(k->cipher);
	bytes_wipe(k, sizeof(*k));
}

static bool hash_begin(SHA_CTX *c, const uint8_t secret[AUTH_BYTES],
		       uint8_t pad)
{
	uint8_t block[HASH_BLOCK_BYTES];
	bool good;

	memset(block, pad, sizeof(block));
	for (size_t i = 0; i < AUTH_BYTES; i++)
		block[i] ^= secret[i];
	good = SHA1_Init(c) && SHA1_Update(c, block, sizeof(block));
	bytes_wipe(block, sizeof(block));
	return good;
}

static int keys_init(struct keys *k, const struct suite *s,
		     const struct media_srtp_key *master, enum label first)
{
	uint8_t salt[SALT_BYTES] = {0}, key[32], secret[AUTH_BYTES];
	const uint8_t *m = master->bytes;
	int err;

	memcpy(salt, m + s->key, s->salt);
	k->cipher = EVP_CIPHER_CTX_new();
	err = k->cipher ? 0 : -ENOMEM;
	if (!err)
		err = media_srtp_derive(key, s->key, m, s->key, salt, first);
	if (!err)
		err = media_srtp_derive(secret, sizeof(secret), m, s->key, salt,
					first + LABEL_RTP_AUTHENTICATION);
	if (!err)
		err = media_srtp_derive(k->salt, s->salt, m, s->key, salt,
					first + LABEL_RTP_SALT);
	if (!err &&
	    (!EVP_CipherInit_ex(k->cipher, cipher_of(s), NULL, key, NULL, 1) ||
	     !hash_begin(&k->inner, secret, 0x36) ||
	     !hash_begin(&k->outer, secret, 0x5c)))
		err = -ENOMEM;
	bytes_wipe(salt, sizeof(salt));
	bytes_wipe(key, sizeof(key));
	bytes_wipe(secret, sizeof(secret));
	return err;
}

int media_srtp_new(struct media_srtp **sp, const struct media_srtp_key *key)
{
	struct media_srtp *s;
	int err;

	if (!media_srtp_key_bytes(key->suite))
		return -EINVAL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->suite = &suites[key->suite];
	err = keys_init(&s->rtp, s->suite, key, LABEL_RTP_ENCRYPTION);
	if (!err)
		err = keys_init(&s->rtcp, s->suite, key, LABEL_RTCP_ENCRYPTION);
	if (err) {
		media_srtp_free(&s);
		return err;
	}
	s->rtp.tag = s->suite->tag;
	/* RFC 3711 5.2, RFC 4568 6.2.2: SRTCP has the long tag always. */
	s->rtcp.tag = s->suite->gcm ? GCM_TAG_BYTES : 10;
	*sp = s;
	return 0;
}

void media_srtp_free(struct media_srtp **sp)
{
	struct media_srtp *s = *sp;

	if (!s)
		return;
	*sp = NULL;
	keys_clear(&s->rtp);
	keys_clear(&s->rtcp);
	bytes_wipe(s, sizeof(*s));
	free(s);
}

/* -- sources --------------------------------------------------------------- */

static struct stream *stream_find(struct media_srtp *s, uint32_t ssrc)
{
	for (size_t i = 0; i < STREAMS_MAX; i++)
		if (s->streams[i].used && s->streams[i].ssrc == ssrc)
			return &s->streams[i];
	return NULL;
}

static struct stream *stream_need(struct media_srtp *s, uint32_t ssrc)
{
	struct stream *x = stream_find(s, ssrc);

	if (x)
		return x;
	x = &s->streams[s->next];
	s->next = (s->next + 1) % STREAMS_MAX;
	*x = (struct stream){.used = true, .ssrc = ssrc};
	return x;
}

static bool window_permits(const struct window *w, uint64_t index)
{
	if (!w->started || index > w->highest)
		return true;
	return w->highest - index < WINDOW_BITS &&
	       !(w->seen >> (w->highest - index) & 1);
}

static void window_note(struct window *w, uint64_t index)
{
	uint64_t step = index - w->highest;

	if (!w->started) {
		*w = (struct window){index, 1, true};
	} else if (index <= w->highest) {
		w->seen |= UINT64_C(1) << (w->highest - index);
	} else {
		w->seen = step < WINDOW_BITS ? w->seen << step | 1 : 1;
		w->highest = index;
	}
}

/* RFC 3711 3.3.1: the index nearest to the highest one so far. */
static uint64_t index_guess(const struct window *w, uint16_t seq)
{
	uint32_t roc = (uint32_t)(w->highest >> 16);
	uint16_t highest = (uint16_t)w->highest;

	if (!w->started)
		return seq;
	if (highest < 0x8000 && seq > highest + 0x8000 && roc)
		roc--;
	else if (highest >= 0x8000 && seq < highest - 0x8000)
		roc++;
	return (uint64_t)roc << 16 | seq;
}

/* -- ciphers --------------------------------------------------------------- */

/* AES-CM: IV = salt * 2^16 XOR SSRC * 2^64 XOR index * 2^16. */
static void counter_iv(uint8_t iv[16], const struct keys *k, uint32_t ssrc,
		       uint64_t index)
{
	uint8_t at[10];

	memset(iv, 0, 16);
	memcpy(iv, k->salt, SALT_BYTES);
	be32_store(at, ssrc);
	be16_store(at + 4, (uint16_t)(index >> 32));
	be32_store(at + 6, (uint32_t)index);
	for (size_t i = 0; i < sizeof(at); i++)
		iv[4 + i] ^= at[i];
}

static bool counter_crypt(struct keys *k, uint8_t *data, size_t n,
			  uint32_t ssrc, uint64_t index)
{
	uint8_t iv[16];
	int out;

	counter_iv(iv, k, ssrc, index);
	return EVP_EncryptInit_ex(k->cipher, NULL, NULL, NULL, iv) &&
	       EVP_EncryptUpdate(k->cipher, data, &out, data, (int)n);
}

/* HMAC-SHA1 over the packet and the rollover counter. */
static bool tag_make(const struct keys *k, uint8_t tag[AUTH_BYTES],
		     struct bytes packet, struct bytes more)
{
	SHA_CTX inner = k->inner, outer = k->outer;
	uint8_t digest[AUTH_BYTES];

	return SHA1_Update(&inner, packet.p, packet.n) &&
	       SHA1_Update(&inner, more.p, more.n) &&
	       SHA1_Final(digest, &inner) &&
	       SHA1_Update(&outer, digest, sizeof(digest)) &&
	       SHA1_Final(tag, &outer);
}

/* RFC 7714 8.1, 9.1: 2 zero bytes || SSRC || 48 bits of index, XOR salt. */
static void gcm_iv(uint8_t iv[GCM_SALT_BYTES], const struct keys *k,
		   uint32_t ssrc, uint64_t index)
{
	memset(iv, 0, 2);
	be32_store(iv + 2, ssrc);
	be16_store(iv + 6, (uint16_t)(index >> 32));
	be32_store(iv + 8, (uint32_t)index);
	for (size_t i = 0; i < GCM_SALT_BYTES; i++)
		iv[i] ^= k->salt[i];
}

struct sealed {
	struct bytes head, more; /* authentic, not secret */
	uint8_t *data;
	size_t n;
	uint8_t *tag;
	uint32_t ssrc;
	uint64_t index;
};

static bool gcm_crypt(struct keys *k, const struct sealed *x, bool seal)
{
	uint8_t iv[GCM_SALT_BYTES], rest[16];
	int out;

	gcm_iv(iv, k, x->ssrc, x->index);
	if (!EVP_CipherInit_ex(k->cipher, NULL, NULL, NULL, iv, seal) ||
	    (!seal && !EVP_CIPHER_CTX_ctrl(k->cipher, EVP_CTRL_AEAD_SET_TAG,
					   GCM_TAG_BYTES, x->tag)) ||
	    !EVP_CipherUpdate(k->cipher, NULL, &out, x->head.p,
			      (int)x->head.n) ||
	    (x->more.n && !EVP_CipherUpdate(k->cipher, NULL, &out, x->more.p,
					    (int)x->more.n)) ||
	    !EVP_CipherUpdate(k->cipher, x->data, &out, x->data, (int)x->n) ||
	    EVP_CipherFinal_ex(k->cipher, rest, &out) <= 0)
		return false;
	return !seal || EVP_CIPHER_CTX_ctrl(k->cipher, EVP_CTRL_AEAD_GET_TAG,
					    GCM_TAG_BYTES, x->tag);
}

/* -- RTP ------------------------------------------------------------------- */

/* Header with sources and extension; 0: not RTP. */
static size_t head_length(const uint8_t *p, size_t n)
{
	size_t head = RTP_BYTES;

	if (n < RTP_BYTES || p[0] >> 6 != 2)
		return 0;
	head += 4u * (p[0] & 15);
	if (p[0] & 0x10) {
		if (n < head + 4)
			return 0;
		head += 4 + 4u * be16_load(p + head + 2);
	}
	return head <= n ? head : 0;
}

int media_srtp_protect(struct media_srtp *s, uint8_t *packet, size_t n)
{
	size_t head = head_length(packet, n);
	uint8_t tag[AUTH_BYTES], roc[4];
	struct sealed x;
	struct stream *to;
	uint16_t seq;

	if (!head)
		return -EBADMSG;
	seq = be16_load(packet + 2);
	to = stream_need(s, be32_load(packet + 8));
	if (to->sent && seq < to->seq && to->seq - seq > 0x8000)
		to->roc++;
	to->sent = true;
	to->seq = seq;
	be32_store(roc, to->roc);
	x = (struct sealed){.head = bytes_of(packet, head),
			    .data = packet + head,
			    .n = n - head,
			    .tag = packet + n,
			    .ssrc = to->ssrc,
			    .index = (uint64_t)to->roc << 16 | seq};
	if (s->suite->gcm)
		return gcm_crypt(&s->rtp, &x, true) ? (int)n + GCM_TAG_BYTES
						    : -EBADMSG;
	if (!counter_crypt(&s->rtp, x.data, x.n, x.ssrc, x.index) ||
	    !tag_make(&s->rtp, tag, bytes_of(packet, n), bytes_of(roc, 4)))
		return -EBADMSG;
	memcpy(packet + n, tag, s->rtp.tag);
	return (int)(n + s->rtp.tag);
}

static bool rtp_open(struct media_srtp *s, uint8_t *packet, size_t n,
		     const struct sealed *x)
{
	uint8_t tag[AUTH_BYTES], roc[4];

	if (s->suite->gcm)
		return gcm_crypt(&s->rtp, x, false);
	be32_store(roc, (uint32_t)(x->index >> 16));
	return tag_make(&s->rtp, tag, bytes_of(packet, n), bytes_of(roc, 4)) &&
	       bytes_equal_ct(tag, x->tag, s->rtp.tag) &&
	       counter_crypt(&s->rtp, x->data, x->n, x->ssrc, x->index);
}

int media_srtp_unprotect(struct media_srtp *s, uint8_t *packet, size_t n)
{
	const struct stream *from;
	struct window window = {0};
	struct sealed x;
	size_t head;

	if (n < s->rtp.tag)
		return -EBADMSG;
	n -= s->rtp.tag;
	head = head_length(packet, n);
	if (!head)
		return -EBADMSG;
	x = (struct sealed){.head = bytes_of(packet, head),
			    .data = packet + head,
			    .n = n - head,
			    .tag = packet + n,
			    .ssrc = be32_load(packet + 8)};
	from = stream_find(s, x.ssrc);
	if (from)
		window = from->rtp;
	x.index = index_guess(&window, be16_load(packet + 2));
	if (!window_permits(&window, x.index))
		return -EALREADY;
	if (!rtp_open(s, packet, n, &x))
		return -EBADMSG;
	window_note(&stream_need(s, x.ssrc)->rtp, x.index);
	return (int)n;
}

/* -- RTCP ------------------------------------------------------------------ */

/* AES-CM: packet, E flag and index, tag. GCM (RFC 7714 9.3): packet, tag, E
 * flag and index. */
int media_srtcp_protect(struct media_srtp *s, uint8_t *packet, size_t n)
{
	uint8_t tag[AUTH_BYTES], index[INDEX_BYTES];
	struct sealed x;
	struct stream *to;

	if (n < RTCP_BYTES || packet[0] >> 6 != 2)
		return -EBADMSG;
	to = stream_need(s, be32_load(packet + 4));
	to->rtcp_index = (to->rtcp_index + 1) & INDEX_MAX;
	be32_store(index, to->rtcp_index | ENCRYPTED);
	x = (struct sealed){.head = bytes_of(packet, RTCP_BYTES),
			    .more = bytes_of(index, INDEX_BYTES),
			    .data = packet + RTCP_BYTES,
			    .n = n - RTCP_BYTES,
			    .tag = packet + n,
			    .ssrc = to->ssrc,
			    .index = to->rtcp_index};
	if (s->suite->gcm) {
		if (!gcm_crypt(&s->rtcp, &x, true))
			return -EBADMSG;
		memcpy(packet + n + GCM_TAG_BYTES, index, INDEX_BYTES);
		return (int)n + GCM_TAG_BYTES + INDEX_BYTES;
	}
	if (!counter_crypt(&s->rtcp, x.data, x.n, x.ssrc, x.index))
		return -EBADMSG;
	memcpy(packet + n, index, INDEX_BYTES);
	n += INDEX_BYTES;
	if (!tag_make(&s->rtcp, tag, bytes_of(packet, n), bytes_of(NULL, 0)))
		return -EBADMSG;
	memcpy(packet + n, tag, s->rtcp.tag);
	return (int)(n + s->rtcp.tag);
}

/* Not encrypted, only authentic: RFC 3711 3.4 permits that. */
static bool rtcp_open(struct media_srtp *s, uint8_t *packet, size_t n,
		      const struct sealed *x, bool encrypted)
{
	uint8_t tag[AUTH_BYTES];

	if (s->suite->gcm)
		return encrypted && gcm_crypt(&s->rtcp, x, false);
	return tag_make(&s->rtcp, tag, bytes_of(packet, n + INDEX_BYTES),
			bytes_of(NULL, 0)) &&
	       bytes_equal_ct(tag, x->tag, s->rtcp.tag) &&
	       (!encrypted ||
		counter_crypt(&s->rtcp, x->data, x->n, x->ssrc, x->index));
}

int media_srtcp_unprotect(struct media_srtp *s, uint8_t *packet, size_t n)
{
	const struct stream *from;
	struct window window = {0};
	struct sealed x;
	uint32_t index;

	if (n < RTCP_BYTES + INDEX_BYTES + s->rtcp.tag || packet[0] >> 6 != 2)
		return -EBADMSG;
	n -= INDEX_BYTES + s->rtcp.tag;
	x = (struct sealed){.head = bytes_of(packet, RTCP_BYTES),
			    .data = packet + RTCP_BYTES,
			    .n = n - RTCP_BYTES,
			    .tag = packet + n +
				   (s->suite->gcm ? 0 : INDEX_BYTES),
			    .ssrc = be32_load(packet + 4)};
	x.more = bytes_of(packet + n + (s->suite->gcm ? GCM_TAG_BYTES : 0),
			  INDEX_BYTES);
	index = be32_load(x.more.p);
	x.index = index & INDEX_MAX;
	from = stream_find(s, x.ssrc);
	if (from)
		window = from->rtcp;
	if (!window_permits(&window, x.index))
		return -EALREADY;
	if (!rtcp_open(s, packet, n, &x, (index & ENCRYPTED) != 0))
		return -EBADMSG;
	window_note(&stream_need(s, x.ssrc)->rtcp, x.index);
	return (int)n;
}
