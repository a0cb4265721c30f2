/* A query comes in wrappers, in any order and depth:
 *
 *   gzip_packed | invokeWithLayer | initConnection | invokeAfterMsg(s) |
 *   invokeWithoutUpdates ... query
 *
 * They are taken off here, so that the owner sees queries only. */
#include "mtproto/server_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "mtproto/gzip.h"
#include "mtproto/wire.h"
#include "tl/tl.h"

#define WRAPPERS_MAX 8
#define LAYER_MIN 100
#define LAYER_MAX (TL_LAYER + 20)
#define COMPRESS_FROM 512
#define CONDITIONS_MAX 64
#define FLAG_PROXY 1u
#define FLAG_PARAMS 2u

struct unwrapped {
	struct bytes query;
	struct buf inflated; /* the query may lie in here */
	int32_t layer;       /* of this query's invokeWithLayer, 0: none */
	bool inited;
	bool no_updates;
	int64_t condition; /* the last unanswered one it names */
	bool condition_failed;
	const char *error;
};

void server_error_put(struct mtp_server *s, struct server_session *session,
		      int64_t msg_id, int code, const char *text)
{
	struct buf b;

	buf_init(&b);
	buf_le32(&b, WIRE_RPC_RESULT);
	buf_le64(&b, (uint64_t)msg_id);
	buf_le32(&b, WIRE_RPC_ERROR);
	buf_le32(&b, (uint32_t)code);
	wire_put_bytes(&b, bytes_str(text));
	server_put(s, session, &b, true, 1, msg_id);
}

/* -- wrappers ------------------------------------------------------------- */

static struct server_query *query_find(struct server_session *session,
				       int64_t msg_id)
{
	struct server_query *q;

	TAILQ_FOREACH(q, &session->queries, link)
	if (q->msg_id == msg_id)
		return q;
	return NULL;
}

static bool done_failed(const struct mtp_window *done, int64_t id)
{
	for (size_t i = 0; i < done->n; i++)
		if (done->ids[i] == id)
			return done->seqnos[i] != 0;
	return false;
}

static void condition_take(struct server_session *session, struct unwrapped *u,
			   int64_t msg_id)
{
	if (query_find(session, msg_id))
		u->condition = msg_id;
	else if (done_failed(&session->done, msg_id))
		u->condition_failed = true;
}

static void conditions_take(struct server_session *session, struct unwrapped *u,
			    struct rd *r)
{
	uint32_t count = wire_vector_long(r);

	if (count > CONDITIONS_MAX)
		rd_fail(r);
	for (uint32_t i = 0; i < count && !r->bad; i++)
		condition_take(session, u, (int64_t)rd_le64(r));
}

/* proxy and params are objects whose end only the schema knows. */
static void object_skip(struct rd *r)
{
	struct tl_arena arena;
	struct tl_obj *o;

	tl_arena_init(&arena);
	if (tl_read(&o, &arena, r))
		rd_fail(r);
	tl_arena_clear(&arena);
}

static void init_take(struct unwrapped *u, struct rd *r)
{
	uint32_t flags = rd_le32(r);

	rd_skip(r, 4); /* api_id */
	for (int i = 0; i < 6; i++)
		(void)wire_bytes(r);
	if (flags & FLAG_PROXY)
		object_skip(r);
	if (flags & FLAG_PARAMS)
		object_skip(r);
	u->inited = true;
}

static void gzip_take(struct unwrapped *u, struct rd *r)
{
	struct buf inflated;

	buf_init(&inflated);
	if (mtp_gzip_unpack(&inflated, wire_bytes(r)) || r->bad) {
		rd_fail(r);
		buf_clear(&inflated);
		return;
	}
	buf_clear(&u->inflated);
	u->inflated = inflated;
	rd_init(r, inflated.p, inflated.n);
}

