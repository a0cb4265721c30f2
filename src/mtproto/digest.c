#include "mtproto/digest.h"

#include <stdlib.h>

#include <openssl/evp.h>

/* A digest can fail only for want of memory; a wrong one would be worse than
 * the end of the process. */
static void digest_compute(uint8_t *out, const EVP_MD *md,
			   const struct bytes *parts, size_t count)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	if (!ctx || EVP_DigestInit_ex(ctx, md, NULL) != 1)
		abort();
	for (size_t i = 0; i < count; i++)
		if (parts[i].n &&
		    EVP_DigestUpdate(ctx, parts[i].p, parts[i].n) != 1)
			abort();
	if (EVP_DigestFinal_ex(ctx, out, NULL) != 1)
		abort();
	EVP_MD_CTX_free(ctx);
}

void mtp_sha1(uint8_t out[MTP_SHA1_BYTES], const struct bytes *parts,
	      size_t count)
{
	digest_compute(out, EVP_sha1(), parts, count);
}

void mtp_sha256(uint8_t out[MTP_SHA256_BYTES], const struct bytes *parts,
		size_t count)
{
	digest_compute(out, EVP_sha256(), parts, count);
}
