/* OpenSSL sees a BIO of ours: it gives one datagram at a time and takes one
 * datagram at a time, because DTLS lives from their boundaries and a plain
 * memory BIO would run them together. */
#include "media/dtls.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "base/log.h"
#include "base/random.h"

/* Fits any path that carries Telegram's relays (24 bytes more) and IPv6. */
#define MTU_BYTES 1200
#define DATA_BYTES 16384
/* A lost flight is repeated after 150 ms: the peers begin with 50 ms, and a
 * call that waits a second for its keys is a slow call. OpenSSL gives up after
 * 12 repetitions: about 20 s with this cap, as long as a call may take. */
#define REPEAT_FIRST_US 150000u
#define REPEAT_CAP_US 2000000u
#define CERTIFICATE_DAYS 30

/* E.9: "use_srtp profiles in order". */
static const char srtp_profiles[] = "SRTP_AES128_CM_SHA1_80:"
				    "SRTP_AEAD_AES_256_GCM:"
				    "SRTP_AEAD_AES_128_GCM";
static const char ciphers[] = "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES";

struct media_dtls {
	struct media_dtls_conf conf;
	SSL *ssl;
	struct bytes in; /* the datagram OpenSSL may read now */
	bool established, closed;
	usec_t deadline;
};

/* Of the process, made once, then only read. */
static pthread_once_t identity_once = PTHREAD_ONCE_INIT;
static SSL_CTX *identity_ctx;
static BIO_METHOD *identity_bio;
static uint8_t identity_fingerprint[DTLS_FINGERPRINT_BYTES];
static int identity_index = -1; /* of struct media_dtls in an SSL */

/* -- BIO ------------------------------------------------------------------- */

static int bio_write(BIO *bio, const char *p, int n)
{
	struct media_dtls *d = BIO_get_data(bio);

	if (n > 0)
		d->conf.handlers.send(bytes_of(p, (size_t)n), d->conf.arg);
	return n;
}

static int bio_read(BIO *bio, char *p, int room)
{
	struct media_dtls *d = BIO_get_data(bio);
	size_t n = d->in.n;

	BIO_clear_retry_flags(bio);
	if (n == 0 || room <= 0) {
		BIO_set_retry_read(bio);
		return -1;
	}
	if (n > (size_t)room)
		n = (size_t)room;
	memcpy(p, d->in.p, n);
	d->in.n = 0;
	return (int)n;
}

static long bio_ctrl(BIO *bio, int cmd, long number, void *p)
{
	(void)bio;
	(void)number;
	(void)p;
	switch (cmd) {
	case BIO_CTRL_FLUSH:
		return 1;
	case BIO_CTRL_DGRAM_QUERY_MTU:
	case BIO_CTRL_DGRAM_GET_FALLBACK_MTU:
		return MTU_BYTES;
	default:
		return 0;
	}
}

/* -- the process's identity ------------------------------------------------ */

static X509 *certificate_make(EVP_PKEY *key)
{
	X509 *x = X509_new();
	X509_NAME *name;
	bool good;

	if (!x)
		return NULL;
	name = X509_get_subject_name(x);
	good = X509_set_version(x, 2) &&
	       ASN1_INTEGER_set_uint64(X509_get_serialNumber(x),
				       random_u64() >> 1) &&
	       /* A day back: the peer's clock may be behind. */
	       X509_gmtime_adj(X509_getm_notBefore(x), -86400) &&
	       X509_gmtime_adj(X509_getm_notAfter(x),
			       CERTIFICATE_DAYS * 86400L) &&
	       X509_set_pubkey(x, key) &&
	       X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
					  (const unsigned char *)"WebRTC", -1,
					  -1, 0) &&
	       X509_set_issuer_name(x, name) && X509_sign(x, key, EVP_sha256());
	if (!good) {
		X509_free(x);
		return NULL;
	}
	return x;
}

/* The chain says nothing, the fingerprint all: E.9 "verify the peer's against
 * InitialSetup". */
static int peer_verify(X509_STORE_CTX *store, void *arg)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(
		store, SSL_get_ex_data_X509_STORE_CTX_idx());
	X509 *x = X509_STORE_CTX_get0_cert(store);
	const struct media_dtls *d =
		ssl ? SSL_get_ex_data(ssl, identity_index) : NULL;
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	(void)arg;
	if (d && x && X509_digest(x, EVP_sha256(), digest, &n) &&
	    n == DTLS_FINGERPRINT_BYTES &&
	    bytes_equal_ct(digest, d->conf.fingerprint, n))
		return 1;
	count_bad("dtls", "fingerprint", "peer's certificate is another one");
	X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
	return 0;
}

