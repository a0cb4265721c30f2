#include "sim/api.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "mtproto/wire.h"
#include "sim/held.h"
#include "sim/layer.h"
#include "sim/update.h"

static const struct sim_method *const sim_tables[] = {
	sim_methods_help,    sim_methods_auth,   sim_methods_password,
	sim_methods_token,   sim_methods_users,  sim_methods_messages,
	sim_methods_updates, sim_methods_phone,  sim_methods_send,
	sim_methods_bots,    sim_methods_upload, sim_methods_account,
	sim_methods_key,
};

static const struct sim_method *sim_method_find(enum tl_ctor_no no)
{
	for (size_t i = 0; i < sizeof(sim_tables) / sizeof(*sim_tables); i++)
		for (const struct sim_method *m = sim_tables[i]; m->run; m++)
			if (m->no == no)
				return m;
	return NULL;
}

/* -- answers
 * ------------------------------------------------------------------- */

/* All answers and errors leave here, or what was ordered happens to them. */
static void sim_reply(struct sim_request *r, int code, const char *text,
		      struct bytes answer)
{
	struct sim_session *s = r->session;
	enum sim_order_kind kind = r->order.kind;

	r->answered = true;
	if (kind == SIM_ORDER_SLOW)
		sim_held_answer(s, r->msg_id, code, text, answer,
				r->order.delay);
	else if (code)
		s->error(s, r->msg_id, code, text);
	else
		s->answer(s, r->msg_id, answer);
	if (kind == SIM_ORDER_DROP_ANSWER)
		s->cut(s);
	if (kind == SIM_ORDER_DROP_AFTER)
		s->drop(s);
}

static void sim_send(struct sim_request *r, struct buf *out, int err)
{
	if (r->answered)
		return;
	if (err || out->bad) {
		log_error("sim", tl_ctor_name(r->q->no),
			  "answer is not writable: %d", err);
		sim_reply(r, 500, "WORKER_BUSY_TOO_LONG_RETRY",
			  bytes_of(NULL, 0));
		return;
	}
	sim_reply(r, 0, "", buf_bytes(out));
}

void sim_answer(struct sim_request *r, const struct tl_obj *o)
{
	struct buf out;

	buf_init(&out);
	sim_send(r, &out, sim_layer_write(&out, o, r->session->layer));
	buf_clear(&out);
}

void sim_answer_vector(struct sim_request *r, struct tl_obj *const *items,
		       uint32_t n)
{
	struct buf out;

	buf_init(&out);
	sim_send(r, &out,
		 sim_layer_write_vector(&out, items, n, r->session->layer));
	buf_clear(&out);
}

void sim_answer_bool(struct sim_request *r, bool v)
{
	sim_answer(r, tl_new(r->arena, v ? TL_boolTrue : TL_boolFalse));
}

void sim_refuse_text(struct sim_request *r, int code, const char *text)
{
	if (!r->answered)
		sim_reply(r, code, text, bytes_of(NULL, 0));
}

void sim_refuse(struct sim_request *r, const struct sim_fault *f)
{
	sim_world_refused(r->world, f->kind);
	sim_refuse_text(r, f->code, f->text);
}

/* -- peers
 * --------------------------------------------------------------------- */

static struct sim_account *sim_input_known(const struct sim_request *r,
					   int64_t id, int64_t access_hash)
{
	if (!r->me ||
	    access_hash != sim_world_access_hash(r->world, r->me->id, id))
		return NULL;
	return sim_world_account(r->world, id);
}

/* inputUserFromMessage: a message of that peer must be in our box. */
static struct sim_account *sim_input_from(const struct sim_request *r,
					  const struct tl_obj *o)
{
	int64_t id = tl_long(o, TL_inputUserFromMessage_user_id);
	const struct sim_message *m = sim_account_message(
		r->me, tl_int(o, TL_inputUserFromMessage_msg_id));

	return m && m->peer == id ? sim_world_account(r->world, id) : NULL;
}

