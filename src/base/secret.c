/* Sealed values. Layout: version (1) | nonce (12) | ciphertext | tag (16);
 * associated data: version | name. Nonces are random: with 96 bits, 2^32 values
 * under one key stay below the bound of NIST SP 800-38D 8.3, and a gateway
 * seals a few per login.
 */
#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/random.h"

#define KEY_BYTES 32
#define KEY_DIGITS (2 * KEY_BYTES)
#define VERSION 1
#define NONCE_BYTES 12
#define TAG_BYTES 16
#define HEAD_BYTES (1 + NONCE_BYTES)

struct secret_key {
	uint8_t key[KEY_BYTES];
};

/* -- the key --------------------------------------------------------------- */

static int key_parse(struct secret_key **kp, const char *text, size_t n,
		     const char **why)
{
	struct secret_key *k;

	if (n == KEY_DIGITS + 1 && text[n - 1] == '\n')
		n--;
	k = calloc(1, sizeof(*k));
	if (!k) {
		*why = "out of memory";
		return -ENOMEM;
	}
	if (n != KEY_DIGITS ||
	    hex_decode(k->key, sizeof(k->key), text, n) != 0) {
		secret_key_free(&k);
		*why = "the secret key is not 64 hexadecimal digits";
		return -EBADMSG;
	}
	*kp = k;
	return 0;
}

/* forbidden: mode bits the file must not have. */
static int key_load_fd(struct secret_key **kp, int fd, mode_t forbidden,
		       const char **why)
{
	char text[KEY_DIGITS + 2]; /* one more than a key may have */
	struct stat st;
	size_t n = 0;
	ssize_t got;
	int err;

	if (fstat(fd, &st) != 0) {
		*why = "the secret key file cannot be examined";
		return -errno;
	}
	if (st.st_mode & forbidden) {
		*why = "the secret key file is readable by others (chmod 600)";
		return -EACCES;
	}
	do {
		got = read(fd, text + n, sizeof(text) - n);
		if (got > 0)
			n += (size_t)got;
	} while ((got > 0 && n < sizeof(text)) || (got < 0 && errno == EINTR));
	if (got < 0) {
		err = -errno;
		*why = "the secret key file cannot be read";
	} else {
		err = key_parse(kp, text, n, why);
	}
	bytes_wipe(text, sizeof(text));
	return err;
}

static int key_load_file(struct secret_key **kp, const char *path,
			 mode_t forbidden, const char **why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;

	if (fd < 0) {
		err = -errno;
		*why = err == -ENOENT ? "the secret key file does not exist"
				      : "the secret key file cannot be opened";
		return err;
	}
	err = key_load_fd(kp, fd, forbidden, why);
	close(fd);
	return err;
}

int secret_key_load(struct secret_key **kp, const char *path, const char **why)
{
	const char *text = getenv("GRAMLINE_KEY");
	const char *directory = getenv("CREDENTIALS_DIRECTORY");
	char file[PATH_MAX];
	int n;

	if (path && *path)
		return key_load_file(kp, path, S_IRWXG | S_IRWXO, why);
	if (text && *text)
		return key_parse(kp, text, strlen(text), why);
	if (directory && *directory) {
		n = snprintf(file, sizeof(file), "%s/gramline.key", directory);
		/* systemd grants access by an access control list, which
		 * shows as a group bit; the directory itself is private. */
		if (n > 0 && (size_t)n < sizeof(file) &&
		    access(file, F_OK) == 0)
			return key_load_file(kp, file, S_IRWXO, why);
	}
	*why = "no secret key: give a key file, GRAMLINE_KEY or the systemd "
	       "credential gramline.key";
	return -ENOENT;
}

static int write_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t done = write(fd, p, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		p += done;
		n -= (size_t)done;
	}
	return fsync(fd) == 0 ? 0 : -errno;
}

int secret_key_create(const char *path)
{
	char text[KEY_DIGITS + 2];
	uint8_t key[KEY_BYTES];
	int fd, err;

	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	random_bytes(key, sizeof(key));
	hex_encode(text, key, sizeof(key));
	text[KEY_DIGITS] = '\n';
	err = write_all(fd, text, KEY_DIGITS + 1);
	bytes_wipe(text, sizeof(text));
	bytes_wipe(key, sizeof(key));
	if (close(fd) != 0 && !err)
		err = -errno;
	if (err)
		unlink(path);
	return err;
}