static bool context_set_up(SSL_CTX *ctx, EVP_PKEY *key, X509 *x)
{
	unsigned n = 0;

	SSL_CTX_set_verify(
		ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, peer_verify, NULL);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
					 SSL_OP_NO_QUERY_MTU);
	return SSL_CTX_set_min_proto_version(ctx, DTLS1_2_VERSION) &&
	       SSL_CTX_set_max_proto_version(ctx, DTLS1_2_VERSION) &&
	       SSL_CTX_set_cipher_list(ctx, ciphers) &&
	       /* This one returns 0 when it succeeds. */
	       SSL_CTX_set_tlsext_use_srtp(ctx, srtp_profiles) == 0 &&
	       SSL_CTX_use_certificate(ctx, x) &&
	       SSL_CTX_use_PrivateKey(ctx, key) &&
	       X509_digest(x, EVP_sha256(), identity_fingerprint, &n);
}

static BIO_METHOD *bio_make(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK,
				     "datagram");

	if (!m)
		return NULL;
	BIO_meth_set_write(m, bio_write);
	BIO_meth_set_read(m, bio_read);
	BIO_meth_set_ctrl(m, bio_ctrl);
	return m;
}

static void identity_make(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = key ? certificate_make(key) : NULL;
	SSL_CTX *ctx = SSL_CTX_new(DTLS_method());

	identity_bio = bio_make();
	identity_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	if (x && ctx && identity_bio && identity_index >= 0 &&
	    context_set_up(ctx, key, x)) {
		identity_ctx = ctx;
		ctx = NULL;
	} else {
		log_error("dtls", NULL, "no certificate: OpenSSL failed");
	}
	SSL_CTX_free(ctx);
	X509_free(x);
	EVP_PKEY_free(key);
}

int media_dtls_fingerprint(uint8_t fingerprint[DTLS_FINGERPRINT_BYTES])
{
	pthread_once(&identity_once, identity_make);
	if (!identity_ctx)
		return -EIO;
	memcpy(fingerprint, identity_fingerprint, DTLS_FINGERPRINT_BYTES);
	return 0;
}

/* -- one association ------------------------------------------------------- */

static unsigned repeat_after(SSL *ssl, unsigned before_us)
{
	(void)ssl;
	if (before_us == 0)
		return REPEAT_FIRST_US;
	return 2 * before_us < REPEAT_CAP_US ? 2 * before_us : REPEAT_CAP_US;
}

int media_dtls_new(struct media_dtls **dp, const struct media_dtls_conf *conf)
{
	uint8_t ignored[DTLS_FINGERPRINT_BYTES];
	struct media_dtls *d;
	BIO *bio;

	if (media_dtls_fingerprint(ignored) < 0)
		return -EIO;
	d = calloc(1, sizeof(*d));
	if (!d)
		return -ENOMEM;
	d->conf = *conf;
	d->deadline = USEC_NEVER;
	d->ssl = SSL_new(identity_ctx);
	bio = d->ssl ? BIO_new(identity_bio) : NULL;
	if (!bio || !SSL_set_ex_data(d->ssl, identity_index, d)) {
		BIO_free(bio);
		SSL_free(d->ssl);
		free(d);
		return -ENOMEM;
	}
	BIO_set_data(bio, d);
	BIO_set_init(bio, 1);
	SSL_set_bio(d->ssl, bio, bio);
	DTLS_set_timer_cb(d->ssl, repeat_after);
	DTLS_set_link_mtu(d->ssl, MTU_BYTES);
	if (conf->client)
		SSL_set_connect_state(d->ssl);
	else
		SSL_set_accept_state(d->ssl);
	*dp = d;
	return 0;
}

void media_dtls_free(struct media_dtls **dp)
{
	struct media_dtls *d = *dp;

	if (!d)
		return;
	*dp = NULL;
	if (d->established && !d->closed) {
		(void)SSL_alloc_buffers(d->ssl);
		SSL_shutdown(d->ssl);
	}
	ERR_clear_error();
	SSL_free(d->ssl);
	bytes_wipe(d, sizeof(*d));
	free(d);
}

static void deadline_update(struct media_dtls *d, usec_t now)
{
	struct timeval left;

	d->deadline = USEC_NEVER;
	if (!d->closed && !d->established &&
	    DTLSv1_get_timeout(d->ssl, &left) == 1)
		d->deadline = now + (usec_t)left.tv_sec * USEC_S +
			      (usec_t)left.tv_usec;
}

static void closed(struct media_dtls *d, const char *why)
{
	if (d->closed)
		return;
	d->closed = true;
	d->deadline = USEC_NEVER;
	if (d->conf.handlers.closed)
		d->conf.handlers.closed(why, d->conf.arg);
}

