/* For tests: client and server engines joined in memory, with invented time and
 * a network that splits and loses. */
#ifndef MTPROTO_SESSION_WORLD_H
#define MTPROTO_SESSION_WORLD_H
#include "mtproto/client.h"

#include <errno.h>
#include <stdlib.h>

#include "mtproto/server.h"
#include "mtproto/test_key.h"
#include "mtproto/wire.h"
#include "tests/check.h"

#define GET_CONFIG 0xc4f9186bu
#define UPDATES_TOO_LONG 0xe317af7eu
#define START ((int64_t)1700000000 * 1000000)
#define CALLS_MAX 1200

struct key {
	uint64_t id;
	uint8_t key[256];
};

static struct {
	struct mtp_rsa *client_keys, *rsa;

	/* the world */
	usec_t now;
	int64_t wall_us;      /* the server's clock */
	int64_t client_ahead; /* what the client's clock is wrong by */
	uint64_t seed;        /* 0: packets are never split */

	/* the server */
	struct mtp_sessions *sessions;
	struct mtp_server *server;
	struct mtp_server_conf server_conf;
	struct key keys[8];
	size_t keys_n;
	bool silent; /* queries are kept unanswered */
	int64_t held[64];
	size_t held_n;
	uint32_t executed[CALLS_MAX];
	uint32_t order[64];
	size_t order_n;
	char refused[128];

	/* the client */
	struct mtp_client *client;
	struct mtp_client_conf client_conf;
	bool linked;
	int events[16];
	char last_text[128], refuse_text[128];
	int updates;
	int answers, errors, lost;
	int last_code;
	char last_error[64];
	uint32_t seen[CALLS_MAX];
	bool wrong_answer;
} t;

static inline struct wall server_wall(void)
{
	return (struct wall){t.wall_us};
}

static inline struct wall client_wall(void)
{
	return (struct wall){t.wall_us + t.client_ahead};
}

static inline void pass(usec_t us)
{
	t.now += us;
	t.wall_us += (int64_t)us;
}

static inline uint32_t draw(uint32_t below)
{
	t.seed = t.seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(t.seed >> 33) % below;
}

/* -- the server's owner --------------------------------------------------- */

static inline void on_key(uint64_t key_id, const uint8_t key[256],
			  int32_t expires, int64_t salt, void *arg)
{
	if (t.keys_n == 8)
		abort();
	t.keys[t.keys_n].id = key_id;
	memcpy(t.keys[t.keys_n++].key, key, 256);
}

static inline bool on_find(uint64_t key_id, uint8_t key[256], void *arg)
{
	for (size_t i = 0; i < t.keys_n; i++) {
		if (t.keys[i].id != key_id)
			continue;
		memcpy(key, t.keys[i].key, 256);
		return true;
	}
	return false;
}

/* The answer to a query is a bytes-like object that repeats its number. */
static inline void answer_number(int64_t msg_id, uint32_t number)
{
	uint8_t raw[2048];
	size_t n = 8 + number % 7 * 256; /* some are large enough for gzip */

	memset(raw, 0, sizeof(raw));
	le32_store(raw, 0x11223344);
	le32_store(raw + 4, number);
	mtp_server_answer(t.server, msg_id, bytes_of(raw, n), server_wall());
}

static inline void on_query(int64_t msg_id, int32_t layer, bool no_updates,
			    struct bytes query, void *arg)
{
	uint32_t number = query.n >= 8 ? le32_load(query.p + 4) : 0;

	if (number < CALLS_MAX)
		t.executed[number]++;
	if (t.order_n < 64)
		t.order[t.order_n++] = number;
	if (t.silent) {
		if (t.held_n < 64)
			t.held[t.held_n++] = msg_id;
	} else {
		answer_number(msg_id, number);
	}
}

static inline void on_refused(const char *what, void *arg)
{
	snprintf(t.refused, sizeof(t.refused), "%s", what);
}

/* -- the client's owner --------------------------------------------------- */

static inline void on_event(enum mtp_event event, const char *text, void *arg)
{
	t.events[event]++;
	if (text)
		snprintf(t.last_text, sizeof(t.last_text), "%s", text);
	if (event == MTP_EVENT_REFUSED)
		snprintf(t.refuse_text, sizeof(t.refuse_text), "%s", text);
	if (event == MTP_EVENT_CLOSE)
		t.linked = false;
}

static inline void on_update(struct bytes object, void *arg)
{
	if (wire_id(object) == UPDATES_TOO_LONG)
		t.updates++;
}

