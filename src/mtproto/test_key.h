/* For tests: a fresh RSA key as two tables, the server's private one and the
 * client's public one. */
#ifndef MTPROTO_TEST_KEY_H
#define MTPROTO_TEST_KEY_H

#include <stdlib.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "mtproto/rsa.h"

static inline void test_key_add(struct mtp_rsa **rp, EVP_PKEY *key,
				bool private)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *pem;
	long n;

	if (private)
		PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
	else
		PEM_write_bio_PUBKEY(bio, key);
	n = BIO_get_mem_data(bio, &pem);
	if (mtp_rsa_new(rp) || mtp_rsa_add_pem(*rp, pem, (size_t)n))
		abort();
	BIO_free(bio);
}

static inline void test_key_new(struct mtp_rsa **clientp,
				struct mtp_rsa **serverp)
{
	EVP_PKEY *key = EVP_RSA_gen(2048);

	test_key_add(clientp, key, false);
	test_key_add(serverp, key, true);
	EVP_PKEY_free(key);
}

#endif
