/* The world around an account under test: a stand-in for the MTProto engine,
 * a TCP listener, and a loop that runs until a condition holds. For tests of
 * this folder only.
 */
#ifndef TELEGRAM_ACCOUNT_WORLD_H
#define TELEGRAM_ACCOUNT_WORLD_H

#include "telegram/account_core.h"
#include "telegram/engine_fake.h"

struct listener {
	struct tcp_sock *sock;
	struct tcp_conn *conn;     /* the newest one */
	struct tcp_conn *older[8]; /* still open */
	struct sa addr;
	size_t received;
	unsigned accepted;
};

struct world {
	struct tg_account *account;
	struct mtp_rsa *rsa;
	struct listener listener;
	struct tl_arena arena;
	struct tg_account_conf conf;
	struct tg_dc dcs[2];

	int kept_dc;
	unsigned auths, selves, lost;
	char lost_reason[64];
	unsigned frozen_n;
	int64_t frozen_since;
	char flood[64]; /* line, why */
	int64_t flood_until;
	int64_t met;          /* the last one */
	struct tg_dc told[8]; /* addresses to be kept */
	size_t told_n;
	struct tg_user self;
	/* What a store would keep of peers. */
	struct tg_user peers[8];
	unsigned peers_n;
	struct {
		char value[32];
		int64_t user_id, until;
	} aliases[8];
	unsigned aliases_n;
	int64_t forgotten; /* the last one; negative: gone */
	unsigned state_n;
	enum tg_state states[32];

	unsigned code_n, login_n, user_n, answer_n;
	int code;
	char text[64];
	struct tg_code_sent sent;
	struct tg_user user;

	bool (*until)(struct world *w);
	uint64_t give_up;
	bool reached;
	struct tmr tmr;
};

bool run(struct world *w, bool (*until)(struct world *w));
void world_open(struct world *w, bool logged_in);
void world_close(struct world *w);
struct tl_obj *asked(struct world *w, enum tl_ctor_no no);
bool answer(struct world *w, enum tl_ctor_no no, const struct tl_obj *o);
bool refuse(struct world *w, enum tl_ctor_no no, int code, const char *text);
bool config_asked(struct world *w);
bool state_asked(struct world *w);
bool difference_asked(struct world *w);
bool code_asked(struct world *w);
bool key_kept(struct world *w);
bool is_dead(struct world *w);
bool is_offline(struct world *w);
bool is_ready(struct world *w);
/* What the server says: account_objects.c. */
struct tl_obj *config(struct world *w);
struct tl_obj *user(struct world *w, int64_t id, bool self);
struct tl_obj *user_list(struct world *w, struct tl_obj *u);
struct tl_obj *state(struct world *w);
struct tl_obj *no_difference(struct world *w);
struct tl_obj *sent_code(struct world *w);
struct tl_obj *authorization(struct world *w, struct tl_obj *u);
struct tl_obj *resolved(struct world *w, int64_t id, struct tl_obj *u);
/* Results, as they came. */
void on_code(const struct mtp_error *err, const struct tg_code_sent *sent,
	     void *arg);
void on_login(const struct mtp_error *err, const struct tg_user *self,
	      void *arg);
void on_user(const struct mtp_error *err, const struct tg_user *found,
	     void *arg);
void on_answer(const struct mtp_error *err, const struct tl_obj *o, void *arg);
bool user_told(struct world *w);
bool answered(struct world *w);
bool reconnected(struct world *w);
bool accepted_twice(struct world *w);
bool make_ready(struct world *w);
struct tl_obj *any_query(struct world *w);

#endif
