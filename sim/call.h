/* Calls between two accounts: the server's state machine of phone.*
 * (telegram-wire D), with every check and Telegram's own errors.
 *
 *   REQUESTED --receive--> RINGING --accept--> ACCEPTED --confirm--> ACTIVE
 *       \--accept------------------------------/
 *   any --discard, time limit--> ENDED
 *
 * Side 0 is the caller ("admin"), side 1 the callee ("participant"). A side is
 * a client, known by its authorisation key, or a simulated user (key 0), whose
 * reactions come from sim/app.c. One thread.
 */
#ifndef SIM_CALL_H
#define SIM_CALL_H

#include "sim/fault.h"
#include "sim/world.h"

enum sim_call_state {
	SIM_CALL_REQUESTED,
	SIM_CALL_RINGING,
	SIM_CALL_ACCEPTED,
	SIM_CALL_ACTIVE,
	SIM_CALL_ENDED,
};

enum sim_reason {
	SIM_REASON_NONE,
	SIM_REASON_MISSED,
	SIM_REASON_DISCONNECT,
	SIM_REASON_HANGUP,
	SIM_REASON_BUSY,
};

struct sim_protocol {
	bool udp_p2p, udp_reflector;
	int32_t min_layer, max_layer;
	struct sim_versions versions;
};

/* What a simulated user does next. */
enum sim_step {
	SIM_STEP_NONE,
	SIM_STEP_RING,
	SIM_STEP_ANSWER,
	SIM_STEP_DECLINE,
	SIM_STEP_BUSY,
	SIM_STEP_CONFIRM,
	SIM_STEP_HANGUP,
	SIM_STEP_CANCEL,
	SIM_STEP_BROKEN, /* a check failed: Disconnect */
};

struct sim_public {
	uint8_t p[256];
	size_t n; /* as sent: 248..256 */
};

struct sim_leg {
	struct sim_account *account;
	uint64_t key_id; /* device of this call; 0: simulated or not known */
	struct sim_protocol protocol;
	/* simulated users only */
	enum sim_step step;
	usec_t due; /* of step; USEC_NEVER */
	int after_ms, hangup_after_ms, cancel_after_ms;
	uint8_t secret[256];
	uint8_t call_key[256];
	bool endpoint;  /* a program runs or ran */
	char media[16]; /* its last STATE */
	char *stats;    /* its STATS, JSON text */
	char in[256], out[256];
};

struct sim_call {
	struct sim_call *next;
	struct sim_world *world;
	int64_t id;
	enum sim_call_state state;
	enum sim_reason reason;
	int ended_by; /* 0, 1, -1 = the data centre */
	bool video;
	int32_t random_id;
	int32_t date, receive_date, start_date, duration_s;
	struct sim_leg legs[2];
	uint8_t g_a_hash[32];
	struct sim_public g_a, g_b;
	int64_t fingerprint;
	char version[SIM_VERSION_MAX];
	usec_t limit;        /* the data centre gives up */
	usec_t active_at;    /* monotonic */
	uint32_t signals[2]; /* blobs sent by each side */
	int32_t ratings[2];  /* 0: not rated */
	bool debugs[2];      /* the log was sent */
};

struct sim_call_request {
	struct sim_account *caller, *callee;
	uint64_t key_id;
	int32_t random_id;
	bool video;
	struct bytes g_a_hash;
	const struct sim_protocol *protocol;
};

/* All return NULL or why not; nothing has changed then. Updates to the other
 * side leave before the return. `key_id` is the acting device's login key. */
const struct sim_fault *sim_call_request(struct sim_call **cp,
					 struct sim_world *w,
					 const struct sim_call_request *r);
const struct sim_fault *sim_call_receive(struct sim_call *c, uint64_t key_id);
const struct sim_fault *sim_call_accept(struct sim_call *c, uint64_t key_id,
					struct bytes g_b,
					const struct sim_protocol *p);
const struct sim_fault *sim_call_confirm(struct sim_call *c, uint64_t key_id,
					 struct bytes g_a, int64_t fingerprint,
					 const struct sim_protocol *p);
const struct sim_fault *sim_call_discard(struct sim_call *c, int side,
					 uint64_t key_id,
					 enum sim_reason reason,
					 int32_t duration_s);
const struct sim_fault *sim_call_signal(struct sim_call *c, int side,
					uint64_t key_id, struct bytes data);
/* Ends it by the data centre's own decision. */
void sim_call_end(struct sim_call *c, int side, enum sim_reason reason);

struct sim_call *sim_call_find(struct sim_world *w, int64_t id);
/* The side of `a` in the call, -1: none. */
int sim_call_side(const struct sim_call *c, const struct sim_account *a);
int64_t sim_call_access_hash(const struct sim_call *c, int side);
/* What both are told in phoneCall: intersection, with the chosen version. */
void sim_call_protocol(const struct sim_call *c, struct sim_protocol *p);
bool sim_call_p2p(const struct sim_call *c);
/* The tag of connection i for this side; sides differ in one bit. */
void sim_call_peer_tag(const struct sim_call *c, int i, int side,
		       uint8_t tag[16]);

void sim_call_save(const struct sim_call *c);
void sim_call_load(const char *id, const json_t *o, void *world);
json_t *sim_call_describe(const struct sim_call *c);
usec_t sim_calls_deadline(const struct sim_world *w);
void sim_calls_tick(struct sim_world *w);
void sim_calls_free(struct sim_world *w);
const char *sim_call_state_name(enum sim_call_state s);
const char *sim_reason_name(enum sim_reason r);

#endif
