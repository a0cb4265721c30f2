/* One account: its states, its data centre, its one timer.
 *
 *        start            TCP, key, getConfig
 *   OFFLINE -> CONNECTING ---------> WAITING_FOR_LOGIN -(sign in)-> UPDATING
 *      ^___ TCP lost ___|________________________________________/   |
 *       \_________________________________________________ READY, FROZEN
 *   any -(Telegram's word, see state.h)-> over -(log-in)-> OFFLINE
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
#define DAY (24 * 3600 * USEC_S)
/* A data centre that has just been restarted may not know its keys yet. */
#define KEY_UNKNOWN_MAX 4
#define PARTING_MAX (5 * USEC_S)

struct job {
	struct job *next;
	job_h *fn;
	void *arg;
};

/* -- state ---------------------------------------------------------------- */

static int64_t unix_now(void)
{
	return clock_wall().us / (1000 * 1000);
}

static void state_set(struct tg_account *a, enum tg_state state,
		      const char *reason)
{
	if (a->state == state && !strcmp(a->reason, reason))
		return;
	log_info("telegram", a->name, "%s to %s%s%s", tg_state_name(a->state),
		 tg_state_name(state), reason[0] ? ": " : "", reason);
	if (a->state != state)
		a->state_since = unix_now();
	a->state = state;
	snprintf(a->reason, sizeof(a->reason), "%s", reason);
	if (a->handlers.state && !a->closing)
		a->handlers.state(state, a->reason, a->arg);
}

/* No connection, and it is being tried again. */
static bool is_down(const struct tg_account *a)
{
	return a->state == TG_STATE_OFFLINE ||
	       a->state == TG_STATE_PROXY_REFUSED;
}

void account_state_update(struct tg_account *a)
{
	if (tg_state_is_over(a->state) || a->end_wanted || !a->connection)
		return;
	if (!connection_ready(a->connection)) {
		/* These follow the link. */
		if (!is_down(a))
			state_set(a, TG_STATE_CONNECTING, "");
	} else if (!a->logged_in) {
		state_set(a,
			  a->config_known ? TG_STATE_WAITING_FOR_LOGIN
					  : TG_STATE_CONNECTING,
			  "");
	} else if (!a->config_known || !a->self_known || !a->synced) {
		state_set(a, TG_STATE_UPDATING, "");
	} else if (a->frozen.since) {
		state_set(a, TG_STATE_FROZEN, "FROZEN_METHOD_INVALID");
	} else {
		state_set(a, TG_STATE_READY, "");
	}
}

void account_end(struct tg_account *a, enum tg_state state, const char *reason)
{
	if (tg_state_is_over(a->state) || a->end_wanted)
		return;
	a->end_wanted = true;
	a->end_state = state;
	snprintf(a->end_reason, sizeof(a->end_reason), "%s", reason);
	account_wake(a);
}

void account_frozen(struct tg_account *a, int64_t since, int64_t until)
{
	bool news = a->frozen.since != since;

	a->frozen.since = since;
	a->frozen.until = until;
	if (news && a->keep.frozen)
		a->keep.frozen(since, a->arg);
	account_state_update(a);
	account_wake(a);
}

/* -- data centres --------------------------------------------------------- */

void account_dc_add(struct tg_account *a, const struct tg_dc *dc)
{
	for (size_t i = 0; i < a->dcs_n; i++)
		if (tg_dc_same(&a->dcs[i], dc))
			return;
	if (a->dcs_n < ACCOUNT_DCS_MAX)
		a->dcs[a->dcs_n++] = *dc;
}

/* -- the connection's handlers -------------------------------------------- */

