/* One account: its states, its data centre, its one timer.
 *
 *        start            TCP, key, getConfig
 *   OFFLINE -> CONNECTING ---------> UNAUTHORISED -(sign in)-> READY
 *      ^______ TCP lost ______|______________________________/
 *   any -(authorisation gone)-> DEAD -(send code)-> OFFLINE
 *
 * Handlers of the connection only note what has to be done; tick() does it,
 * for connections are not freed inside their own handlers.
 */
#include "telegram/account_core.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define QUERY_TIMEOUT (10 * USEC_S)
/* A.6: every 20-30 s; while a call is being signalled every 5-10 s. */
#define PING_INTERVAL (25 * USEC_S)
#define PING_INTERVAL_CALL (7 * USEC_S)
/* A data centre that has just been restarted may not know its keys yet. */
#define KEY_UNKNOWN_MAX 4

struct job {
	struct job *next;
	job_h *fn;
	void *arg;
};

const char *tg_state_name(enum tg_state state)
{
	switch (state) {
	case TG_STATE_OFFLINE:
		return "offline";
	case TG_STATE_CONNECTING:
		return "connecting";
	case TG_STATE_UNAUTHORISED:
		return "unauthorised";
	case TG_STATE_READY:
		return "ready";
	case TG_STATE_DEAD:
		return "dead";
	}
	return "unknown";
}

/* -- state ---------------------------------------------------------------- */

static void state_set(struct tg_account *a, enum tg_state state,
		      const char *reason)
{
	if (a->state == state)
		return;
	log_info("telegram", a->name, "%s to %s%s%s", tg_state_name(a->state),
		 tg_state_name(state), reason[0] ? ": " : "", reason);
	a->state = state;
	snprintf(a->reason, sizeof(a->reason), "%s", reason);
	if (a->handlers.state && !a->closing)
		a->handlers.state(state, a->reason, a->arg);
}

void account_state_update(struct tg_account *a)
{
	if (a->state == TG_STATE_DEAD || a->dead_wanted || !a->connection)
		return;
	if (!connection_ready(a->connection)) {
		/* OFFLINE and CONNECTING follow the link. */
		if (a->state != TG_STATE_OFFLINE)
			state_set(a, TG_STATE_CONNECTING, "");
	} else if (!a->logged_in) {
		state_set(a,
			  a->config_known ? TG_STATE_UNAUTHORISED
					  : TG_STATE_CONNECTING,
			  "");
	} else if (a->config_known && a->self_known && a->synced) {
		state_set(a, TG_STATE_READY, "");
	} else {
		state_set(a, TG_STATE_CONNECTING, "");
	}
}

void account_die(struct tg_account *a, const char *reason)
{
	if (a->state == TG_STATE_DEAD || a->dead_wanted)
		return;
	a->dead_wanted = true;
	snprintf(a->dead_reason, sizeof(a->dead_reason), "%s", reason);
	account_wake(a);
}

/* -- data centres --------------------------------------------------------- */

void account_dc_add(struct tg_account *a, const struct tg_dc *dc)
{
	for (size_t i = 0; i < a->dcs_n; i++)
		if (a->dcs[i].id == dc->id && a->dcs[i].port == dc->port &&
		    !strcmp(a->dcs[i].host, dc->host))
			return;
	if (a->dcs_n < ACCOUNT_DCS_MAX)
		a->dcs[a->dcs_n++] = *dc;
}

static void dc_option_take(struct tg_account *a, const struct tl_obj *o)
{
	struct bytes ip = tl_bytes(o, TL_dcOption_ip_address);
	int32_t port = tl_int(o, TL_dcOption_port);
	struct tg_dc dc = {.id = tl_int(o, TL_dcOption_id),
			   .port = (uint16_t)port,
			   .test = a->dcs[0].test};

	/* Neither for files only nor behind a proxy's secret; a `tcpo_only`
	 * address requires the obfuscated transport. */
	if (tl_has(o, TL_dcOption_media_only) || tl_has(o, TL_dcOption_cdn) ||
	    tl_has(o, TL_dcOption_secret) || tl_has(o, TL_dcOption_ipv6) ||
	    (tl_has(o, TL_dcOption_tcpo_only) && !a->obfuscated) || !ip.n ||
	    ip.n >= sizeof(dc.host) || memchr(ip.p, 0, ip.n) || port <= 0 ||
	    port > UINT16_MAX)
		return;
	memcpy(dc.host, ip.p, ip.n);
	account_dc_add(a, &dc);
}

