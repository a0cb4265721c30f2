#include "sim/dc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sim/api.h"
#include "sim/stream.h"

struct sim_dc;

struct sim_conn {
	struct sim_session s; /* first: the world's view of the connection */
	struct sim_conn *next;
	struct sim_dc *dc;
	struct sim_stream *stream;
	struct mtp_server *mtp;
	struct buf unread; /* of a silent time */
	bool closing;      /* dead when what was written has left */
	bool dead;         /* freed at the end of the round */
};

struct sim_dc {
	struct sim_dcs *all;
	const struct sim_dc_config *config;
	struct sim_listener *listener;
	struct mtp_sessions *sessions;     /* of the first with that id */
	struct mtp_sessions *own_sessions; /* or NULL */
	struct sim_conn *conns;
};

struct sim_dcs {
	struct sim_world *world;
	struct sim_loop *loop;
	const struct mtp_rsa *rsa;
	struct sim_dc dc[SIM_DCS];
	int count;
	enum mtp_hostile hostile;
	int hostile_next; /* 0: all */
	bool refusing;
	usec_t silent_until; /* 0: not */
};

static const char *const sim_hostile_names[MTP_HOSTILE_COUNT] = {
	[MTP_HOSTILE_NONE] = "none",
	[MTP_HOSTILE_NONCE] = "nonce",
	[MTP_HOSTILE_SERVER_NONCE] = "server-nonce",
	[MTP_HOSTILE_FINGERPRINT] = "fingerprint",
	[MTP_HOSTILE_PQ] = "pq",
	[MTP_HOSTILE_PRIME_COMPOSITE] = "prime-composite",
	[MTP_HOSTILE_PRIME_UNSAFE] = "prime-unsafe",
	[MTP_HOSTILE_PRIME_SHORT] = "prime-short",
	[MTP_HOSTILE_GENERATOR] = "generator",
	[MTP_HOSTILE_GA_RANGE] = "ga-range",
	[MTP_HOSTILE_ANSWER_HASH] = "answer-hash",
	[MTP_HOSTILE_NEW_NONCE_HASH] = "new-nonce-hash",
	[MTP_HOSTILE_MSG_KEY] = "msg-key",
	[MTP_HOSTILE_REPLAY] = "replay",
	[MTP_HOSTILE_SESSION] = "session",
	[MTP_HOSTILE_PADDING] = "padding",
	[MTP_HOSTILE_MSG_ID] = "msg-id",
	[MTP_HOSTILE_MSG_ID_TIME] = "msg-id-time",
	[MTP_HOSTILE_DH_RETRY] = "dh-retry",
	[MTP_HOSTILE_DH_FAIL] = "dh-fail",
};

int sim_hostile_parse(enum mtp_hostile *mp, const char *name)
{
	for (int i = 0; name && i < MTP_HOSTILE_COUNT; i++)
		if (sim_hostile_names[i] &&
		    !strcmp(name, sim_hostile_names[i])) {
			*mp = (enum mtp_hostile)i;
			return 0;
		}
	return -ENOENT;
}

const char *sim_hostile_name(enum mtp_hostile m)
{
	return sim_hostile_names[m];
}

/* -- the world's operations on a session
 * ------------------------------------------- */

static void sim_conn_answer(struct sim_session *s, int64_t msg_id,
			    struct bytes result)
{
	struct sim_conn *c = (struct sim_conn *)s;

	mtp_server_answer(c->mtp, msg_id, result, s->world->wall);
}

static void sim_conn_error(struct sim_session *s, int64_t msg_id, int code,
			   const char *text)
{
	struct sim_conn *c = (struct sim_conn *)s;

	mtp_server_error(c->mtp, msg_id, code, text, s->world->wall);
}

static void sim_conn_push(struct sim_session *s, struct bytes updates)
{
	struct sim_conn *c = (struct sim_conn *)s;

	mtp_server_push(c->mtp, updates, s->world->wall);
}

static void sim_conn_drop(struct sim_session *s)
{
	struct sim_conn *c = (struct sim_conn *)s;

	c->closing = true;
}

static void sim_conn_cut(struct sim_session *s)
{
	struct sim_conn *c = (struct sim_conn *)s;

	c->dead = true;
}

static void sim_conn_lose(struct sim_session *s, int64_t msg_id)
{
	struct sim_conn *c = (struct sim_conn *)s;

	mtp_server_lose(c->mtp, msg_id);
	c->dead = true;
}

