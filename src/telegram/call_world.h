/* The world around a call under test: queries are recorded and answered by
 * hand, time is invented, and the far end computes its half of the key
 * exchange with OpenSSL's numbers. For call*_test.c only.
 */
#ifndef TELEGRAM_CALL_WORLD_H
#define TELEGRAM_CALL_WORLD_H

#include "telegram/call.h"

#define T0 (1000 * USEC_S)
#define DATE 1700000000
#define SELF 111
#define PEER 222
#define CALL_ID 0x1122334455667788
#define CALL_HASH 0x0a0b0c0d0e0f1011

struct asked {
	struct buf bytes;
	tg_answer_h *done;
	void *arg;
};

struct world {
	struct phone phone;
	usec_t now;
	struct asked asked[64];
	unsigned asked_n, next; /* next: the oldest unanswered */
	int refuse;             /* errno of query() */
	int busy;
	struct tl_arena arena;

	struct tg_call *call;
	bool take; /* incoming calls */
	unsigned incoming;
	int64_t incoming_user;
	enum tg_call_state states[16];
	unsigned states_n;
	unsigned active_n, ended_n;
	struct tg_call_media media; /* copy */
	char custom[64];
	struct tg_call_end end;
	char heard[256]; /* signalling, joined by ',' */
	size_t heard_bytes;
	bool discard_in_active;
};

extern const char *const versions[];
extern const struct tg_call_handlers handlers;
extern const uint8_t g3[1];
extern uint8_t far_secret[256], far_value[256];
extern uint8_t out_hash[32];
extern uint8_t out_key[256], out_value[256];
extern int64_t out_fingerprint;
extern uint8_t in_hash[32];
extern uint8_t in_key[256];
extern int64_t in_fingerprint;

void world_open(struct world *w);
void world_close(struct world *w);
void pass(struct world *w, usec_t t);
/* The oldest unanswered query, which must be `no`; NULL otherwise. */
struct tl_obj *asked(struct world *w, enum tl_ctor_no no);
bool nothing_asked(const struct world *w);
void answer(struct world *w, const struct tl_obj *o);
void refuse(struct world *w, int code, const char *text);
void far_open(void);
void far_power(uint8_t out[256], const uint8_t *base, size_t base_n,
	       const uint8_t e[256]);
int64_t far_fingerprint(const uint8_t key[256]);
struct tl_obj *dh_config(struct world *w, int32_t g, const uint8_t *p);
struct tl_obj *protocol(struct world *w, const char *version);
struct tl_obj *waiting(struct world *w, bool received);
struct tl_obj *accepted(struct world *w, struct bytes g_b);
struct tl_obj *requested(struct world *w, const uint8_t hash[32], int32_t date);
struct tl_obj *phone_call(struct world *w, struct bytes g, int64_t fingerprint,
			  const char *version);
struct tl_obj *discarded(struct world *w, enum tl_ctor_no reason,
			 int32_t duration);
struct tl_obj *result(struct world *w, struct tl_obj *call);
struct tl_obj *yes(struct world *w);
bool discard_asked(struct world *w, enum tl_ctor_no reason);
/* Outgoing and incoming step by step; false when it went wrong. */
bool out_start(struct world *w);
bool out_group(struct world *w);
bool out_wait(struct world *w);
bool out_ring(struct world *w);
bool out_accept(struct world *w);
struct tl_obj *out_call(struct world *w);
bool out_active(struct world *w);
bool in_ring(struct world *w);
bool in_prepare(struct world *w);
bool in_accept(struct world *w);

#endif