/* -- after connecting ----------------------------------------------------- */

static void config_take(struct tg_account *a, const struct tl_obj *config)
{
	uint32_t n = tl_count(config, TL_config_dc_options);

	for (uint32_t i = 0; i < n; i++)
		dc_option_take(a, tl_item(config, TL_config_dc_options, i));
	phone_timers(&a->phone,
		     tl_int(config, TL_config_call_receive_timeout_ms),
		     tl_int(config, TL_config_call_ring_timeout_ms));
}

/* Nobody answered: to be asked again. Any answer of Telegram, even an error,
 * is one. */
static bool is_silence(const struct mtp_error *err)
{
	return err->code == 408 || err->code < 0;
}

static void config_answered(const struct mtp_error *err,
			    const struct tl_obj *answer, void *arg)
{
	struct tg_account *a = arg;

	/* Without it the defaults serve. */
	if (err && is_silence(err)) {
		a->config_asked = false;
		account_wake(a);
		return;
	}
	if (!err)
		config_take(a, answer);
	a->config_known = true;
	account_state_update(a);
}

static void self_answered(const struct mtp_error *err,
			  const struct tl_obj *answer, void *arg)
{
	struct tg_account *a = arg;

	/* What the answer holds was learnt on its way in. */
	if (err && is_silence(err)) {
		a->self_asked = false;
		account_wake(a);
		return;
	}
	a->self_known = true;
	account_state_update(a);
}

static void self_ask(struct tg_account *a)
{
	struct tl_arena arena;
	struct tl_obj *q;

	tl_arena_init(&arena);
	q = tl_new(&arena, TL_users_getUsers);
	if (!tl_set_vector(&arena, q, TL_users_getUsers_id, 1)) {
		tl_put_obj(q, TL_users_getUsers_id, 0,
			   tl_new(&arena, TL_inputUserSelf));
		a->self_asked = !tg_account_query(a, q, 0, self_answered, a);
	}
	tl_arena_clear(&arena);
}

static void config_ask(struct tg_account *a)
{
	struct tl_arena arena;

	tl_arena_init(&arena);
	a->config_asked = !tg_account_query(
		a, tl_new(&arena, TL_help_getConfig), 0, config_answered, a);
	tl_arena_clear(&arena);
}

static void greet(struct tg_account *a)
{
	if (!a->connection || a->state == TG_STATE_DEAD ||
	    !connection_ready(a->connection))
		return;
	if (!a->config_asked && !a->config_known)
		config_ask(a);
	if (a->logged_in && !a->self_asked && !a->self_known)
		self_ask(a);
}

/* -- the connection's handlers -------------------------------------------- */

static void on_link(enum connection_link link, const char *reason, void *arg)
{
	struct tg_account *a = arg;

	if (a->state == TG_STATE_DEAD || a->dead_wanted)
		return;
	if (link == CONNECTION_DOWN)
		state_set(a, TG_STATE_OFFLINE, reason);
	else
		state_set(a, TG_STATE_CONNECTING, "");
}

static void auth_keep(struct tg_account *a)
{
	a->auth = *connection_auth(a->connection);
	if (a->keep.auth)
		a->keep.auth(a->dc_id, &a->auth, a->arg);
}

/* Transport error -404. A key that was never logged in is made anew; one that
 * was is given up only when the data centre insists. */