/* -- the engine's handlers
 * ------------------------------------------------------------ */

static void sim_conn_on_key(uint64_t key_id, const uint8_t key[256],
			    int32_t expires_in, int64_t first_salt, void *arg)
{
	struct sim_conn *c = arg;

	sim_world_key_add(c->dc->all->world, key_id, key, c->dc->config->id,
			  expires_in);
}

static bool sim_conn_on_find(uint64_t key_id, uint8_t key[256], void *arg)
{
	struct sim_conn *c = arg;
	const struct sim_world *w = c->dc->all->world;
	const struct sim_key *k = sim_world_key(c->dc->all->world, key_id);

	if (!k || k->dc != c->dc->config->id ||
	    (k->expires && k->expires <= sim_world_date(w)))
		return false;
	memcpy(key, k->key, sizeof(k->key));
	return true;
}

static int32_t sim_conn_on_layer(uint64_t key_id, void *arg)
{
	struct sim_conn *c = arg;
	const struct sim_key *k = sim_world_key(c->dc->all->world, key_id);

	return k ? k->layer : 0;
}

static void sim_conn_on_query(int64_t msg_id, int32_t layer, bool no_updates,
			      struct bytes query, void *arg)
{
	struct sim_conn *c = arg;
	struct sim_world *w = c->dc->all->world;
	struct sim_key *k = sim_world_key(w, c->s.key_id);

	if (k && layer && k->layer != layer) {
		k->layer = layer;
		sim_world_key_save(w, k);
	}
	sim_api_query(&c->s, msg_id, layer, no_updates, query);
}

static void sim_conn_on_session(uint64_t key_id, int64_t session_id, void *arg)
{
	struct sim_conn *c = arg;
	struct sim_world *w = c->dc->all->world;

	/* A session that comes back on a new connection goes on listening. */
	for (const struct sim_session *o = w->sessions; o; o = o->next)
		if (o != &c->s && o->key_id == key_id &&
		    o->session_id == session_id) {
			c->s.wants_updates |= o->wants_updates;
			c->s.layer = o->layer;
		}
	c->s.key_id = key_id;
	c->s.session_id = session_id;
	c->s.dc = c->dc->config->id;
	sim_world_session_add(w, &c->s);
}

static void sim_conn_on_destroy(uint64_t key_id, void *arg)
{
	struct sim_conn *c = arg;
	struct sim_world *w = c->dc->all->world;
	const struct sim_key *k = sim_world_key(w, key_id);

	sim_world_event(w, json_pack("{ss sb}", "event", "key-destroyed",
				     "permanent", k && !k->expires));
	sim_world_key_drop(w, key_id);
}

static void sim_conn_on_refused(const char *what, void *arg)
{
	struct sim_conn *c = arg;
	char kind[64];

	snprintf(kind, sizeof(kind), "mtproto-%s", what);
	sim_world_refused(c->dc->all->world, kind);
}

/* -- sockets
 * ----------------------------------------------------------------------------
 */

static void sim_conn_input(struct sim_conn *c, struct bytes in)
{
	struct sim_world *w = c->dc->all->world;
	int err = mtp_server_input(c->mtp, in, w->now, w->wall);

	if (!err)
		return;
	log_info("sim-dc", "-", "connection is closed: %s", strerror(-err));
	sim_world_refused(w, "mtproto-connection");
	c->dead = true;
}

static void sim_conn_on_data(struct bytes in, void *arg)
{
	struct sim_conn *c = arg;

	if (c->dead || c->closing)
		return;
	sim_world_time(c->dc->all->world, clock_now(), clock_wall());
	if (c->dc->all->silent_until)
		buf_put(&c->unread, in.p, in.n);
	else
		sim_conn_input(c, in);
}

static void sim_conn_on_closed(void *arg)
{
	struct sim_conn *c = arg;

	c->dead = true;
}

static void sim_conn_free(struct sim_conn *c)
{
	if (c->s.world)
		sim_world_session_remove(c->s.world, &c->s);
	mtp_server_free(&c->mtp);
	buf_clear(&c->unread);
	sim_stream_free(&c->stream);
	free(c);
}

static enum mtp_hostile sim_dcs_hostility(struct sim_dcs *d)
{
	enum mtp_hostile mode = d->hostile;

	if (d->hostile_next && !--d->hostile_next)
		d->hostile = MTP_HOSTILE_NONE;
	return mode;
}

