/* The agent's inside, shared by its files and its fuzz target only. */
#ifndef ICE_AGENT_INTERNAL_H
#define ICE_AGENT_INTERNAL_H

#include "ice/agent.h"
#include "ice/message.h"

#define ICE_BASES_MAX 16
#define ICE_LOCALS_MAX 32
#define ICE_REMOTES_MAX 64
#define ICE_PAIRS_MAX 128
#define ICE_SERVERS_MAX 8
#define ICE_CHECKS_KEPT 16

/* telegram-wire E.7: "checks every 48 ms while not writable". */
#define ICE_PACE (48 * USEC_MS)
/* E.7: "receiving: 2.5 s". */
#define ICE_RECEIVING (2500 * USEC_MS)
/* With direct paths at hand relays carry nothing before this. */
#define ICE_RELAY_AFTER (1000 * USEC_MS)

enum ice_kind { ICE_HOST, ICE_SRFLX, ICE_PRFLX, ICE_RELAY };

struct ice_base {
	enum ice_base_kind kind;
	struct sa addr;
	struct sa server; /* of a relay */
};

struct ice_local {
	enum ice_kind kind;
	struct sa addr;
	int base;
	bool published;
};

struct ice_remote {
	struct sa addr;
	enum ice_kind kind;
	uint32_t priority;
};

struct ice_check { /* one request under way */
	uint8_t tid[ICE_TID_BYTES];
	usec_t at;
	bool controlling; /* our role in it */
	bool open;
};

struct ice_pair {
	int base;
	struct ice_remote remote;
	uint64_t priority;
	bool old;       /* of credentials that were replaced */
	bool succeeded; /* a check was answered: we may send here */
	bool triggered; /* check it before all others */
	bool nominated;
	uint32_t nomination; /* value of the NOMINATION attribute */
	usec_t nominated_at;
	usec_t check_at; /* not before */
	usec_t sent_at, answered_at, heard_at;
	unsigned sent, unanswered;
	usec_t rtt;
	unsigned check_next;
	struct ice_check checks[ICE_CHECKS_KEPT];
};

struct ice_query { /* one STUN server from one base */
	struct sa server;
	int base;
	uint8_t tid[ICE_TID_BYTES];
	usec_t at;
	unsigned tries;
	bool answered;
};

struct ice_agent {
	struct ice_agent_conf conf;
	char ufrag[8], pwd[32];
	char remote_ufrag[260], remote_pwd[260];
	bool has_remote;
	bool controlling;
	uint64_t tie_breaker;
	bool trusting; /* fuzzing: behind integrity and fingerprint */

	int bases_n;
	struct ice_base bases[ICE_BASES_MAX];
	int locals_n;
	struct ice_local locals[ICE_LOCALS_MAX];
	int remotes_n;
	struct ice_remote remotes[ICE_REMOTES_MAX];
	int pairs_n;
	struct ice_pair *pairs[ICE_PAIRS_MAX];
	int servers_n;
	struct sa servers[ICE_SERVERS_MAX];
	int queries_n;
	struct ice_query queries[ICE_SERVERS_MAX * ICE_BASES_MAX];

	struct ice_pair *selected, *wanted; /* wanted: peer nominated it */
	usec_t pace_at;                     /* no ordinary check before */
	bool relays_held;                   /* direct pairs come first */
	usec_t relays_from;                 /* and until when */
	usec_t last_good; /* start, or when the selected pair was last heard */
	enum ice_state state;

	/* Not yet told to the owner. */
	bool tell_state, tell_selected;
};

/* candidate.c */
/* base: its kind and place among the bases. */
uint32_t ice_candidate_priority(const struct ice_agent *a, enum ice_kind kind,
				int base);
/* Of the candidate that the base itself is. */
uint32_t ice_base_priority(const struct ice_agent *a, int base);
int ice_candidate_read(struct ice_remote *r, const char *text);
void ice_candidate_write(char *dst, size_t room, const struct ice_local *l,
			 const struct ice_agent *a);
const char *ice_kind_name(enum ice_kind kind);
bool ice_base_is_relay(const struct ice_agent *a, int base);

/* pair.c */
bool ice_pair_is_alive(const struct ice_pair *p, usec_t now);
/* Nothing came of it, or not for long. */
bool ice_pair_is_spent(const struct ice_agent *a, const struct ice_pair *p,
		       usec_t now);
usec_t ice_pair_alive_until(const struct ice_pair *p);
struct ice_pair *ice_pair_find(const struct ice_agent *a, int base,
			       const struct sa *remote);
/* NULL: there are too many. */
struct ice_pair *ice_pair_add(struct ice_agent *a, int base,
			      const struct ice_remote *r, usec_t now);
/* Of a candidate that was signalled: NULL also when nothing can come of it. */
struct ice_pair *ice_pair_offer(struct ice_agent *a, int base,
				const struct ice_remote *r, usec_t now);
void ice_pair_set_priority(const struct ice_agent *a, struct ice_pair *p);
/* Time from an answered check to the next one. */
usec_t ice_pair_keep_after(const struct ice_agent *a, const struct ice_pair *p);
void ice_pair_remove(struct ice_agent *a, struct ice_pair *p);
void ice_pair_nominate(struct ice_agent *a, struct ice_pair *p,
		       const struct ice_message *m, usec_t now);
void ice_selection_update(struct ice_agent *a, usec_t now);
void ice_check_send(struct ice_agent *a, struct ice_pair *p, usec_t now);
void ice_check_next(struct ice_agent *a, usec_t now);
usec_t ice_check_deadline(const struct ice_agent *a);

/* binding.c */
int ice_binding_input(struct ice_agent *a, int base, const struct sa *src,
		      const struct ice_message *m, struct bytes datagram,
		      usec_t now);

/* agent.c */
void ice_agent_random(struct ice_agent *a, void *p, size_t n);
int ice_agent_remote_add(struct ice_agent *a, const struct ice_remote *r,
			 usec_t now);
void ice_agent_local_add(struct ice_agent *a, enum ice_kind kind,
			 const struct sa *addr, int base);

#endif
