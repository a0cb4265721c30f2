/* See account_world.h. */
#include "telegram/account_world.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_MS 5000

/* -- the listener --------------------------------------------------------- */

static void l_received(struct mbuf *mb, void *arg)
{
	struct listener *l = arg;

	l->received += mbuf_get_left(mb);
}

static void l_closed(int err, void *arg)
{
	struct listener *l = arg;

	l->conn = mem_deref(l->conn);
}

static void older_closed(int err, void *arg)
{
	struct tcp_conn **conn = arg;

	*conn = mem_deref(*conn);
}

static void l_accept(const struct sa *peer, void *arg)
{
	struct listener *l = arg;

	for (unsigned i = 0; l->conn && i < 8; i++) {
		if (l->older[i])
			continue;
		l->older[i] = l->conn;
		l->conn = NULL;
		tcp_set_handlers(l->older[i], NULL, NULL, older_closed,
				 &l->older[i]);
	}
	if (tcp_accept(&l->conn, l->sock, NULL, l_received, l_closed, l))
		abort();
	l->accepted++;
}

static void listener_open(struct listener *l)
{
	memset(l, 0, sizeof(*l));
	if (sa_set_str(&l->addr, "127.0.0.1", 0) ||
	    tcp_listen(&l->sock, &l->addr, l_accept, l) ||
	    tcp_local_get(l->sock, &l->addr))
		abort();
}

static void listener_close(struct listener *l)
{
	l->conn = mem_deref(l->conn);
	for (unsigned i = 0; i < 8; i++)
		l->older[i] = mem_deref(l->older[i]);
	l->sock = mem_deref(l->sock);
}

/* -- the world ------------------------------------------------------------ */

static void on_poll(void *arg)
{
	struct world *w = arg;

	w->reached = w->until(w);
	if (w->reached || tmr_jiffies() > w->give_up)
		re_cancel();
	else
		tmr_start(&w->tmr, 1, on_poll, w);
}

/* Runs the loop until the condition holds; false: it never did. */
bool run(struct world *w, bool (*until)(struct world *w))
{
	w->until = until;
	w->give_up = tmr_jiffies() + WAIT_MS;
	tmr_start(&w->tmr, 0, on_poll, w);
	re_main(NULL);
	tmr_cancel(&w->tmr);
	return w->reached;
}

static void keep_auth(int dc_id, const struct mtp_auth *auth, void *arg)
{
	struct world *w = arg;

	w->kept_dc = dc_id;
	w->auths++;
}

static void keep_dcs(const struct tg_dc *dcs, size_t n, void *arg)
{
	struct world *w = arg;

	for (w->told_n = 0; w->told_n < n && w->told_n < 8; w->told_n++)
		w->told[w->told_n] = dcs[w->told_n];
}

static void keep_lost(const char *reason, void *arg)
{
	struct world *w = arg;

	w->lost++;
	snprintf(w->lost_reason, sizeof(w->lost_reason), "%s", reason);
}

static void keep_frozen(int64_t since, void *arg)
{
	struct world *w = arg;

	w->frozen_n++;
	w->frozen_since = since;
}

static void keep_flood(const char *line, const char *why, int64_t until,
		       void *arg)
{
	struct world *w = arg;

	snprintf(w->flood, sizeof(w->flood), "%s %s", line, why);
	w->flood_until = until;
}

static void keep_met(int64_t user_id, void *arg)
{
	struct world *w = arg;

	w->met = user_id;
}

static void keep_self(const struct tg_user *user, void *arg)
{
	struct world *w = arg;

	w->selves++;
	w->self = *user;
}

/* -- a store of peers ----------------------------------------------------- */

static struct tg_user *peer_of(struct world *w, int64_t id)
{
	for (unsigned i = 0; i < w->peers_n; i++)
		if (w->peers[i].id == id)
			return &w->peers[i];
	return NULL;
}

static void keep_peer(const struct tg_user *user, void *arg)
{
	struct world *w = arg;
	struct tg_user *p = peer_of(w, user->id);
	bool met = p && p->met;

	if (!p && w->peers_n < 8)
		p = &w->peers[w->peers_n++];
	if (!p)
		return;
	*p = *user;
	p->met |= met;
}

