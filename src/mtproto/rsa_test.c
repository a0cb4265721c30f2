#include "mtproto/rsa.h"

#include <errno.h>

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "tests/check.h"

static void test_rsa_fingerprints_of_telegram(void)
{
	struct mtp_rsa *r = NULL;

	CHECK_INT(mtp_rsa_new(&r), 0);
	CHECK_INT(mtp_rsa_add_production(r), 0);
	CHECK_INT(mtp_rsa_count(r), 1);
	CHECK(mtp_rsa_fingerprint(r, 0) == -3414540481677951611);
	CHECK_INT(mtp_rsa_add_test(r), 0);
	CHECK(mtp_rsa_fingerprint(r, 1) == -5595554452916591101);
	CHECK(mtp_rsa_has(r, (int64_t)0xb25898df208d2603));
	/* The same key again is the same entry. */
	CHECK_INT(mtp_rsa_add_test(r), 0);
	CHECK_INT(mtp_rsa_count(r), 2);
	CHECK(!mtp_rsa_has(r, 1));
	CHECK(mtp_rsa_fingerprint(r, 2) == 0);
	mtp_rsa_free(&r);
}

static void pem_write(struct buf *b, EVP_PKEY *key, bool private)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *p;
	long n;

	if (private)
		PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
	else
		PEM_write_bio_PUBKEY(bio, key);
	n = BIO_get_mem_data(bio, &p);
	buf_put(b, p, (size_t)n);
	BIO_free(bio);
}

static void test_rsa_pem_forms_and_pad_round_trip(void)
{
	EVP_PKEY *key = EVP_RSA_gen(2048), *small = EVP_RSA_gen(1024);
	struct mtp_rsa *client = NULL, *server = NULL;
	uint8_t sealed[256], raw[256], open[192], data[144];
	struct buf pub, priv, bad;
	int64_t f;

	buf_init(&pub);
	buf_init(&priv);
	buf_init(&bad);
	pem_write(&pub, key, false);
	pem_write(&priv, key, true);
	pem_write(&bad, small, false);
	CHECK_INT(mtp_rsa_new(&client), 0);
	CHECK_INT(mtp_rsa_new(&server), 0);
	CHECK_INT(mtp_rsa_add_pem(client, (char *)bad.p, bad.n), -EBADMSG);
	CHECK_INT(mtp_rsa_add_pem(client, "nothing", 7), -EBADMSG);
	CHECK_INT(mtp_rsa_add_pem(client, (char *)pub.p, pub.n), 0);
	CHECK_INT(mtp_rsa_add_pem(server, (char *)priv.p, priv.n), 0);
	f = mtp_rsa_fingerprint(client, 0);
	CHECK(mtp_rsa_has(server, f));
	memset(data, 0xa5, sizeof(data));
	CHECK_INT(mtp_rsa_pad_encrypt(client, f, sealed,
				      bytes_of(data, sizeof(data)), NULL),
		  0);
	CHECK_INT(mtp_rsa_private(client, f, raw, sealed), -ENOENT);
	CHECK_INT(mtp_rsa_private(server, f + 1, raw, sealed), -ENOENT);
	CHECK_INT(mtp_rsa_private(server, f, raw, sealed), 0);
	CHECK_INT(mtp_rsa_pad_open(open, raw), 0);
	CHECK_MEM(open, data, sizeof(data));
	raw[40] ^= 1;
	CHECK_INT(mtp_rsa_pad_open(open, raw), -EBADMSG);
	memset(sealed, 0xff, sizeof(sealed));
	CHECK_INT(mtp_rsa_private(server, f, raw, sealed), -EBADMSG);
	CHECK_INT(mtp_rsa_pad_encrypt(client, f, sealed, bytes_of(sealed, 145),
				      NULL),
		  -EMSGSIZE);
	mtp_rsa_free(&client);
	mtp_rsa_free(&server);
	buf_clear(&pub);
	buf_clear(&priv);
	buf_clear(&bad);
	EVP_PKEY_free(key);
	EVP_PKEY_free(small);
}

int main(void)
{
	RUN(test_rsa_fingerprints_of_telegram);
	RUN(test_rsa_pem_forms_and_pad_round_trip);
	return check_done();
}