static void on_key_unknown(struct tg_account *a)
{
	a->key_unknown++;
	if (!a->logged_in) {
		bytes_wipe(&a->auth, sizeof(a->auth));
		a->rebuild_wanted = true;
		account_wake(a);
	} else if (a->key_unknown >= KEY_UNKNOWN_MAX) {
		account_die(a, "AUTH_KEY_UNKNOWN");
	}
	connection_close(a->connection, "key unknown to the data centre");
}

static void on_event(enum mtp_event event, const char *text, void *arg)
{
	struct tg_account *a = arg;

	switch (event) {
	case MTP_EVENT_KEY_CREATED:
	case MTP_EVENT_SALT:
		auth_keep(a);
		break;
	case MTP_EVENT_READY:
		/* After every reconnect: the difference (A.9). */
		updates_lost(&a->updates);
		account_state_update(a);
		account_wake(a);
		break;
	case MTP_EVENT_NEW_SESSION:
	case MTP_EVENT_LOST_UPDATE:
		updates_lost(&a->updates);
		account_wake(a);
		break;
	case MTP_EVENT_KEY_UNKNOWN:
		on_key_unknown(a);
		break;
	case MTP_EVENT_CLOSE:
	case MTP_EVENT_REFUSED:
		break;
	}
}

static void on_update(struct bytes object, void *arg)
{
	struct tg_account *a = arg;

	a->key_unknown = 0;
	feed_bytes(a, object);
}

/* -- tick ----------------------------------------------------------------- */

static int connection_build(struct tg_account *a)
{
	struct tg_dc dcs[ACCOUNT_DCS_MAX];
	struct connection_conf conf = {
		.name = a->name,
		.dcs = dcs,
		.transport = a->transport,
		.obfuscated = a->obfuscated,
		.rsa = a->rsa,
		.auth = &a->auth,
		.api_id = a->api_id,
		.query_timeout = a->query_timeout,
		.link = on_link,
		.event = on_event,
		.update = on_update,
		.arg = a,
	};
	int err;

	for (size_t i = 0; i < a->dcs_n; i++)
		if (a->dcs[i].id == a->dc_id)
			dcs[conf.dcs_n++] = a->dcs[i];
	err = connection_new(&a->connection, &conf);
	if (err)
		return err;
	a->config_asked = a->config_known = false;
	a->self_asked = a->self_known = false;
	a->synced = false;
	queries_submit(a);
	connection_start(a->connection);
	return 0;
}

static void rebuild(struct tg_account *a)
{
	a->rebuild_wanted = false;
	if (a->migrate_to && a->migrate_to != a->dc_id) {
		log_info("telegram", a->name, "data centre %d sends us to %d",
			 a->dc_id, a->migrate_to);
		a->dc_id = a->migrate_to;
		bytes_wipe(&a->auth, sizeof(a->auth));
	}
	a->migrate_to = 0;
	connection_free(&a->connection);
	if (connection_build(a)) {
		/* A data centre nobody told us the address of. */
		state_set(a, TG_STATE_OFFLINE, "no address of the data centre");
		queries_fail(a, 303, "no address of the data centre");
	}
}

static void die(struct tg_account *a)
{
	a->dead_wanted = false;
	a->logged_in = false;
	bytes_wipe(&a->auth, sizeof(a->auth));
	memset(&a->self, 0, sizeof(a->self));
	log_error("telegram", a->name, "authorisation lost: %s",
		  a->dead_reason);
	state_set(a, TG_STATE_DEAD, a->dead_reason);
	phone_abort(&a->phone, 401, a->dead_reason);
	connection_free(&a->connection);
	queries_fail(a, 401, a->dead_reason);
	if (a->keep.auth_lost)
		a->keep.auth_lost(a->dead_reason, a->arg);
}

static void jobs_run(struct tg_account *a)
{
	struct job *job = a->jobs;

	/* Jobs that jobs add wait for the next round. */
	a->jobs = NULL;
	a->jobs_last = &a->jobs;
	while (job) {
		struct job *next = job->next;

		job->fn(a, job->arg);
		free(job);
		job = next;
	}
}

