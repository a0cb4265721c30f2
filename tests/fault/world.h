/* A gateway's Telegram account and the simulator's data centres in one
 * process (net.h). The account is logged in as user 501 from the start; 1001
 * answers calls, 1002 lets them ring.
 */
#ifndef FAULT_WORLD_H
#define FAULT_WORLD_H

#include "sim/dc.h"
#include "telegram/account.h"
#include "telegram/phone.h"
#include "tests/fault/net.h"

#define FAULT_CALLS_MAX 64

struct fault_world {
	struct sim_config config;
	struct sim_store *store;
	struct sim_world *sim;
	struct sim_dcs *dcs;
	struct tg_account *account;
	struct tg_link link; /* by the seed */
	bool verbose;        /* prints operations, states and answers */
	unsigned asked, answered;
	unsigned calls, calls_ended;
	struct tg_call *open[FAULT_CALLS_MAX];
	unsigned texts;       /* heard */
	char last_text[64];   /* of the last one heard */
	char refusal[128];    /* of the last answer, or "" */
	char call_error[128]; /* of the last call that ended */
	unsigned rang;        /* calls that reached a device */
};

/* The seed decides how the data centre is reached, too. */
void fault_world_open(struct fault_world *w, uint64_t seed, bool verbose);
/* The same with nobody logged in, and the account at data centre 1. */
void fault_world_open_new(struct fault_world *w, uint64_t seed, bool verbose);
/* False: something was left over (timers, connections). */
bool fault_world_close(struct fault_world *w);

/* Lets time pass; _until: at most so long. */
void fault_pass(struct fault_world *w, usec_t time);
bool fault_until(struct fault_world *w, usec_t time,
		 bool (*reached)(struct fault_world *w));
bool fault_is_ready(struct fault_world *w);
/* Ready, or in a state that only a person can end. */
bool fault_is_settled(struct fault_world *w);
const char *fault_state(const struct fault_world *w);

/* One operation of the simulator's control interface. Refused: aborts. */
void fault_op(struct fault_world *w, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* What a gateway does. Each is answered exactly once: `answered` counts. */
void fault_ask(struct fault_world *w, enum tl_ctor_no no);
void fault_ask_dc(struct fault_world *w, int dc, enum tl_ctor_no no);
void fault_find(struct fault_world *w, const char *username);
void fault_text(struct fault_world *w, int64_t to, const char *text);
void fault_call(struct fault_world *w, int64_t to);
void fault_hang_up(struct fault_world *w); /* all calls */
/* For queries a test makes itself: one was asked (err: it was refused at once),
 * one was answered. */
void fault_asked(struct fault_world *w, int err);
void fault_answered(struct fault_world *w, const struct mtp_error *err,
		    const char *what);
/* Everything asked is answered, every call has ended. */
bool fault_is_quiet(struct fault_world *w);
/* Has the simulator put this text into the user's box? */
bool fault_has_text(struct fault_world *w, int64_t user, const char *text);

#endif
