/* One ICE agent with one component (telegram-wire E.7; RFC 8445, 8838, 7675).
 *
 * An engine: datagrams and `now` in; datagrams, events and a deadline out. The
 * caller owns one UDP socket per local base address and says which one a
 * datagram came through. One thread. Handlers run last inside the call that
 * fed the agent; they must not free it.
 */
#ifndef ICE_AGENT_H
#define ICE_AGENT_H

#include "base/bytes.h"
#include "base/clock.h"
#include "base/re.h"

struct ice_agent;

enum ice_state {
	ICE_NEW,
	ICE_CHECKING,
	ICE_CONNECTED,    /* a pair is selected and has consent */
	ICE_DISCONNECTED, /* was connected; nothing heard for 2.5 s */
	ICE_FAILED,       /* nothing for 20 s; checks still go on */
};

/* A base that is a relay's port and no socket of ours. */
enum ice_base_kind {
	ICE_BASE_SOCKET,
	ICE_BASE_TURN,
	ICE_BASE_REFLECTOR, /* over UDP */
	ICE_BASE_REFLECTOR_TCP,
};

struct ice_handlers {
	/* One datagram to send from local socket or relay `base` (index given
	 * by ice_agent_base, ice_agent_relay) to dst. */
	void (*send)(int base, const struct sa *dst, struct bytes datagram,
		     void *arg);
	/* A new local candidate: "candidate:1 1 udp ... typ host generation 0".
	 * host, srflx, relay; never a loopback or link-local address unless
	 * allowed.
	 */
	void (*candidate)(const char *candidate, void *arg);
	void (*state)(enum ice_state state, void *arg);
	/* The selected pair changed: send data there. */
	void (*selected)(int base, const struct sa *dst, void *arg);
};

struct ice_agent_conf {
	bool controlling;
	bool renomination;
	bool allow_loopback; /* for tests on one machine */
	bool relays_only;    /* no sockets as bases, no STUN servers */
	char ufrag[8];       /* 4 characters; empty: drawn */
	char pwd[32];        /* 24 characters; empty: drawn */
	usec_t fail_after;   /* 0: 20 s */
	void (*random)(void *p, size_t n, void *arg); /* NULL: random_bytes */
	void *random_arg;
	struct ice_handlers handlers;
	void *arg;
};

int ice_agent_new(struct ice_agent **ap, const struct ice_agent_conf *conf);
void ice_agent_free(struct ice_agent **ap);
const char *ice_agent_ufrag(const struct ice_agent *a);
const char *ice_agent_pwd(const struct ice_agent *a);
/* Adds a local socket bound to addr; publishes its host candidate. Returns its
 * index (0..15) or -ENOSPC, -EINVAL, -EPERM (relays only). */
int ice_agent_base(struct ice_agent *a, const struct sa *addr, usec_t now);
/* Adds a relay's port, ready to use; publishes its candidate. addr: what a TURN
 * server allocated, or ice_reflector_address(); server: the relay's own.
 * Returns its index or -ENOSPC, -EINVAL. */
int ice_agent_relay(struct ice_agent *a, enum ice_base_kind kind,
		    const struct sa *addr, const struct sa *server, usec_t now);
/* Asks a STUN server from every base of its family: srflx candidates. */
int ice_agent_stun_server(struct ice_agent *a, const struct sa *addr,
			  usec_t now);
/* Remote credentials; different ones later are an ICE restart. */
int ice_agent_remote(struct ice_agent *a, const char *ufrag, const char *pwd,
		     bool renomination, usec_t now);
/* "candidate:..."; unknown kinds (.local, tcp, component 2) are
 * counted and ignored: -ENOTSUP. -EBADMSG: not a candidate line. */
int ice_agent_remote_candidate(struct ice_agent *a, const char *candidate,
			       usec_t now);
/* A datagram whose first byte is 0..3. -EBADMSG and counted if it is no valid
 * STUN for us. Others are not for this function. */
int ice_agent_input(struct ice_agent *a, int base, const struct sa *src,
		    struct bytes datagram, usec_t now);
/* Any other datagram arrived from src: keeps consent and lets the caller know
 * whether the source is a checked pair (false: drop it). */
bool ice_agent_heard(struct ice_agent *a, int base, const struct sa *src,
		     usec_t now);
enum ice_state ice_agent_state(const struct ice_agent *a);
bool ice_agent_selected(const struct ice_agent *a, int *base, struct sa *dst);
usec_t ice_agent_rtt(const struct ice_agent *a); /* of the pair, 0 unknown */
/* The selected pair in words, "host 10.0.0.1:4000"; empty when there is none.
 */
void ice_agent_describe(const struct ice_agent *a, char local[64],
			char remote[64]);
usec_t ice_agent_deadline(const struct ice_agent *a);
void ice_agent_timeout(struct ice_agent *a, usec_t now);

#endif
