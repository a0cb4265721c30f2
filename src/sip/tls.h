/* The TLS side of the SIP stack (RFC 3261 26, RFC 5922): our certificate, whom
 * we trust, and what is asked of a peer that we connect to.
 *
 * libre makes the connections; what it leaves open, or does differently in
 * its versions (server name, verification), is settled here in OpenSSL's own
 * callbacks. One per stack, on its loop.
 */
#ifndef SIP_TLS_H
#define SIP_TLS_H

#include <stdbool.h>

#include "base/re.h"

struct sip_tls;
struct tls_peer; /* reference counted by libre's mem_ref */

struct sip_tls_conf {
	const char *certificate; /* PEM chain; "" or NULL: our own */
	const char *private_key; /* PEM; "": stands in the same file */
	const char *ca_file;     /* whom we trust; "": the system's */
	const char *own;         /* file of our own certificate; is made */
	const char *host;        /* its name */
};

/* *why names the file and the reason; static, until the next call. -EINVAL:
 * no certificate or key in a file, or they do not belong together. */
int sip_tls_new(struct sip_tls **tp, const struct sip_tls_conf *conf,
		const char **why);
void sip_tls_free(struct sip_tls **tp);
struct tls *sip_tls_context(const struct sip_tls *t);

/* A peer we connect to. name: its domain or address, with or without a port.
 */
int tls_peer_new(struct tls_peer **pp, const char *name, bool verify);
/* Why the last connection to it failed: "certificate has expired"; "" */
const char *tls_peer_failure(const struct tls_peer *p);
/* The next connection that libre opens is to this peer; NULL: to one of whom
 * nothing is asked. A reference is kept until then. */
void tls_peer_expect(struct tls_peer *p);

#endif