static void on_link(enum connection_link link, const char *reason, void *arg)
{
	struct tg_account *a = arg;

	if (tg_state_is_over(a->state) || a->end_wanted)
		return;
	if (link == CONNECTION_DOWN)
		state_set(a,
			  strncmp(reason, "proxy", 5) ? TG_STATE_OFFLINE
						      : TG_STATE_PROXY_REFUSED,
			  reason);
	/* A new attempt is no news before it has led somewhere. */
	else if (link == CONNECTION_UP || !a->reason[0])
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
		account_end(a, TG_STATE_KEY_UNKNOWN, "AUTH_KEY_UNKNOWN");
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
		phone_reconnected(&a->phone);
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
	case MTP_EVENT_FLOOD:
	case MTP_EVENT_KEY_DESTROYED:
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

bool account_has_address(const struct tg_account *a, int dc_id)
{
	struct tg_dc dc;

	return tg_link_addresses(&dc, 1, a->dcs, a->dcs_n, dc_id, a->link);
}

bool account_migration_waits(const struct tg_account *a)
{
	return a->rebuild_wanted && a->migrate_to && a->connection &&
	       !a->config_known && !account_has_address(a, a->migrate_to);
}

void account_connection_conf(struct connection_conf *conf, struct tg_dc *dcs,
			     const struct tg_account *a, int dc_id)
{
	*conf = (struct connection_conf){
		.dcs = dcs,
		.via = a->link,
		.rsa = a->rsa,
		.api_id = a->api_id,
		.query_timeout = a->query_timeout,
	};
	conf->dcs_n = tg_link_addresses(dcs, CONNECTION_ADDRESSES_MAX, a->dcs,
					a->dcs_n, dc_id, a->link);
}

static int connection_build(struct tg_account *a)
{
	struct tg_dc dcs[CONNECTION_ADDRESSES_MAX];
	struct connection_conf conf;
	int err;

	account_connection_conf(&conf, dcs, a, a->dc_id);
	conf.name = a->name;
	conf.auth = &a->auth;
	conf.link = on_link;
	conf.event = on_event;
	conf.update = on_update;
	conf.arg = a;
	err = connection_new(&a->connection, &conf);
	if (err)
		return err;
	a->config_asked = a->config_known = false;
	a->self_asked = a->self_known = false;
	a->app_config_asked = false;
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
		state_set(a, TG_STATE_NO_ADDRESS,
			  "no address of the data centre");
		queries_fail(a, 303, "no address of the data centre");
	}
}

/* What a dead account leaves behind: nothing that could be used. */
static void login_forget(struct tg_account *a)
{
	a->logged_in = false;
	bytes_wipe(&a->auth, sizeof(a->auth));
	memset(&a->self, 0, sizeof(a->self));
	memset(&a->frozen, 0, sizeof(a->frozen));
}

static void on_parted(void *arg)
{
	struct tg_account *a = arg;

	log_info("telegram", a->name, "the key is destroyed");
	a->parting_until = 0;
	account_wake(a);
}

/* B.6: "Then destroy the key (destroy_auth_key) and erase it." */
static void part(struct tg_account *a)
{
	connection_free(&a->parting);
	a->parting = a->connection;
	a->connection = NULL;
	a->parting_until = clock_now() + PARTING_MAX;
	connection_destroy_key(a->parting, on_parted, a);
}