struct sim_account *sim_input_user(const struct sim_request *r,
				   const struct tl_obj *o)
{
	if (tl_is(o, TL_inputUserSelf) || tl_is(o, TL_inputPeerSelf))
		return r->me;
	if (tl_is(o, TL_inputUser))
		return sim_input_known(r, tl_long(o, TL_inputUser_user_id),
				       tl_long(o, TL_inputUser_access_hash));
	if (tl_is(o, TL_inputPeerUser))
		return sim_input_known(
			r, tl_long(o, TL_inputPeerUser_user_id),
			tl_long(o, TL_inputPeerUser_access_hash));
	if (tl_is(o, TL_inputUserFromMessage) && r->me)
		return sim_input_from(r, o);
	return NULL;
}

/* -- the query
 * ------------------------------------------------------------------ */

static const struct sim_fault *sim_layer_check(const struct sim_world *w,
					       int32_t layer)
{
	if (!layer)
		return SIM_FAULT(400, "CONNECTION_NOT_INITED", "layer-missing");
	if (layer < w->config->layer_min || layer > w->config->layer_max ||
	    !sim_layer_known(layer))
		return SIM_FAULT(400, "CONNECTION_LAYER_INVALID",
				 "layer-invalid");
	return NULL;
}

/* Telegram names the unknown constructor in its error. */
static void sim_query_unreadable(struct sim_request *r, struct bytes query)
{
	uint32_t id = query.n >= 4 ? le32_load(query.p) : 0;
	enum tl_ctor_no no;
	char text[64];

	if (query.n >= 4 && !tl_ctor_by_id(&no, id) &&
	    tl_ctor_is_function(no)) {
		sim_refuse(r, SIM_FAULT(400, "INPUT_FETCH_ERROR",
					"query-unreadable"));
		return;
	}
	sim_world_refused(r->world, "query-constructor");
	snprintf(text, sizeof(text), "INPUT_METHOD_INVALID_%u_0", id);
	sim_refuse_text(r, 400, text);
}

/* "Bots cannot use phone.*" (B.3) */
static bool sim_is_phone(const struct sim_method *m)
{
	const struct sim_method *p = sim_methods_phone;

	while (p->run && p->no != m->no)
		p++;
	return p->run != NULL;
}

/* What a frozen account may not call: it reads, but does nothing. */
static bool sim_is_frozen(const struct sim_request *r)
{
	static const char *const acts[] = {
		"phone.requestCall", "phone.acceptCall", "messages.send",
		"messages.edit",     "contacts.import",  "contacts.add",
		"contacts.block",    "account.set",      "account.update",
	};
	const char *name = tl_ctor_name(r->q->no);

	for (size_t i = 0; i < sizeof(acts) / sizeof(*acts); i++)
		if (!strncmp(name, acts[i], strlen(acts[i])))
			return r->me && r->me->frozen;
	return false;
}

/* Whoever has no log-in, or none that counts, is told why. */
static void sim_query_unauthorised(struct sim_request *r)
{
	const char *why = r->me ? r->me->banned : r->key->lost;

	if (why[0]) {
		sim_world_refused(r->world, "log-in-ended");
		sim_refuse_text(r, 401, why);
		return;
	}
	sim_refuse(r, SIM_FAULT(401, "AUTH_KEY_UNREGISTERED",
				"method-before-login"));
}

/* Telegram's client is far behind: it goes on from this pts. */
static void sim_query_behind(struct sim_request *r)
{
	struct tl_obj *o = tl_new(r->arena, TL_updates_differenceTooLong);

	tl_set_int(o, TL_updates_differenceTooLong_pts, r->me ? r->me->pts : 1);
	sim_answer(r, o);
}

/* A fault was ordered that leaves nothing to run. */
static bool sim_query_struck(struct sim_request *r)
{
	sim_order_query(&r->order, r->world, tl_ctor_name(r->q->no),
			r->me ? r->me->id : 0);
	switch (r->order.kind) {
	case SIM_ORDER_ERROR:
		sim_refuse_text(r, r->order.code, r->order.text);
		return true;
	case SIM_ORDER_HANG:
		return true;
	case SIM_ORDER_DROP_BEFORE:
		r->session->lose(r->session, r->msg_id);
		return true;
	case SIM_ORDER_BEHIND:
		sim_query_behind(r);
		return true;
	default:
		return false;
	}
}

