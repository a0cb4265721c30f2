/* The data centre's RSA key: drawn once, kept as private.pem and public.pem
 * (PKCS#1, as clients have it compiled in) in the data directory. */
#ifndef SIM_RSA_KEY_H
#define SIM_RSA_KEY_H

#include "base/bytes.h"

/* pem: the private key's text, to be wiped by the caller (buf_clear).
 * Errors: errno of the files, -EIO when no key can be made. */
int sim_rsa_key_load(struct buf *pem, const char *dir);

#endif
