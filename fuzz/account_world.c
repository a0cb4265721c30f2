#include "account_world.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "mtproto/wire.h"
#include "tl/tl.h"

#define QUERIES_MAX 64
#define BEGIN USEC_S

struct waiting {
	enum tl_ctor_no no;
	bool wanted;
	mtp_answer_h *done;
	void *arg;
};

struct connection {
	struct connection_conf conf;
	struct mtp_auth auth;
};

static struct connection *connection;
static struct waiting queries[QUERIES_MAX];
static size_t queries_n;
static int room_left;
static account_wanted_h *is_wanted;
static struct mtp_rsa *rsa;
static usec_t now;

/* -- the clock ------------------------------------------------------------ */

usec_t clock_now(void)
{
	return now;
}

struct wall clock_wall(void)
{
	return (struct wall){1700000000000000 + (int64_t)now};
}

char *wall_iso8601(char dst[32], struct wall t)
{
	(void)t;
	return strcpy(dst, "2026-11-21T00:00:00.000Z");
}

/* -- queries -------------------------------------------------------------- */

/* What an account asks can be read, and nothing follows. */
static enum tl_ctor_no query_read(struct bytes query)
{
	struct tl_arena arena;
	struct tl_obj *o = NULL;
	enum tl_ctor_no no;
	struct rd r;

	tl_arena_init(&arena);
	rd_init(&r, query.p, query.n);
	if (tl_read(&o, &arena, &r) || r.n)
		abort();
	no = o->no;
	tl_arena_clear(&arena);
	return no;
}

static void query_answer(size_t i, const struct mtp_error *err,
			 struct bytes answer)
{
	struct waiting q = queries[i];

	memmove(&queries[i], &queries[i + 1],
		(--queries_n - i) * sizeof(queries[0]));
	q.done(err, answer, q.arg);
}

static void queries_refuse(bool all, const struct mtp_error *err)
{
	for (size_t i = 0; i < queries_n;) {
		if (all || !queries[i].wanted)
			query_answer(i, err, bytes_of(NULL, 0));
		else
			i++;
	}
}

static void others_refuse(void)
{
	static const struct mtp_error refused = {400, "REFUSED"};

	queries_refuse(false, &refused);
}

/* -- the connection ------------------------------------------------------- */

int connection_new(struct connection **cp, const struct connection_conf *conf)
{
	struct connection *c = calloc(1, sizeof(*c));

	if (!c)
		abort();
	c->conf = *conf;
	c->auth.present = true;
	connection = *cp = c;
	return 0;
}

static const struct mtp_error closed = {-ECANCELED, "CLOSED"};

void connection_free(struct connection **cp)
{
	if (!*cp)
		return;
	queries_refuse(true, &closed);
	free(*cp);
	connection = *cp = NULL;
}

void connection_start(struct connection *c)
{
	c->conf.link(CONNECTION_UP, "", c->conf.arg);
	c->conf.event(MTP_EVENT_READY, NULL, c->conf.arg);
}

void connection_close(struct connection *c, const char *reason)
{
	(void)c;
	(void)reason;
}

int connection_call(struct connection *c, struct bytes query, unsigned flags,
		    mtp_answer_h *done, void *arg)
{
	struct waiting *q = &queries[queries_n];

	(void)c;
	(void)flags;
	if (queries_n == QUERIES_MAX || room_left == 0)
		return -ENOMEM;
	room_left--;
	queries_n++;
	q->no = query_read(query);
	q->wanted = is_wanted(q->no);
	q->done = done;
	q->arg = arg;
	return 0;
}

/* The data centre never answers. */
void connection_destroy_key(struct connection *c, void (*parted)(void *arg),
			    void *arg)
{
	(void)c;
	(void)parted;
	(void)arg;
	connection = NULL;
	queries_refuse(true, &closed);
}

void connection_ping_interval(struct connection *c, usec_t interval)
{
	(void)c;
	(void)interval;
}

const struct mtp_auth *connection_auth(const struct connection *c)
{
	return &c->auth;
}

bool connection_ready(const struct connection *c)
{
	return c != NULL;
}

usec_t connection_backoff(unsigned n)
{
	return n * USEC_S;
}

/* -- the world ------------------------------------------------------------ */

struct tg_account *account_world_open(const struct tg_account_conf *more,
				      account_wanted_h *wanted)
{
	static const struct tg_dc dc = {
		.id = 2, .host = "127.0.0.1", .port = 443};
	struct tg_account_conf conf = *more;
	struct tg_account *a = NULL;

	if (!rsa && mtp_rsa_new(&rsa))
		abort();
	now = BEGIN;
	room_left = INT_MAX;
	is_wanted = wanted;
	conf.name = "fuzz";
	conf.api_id = 1;
	conf.api_hash = "hash";
	conf.dcs = &dc;
	conf.dcs_n = 1;
	conf.rsa = rsa;
	if (tg_account_new(&a, &conf) || tg_account_start(a))
		abort();
	account_world_time(a, 0);
	return a;
}

void account_world_close(struct tg_account **ap)
{
	tg_account_free(ap);
	if (queries_n) /* each was answered, once */
		abort();
}

void account_world_update(struct bytes object)
{
	if (connection)
		connection->conf.update(object, connection->conf.arg);
}

static bool error_read(struct mtp_error *err, char text[64], struct bytes b)
{
	struct bytes reason;
	struct rd r;

	rd_init(&r, b.p, b.n);
	if (rd_le32(&r) != WIRE_RPC_ERROR)
		return false;
	err->code = (int32_t)rd_le32(&r);
	reason = wire_bytes(&r);
	if (r.bad || reason.n >= 64 || (err->code < 0 && err->code > -1000))
		return false; /* the engine's own errors */
	memcpy(text, reason.p, reason.n);
	text[reason.n] = '\0';
	err->text = text;
	return true;
}

void account_world_answer(struct bytes object)
{
	struct mtp_error err;
	char text[64];

	others_refuse();
	if (!queries_n)
		return;
	if (error_read(&err, text, object))
		query_answer(0, &err, bytes_of(NULL, 0));
	else
		query_answer(0, NULL, object);
}

void account_world_room(int queries_more)
{
	room_left = queries_more;
}

void account_world_event(enum mtp_event event)
{
	if (connection)
		connection->conf.event(event, "", connection->conf.arg);
}

void account_world_time(struct tg_account *a, usec_t passed)
{
	now += passed;
	others_refuse();
	if (tmr_isrunning(&a->tmr))
		a->tmr.th(a->tmr.arg);
	others_refuse();
}
