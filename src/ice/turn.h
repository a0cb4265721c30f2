/* A TURN client with one allocation over UDP (RFC 8656, RFC 8489 9.2).
 *
 * Engine without I/O: datagrams of the server in, datagrams to it out, `now`
 * in, a deadline out. One thread. Handlers run inside the call that fed the
 * engine, as its last act, and must not free it.
 *
 *   new ──▶ Allocate ──401──▶ Allocate with credentials ──▶ allocated
 *                                              refresh at half the lifetime
 *   peers: ChannelBind (it installs the permission too) on the first datagram;
 *   again every 4 minutes. 403 concerns that peer alone.
 */
#ifndef ICE_TURN_H
#define ICE_TURN_H

#include "base/bytes.h"
#include "base/clock.h"
#include "base/re.h"

struct ice_turn;

struct ice_turn_handlers {
	/* To the server. */
	void (*send)(struct bytes datagram, void *arg);
	/* Once: the relay's address is ours. */
	void (*allocated)(const struct sa *relayed, void *arg);
	/* From a peer through the relay. */
	void (*data)(const struct sa *peer, struct bytes payload, void *arg);
	/* No allocation, or none any more; final. */
	void (*failed)(void *arg);
};

struct ice_turn_conf {
	const char *username, *password; /* copied; up to 127 bytes */
	bool ipv6;                       /* ask for an IPv6 relay */
	void (*random)(void *p, size_t n, void *arg); /* NULL: random_bytes */
	void *random_arg;
	struct ice_turn_handlers handlers;
	void *arg;
};

/* The Allocate request is due at `now`. -EINVAL, -ENOMEM */
int ice_turn_new(struct ice_turn **tp, const struct ice_turn_conf *conf,
		 usec_t now);
/* Gives the allocation back (one datagram). */
void ice_turn_free(struct ice_turn **tp);
/* Through the relay. -ENOTCONN: not allocated; -EAGAIN: the channel is being
 * bound, this datagram is dropped; -EACCES: the server refused that peer;
 * -ENOSPC: too many peers; -EMSGSIZE. */
int ice_turn_send(struct ice_turn *t, const struct sa *peer,
		  struct bytes payload, usec_t now);
/* -EBADMSG: counted; no valid message of the server. */
int ice_turn_input(struct ice_turn *t, struct bytes datagram, usec_t now);
usec_t ice_turn_deadline(const struct ice_turn *t);
void ice_turn_timeout(struct ice_turn *t, usec_t now);

#endif