void secret_key_free(struct secret_key **kp)
{
	if (!*kp)
		return;
	bytes_wipe(*kp, sizeof(**kp));
	free(*kp);
	*kp = NULL;
}

void secret_key_check(const struct secret_key *k, char text[9])
{
	static const uint8_t label[] = "gramline key check";
	uint8_t mac[EVP_MAX_MD_SIZE] = {0};

	HMAC(EVP_sha256(), k->key, sizeof(k->key), label, sizeof(label) - 1,
	     mac, NULL);
	hex_encode(text, mac, 4);
	bytes_wipe(mac, sizeof(mac));
}

/* -- values ---------------------------------------------------------------- */

static bool cipher_start(EVP_CIPHER_CTX *ctx, const struct secret_key *k,
			 const uint8_t *nonce, const char *name, int encrypt)
{
	static const uint8_t version = VERSION;
	int n;

	return EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, k->key, nonce,
				 encrypt) == 1 &&
	       EVP_CipherUpdate(ctx, NULL, &n, &version, 1) == 1 &&
	       (*name == '\0' ||
		EVP_CipherUpdate(ctx, NULL, &n, (const uint8_t *)name,
				 (int)strlen(name)) == 1);
}

static bool cipher_run(EVP_CIPHER_CTX *ctx, uint8_t *dst, struct bytes src)
{
	int n;

	return src.n == 0 ||
	       EVP_CipherUpdate(ctx, dst, &n, src.p, (int)src.n) == 1;
}

static bool cipher_end(EVP_CIPHER_CTX *ctx)
{
	uint8_t none[EVP_MAX_BLOCK_LENGTH];
	int n;

	return EVP_CipherFinal_ex(ctx, none, &n) == 1;
}

int secret_seal(const struct secret_key *k, const char *name,
		struct bytes value, struct buf *out)
{
	size_t total = HEAD_BYTES + value.n + TAG_BYTES;
	EVP_CIPHER_CTX *ctx;
	uint8_t *p;
	bool ok;

	if (value.n > INT_MAX / 2)
		return -EINVAL;
	ctx = EVP_CIPHER_CTX_new();
	if (!ctx || buf_reserve(out, total)) {
		EVP_CIPHER_CTX_free(ctx);
		return -ENOMEM;
	}
	p = out->p + out->n;
	p[0] = VERSION;
	random_bytes(p + 1, NONCE_BYTES);
	ok = cipher_start(ctx, k, p + 1, name, 1) &&
	     cipher_run(ctx, p + HEAD_BYTES, value) && cipher_end(ctx) &&
	     EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES,
				 p + HEAD_BYTES + value.n) == 1;
	EVP_CIPHER_CTX_free(ctx);
	if (!ok)
		return -EIO;
	out->n += total;
	return 0;
}

int secret_open(const struct secret_key *k, const char *name,
		struct bytes sealed, struct buf *out)
{
	uint8_t tag[TAG_BYTES];
	EVP_CIPHER_CTX *ctx;
	struct bytes text;
	uint8_t *p;
	bool ok;

	if (sealed.n < HEAD_BYTES + TAG_BYTES || sealed.n > INT_MAX / 2 ||
	    sealed.p[0] != VERSION)
		return -EKEYREJECTED;
	text = bytes_of(sealed.p + HEAD_BYTES,
			sealed.n - HEAD_BYTES - TAG_BYTES);
	ctx = EVP_CIPHER_CTX_new();
	if (!ctx || buf_reserve(out, text.n)) {
		EVP_CIPHER_CTX_free(ctx);
		return -ENOMEM;
	}
	memcpy(tag, sealed.p + sealed.n - TAG_BYTES, TAG_BYTES);
	p = out->p ? out->p + out->n : NULL;
	ok = cipher_start(ctx, k, sealed.p + 1, name, 0) &&
	     EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tag) ==
		     1 &&
	     cipher_run(ctx, p, text) && cipher_end(ctx);
	EVP_CIPHER_CTX_free(ctx);
	if (!ok) {
		/* What was decrypted is not to be trusted, nor to be left. */
		if (p)
			bytes_wipe(p, text.n);
		return -EKEYREJECTED;
	}
	out->n += text.n;
	return 0;
}