static inline void on_answer(const struct mtp_error *err, struct bytes answer,
			     void *arg)
{
	uint32_t number = (uint32_t)(uintptr_t)arg;

	if (err) {
		t.errors++;
		t.lost += err->code == -ECANCELED;
		t.last_code = err->code;
		snprintf(t.last_error, sizeof(t.last_error), "%s", err->text);
		return;
	}
	t.answers++;
	if (number < CALLS_MAX)
		t.seen[number]++;
	if (answer.n != 8 + number % 7 * 256 ||
	    le32_load(answer.p + 4) != number)
		t.wrong_answer = true;
}

static inline void call_flags(uint32_t number, unsigned flags, size_t extra)
{
	static uint8_t raw[4000];

	memset(raw, 0, sizeof(raw));
	le32_store(raw, GET_CONFIG);
	le32_store(raw + 4, number);
	if (mtp_client_call(t.client, bytes_of(raw, 8 + extra), flags,
			    on_answer, (void *)(uintptr_t)number, t.now,
			    client_wall()))
		abort();
}

static inline void call(uint32_t number)
{
	call_flags(number, 0, 0);
}

/* -- the link ------------------------------------------------------------- */

static inline void server_open(enum mtp_hostile hostile)
{
	mtp_server_free(&t.server);
	t.server_conf.hostile = hostile;
	if (mtp_server_new(&t.server, &t.server_conf))
		abort();
}

static inline void link_up(void)
{
	server_open(t.server_conf.hostile);
	t.linked = true;
	mtp_client_connected(t.client, t.now, client_wall());
}

static inline void link_down(void)
{
	t.linked = false;
	mtp_client_disconnected(t.client, t.now);
	mtp_server_free(&t.server);
}

static inline size_t piece(size_t n)
{
	size_t most = n < 300 ? n : 300;

	return t.seed ? 1 + draw((uint32_t)most) : n;
}

/* Moves one piece each way; false when nothing was left to move. */
static inline bool link_step(void)
{
	struct buf *up = mtp_client_output(t.client), *down;
	bool moved = false;

	if (!t.linked || !t.server)
		return false;
	if (up->n) {
		size_t n = piece(up->n);
		uint8_t *copy = malloc(n);

		memcpy(copy, up->p, n);
		buf_drop(up, n);
		if (mtp_server_input(t.server, bytes_of(copy, n), t.now,
				     server_wall()) < 0)
			t.server_conf.arg = NULL;
		free(copy);
		moved = true;
	}
	down = mtp_server_output(t.server);
	if (down->n && t.linked) {
		size_t n = piece(down->n);
		uint8_t *copy = malloc(n);

		memcpy(copy, down->p, n);
		buf_drop(down, n);
		mtp_client_input(t.client, bytes_of(copy, n), t.now,
				 client_wall());
		free(copy);
		moved = true;
	}
	return moved;
}

static inline void run(void)
{
	for (int i = 0; i < 100000 && link_step(); i++)
		;
}

static inline void begin(enum mtp_hostile hostile)
{
	struct mtp_rsa *client_keys = t.client_keys, *rsa = t.rsa;

	memset(&t, 0, sizeof(t));
	t.client_keys = client_keys;
	t.rsa = rsa;
	t.now = 5 * USEC_S;
	t.wall_us = START;
	if (mtp_sessions_new(&t.sessions))
		abort();
	t.server_conf = (struct mtp_server_conf){
		.rsa = rsa,
		.dc = 2,
		.hostile = hostile,
		.sessions = t.sessions,
		.handlers = {.key = on_key,
			     .find = on_find,
			     .query = on_query,
			     .refused = on_refused},
	};
	t.client_conf = (struct mtp_client_conf){
		.transport = MTP_TRANSPORT_INTERMEDIATE,
		.obfuscated = true,
		.dc_wire = 2,
		.rsa = client_keys,
		.identity = {.api_id = 4,
			     .device_model = "test",
			     .system_version = "1",
			     .app_version = "1",
			     .lang_code = "en"},
		.handlers = {.event = on_event, .update = on_update},
	};
	if (mtp_client_new(&t.client, &t.client_conf))
		abort();
}

static inline void end(void)
{
	mtp_client_free(&t.client);
	mtp_server_free(&t.server);
	mtp_sessions_free(&t.sessions);
}

static inline void begin_ready(void)
{
	begin(MTP_HOSTILE_NONE);
	link_up();
	run();
	if (!mtp_client_ready(t.client))
		abort();
}

/* The server process starts anew: it keeps its keys and nothing else. */
static inline void server_restart(void)
{
	link_down();
	mtp_sessions_free(&t.sessions);
	if (mtp_sessions_new(&t.sessions))
		abort();
	t.server_conf.sessions = t.sessions;
}

#endif