static usec_t next_deadline(struct tg_account *a)
{
	usec_t at = phone_deadline(&a->phone);
	usec_t t;

	if (a->jobs || a->dead_wanted || a->rebuild_wanted)
		return 0;
	if (!a->connection)
		return at;
	t = peers_deadline(a);
	if (t < at)
		at = t;
	if (a->logged_in && connection_ready(a->connection)) {
		t = updates_deadline(&a->updates);
		if (t < at)
			at = t;
	}
	return at;
}

static void on_tick(void *arg)
{
	struct tg_account *a = arg;
	usec_t now = clock_now();

	if (a->dead_wanted)
		die(a);
	if (a->rebuild_wanted && a->state != TG_STATE_DEAD)
		rebuild(a);
	jobs_run(a);
	phone_timeout(&a->phone);
	greet(a);
	if (a->connection) {
		peers_pump(a, now);
		feed_pump(a, now);
	}
	account_wake(a);
}

void account_wake(struct tg_account *a)
{
	usec_t now = clock_now();
	usec_t at;

	if (a->closing)
		return;
	at = next_deadline(a);
	/* What was not asked yet is asked by the tick. */
	if (a->connection && connection_ready(a->connection) &&
	    ((!a->config_asked && !a->config_known) ||
	     (a->logged_in && !a->self_asked && !a->self_known)))
		at = 0;
	if (at == USEC_NEVER) {
		tmr_cancel(&a->tmr);
		return;
	}
	tmr_start(&a->tmr, at > now ? (at - now + USEC_MS - 1) / USEC_MS : 0,
		  on_tick, a);
}

int account_later(struct tg_account *a, job_h *fn, void *arg)
{
	struct job *job = calloc(1, sizeof(*job));

	if (!job)
		return -ENOMEM;
	job->fn = fn;
	job->arg = arg;
	*a->jobs_last = job;
	a->jobs_last = &job->next;
	account_wake(a);
	return 0;
}

/* -- logging in and out --------------------------------------------------- */

void account_logged_in(struct tg_account *a, const struct tl_obj *user)
{
	struct tg_user self;

	a->logged_in = true;
	a->self_known = user_read(&self, user);
	if (a->self_known) {
		self.self = true;
		a->self = self;
		phone_self(&a->phone, self.id);
		if (a->keep.self)
			a->keep.self(&self, a->arg);
	}
	updates_clear(&a->updates);
	updates_init(&a->updates, 0, 0, 0, 0, clock_now());
	account_state_update(a);
	account_wake(a);
}

void account_reset(struct tg_account *a)
{
	if (a->state != TG_STATE_DEAD)
		return;
	bytes_wipe(&a->auth, sizeof(a->auth));
	a->logged_in = false;
	a->key_unknown = 0;
	a->rebuild_wanted = true;
	state_set(a, TG_STATE_OFFLINE, "");
	account_wake(a);
}

/* -- the calls' world ----------------------------------------------------- */

static int io_query(const struct tl_obj *query, tg_answer_h *done,
		    void *done_arg, void *arg)
{
	return tg_account_query(arg, query, 0, done, done_arg);
}

static usec_t io_now(void *arg)
{
	return clock_now();
}

static int32_t io_server_time(void *arg)
{
	struct tg_account *a = arg;
	int32_t diff =
		a->connection ? connection_auth(a->connection)->time_diff : 0;

	return (int32_t)(clock_wall().us / 1000000) + diff;
}

static void io_wake(void *arg)
{
	account_wake(arg);
}

static void io_busy(bool busy, void *arg)
{
	struct tg_account *a = arg;

	if (a->connection && !a->closing)
		connection_ping_interval(a->connection,
					 busy ? PING_INTERVAL_CALL
					      : PING_INTERVAL);
}

static void io_incoming(struct tg_call *call, int64_t user_id, void *arg)
{
	struct tg_account *a = arg;
	struct tg_user from = {.id = user_id};

	(void)peers_find(a, user_id, &from);
	if (a->handlers.incoming)
		a->handlers.incoming(call, &from, a->arg);
}

