/* A registration of ours at somebody else's registrar (RFC 3261 10.2).
 *
 * Registers, refreshes before it expires, answers challenges in MD5 and
 * SHA-256, tries again after a failure: after 5 s, then twice as long each
 * time up to 5 minutes; 60 s to 30 minutes when the registrar said that login
 * or password are wrong. On the stack's loop. Secrets are wiped.
 */
#ifndef SIP_REGISTRATION_H
#define SIP_REGISTRATION_H

#include "sip/servers.h"
#include "sip/stack.h"

struct sip_registration;

enum sip_registration_state {
	SIP_REGISTRATION_TRYING, /* not yet, or again after a failure */
	SIP_REGISTRATION_UP,
	SIP_REGISTRATION_FAILED, /* code and reason say why; is tried again */
};

struct sip_registration_status {
	enum sip_registration_state state;
	int code; /* of the last final answer; 408: none came */
	char reason[129];
	unsigned expires_s;  /* granted */
	struct sa registrar; /* who answered 200 */
	/* Those of its domain, registrar first; none when it is no name. */
	struct sip_servers servers;
};

struct sip_registration_conf {
	const char *login, *password;
	const char *domain; /* "host" or "host:port", behind @ */
	const char *proxy;  /* where it goes when that is not domain; or "" */
	const char *transport; /* "tcp", "tls"; NULL, "": UDP */
	bool tls_verify;       /* its certificate must be good for domain */
	const char *line;      /* parameter of our Contact: an INVITE to it is
				* from this registrar */
	unsigned expires_s;    /* asked for; 0: 300 */
};

typedef void(sip_registration_h)(const struct sip_registration_status *status,
				 void *arg);

/* changed: on every change of state, code or expiry; from the loop. Errors:
 * -EINVAL: not a domain or proxy; -ENOMEM. */
int sip_registration_new(struct sip_registration **rp, struct sip_stack *stack,
			 const struct sip_registration_conf *conf,
			 sip_registration_h *changed, void *arg);
/* Gives the registration up, if there is one; does not wait for the answer.
 * Before sip_stack_free(). */
void sip_registration_free(struct sip_registration **rp);

#endif