static int sim_conn_engine(struct sim_conn *c)
{
	struct sim_dcs *d = c->dc->all;
	const struct sim_config *config = d->world->config;
	struct mtp_server_conf conf = {
		.rsa = d->rsa,
		.dc = c->dc->config->id,
		.hostile = sim_dcs_hostility(d),
		.sessions = c->dc->sessions,
		.secret = c->dc->config->secret_n
				  ? c->dc->config->secret +
					    c->dc->config->secret_n - 16
				  : NULL,
		.layer_min = config->layer_min,
		.layer_max = config->layer_max,
		.unknown_methods = true, /* of other layers: sim/layer.h */
		.handlers = {.key = sim_conn_on_key,
			     .find = sim_conn_on_find,
			     .query = sim_conn_on_query,
			     .session = sim_conn_on_session,
			     .layer = sim_conn_on_layer,
			     .destroy = sim_conn_on_destroy,
			     .refused = sim_conn_on_refused},
		.arg = c,
	};

	return mtp_server_new(&c->mtp, &conf);
}

static void sim_dc_on_accept(int fd, void *arg)
{
	static const struct sim_stream_handlers handlers = {
		.data = sim_conn_on_data, .closed = sim_conn_on_closed};
	struct sim_dc *dc = arg;
	struct sim_conn *c = calloc(1, sizeof(*c));

	if (!c || sim_stream_new(&c->stream, dc->all->loop, fd, &handlers, c)) {
		free(c);
		return;
	}
	c->dc = dc;
	c->s.answer = sim_conn_answer;
	c->s.error = sim_conn_error;
	c->s.push = sim_conn_push;
	c->s.drop = sim_conn_drop;
	c->s.cut = sim_conn_cut;
	c->s.lose = sim_conn_lose;
	buf_init(&c->unread);
	c->dead = dc->all->refusing || sim_conn_engine(c);
	c->next = dc->conns;
	dc->conns = c;
}

/* -- all of them
 * ---------------------------------------------------------------------------
 */

/* The first address of that data centre. */
static int sim_dc_first(const struct sim_world *w, int16_t id)
{
	int i = 0;

	while (w->config->dcs[i].id != id)
		i++;
	return i;
}

static void sim_dc_port_name(char name[24], const struct sim_world *w, int i)
{
	int16_t id = w->config->dcs[i].id;

	if (sim_dc_first(w, id) == i)
		snprintf(name, 24, "port-%d", id);
	else
		snprintf(name, 24, "port-%d-%d", id, i);
}

static uint16_t sim_dc_port_kept(struct sim_world *w, int i)
{
	char name[24];
	json_t *o;
	uint16_t port;

	sim_dc_port_name(name, w, i);
	o = sim_store_get(w->store, "meta", name);
	port = (uint16_t)sim_json_int(o, "port", 0);
	json_decref(o);
	return port;
}

static void sim_dc_port_keep(struct sim_world *w, int i, uint16_t port)
{
	char name[24];

	sim_dc_port_name(name, w, i);
	sim_store_put(w->store, "meta", name, json_pack("{si}", "port", port));
}

static int sim_dc_open(struct sim_dcs *d, int i)
{
	struct sim_dc *dc = &d->dc[i];
	const struct sim_dc_config *config = &d->world->config->dcs[i];
	uint16_t port =
		config->port ? config->port : sim_dc_port_kept(d->world, i);
	int err = 0, first = sim_dc_first(d->world, config->id);

	dc->all = d;
	dc->config = config;
	/* Sessions are of the data centre, whichever way one comes in. */
	if (first == i)
		err = mtp_sessions_new(&dc->own_sessions);
	dc->sessions = d->dc[first].own_sessions;
	if (!err)
		err = sim_listener_new_tcp(&dc->listener, d->loop, config->host,
					   port, sim_dc_on_accept, dc);
	if (err) {
		log_error("sim-dc", "-", "%s:%u: %s", config->host, port,
			  strerror(-err));
		return err;
	}
	d->world->dc_ports[i] = sim_listener_port(dc->listener);
	sim_dc_port_keep(d->world, i, d->world->dc_ports[i]);
	return 0;
}

