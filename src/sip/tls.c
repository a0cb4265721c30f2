/* libre calls SSL_new() while it sends the request that needs a connection, so
 * whom it is for is known then: OpenSSL's constructor of "extra data" takes
 * the peer that was announced. When the handshake starts, before the hello is
 * written, the peer's name and the wish to verify are put into it. */
#include "sip/tls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/log.h"
#include "sip/address.h"
#include "sip/certificate.h"

static const char ciphers[] = "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES:"
			      "DHE+AESGCM:AES256-GCM-SHA384:AES128-GCM-SHA256:"
			      "!aNULL";

struct tls_peer {
	char name[128];
	bool verify;
	char failure[160];
};

struct sip_tls {
	struct tls *tls;
};

static int peer_index = -1; /* of struct tls_peer in an SSL */
/* To whom this thread connects next: OpenSSL's constructor has no argument
 * that could lead to it. */
static _Thread_local struct tls_peer *expected;

/* -- peers ----------------------------------------------------------------- */

int tls_peer_new(struct tls_peer **pp, const char *name, bool verify)
{
	struct tls_peer *p = mem_zalloc(sizeof(*p), NULL);
	size_t n = address_host_length(name);

	if (!p)
		return -ENOMEM;
	if (*name == '[' && n > 2) {
		name++;
		n -= 2;
	}
	snprintf(p->name, sizeof(p->name), "%.*s", (int)n, name);
	p->verify = verify;
	*pp = p;
	return 0;
}

const char *tls_peer_failure(const struct tls_peer *p)
{
	return p ? p->failure : "";
}

void tls_peer_expect(struct tls_peer *p)
{
	mem_deref(expected);
	expected = mem_ref(p);
}

/* -- OpenSSL's callbacks --------------------------------------------------- */

static void peer_take(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int index,
		      long argl, void *argp)
{
	if (expected && CRYPTO_set_ex_data(ad, index, expected))
		expected = NULL;
}

static void peer_drop(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int index,
		      long argl, void *argp)
{
	mem_deref(ptr);
}

static int on_verify(int good, X509_STORE_CTX *store)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(
		store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls_peer *p = ssl ? SSL_get_ex_data(ssl, peer_index) : NULL;

	if (!good && p)
		snprintf(p->failure, sizeof(p->failure),
			 "Certificate of %s: %s", p->name,
			 X509_verify_cert_error_string(
				 X509_STORE_CTX_get_error(store)));
	return good;
}

static void name_ask(SSL *ssl, const struct tls_peer *p)
{
	struct sa address;

	if (!sa_set_str(&address, p->name, 0)) {
		(void)X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl),
						    p->name);
		return;
	}
	/* RFC 5922 7.2: a wildcard means nothing in SIP. */
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_WILDCARDS);
	(void)SSL_set1_host(ssl, p->name);
}

static void handshake_prepare(SSL *ssl)
{
	struct tls_peer *p = SSL_get_ex_data(ssl, peer_index);
	struct sa address;

	SSL_set_verify(ssl, p && p->verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE,
		       p && p->verify ? on_verify : NULL);
	if (!p)
		return;
	p->failure[0] = '\0';
	if (p->verify)
		name_ask(ssl, p);
	/* RFC 6066 3: an address is no server name. */
	if (sa_set_str(&address, p->name, 0))
		(void)SSL_set_tlsext_host_name(ssl, p->name);
}

static void on_info(const SSL *ssl, int where, int ret)
{
	if ((where & SSL_CB_HANDSHAKE_START) && !SSL_is_server(ssl) &&
	    SSL_in_before(ssl)) {
		union {
			const SSL *in;
			SSL *out;
		} s = {.in = ssl};

		handshake_prepare(s.out);
	}
}

/* -- the context ----------------------------------------------------------- */

static char reason[400];

static int refuse(const char *path, const char *what, const char **why)
{
	unsigned long e = ERR_peek_last_error();
	const char *text = e ? ERR_reason_error_string(e) : NULL;

	snprintf(reason, sizeof(reason), "%s: %s%s%s", path, what,
		 text ? ", " : "", text ? text : "");
	ERR_clear_error();
	*why = reason;
	return -EINVAL;
}

static int identity_load(SSL_CTX *ctx, const struct sip_tls_conf *conf,
			 const char **why)
{
	bool given = conf->certificate && *conf->certificate;
	const char *chain = given ? conf->certificate : conf->own;
	const char *key = given && conf->private_key && *conf->private_key
				  ? conf->private_key
				  : chain;
	int err = given ? 0 : sip_certificate_make(conf->own, conf->host);

	if (err) {
		(void)refuse(conf->own, strerror(-err), why);
		return err;
	}
	ERR_clear_error();
	if (SSL_CTX_use_certificate_chain_file(ctx, chain) != 1)
		return refuse(chain, "no usable certificate", why);
	if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
		return refuse(key, "no usable private key", why);
	return 0;
}

static int trust_load(SSL_CTX *ctx, const struct sip_tls_conf *conf,
		      const char **why)
{
	ERR_clear_error();
	if (!conf->ca_file || !*conf->ca_file) {
		/* Without any the verification fails, and says so. */
		(void)SSL_CTX_set_default_verify_paths(ctx);
		ERR_clear_error();
		return 0;
	}
	if (SSL_CTX_load_verify_locations(ctx, conf->ca_file, NULL) != 1)
		return refuse(conf->ca_file, "no usable certificate", why);
	return 0;
}

static int context_set_up(struct sip_tls *t, const struct sip_tls_conf *conf,
			  const char **why)
{
	SSL_CTX *ctx = tls_openssl_context(t->tls);
	int err = identity_load(ctx, conf, why);

	if (!err)
		err = trust_load(ctx, conf, why);
	if (err)
		return err;
	SSL_CTX_set_info_callback(ctx, on_info);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION);
	/* A PBX has many connections that say little. */
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	return SSL_CTX_set_cipher_list(ctx, ciphers) &&
			       SSL_CTX_set_min_proto_version(ctx,
							     TLS1_2_VERSION)
		       ? 0
		       : refuse("TLS", "OpenSSL failed", why);
}

int sip_tls_new(struct sip_tls **tp, const struct sip_tls_conf *conf,
		const char **why)
{
	struct sip_tls *t = calloc(1, sizeof(*t));
	int err;

	*why = "TLS";
	if (!t)
		return -ENOMEM;
	if (peer_index < 0)
		peer_index = SSL_get_ex_new_index(0, NULL, peer_take, NULL,
						  peer_drop);
	err = -tls_alloc(&t->tls, TLS_METHOD_SSLV23, NULL, NULL);
	if (!err)
		err = context_set_up(t, conf, why);
	if (err) {
		sip_tls_free(&t);
		return err;
	}
	*tp = t;
	return 0;
}

void sip_tls_free(struct sip_tls **tp)
{
	struct sip_tls *t = *tp;

	if (!t)
		return;
	*tp = NULL;
	expected = mem_deref(expected);
	mem_deref(t->tls);
	free(t);
}

struct tls *sip_tls_context(const struct sip_tls *t)
{
	return t->tls;
}