static void sim_query_run(struct sim_request *r)
{
	const struct sim_method *m = sim_method_find(r->q->no);

	if (sim_query_struck(r))
		return;
	/* "unsupported method = 400, never 401" (tdlib-expects 1) */
	if (!m)
		sim_refuse(r,
			   SIM_FAULT(400, "METHOD_INVALID", "method-unknown"));
	else if (m->access == SIM_ACCESS_LOGIN && (!r->me || r->me->banned[0]))
		sim_query_unauthorised(r);
	else if (sim_is_frozen(r))
		sim_refuse(r, SIM_FAULT(420, "FROZEN_METHOD_INVALID",
					"account-frozen"));
	else if (r->me && r->me->bot_token[0] && sim_is_phone(m))
		sim_refuse(r, SIM_FAULT(400, "BOT_METHOD_INVALID",
					"method-of-users"));
	else
		m->run(r);
	if (!r->answered)
		sim_refuse_text(r, 500, "WORKER_BUSY_TOO_LONG_RETRY");
}

static void sim_query_read(struct sim_request *r, struct bytes query)
{
	struct tl_obj *o = NULL;
	uint8_t *copy = tl_arena_alloc(r->arena, query.n + 4);
	struct rd rd;

	if (copy && query.n >= 4) {
		memcpy(copy, query.p, query.n);
		le32_store(copy, sim_layer_function(le32_load(copy),
						    r->session->layer));
		query.p = copy;
	}
	rd_init(&rd, query.p, query.n);
	if (tl_read(&o, r->arena, &rd) || !tl_ctor_is_function(o->no)) {
		sim_query_unreadable(r, query);
		return;
	}
	if (rd.n) {
		sim_refuse(r, SIM_FAULT(400, "INPUT_FETCH_FAIL",
					"query-trailing-bytes"));
		return;
	}
	r->q = o;
	log_debug("sim", "-", "query %s", tl_ctor_name(o->no));
	sim_query_run(r);
}

static bool sim_key_unbound(const struct sim_session *s)
{
	const struct sim_key *k = sim_world_key(s->world, s->key_id);

	return k && k->expires && !k->bound;
}

/* "The bind query must be the first thing on that key", and it may come before
 * any layer is named. */
static void sim_unbound_query(struct sim_request *r, struct bytes query)
{
	struct tl_arena arena;

	if (query.n < 4 || le32_load(query.p) != WIRE_BIND_TEMP_AUTH_KEY) {
		sim_world_key(r->world, r->session->key_id)->early = true;
		sim_refuse(r, SIM_FAULT(401, "AUTH_KEY_PERM_EMPTY",
					"key-unbound"));
		return;
	}
	tl_arena_init(&arena);
	r->arena = &arena;
	sim_query_read(r, query);
	tl_arena_clear(&arena);
}

void sim_api_query(struct sim_session *s, int64_t msg_id, int32_t layer,
		   bool no_updates, struct bytes query)
{
	struct tl_arena arena;
	struct sim_request r = {.world = s->world,
				.session = s,
				.key = sim_world_login_key(s->world, s->key_id),
				.me = sim_session_account(s),
				.msg_id = msg_id,
				.arena = &arena};
	const struct sim_fault *f = sim_layer_check(s->world, layer);
	bool listened = s->wants_updates && r.me;

	s->layer = layer;
	s->queries++;
	if (sim_key_unbound(s)) {
		sim_unbound_query(&r, query);
		return;
	}
	if (f || !r.key) {
		sim_refuse(&r, f ? f
				 : SIM_FAULT(401, "AUTH_KEY_INVALID",
					     "key-unknown"));
		return;
	}
	s->wants_updates |= !no_updates;
	tl_arena_init(&arena);
	sim_query_read(&r, query);
	tl_arena_clear(&arena);
	if (!listened && s->wants_updates && sim_session_account(s))
		sim_update_resume(s);
}
