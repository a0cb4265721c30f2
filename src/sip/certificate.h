/* A certificate of our own, for who has none: an EC key on P-256, signed by
 * itself, valid for ten years. Both stand in one PEM file that only its owner
 * may read.
 */
#ifndef SIP_CERTIFICATE_H
#define SIP_CERTIFICATE_H

#include <stdint.h>

/* Makes the file if it is not there. host: its common name and, as a DNS name
 * or an address, its alternative name. Errors: errno of the file, -EIO:
 * OpenSSL failed. */
int sip_certificate_make(const char *path, const char *host);
/* When the certificate of a PEM file ends, in unix seconds. Errors: errno of
 * the file, -EBADMSG: no certificate in it. */
int sip_certificate_end(int64_t *end, const char *path);

#endif