static bool keep_by_id(int64_t id, struct tg_user *user, void *arg)
{
	struct tg_user *p = peer_of(arg, id);

	if (p)
		*user = *p;
	return p != NULL;
}

static void keep_alias(const char *value, int64_t user_id, int64_t until,
		       void *arg)
{
	struct world *w = arg;
	unsigned i = w->aliases_n++ % 8;

	snprintf(w->aliases[i].value, sizeof(w->aliases[i].value), "%s", value);
	w->aliases[i].user_id = user_id;
	w->aliases[i].until = until;
}

static void keep_forget(int64_t user_id, bool gone, void *arg)
{
	struct world *w = arg;
	struct tg_user *p = peer_of(w, user_id);

	w->forgotten = gone ? -user_id : user_id;
	for (unsigned i = 0; i < 8; i++)
		if (w->aliases[i].user_id == user_id)
			w->aliases[i].value[0] = '\0';
	if (p && gone)
		memset(p, 0, sizeof(*p));
	else if (p)
		p->told = 0;
}

static bool keep_by_alias(const char *value, struct tg_user *user, void *arg)
{
	struct world *w = arg;

	for (unsigned i = 0; i < 8; i++)
		if (!strcmp(w->aliases[i].value, value))
			return keep_by_id(w->aliases[i].user_id, user, w);
	return false;
}

static bool keep_by_username(const char *name, struct tg_user *user, void *arg)
{
	struct world *w = arg;

	for (unsigned i = 0; i < w->peers_n; i++) {
		if (strcmp(w->peers[i].username, name) != 0)
			continue;
		*user = w->peers[i];
		return true;
	}
	return keep_by_alias(name, user, arg);
}

static void on_state(enum tg_state state, const char *reason, void *arg)
{
	struct world *w = arg;

	w->states[w->state_n++ % 32] = state;
}

void world_open(struct world *w, bool logged_in)
{
	memset(w, 0, sizeof(*w));
	engines = connects = 0;
	tl_arena_init(&w->arena);
	tmr_init(&w->tmr);
	listener_open(&w->listener);
	for (int i = 0; i < 2; i++) {
		w->dcs[i].id = i + 1;
		w->dcs[i].port = sa_port(&w->listener.addr);
		strcpy(w->dcs[i].host, "127.0.0.1");
	}
	if (mtp_rsa_new(&w->rsa))
		abort();
	w->conf = (struct tg_account_conf){
		.name = "test",
		.api_id = 17,
		.api_hash = "abcdef",
		.dcs = w->dcs,
		.dcs_n = 2,
		.rsa = w->rsa,
		.logged_in = logged_in,
		.auth.present = logged_in,
		.pts = logged_in ? 10 : 0,
		.date = 1000,
		.keep = {.auth = keep_auth,
			 .dcs = keep_dcs,
			 .auth_lost = keep_lost,
			 .frozen = keep_frozen,
			 .flood = keep_flood,
			 .met = keep_met,
			 .self = keep_self,
			 .peer = keep_peer,
			 .alias = keep_alias,
			 .peer_forget = keep_forget,
			 .peer_by_id = keep_by_id,
			 .peer_by_phone = keep_by_alias,
			 .peer_by_username = keep_by_username},
		.handlers.state = on_state,
		.arg = w,
	};
	if (tg_account_new(&w->account, &w->conf) ||
	    tg_account_start(w->account))
		abort();
}

void world_close(struct world *w)
{
	tg_account_free(&w->account);
	listener_close(&w->listener);
	mtp_rsa_free(&w->rsa);
	tmr_cancel(&w->tmr);
	tl_arena_clear(&w->arena);
}

/* -- what was asked ------------------------------------------------------- */

static int find(struct world *w, enum tl_ctor_no no, struct tl_obj **op)
{
	for (unsigned i = 0; engine && i < engine->queries_n; i++) {
		struct tl_obj *o;
		struct rd r;

		rd_init(&r, engine->queries[i].bytes.p,
			engine->queries[i].bytes.n);
		if (tl_read(&o, &w->arena, &r) || o->no != no)
			continue;
		if (op)
			*op = o;
		return (int)i;
	}
	return -1;
}

