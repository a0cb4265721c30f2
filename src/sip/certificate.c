#include "sip/certificate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/random.h"

#define DAY_S 86400L
#define VALID_DAYS 3650L

static bool extension_add(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	bool good = e && X509_add_ext(x, e, -1);

	X509_EXTENSION_free(e);
	return good;
}

/* RFC 5922 4: the name of a SIP server stands in subjectAltName. */
static bool name_add(X509 *x, const char *host)
{
	X509_NAME *name = X509_get_subject_name(x);
	const unsigned char *common = (const unsigned char *)host;
	struct in6_addr address;
	char value[160];

	snprintf(value, sizeof(value), "%s:%s",
		 inet_pton(AF_INET, host, &address) == 1 ||
				 inet_pton(AF_INET6, host, &address) == 1
			 ? "IP"
			 : "DNS",
		 host);
	return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, common, -1,
					  -1, 0) &&
	       X509_set_issuer_name(x, name) &&
	       extension_add(x, NID_subject_alt_name, value);
}

static X509 *certificate_sign(EVP_PKEY *key, const char *host)
{
	X509 *x = X509_new();
	bool good =
		x && X509_set_version(x, 2) &&
		ASN1_INTEGER_set_uint64(X509_get_serialNumber(x),
					random_u64() >> 1) &&
		/* A day back: the peer's clock may be behind. */
		X509_gmtime_adj(X509_getm_notBefore(x), -DAY_S) &&
		X509_gmtime_adj(X509_getm_notAfter(x), VALID_DAYS * DAY_S) &&
		X509_set_pubkey(x, key) && name_add(x, host) &&
		X509_sign(x, key, EVP_sha256());

	if (good)
		return x;
	X509_free(x);
	return NULL;
}

/* Complete or not there: the name comes last. */
static int file_write(const char *path, EVP_PKEY *key, X509 *x)
{
	char part[512];
	bool good;
	FILE *f;
	int fd;

	if (snprintf(part, sizeof(part), "%s.new", path) >= (int)sizeof(part))
		return -ENAMETOOLONG;
	fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	f = fdopen(fd, "w");
	if (!f) {
		(void)close(fd);
		return -ENOMEM;
	}
	good = PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) &&
	       PEM_write_X509(f, x) && fflush(f) == 0 && fsync(fd) == 0;
	if (fclose(f) || !good || rename(part, path)) {
		(void)unlink(part);
		return -EIO;
	}
	return 0;
}

int sip_certificate_make(const char *path, const char *host)
{
	EVP_PKEY *key;
	X509 *x;
	int err;

	if (!access(path, F_OK))
		return 0;
	key = EVP_EC_gen("P-256");
	x = key ? certificate_sign(key, host) : NULL;
	err = x ? file_write(path, key, x) : -EIO;
	X509_free(x);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return err;
}

int sip_certificate_end(int64_t *end, const char *path)
{
	FILE *f = fopen(path, "re");
	struct tm tm;
	X509 *x;
	int err = -EBADMSG;

	if (!f)
		return -errno;
	x = PEM_read_X509(f, NULL, NULL, NULL);
	if (x && ASN1_TIME_to_tm(X509_get0_notAfter(x), &tm) == 1) {
		*end = (int64_t)timegm(&tm);
		err = 0;
	}
	X509_free(x);
	(void)fclose(f);
	return err;
}
