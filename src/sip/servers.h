/* The servers of a domain, in the order in which they are tried (RFC 3263 4.2,
 * RFC 2782): SRV of the transport, else the name itself, with the addresses of
 * each. On the stack's loop.
 */
#ifndef SIP_SERVERS_H
#define SIP_SERVERS_H

#include "sip/stack.h"

#define SIP_SERVERS_MAX 8
/* How long a server that says nothing at all keeps us from the next one. */
#define SIP_SERVER_TRY_S 4

struct sip_servers {
	size_t n, at; /* the one in use */
	struct sa list[SIP_SERVERS_MAX];
};

struct sip_lookup;

/* n 0: none. The look-up is over; it may be freed inside. */
typedef void(sip_lookup_h)(const struct sip_servers *found, void *arg);

/* where: "HOST" or "HOST:PORT"; transport: "udp", "tcp", "tls". -EINVAL: it is
 * a literal address, which needs no look-up; -ENOTCONN: no name server. */
int sip_lookup_new(struct sip_lookup **lp, struct sip_stack *stack,
		   const char *where, const char *transport,
		   sip_lookup_h *found, void *arg);
void sip_lookup_free(struct sip_lookup **lp);

/* The next hop: "sip:192.0.2.1:5061;transport=tls" */
void sip_server_hop(struct buf *hop, const struct sip_servers *s,
		    const char *transport);

#endif