static bool layer_ok(const struct mtp_server *s, int32_t layer)
{
	int32_t min = s->conf.layer_min ? s->conf.layer_min : LAYER_MIN;
	int32_t max = s->conf.layer_max ? s->conf.layer_max : LAYER_MAX;

	return layer >= min && layer <= max;
}

/* Takes one wrapper off r. False: this is the query itself. */
static bool wrapper_take(struct mtp_server *s, struct server_session *session,
			 struct unwrapped *u, struct rd *r)
{
	uint32_t id = wire_id(bytes_of(r->p, r->n));

	switch (id) {
	case WIRE_GZIP_PACKED:
		rd_skip(r, 4);
		gzip_take(u, r);
		return true;
	case WIRE_INVOKE_WITH_LAYER:
		rd_skip(r, 4);
		u->layer = (int32_t)rd_le32(r);
		if (!layer_ok(s, u->layer))
			u->error = "CONNECTION_LAYER_INVALID";
		return true;
	case WIRE_INIT_CONNECTION:
		rd_skip(r, 4);
		init_take(u, r);
		return true;
	case WIRE_INVOKE_AFTER_MSG:
		rd_skip(r, 4);
		condition_take(session, u, (int64_t)rd_le64(r));
		return true;
	case WIRE_INVOKE_AFTER_MSGS:
		rd_skip(r, 4);
		conditions_take(session, u, r);
		return true;
	case WIRE_INVOKE_WITHOUT_UPDATES:
		rd_skip(r, 4);
		u->no_updates = true;
		return true;
	default:
		return false;
	}
}

static void unwrap(struct mtp_server *s, struct server_session *session,
		   struct unwrapped *u, struct bytes body)
{
	struct rd r;
	int depth = 0;

	rd_init(&r, body.p, body.n);
	while (!u->error && wrapper_take(s, session, u, &r))
		if (r.bad || ++depth > WRAPPERS_MAX)
			u->error = "INPUT_FETCH_ERROR";
	u->query = bytes_of(r.p, r.n);
	if (!u->error && r.n < 4)
		u->error = "INPUT_FETCH_FAIL";
}

/* Telegram takes these before initConnection. */
static bool needs_no_layer(uint32_t id)
{
	return id == WIRE_BIND_TEMP_AUTH_KEY;
}

/* -- running -------------------------------------------------------------- */

static void query_run(struct mtp_server *s, struct server_query *q,
		      struct bytes query)
{
	q->condition = 0;
	if (s->conf.handlers.query)
		s->conf.handlers.query(q->msg_id, q->layer, q->no_updates,
				       query, s->conf.arg);
}

static bool method_refuse(struct mtp_server *s, struct server_session *session,
			  int64_t msg_id, uint32_t id)
{
	enum tl_ctor_no no;
	char text[64];

	if (tl_ctor_by_id(&no, id) == 0 && tl_ctor_is_function(no))
		return false;
	if (s->conf.unknown_methods)
		return false;
	snprintf(text, sizeof(text), "INPUT_METHOD_INVALID_%u", (unsigned)id);
	server_refused(s, text);
	server_error_put(s, session, msg_id, 400, text);
	return true;
}

static void query_add(struct mtp_server *s, struct server_session *session,
		      int64_t msg_id, const struct unwrapped *u)
{
	struct server_query *q = calloc(1, sizeof(*q));

	if (!q) {
		server_error_put(s, session, msg_id, 500, "INTERNAL");
		return;
	}
	q->msg_id = msg_id;
	q->condition = u->condition;
	q->layer = session->layer;
	q->no_updates = u->no_updates;
	buf_init(&q->body);
	TAILQ_INSERT_TAIL(&session->queries, q, link);
	if (u->condition)
		buf_put(&q->body, u->query.p, u->query.n);
	else
		query_run(s, q, u->query);
}

