/* A world in memory with fake sessions, for the simulator's own tests: queries
 * go in as TL objects, answers, errors and updates come out as such. */
#ifndef SIM_WORLD_TEST_H
#define SIM_WORLD_TEST_H

#include <stdlib.h>

#include "base/log.h"
#include "sim/api.h"
#include "sim/app.h"
#include "sim/update.h"
#include "tests/check.h"

struct fake {
	struct sim_session s;
	struct tl_arena arena;
	int64_t msg_id;
	enum tl_ctor_no fn;
	struct tl_obj *answer; /* of the last query, NULL: error or none */
	int code;              /* of the last error */
	char text[64];
	struct buf raw[64]; /* what was pushed; objects point into it */
	struct tl_obj *pushed[64];
	int pushes;
	int drops, cuts, losses; /* of its connection, by kind */
};

struct fixture {
	struct sim_config config;
	struct sim_store *store;
	struct sim_world *w;
	struct fake a, b, c; /* 1: Anna, 2: Boris, 2 again: another device */
	int endpoints;
	char last_argv[8192];
	char last_line[4096];
	char last_id[64];
};

static const char fixture_config[] =
	"{\"dcs\":[{\"id\":2}],"
	"\"api\":[{\"id\":17,\"hash\":\"feed\"}],"
	"\"call\":{\"messages\":false,\"connections\":["
	"{\"type\":\"webrtc\",\"ip\":\"127.0.0.1\",\"port\":3478,"
	"\"turn\":true,\"stun\":true,\"username\":\"u\",\"password\":\"p\"},"
	"{\"type\":\"reflector\",\"ip\":\"127.0.0.1\",\"port\":599}]},"
	"\"accounts\":["
	"{\"id\":1,\"phone\":\"9990000001\",\"first_name\":\"Anna\","
	" \"username\":\"anna\"},"
	"{\"id\":2,\"phone\":\"9990000002\",\"first_name\":\"Boris\","
	" \"username\":\"boris\",\"code\":\"12345\"},"
	"{\"id\":3,\"phone\":\"9990000003\",\"first_name\":\"Cleo\","
	" \"app\":{\"behaviour\":\"answer\",\"after_ms\":2000,"
	"          \"out\":\"heard-%u.wav\"}}]}";

static inline void fake_answer(struct sim_session *s, int64_t msg_id,
			       struct bytes result)
{
	struct fake *f = (struct fake *)s;
	struct bytes kept = tl_arena_copy(&f->arena, result);
	struct rd r;

	rd_init(&r, kept.p, kept.n);
	f->code = 0;
	if (msg_id != f->msg_id ||
	    tl_read_result(&f->answer, &f->arena, &r, f->fn) || r.n)
		f->answer = NULL;
}

static inline void fake_error(struct sim_session *s, int64_t msg_id, int code,
			      const char *text)
{
	struct fake *f = (struct fake *)s;

	f->answer = NULL;
	f->code = code;
	snprintf(f->text, sizeof(f->text), "%s", text);
}

static inline void fake_drop(struct sim_session *s)
{
	struct fake *f = (struct fake *)s;

	f->drops++;
}

static inline void fake_cut(struct sim_session *s)
{
	struct fake *f = (struct fake *)s;

	f->cuts++;
}

static inline void fake_lose(struct sim_session *s, int64_t msg_id)
{
	struct fake *f = (struct fake *)s;

	f->losses++;
}

static inline void fake_push(struct sim_session *s, struct bytes updates)
{
	struct fake *f = (struct fake *)s;
	struct bytes kept = tl_arena_copy(&f->arena, updates);
	struct rd r;

	rd_init(&r, kept.p, kept.n);
	if (f->pushes < 64 && !tl_read(&f->pushed[f->pushes], &f->arena, &r))
		f->pushes++;
}

static inline void fake_open(struct fixture *x, struct fake *f, uint64_t key_id)
{
	uint8_t key[256] = {0};

	memset(f, 0, sizeof(*f));
	tl_arena_init(&f->arena);
	f->s.key_id = key_id;
	f->s.session_id = (int64_t)key_id * 7;
	f->s.dc = 2;
	f->s.answer = fake_answer;
	f->s.error = fake_error;
	f->s.push = fake_push;
	f->s.drop = fake_drop;
	f->s.cut = fake_cut;
	f->s.lose = fake_lose;
	if (!sim_world_key(x->w, key_id))
		sim_world_key_add(x->w, key_id, key, 2, 0);
	sim_world_session_add(x->w, &f->s);
}

static inline void fixture_start(const char *id, const json_t *argv, void *arg)
{
	struct fixture *x = arg;
	char *text = json_dumps(argv, JSON_COMPACT);

	x->endpoints++;
	snprintf(x->last_id, sizeof(x->last_id), "%s", id);
	snprintf(x->last_argv, sizeof(x->last_argv), "%s", text);
	free(text);
}

static inline void fixture_line(const char *id, const char *line, void *arg)
{
	struct fixture *x = arg;

	snprintf(x->last_id, sizeof(x->last_id), "%s", id);
	snprintf(x->last_line, sizeof(x->last_line), "%s", line);
}