static void end(struct tg_account *a)
{
	a->end_wanted = false;
	a->rebuild_wanted = false;
	a->migrate_to = 0;
	if (tg_state_is_dead(a->end_state))
		login_forget(a);
	log_error("telegram", a->name, "the session is over: %s",
		  a->end_reason);
	state_set(a, a->end_state, a->end_reason);
	phone_abort(&a->phone, 401, a->end_reason);
	branches_clear(a, 401, a->end_reason);
	if (a->end_state == TG_STATE_LOGGED_OUT && a->connection &&
	    connection_ready(a->connection))
		part(a);
	connection_free(&a->connection);
	queries_fail(a, 401, a->end_reason);
	if (tg_state_is_dead(a->end_state) && a->keep.auth_lost)
		a->keep.auth_lost(a->end_reason, a->arg);
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

	if (a->jobs || a->end_wanted ||
	    (a->rebuild_wanted && !account_migration_waits(a)))
		return 0;
	if (a->parting && a->parting_until < at)
		at = a->parting_until;
	if (!a->connection)
		return at;
	t = peers_deadline(a);
	if (t < at)
		at = t;
	t = branches_deadline(a);
	if (t < at)
		at = t;
	t = account_greet_deadline(a);
	if (t < at)
		at = t;
	t = queries_deadline(a);
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

	if (a->end_wanted)
		end(a);
	if (a->parting && now >= a->parting_until)
		connection_free(&a->parting);
	if (a->rebuild_wanted && !account_migration_waits(a) &&
	    !tg_state_is_over(a->state))
		rebuild(a);
	jobs_run(a);
	phone_timeout(&a->phone);
	account_greet(a);
	if (a->connection) {
		queries_pump(a, now);
		peers_pump(a, now);
		feed_pump(a, now);
		branches_pump(a, now);
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
	if (!tg_state_is_over(a->state) && a->connection)
		return;
	if (a->state == TG_STATE_NO_ADDRESS)
		a->dc_id = a->dcs[0].id;
	bytes_wipe(&a->auth, sizeof(a->auth));
	a->logged_in = false;
	a->key_unknown = 0;
	a->rebuild_wanted = true;
	state_set(a, TG_STATE_OFFLINE, "");
	account_wake(a);
}

/* -- life ----------------------------------------------------------------- */

static void conf_take(struct tg_account *a, const struct tg_account_conf *conf)
{
	snprintf(a->name, sizeof(a->name), "%s", conf->name);
	snprintf(a->api_hash, sizeof(a->api_hash), "%s", conf->api_hash);
	a->api_id = conf->api_id;
	a->rsa = conf->rsa;
	a->link = conf->link ? conf->link : &tg_link_default;
	a->query_timeout =
		conf->query_timeout ? conf->query_timeout : QUERY_TIMEOUT;
	a->use = conf->use;
	if (!a->use.features)
		a->use.features = TG_FEATURE_ALL;
	a->use.features |= TG_FEATURE_SESSION | TG_FEATURE_SETTINGS;
	flood_init(&a->flood);
	flood_budget(&a->flood, FLOOD_STRANGERS, a->use.new_peers_per_day, DAY);
	flood_budget(&a->flood, FLOOD_PHONES, a->use.lookups_per_day, DAY);
	flood_budget(&a->flood, FLOOD_NAMES, a->use.lookups_per_day, DAY);
	a->keep = conf->keep;
	a->handlers = conf->handlers;
	a->arg = conf->arg;
	a->dc_id = conf->dc_id ? conf->dc_id : conf->dcs[0].id;
	a->auth = conf->auth;
	a->logged_in = conf->logged_in && conf->auth.present;
	a->frozen.since = conf->frozen_since;
	for (size_t i = 0; i < conf->dcs_n; i++)
		account_dc_add(a, &conf->dcs[i]);
	a->dcs_own = a->dcs_n;
	/* Telegram's test data centres are another Telegram. */
	for (size_t i = 0; i < conf->learnt_n; i++)
		if (conf->learnt[i].test == conf->dcs[0].test)
			account_dc_add(a, &conf->learnt[i]);
}

/* The state that an earlier process left, or that nothing can be done in. */
static void state_resume(struct tg_account *a,
			 const struct tg_account_conf *conf)
{
	const char *reason = conf->dead_reason ? conf->dead_reason : "";
	enum tg_state state = TG_STATE_UNREGISTERED;

	a->state = TG_STATE_OFFLINE;
	a->state_since = unix_now();
	if (conf->key_closed) {
		a->state = TG_STATE_KEY_FILE;
		return;
	}
	if (!*reason)
		return;
	(void)tg_state_of_reason(&state, reason);
	a->state = state;
	a->state_since = conf->dead_since;
	snprintf(a->reason, sizeof(a->reason), "%s", reason);
}

int tg_account_new(struct tg_account **ap, const struct tg_account_conf *conf)
{
	struct tg_account *a;

	if (!conf->name || !conf->api_hash || !conf->dcs_n || !conf->rsa)
		return -EINVAL;
	a = calloc(1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	conf_take(a, conf);
	state_resume(a, conf);
	a->queries_last = &a->queries;
	a->jobs_last = &a->jobs;
	a->lookups_last = &a->lookups;
	tmr_init(&a->tmr);
	account_phone_init(a);
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
	login_qr_drop(a);
	phone_clear(&a->phone);
	branches_clear(a, -ECANCELED, "CLOSED");
	connection_free(&a->parting);
	connection_free(&a->connection);
	queries_fail(a, -ECANCELED, "CLOSED");
	peers_clear(a);
	peers_forget(a);
	while (a->jobs)
		jobs_run(a);
	updates_clear(&a->updates);
	bytes_wipe(a, sizeof(*a));
	free(a);
}

int tg_account_start(struct tg_account *a)
{
	char reason[64];

	if (a->started)
		return 0;
	a->started = true;
	if (tg_state_is_over(a->state))
		return 0;
	if (account_has_address(a, a->dc_id))
		return connection_build(a);
	/* Learnt from another data centre once, and in no configuration: this
	 * account waits for one, the others go on. */
	snprintf(reason, sizeof(reason), "no address of data centre %d",
		 a->dc_id);
	log_error("telegram", a->name, "%s", reason);
	state_set(a, TG_STATE_NO_ADDRESS, reason);
	return 0;
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