static void query_judge(struct mtp_server *s, struct server_session *session,
			int64_t msg_id, struct unwrapped *u)
{
	uint32_t id = wire_id(u->query);

	/* initConnection belongs inside invokeWithLayer. */
	if (!u->error && u->layer && !u->inited && !session->layer)
		u->error = "CONNECTION_NOT_INITED";
	if (!u->error && u->inited && !u->layer)
		u->error = "CONNECTION_LAYER_INVALID";
	if (!u->error && u->layer)
		session->layer = u->layer;
	if (!u->error && !session->layer && !needs_no_layer(id))
		u->error = "CONNECTION_NOT_INITED";
	if (!u->error && u->condition_failed)
		u->error = "MSG_WAIT_FAILED";
	if (u->error) {
		server_refused(s, u->error);
		mtp_window_add(&session->done, msg_id, 1);
		server_error_put(s, session, msg_id, 400, u->error);
	} else if (!method_refuse(s, session, msg_id, id)) {
		query_add(s, session, msg_id, u);
	} else {
		mtp_window_add(&session->done, msg_id, 1);
	}
}

void server_query_take(struct mtp_server *s, struct server_session *session,
		       int64_t msg_id, struct bytes body)
{
	struct unwrapped u = {0};

	buf_init(&u.inflated);
	unwrap(s, session, &u, body);
	query_judge(s, session, msg_id, &u);
	buf_clear(&u.inflated);
}

/* Runs or fails what waited for q. */
static void waiting_release(struct mtp_server *s,
			    struct server_session *session, int64_t msg_id,
			    bool failed)
{
	struct server_query *q;

	TAILQ_FOREACH(q, &session->queries, link)
	if (q->condition == msg_id)
		break;
	if (!q)
		return;
	if (failed) {
		server_error_put(s, session, q->msg_id, 400, "MSG_WAIT_FAILED");
		server_query_end(s, session, q, true);
	} else {
		struct buf body = q->body;

		buf_init(&q->body);
		query_run(s, q, buf_bytes(&body));
		buf_clear(&body);
	}
	waiting_release(s, session, msg_id, failed);
}

void server_query_end(struct mtp_server *s, struct server_session *session,
		      struct server_query *q, bool failed)
{
	int64_t msg_id = q->msg_id;

	mtp_window_add(&session->done, msg_id, failed);
	TAILQ_REMOVE(&session->queries, q, link);
	server_query_free(q);
	waiting_release(s, session, msg_id, failed);
}

/* -- answers -------------------------------------------------------------- */

int mtp_server_answer(struct mtp_server *s, int64_t msg_id, struct bytes result,
		      struct wall wall)
{
	struct server_query *q = NULL;
	struct server_session *session = server_session_of(s, msg_id, &q);
	struct buf b;

	if (!session)
		return -ENOENT;
	s->wall = wall;
	buf_init(&b);
	buf_le32(&b, WIRE_RPC_RESULT);
	buf_le64(&b, (uint64_t)msg_id);
	if (result.n < COMPRESS_FROM || mtp_gzip_pack(&b, result))
		buf_put(&b, result.p, result.n);
	server_put(s, session, &b, true, 1, msg_id);
	server_query_end(s, session, q, false);
	server_flush(s, session);
	return 0;
}

int mtp_server_error(struct mtp_server *s, int64_t msg_id, int code,
		     const char *text, struct wall wall)
{
	struct server_query *q = NULL;
	struct server_session *session = server_session_of(s, msg_id, &q);

	if (!session)
		return -ENOENT;
	s->wall = wall;
	server_error_put(s, session, msg_id, code, text);
	server_query_end(s, session, q, true);
	server_flush(s, session);
	return 0;
}

void mtp_server_lose(struct mtp_server *s, int64_t msg_id)
{
	struct server_query *q = NULL;
	struct server_session *session = server_session_of(s, msg_id, &q);

	if (!session)
		return;
	mtp_window_remove(&session->window, msg_id);
	for (size_t i = 0; i < session->acks_n; i++)
		if (session->acks[i] == msg_id)
			session->acks[i--] = session->acks[--session->acks_n];
	TAILQ_REMOVE(&session->queries, q, link);
	server_query_free(q);
}