static inline void fixture_world(struct fixture *x)
{
	char why[256];

	sim_config_parse(&x->config, fixture_config, why);
	sim_world_new(&x->w, &x->config, x->store, why);
	x->w->endpoints =
		(struct sim_endpoint_ops){fixture_start, fixture_line, x};
	sim_world_time(x->w, 1000 * USEC_S,
		       (struct wall){1700000000LL * 1000000});
}

static inline void fixture_open(struct fixture *x)
{
	memset(x, 0, sizeof(*x));
	sim_store_new(&x->store, ":memory:");
	fixture_world(x);
	fake_open(x, &x->a, 101);
	fake_open(x, &x->b, 102);
	fake_open(x, &x->c, 103);
}

static inline void fixture_close(struct fixture *x)
{
	sim_world_free(&x->w);
	sim_store_free(&x->store);
	sim_config_clear(&x->config);
	tl_arena_clear(&x->a.arena);
	tl_arena_clear(&x->b.arena);
	tl_arena_clear(&x->c.arena);
}

/* The world dies and comes back from its store; sessions must be opened anew.
 */
static inline void fixture_restart(struct fixture *x)
{
	sim_world_free(&x->w);
	sim_config_clear(&x->config);
	tl_arena_clear(&x->a.arena);
	tl_arena_clear(&x->b.arena);
	tl_arena_clear(&x->c.arena);
	fixture_world(x);
	fake_open(x, &x->a, 101);
	fake_open(x, &x->b, 102);
	fake_open(x, &x->c, 103);
}

static inline void fixture_pass(struct fixture *x, int ms)
{
	sim_world_time(x->w, x->w->now + (usec_t)ms * USEC_MS,
		       (struct wall){x->w->wall.us + (int64_t)ms * 1000});
	sim_world_tick(x->w);
}

static inline void fake_raw(struct fake *f, int32_t layer, struct bytes query)
{
	f->answer = NULL;
	f->code = 0;
	f->text[0] = '\0';
	sim_api_query(&f->s, ++f->msg_id, layer, false, query);
}

/* A new query object in the session's arena. */
static inline struct tl_obj *fake_new(struct fake *f, enum tl_ctor_no no)
{
	return tl_new(&f->arena, no);
}

static inline void fake_ask(struct fake *f, const struct tl_obj *q)
{
	struct buf b;

	buf_init(&b);
	f->fn = q->no;
	if (!tl_write(&b, q))
		fake_raw(f, TL_LAYER, buf_bytes(&b));
	buf_clear(&b);
}

static inline void fake_send_code(struct fake *f, const char *phone)
{
	struct tl_obj *q = fake_new(f, TL_auth_sendCode);

	tl_set_str(q, TL_auth_sendCode_phone_number, phone);
	tl_set_int(q, TL_auth_sendCode_api_id, 17);
	tl_set_str(q, TL_auth_sendCode_api_hash, "feed");
	tl_set_child(q, TL_auth_sendCode_settings,
		     fake_new(f, TL_codeSettings));
	fake_ask(f, q);
}

static inline void fake_sign_in(struct fake *f, const char *phone,
				struct bytes hash, const char *code)
{
	struct tl_obj *q = fake_new(f, TL_auth_signIn);

	tl_set_str(q, TL_auth_signIn_phone_number, phone);
	tl_set_bytes(q, TL_auth_signIn_phone_code_hash, hash.p, hash.n);
	tl_set_str(q, TL_auth_signIn_phone_code, code);
	fake_ask(f, q);
}

static inline bool fake_login(struct fake *f, const char *phone)
{
	fake_send_code(f, phone);
	fake_sign_in(f, phone,
		     tl_bytes(f->answer, TL_auth_sentCode_phone_code_hash),
		     f->s.world->codes ? f->s.world->codes->code : "");
	return tl_is(f->answer, TL_auth_authorization);
}

static inline struct tl_obj *fake_user(struct fake *f, int64_t viewer,
				       int64_t id)
{
	struct tl_obj *o = fake_new(f, TL_inputUser);

	tl_set_long(o, TL_inputUser_user_id, id);
	tl_set_long(o, TL_inputUser_access_hash,
		    sim_world_access_hash(f->s.world, viewer, id));
	return o;
}

static inline struct tl_obj *fake_peer(struct fake *f, int64_t viewer,
				       int64_t id)
{
	struct tl_obj *o = fake_new(f, TL_inputPeerUser);

	tl_set_long(o, TL_inputPeerUser_user_id, id);
	tl_set_long(o, TL_inputPeerUser_access_hash,
		    sim_world_access_hash(f->s.world, viewer, id));
	return o;
}

/* The single update inside the i-th push, through updates and updateShort. */
static inline struct tl_obj *fake_update(const struct fake *f, int i)
{
	if (i < 0 || i >= f->pushes)
		return NULL;
	if (tl_is(f->pushed[i], TL_updateShort))
		return tl_child(f->pushed[i], TL_updateShort_update);
	return tl_item(f->pushed[i], TL_updates_updates, 0);
}

#endif
