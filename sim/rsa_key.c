#include "sim/rsa_key.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/encoder.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int sim_file_read(struct buf *b, const char *path)
{
	char chunk[4096];
	ssize_t n = -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	while ((n = read(fd, chunk, sizeof(chunk))) > 0)
		buf_put(b, chunk, (size_t)n);
	close(fd);
	return n < 0 ? -EIO : 0;
}

/* Whole or not at all: a killed start must not leave half a key. */
static int sim_file_write(const char *path, mode_t mode, struct bytes text)
{
	char part[600];
	int fd, err = 0;

	snprintf(part, sizeof(part), "%s.part", path);
	fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	if (fd < 0)
		return -errno;
	if (write(fd, text.p, text.n) != (ssize_t)text.n)
		err = -EIO;
	close(fd);
	if (!err && rename(part, path))
		err = -errno;
	return err;
}

/* "type-specific" is PKCS#1: RSA PUBLIC KEY, RSA PRIVATE KEY. */
static int sim_key_encode(struct buf *b, const EVP_PKEY *key, int selection)
{
	OSSL_ENCODER_CTX *ctx = OSSL_ENCODER_CTX_new_for_pkey(
		key, selection, "PEM", "type-specific", NULL);
	unsigned char *text = NULL;
	size_t n = 0;
	int err = -EIO;

	if (ctx && OSSL_ENCODER_to_data(ctx, &text, &n)) {
		buf_put(b, text, n);
		err = 0;
	}
	if (text)
		bytes_wipe(text, n);
	OPENSSL_free(text);
	OSSL_ENCODER_CTX_free(ctx);
	return err;
}

static int sim_rsa_key_make(struct buf *pem, const char *private_path,
			    const char *public_path)
{
	EVP_PKEY *key = EVP_RSA_gen(2048);
	struct buf public_pem;
	int err = key ? 0 : -EIO;

	buf_init(&public_pem);
	if (!err)
		err = sim_key_encode(pem, key, EVP_PKEY_KEYPAIR);
	if (!err)
		err = sim_key_encode(&public_pem, key, EVP_PKEY_PUBLIC_KEY);
	if (!err)
		err = sim_file_write(public_path, 0644, buf_bytes(&public_pem));
	if (!err)
		err = sim_file_write(private_path, 0600, buf_bytes(pem));
	buf_clear(&public_pem);
	EVP_PKEY_free(key);
	return err;
}

int sim_rsa_key_load(struct buf *pem, const char *dir)
{
	char private_path[512], public_path[512];
	int err;

	snprintf(private_path, sizeof(private_path), "%s/private.pem", dir);
	snprintf(public_path, sizeof(public_path), "%s/public.pem", dir);
	err = sim_file_read(pem, private_path);
	if (err == -ENOENT)
		err = sim_rsa_key_make(pem, private_path, public_path);
	return err;
}