int tg_call_request(struct tg_call **cp, struct tg_account *a,
		    const struct tg_user *to, const char *const *versions,
		    const struct tg_call_handlers *handlers, void *arg)
{
	if (a->state != TG_STATE_READY)
		return -ENOTCONN;
	return phone_request(cp, &a->phone, to->id, to->access_hash, versions,
			     handlers, arg);
}

int tg_call_discard_stale(struct tg_account *a, int64_t id, int64_t access_hash,
			  tg_answer_h *done, void *arg)
{
	struct tl_arena arena;
	struct tl_obj *peer, *q;
	int err;

	tl_arena_init(&arena);
	peer = tl_new(&arena, TL_inputPhoneCall);
	tl_set_long(peer, TL_inputPhoneCall_id, id);
	tl_set_long(peer, TL_inputPhoneCall_access_hash, access_hash);
	err = call_discard_query(&q, &arena, peer, TG_DISCARD_DISCONNECT, 0);
	if (!err)
		err = tg_account_query(a, q, 0, done, arg);
	tl_arena_clear(&arena);
	return err;
}

/* -- life ----------------------------------------------------------------- */

static void conf_take(struct tg_account *a, const struct tg_account_conf *conf)
{
	snprintf(a->name, sizeof(a->name), "%s", conf->name);
	snprintf(a->api_hash, sizeof(a->api_hash), "%s", conf->api_hash);
	a->api_id = conf->api_id;
	a->rsa = conf->rsa;
	a->transport = conf->transport;
	a->obfuscated = conf->obfuscated;
	a->query_timeout =
		conf->query_timeout ? conf->query_timeout : QUERY_TIMEOUT;
	a->keep = conf->keep;
	a->handlers = conf->handlers;
	a->arg = conf->arg;
	a->dc_id = conf->dc_id ? conf->dc_id : conf->dcs[0].id;
	a->auth = conf->auth;
	a->logged_in = conf->logged_in && conf->auth.present;
	for (size_t i = 0; i < conf->dcs_n; i++)
		account_dc_add(a, &conf->dcs[i]);
}

int tg_account_new(struct tg_account **ap, const struct tg_account_conf *conf)
{
	struct phone_io io = {
		.query = io_query,
		.now = io_now,
		.server_time = io_server_time,
		.wake = io_wake,
		.busy = io_busy,
		.incoming = io_incoming,
	};
	struct tg_account *a;

	if (!conf->name || !conf->api_hash || !conf->dcs_n || !conf->rsa)
		return -EINVAL;
	a = calloc(1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	conf_take(a, conf);
	a->state = TG_STATE_OFFLINE;
	a->queries_last = &a->queries;
	a->jobs_last = &a->jobs;
	a->lookups_last = &a->lookups;
	tmr_init(&a->tmr);
	io.arg = a;
	phone_init(&a->phone, &io);
	updates_init(&a->updates, conf->pts, conf->qts, conf->date, conf->seq,
		     clock_now());
	*ap = a;
	return 0;
}

void tg_account_free(struct tg_account **ap)
{
	struct tg_account *a = *ap;

	if (!a)
		return;
	*ap = NULL;
	a->closing = true;
	tmr_cancel(&a->tmr);
	phone_clear(&a->phone);
	connection_free(&a->connection);
	queries_fail(a, -ECANCELED, "CLOSED");
	peers_clear(a);
	while (a->jobs)
		jobs_run(a);
	updates_clear(&a->updates);
	bytes_wipe(a, sizeof(*a));
	free(a);
}

int tg_account_start(struct tg_account *a)
{
	if (a->started)
		return 0;
	a->started = true;
	return connection_build(a);
}

enum tg_state tg_account_state(const struct tg_account *a)
{
	return a->state;
}

const char *tg_account_reason(const struct tg_account *a)
{
	return a->reason;
}

const struct tg_user *tg_account_self(const struct tg_account *a)
{
	return a->self.id ? &a->self : NULL;
}