int sim_dcs_new(struct sim_dcs **dp, struct sim_world *w, struct sim_loop *l,
		const struct mtp_rsa *rsa)
{
	struct sim_dcs *d = calloc(1, sizeof(*d));
	int err = 0;

	if (!d)
		return -ENOMEM;
	d->world = w;
	d->loop = l;
	d->rsa = rsa;
	for (int i = 0; i < w->config->dc_count && !err; i++) {
		d->count++;
		err = sim_dc_open(d, i);
	}
	if (err)
		sim_dcs_free(&d);
	else
		*dp = d;
	return err;
}

void sim_dcs_free(struct sim_dcs **dp)
{
	struct sim_dcs *d = *dp;

	if (!d)
		return;
	for (int i = 0; i < d->count; i++) {
		struct sim_dc *dc = &d->dc[i];

		while (dc->conns) {
			struct sim_conn *c = dc->conns;

			dc->conns = c->next;
			sim_conn_free(c);
		}
		sim_listener_free(&dc->listener);
	}
	for (int i = 0; i < d->count; i++)
		mtp_sessions_free(&d->dc[i].own_sessions);
	free(d);
	*dp = NULL;
}

usec_t sim_dcs_deadline(const struct sim_dcs *d)
{
	usec_t due = d->silent_until ? d->silent_until : USEC_NEVER;

	for (int i = 0; i < d->count && !d->silent_until; i++)
		for (const struct sim_conn *c = d->dc[i].conns; c;
		     c = c->next) {
			usec_t t = c->dead || c->closing
					   ? 0
					   : mtp_server_deadline(c->mtp);

			due = t < due ? t : due;
		}
	return due;
}

static void sim_conn_tick(struct sim_conn *c, const struct sim_world *w)
{
	struct buf *out;

	if (mtp_server_deadline(c->mtp) <= w->now)
		mtp_server_timeout(c->mtp, w->now, w->wall);
	c->dead = mtp_server_expired(c->mtp) || c->closing;
	out = mtp_server_output(c->mtp);
	if (!out->n)
		return;
	sim_stream_write(c->stream, buf_bytes(out));
	buf_reset(out);
}

static void sim_conn_unread(struct sim_conn *c)
{
	struct buf in = c->unread;

	buf_init(&c->unread);
	if (in.n && !c->dead)
		sim_conn_input(c, buf_bytes(&in));
	buf_clear(&in);
}

/* True: it goes on. */
static bool sim_dcs_silent(struct sim_dcs *d)
{
	if (d->silent_until > d->world->now)
		return true;
	if (!d->silent_until)
		return false;
	d->silent_until = 0;
	for (int i = 0; i < d->count; i++)
		for (struct sim_conn *c = d->dc[i].conns; c; c = c->next)
			sim_conn_unread(c);
	return false;
}

static void sim_dc_reap(struct sim_dc *dc)
{
	struct sim_conn **cp = &dc->conns;

	while (*cp) {
		struct sim_conn *c = *cp;

		if (!c->dead) {
			cp = &c->next;
			continue;
		}
		*cp = c->next;
		sim_conn_free(c);
	}
}

void sim_dcs_tick(struct sim_dcs *d)
{
	if (sim_dcs_silent(d))
		return;
	for (int i = 0; i < d->count; i++) {
		for (struct sim_conn *c = d->dc[i].conns; c; c = c->next)
			if (!c->dead)
				sim_conn_tick(c, d->world);
		sim_dc_reap(&d->dc[i]);
	}
}

void sim_dcs_hostile(struct sim_dcs *d, enum mtp_hostile mode, int next)
{
	d->hostile = mode;
	d->hostile_next = next;
}

int sim_dcs_drop(struct sim_dcs *d, int64_t user)
{
	int n = 0;

	for (int i = 0; i < d->count; i++)
		for (struct sim_conn *c = d->dc[i].conns; c; c = c->next) {
			const struct sim_account *a =
				c->s.world ? sim_session_account(&c->s) : NULL;

			if (user && (!a || a->id != user))
				continue;
			c->dead = true;
			n++;
		}
	return n;
}

void sim_dcs_refuse(struct sim_dcs *d, bool on)
{
	d->refusing = on;
}

void sim_dcs_silence(struct sim_dcs *d, usec_t until)
{
	d->silent_until = until;
}

void sim_dcs_salts_change(struct sim_dcs *d)
{
	for (int i = 0; i < d->count; i++)
		mtp_sessions_salts_change(d->dc[i].sessions);
}

void sim_dcs_sessions_renew(struct sim_dcs *d)
{
	for (int i = 0; i < d->count; i++)
		mtp_sessions_renew(d->dc[i].sessions);
}