/* After a call into OpenSSL that returned `result`. */
static void check_error(struct media_dtls *d, int result)
{
	char why[160];
	unsigned long e;

	switch (SSL_get_error(d->ssl, result)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
	case SSL_ERROR_NONE:
		break;
	case SSL_ERROR_ZERO_RETURN:
		closed(d, "closed by the peer");
		break;
	default:
		e = ERR_peek_error();
		snprintf(why, sizeof(why), "%s",
			 e ? ERR_reason_error_string(e) : "failed");
		count_bad("dtls", "handshake", why);
		closed(d, why);
		break;
	}
	ERR_clear_error();
}

/* OpenSSL holds two records of 16 kB for each association, which after the
 * handshake carries a few bytes a minute: they come and go. */
static void buffers_need(struct media_dtls *d)
{
	if (d->established)
		(void)SSL_alloc_buffers(d->ssl);
}

static void buffers_drop(struct media_dtls *d)
{
	if (d->established && !d->in.p) /* not inside of reading */
		(void)SSL_free_buffers(d->ssl);
}

static void handshake_go_on(struct media_dtls *d)
{
	int result;

	if (d->established || d->closed)
		return;
	ERR_clear_error();
	result = SSL_do_handshake(d->ssl);
	if (result != 1) {
		check_error(d, result);
		return;
	}
	d->established = true;
	if (d->conf.handlers.established)
		d->conf.handlers.established(d->conf.arg);
}

static void data_read(struct media_dtls *d)
{
	uint8_t data[DATA_BYTES];
	int n;

	while (d->established && !d->closed) {
		ERR_clear_error();
		n = SSL_read(d->ssl, data, sizeof(data));
		if (n <= 0) {
			check_error(d, n);
			return;
		}
		if (d->conf.handlers.data)
			d->conf.handlers.data(bytes_of(data, (size_t)n),
					      d->conf.arg);
	}
}

void media_dtls_start(struct media_dtls *d, usec_t now)
{
	if (d->conf.client)
		handshake_go_on(d);
	deadline_update(d, now);
}

int media_dtls_input(struct media_dtls *d, struct bytes datagram, usec_t now)
{
	if (d->closed || datagram.n == 0)
		return -EBADMSG;
	/* RFC 7983: the first byte of DTLS is 20 to 63. */
	if (datagram.p[0] < 20 || datagram.p[0] > 63)
		return -EBADMSG;
	d->in = datagram;
	buffers_need(d);
	handshake_go_on(d);
	data_read(d);
	d->in = bytes_of(NULL, 0);
	buffers_drop(d);
	deadline_update(d, now);
	return 0;
}

int media_dtls_send(struct media_dtls *d, struct bytes data)
{
	int n;

	if (!d->established || d->closed)
		return -ENOTCONN;
	if (data.n > MTU_BYTES)
		return -EMSGSIZE;
	buffers_need(d);
	ERR_clear_error();
	n = SSL_write(d->ssl, data.p, (int)data.n);
	if (n <= 0)
		check_error(d, n);
	buffers_drop(d);
	return n > 0 ? 0 : -ENOTCONN;
}

bool media_dtls_is_established(const struct media_dtls *d)
{
	return d->established && !d->closed;
}

/* RFC 5764 4.2: client key, server key, client salt, server salt. */
int media_dtls_srtp_keys(struct dtls_srtp_keys *keys, struct media_dtls *d)
{
	static const char label[] = "EXTRACTOR-dtls_srtp";
	const SRTP_PROTECTION_PROFILE *p =
		d->established ? SSL_get_selected_srtp_profile(d->ssl) : NULL;
	uint8_t raw[2 * DTLS_SRTP_KEY_BYTES];
	uint8_t *client, *server;
	size_t key, salt;

	memset(keys, 0, sizeof(*keys));
	if (!p)
		return -ENOENT;
	keys->profile = (enum dtls_srtp_profile)p->id;
	key = p->id == DTLS_SRTP_AES256_GCM ? 32 : 16;
	salt = p->id == DTLS_SRTP_AES128_CM_SHA1_80 ? 14 : 12;
	keys->n = key + salt;
	if (SSL_export_keying_material(d->ssl, raw, 2 * keys->n, label,
				       sizeof(label) - 1, NULL, 0, 0) != 1)
		return -ENOENT;
	client = d->conf.client ? keys->tx : keys->rx;
	server = d->conf.client ? keys->rx : keys->tx;
	memcpy(client, raw, key);
	memcpy(server, raw + key, key);
	memcpy(client + key, raw + 2 * key, salt);
	memcpy(server + key, raw + 2 * key + salt, salt);
	bytes_wipe(raw, sizeof(raw));
	return 0;
}

usec_t media_dtls_deadline(const struct media_dtls *d)
{
	return d->deadline;
}

void media_dtls_timeout(struct media_dtls *d, usec_t now)
{
	if (d->closed || d->established)
		return;
	ERR_clear_error();
	if (DTLSv1_handle_timeout(d->ssl) < 0)
		check_error(d, -1);
	deadline_update(d, now);
}
