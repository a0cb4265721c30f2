/* OPTIONS to a peer, again and again: is it there (RFC 3261 11)? Any final
 * answer says yes, whatever its code; no answer within 4 s, or a transport that
 * fails, says no. On the stack's loop. */
#ifndef SIP_PING_H
#define SIP_PING_H

#include "sip/stack.h"

struct sip_ping;

struct sip_ping_conf {
	const char *uri;   /* Request-URI */
	const char *route; /* next hop, as of sip_session_invite(); or NULL */
	const char *tls_name; /* of the peer's certificate; NULL: any */
	bool tls_verify;
	unsigned interval_s; /* from 1 */
};

/* cause: why not, for people; "" when it is there. */
typedef void(sip_ping_h)(bool there, const char *cause, void *arg);

/* changed: on the first result and on every change, from the loop; it may free
 * the ping. Errors: -EINVAL: not a SIP URI; -ENOMEM. */
int sip_ping_new(struct sip_ping **pp, struct sip_stack *stack,
		 const struct sip_ping_conf *conf, sip_ping_h *changed,
		 void *arg);
/* It was heard of otherwise: as good as an answer. `changed` may run inside. */
void sip_ping_seen(struct sip_ping *p);
/* Before sip_stack_free(). */
void sip_ping_free(struct sip_ping **pp);

#endif