struct tl_obj *asked(struct world *w, enum tl_ctor_no no)
{
	struct tl_obj *o = NULL;

	find(w, no, &o);
	return o;
}

bool answer(struct world *w, enum tl_ctor_no no, const struct tl_obj *o)
{
	int i = find(w, no, NULL);
	struct fake_query q;
	struct buf b = {0};

	if (i < 0 || tl_write(&b, o))
		return false;
	q = fake_take(engine, (unsigned)i);
	q.done(NULL, buf_bytes(&b), q.arg);
	buf_clear(&q.bytes);
	buf_clear(&b);
	return true;
}

bool refuse(struct world *w, enum tl_ctor_no no, int code, const char *text)
{
	struct mtp_error err = {code, text};
	int i = find(w, no, NULL);
	struct fake_query q;

	if (i < 0)
		return false;
	q = fake_take(engine, (unsigned)i);
	q.done(&err, bytes_of(NULL, 0), q.arg);
	buf_clear(&q.bytes);
	return true;
}

bool config_asked(struct world *w)
{
	return asked(w, TL_help_getConfig);
}

static bool greeted(struct world *w)
{
	return asked(w, TL_help_getConfig) && asked(w, TL_users_getUsers) &&
	       asked(w, TL_updates_getDifference);
}

bool state_asked(struct world *w)
{
	return asked(w, TL_updates_getState);
}

bool difference_asked(struct world *w)
{
	return asked(w, TL_updates_getDifference);
}

bool code_asked(struct world *w)
{
	return asked(w, TL_auth_sendCode);
}

bool key_kept(struct world *w)
{
	return w->auths > 0;
}

bool is_dead(struct world *w)
{
	return tg_state_is_dead(tg_account_state(w->account));
}

bool is_offline(struct world *w)
{
	return tg_account_state(w->account) == TG_STATE_OFFLINE;
}

bool is_ready(struct world *w)
{
	return tg_account_state(w->account) == TG_STATE_READY;
}

/* -- results -------------------------------------------------------------- */

static void take_error(struct world *w, const struct mtp_error *err)
{
	w->code = err ? err->code : 0;
	snprintf(w->text, sizeof(w->text), "%s", err ? err->text : "");
}

void on_code(const struct mtp_error *err, const struct tg_code_sent *sent,
	     void *arg)
{
	struct world *w = arg;

	w->code_n++;
	take_error(w, err);
	if (sent)
		w->sent = *sent;
}

void on_login(const struct mtp_error *err, const struct tg_user *self,
	      void *arg)
{
	struct world *w = arg;

	w->login_n++;
	take_error(w, err);
	if (self)
		w->user = *self;
}

void on_user(const struct mtp_error *err, const struct tg_user *found,
	     void *arg)
{
	struct world *w = arg;

	w->user_n++;
	take_error(w, err);
	if (found)
		w->user = *found;
}

void on_answer(const struct mtp_error *err, const struct tl_obj *o, void *arg)
{
	struct world *w = arg;

	w->answer_n++;
	take_error(w, err);
}

bool user_told(struct world *w)
{
	return w->user_n > 0;
}

bool answered(struct world *w)
{
	return w->answer_n > 0;
}

bool reconnected(struct world *w)
{
	return connects > 1 && engine && engine->ready;
}

bool accepted_twice(struct world *w)
{
	return w->listener.accepted > 1;
}

/* A logged-in account, ready. */
bool make_ready(struct world *w)
{
	world_open(w, true);
	return run(w, greeted) && answer(w, TL_help_getConfig, config(w)) &&
	       answer(w, TL_users_getUsers, user_list(w, user(w, 111, true))) &&
	       answer(w, TL_updates_getDifference, no_difference(w)) &&
	       is_ready(w);
}

struct tl_obj *any_query(struct world *w)
{
	return tl_new(&w->arena, TL_help_getNearestDc);
}
