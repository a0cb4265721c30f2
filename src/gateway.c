#include "gateway.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway_internal.h"

#define KEY_FACT "secret.check"

int gateway_fail(int err, const char *what, const char *why)
{
	log_error("gateway", NULL, "%s: %s (%s)", what,
		  why ? why : strerror(-err), strerror(-err));
	return err;
}

/* The store remembers which key it was used with, so that a wrong one is
 * named before anything is opened, and never leads to a new log-in. */
static int check_key(struct gateway *g)
{
	char check[9];
	struct buf kept;
	int err;

	secret_key_check(g->key, check);
	buf_init(&kept);
	err = store_fact_get(g->store, KEY_FACT, &kept);
	if (err == -ENOENT)
		err = store_fact_set(g->store, KEY_FACT, bytes_str(check));
	else if (!err && !bytes_equal(buf_bytes(&kept), bytes_str(check)))
		err = -EKEYREJECTED;
	buf_clear(&kept);
	if (err == -EKEYREJECTED)
		return gateway_fail(err, "secret key",
				    "not the key this store was made with");
	return err;
}

/* One process at a time: two would use, and lose, the same log-ins. The lock
 * goes with the process, however it ends. */
static int lock_data(struct gateway *g, const char *folder)
{
	char path[sizeof(g->settings->data) + 8];

	snprintf(path, sizeof(path), "%s/lock", folder);
	g->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (g->lock < 0)
		return gateway_fail(-errno, path, NULL);
	if (!flock(g->lock, LOCK_EX | LOCK_NB))
		return 0;
	return errno == EWOULDBLOCK ? gateway_fail(-EBUSY, folder,
						   "used by another gramline")
				    : gateway_fail(-errno, path, NULL);
}

static int open_store(struct gateway *g)
{
	const struct settings *s = g->settings;
	const char *why = NULL;
	int err = secret_key_load(&g->key, s->key_file, &why);

	if (err)
		return gateway_fail(err, "secret key", why);
	if (mkdir(s->data, 0700) && errno != EEXIST)
		return gateway_fail(-errno, s->data, NULL);
	err = lock_data(g, s->data);
	if (err)
		return err;
	err = store_open(&g->store, s->store, &why);
	if (err)
		return gateway_fail(err, s->store, why);
	return check_key(g);
}

int gateway_start_storage(struct gateway *g)
{
	const struct settings *s = g->settings;
	struct storage_conf conf = {
		.id = GATEWAY_STORAGE_ID,
		.bus = g->bus,
		.store = g->store,
		.key = g->key,
		.rsa = s->rsa,
		.api_id = s->api_id,
		.api_hash = s->api_hash,
		.dcs = s->dcs,
		.dcs_n = s->dcs_n,
		.link = &s->link,
		.versions = s->version_list,
		.sessions = s->session_list,
		.uses = s->uses,
		.sessions_n = s->sessions_n,
	};
	const char *why = "storage";
	int err = storage_new(&g->storage, &conf, &why);

	return err ? gateway_fail(err, "session", why) : 0;
}

const struct settings *gateway_declared(const struct gateway *g)
{
	return g->reread ? g->reread : g->settings;
}

int gateway_start_manager(struct gateway *g, bool again)
{
	const struct settings *s = g->settings;
	struct manager_conf conf = {
		.bus = g->bus,
		.store = g->store,
		.records = s->records,
		.storage = GATEWAY_STORAGE_ID,
		.key = g->key,
		.codec_built = settings_codec_built,
		.declared = settings_declared(gateway_declared(g)),
		.again = again,
	};
	int err = manager_new(&g->manager, &conf);

	return err ? gateway_fail(err, "records", s->records) : 0;
}

int gateway_start_worker(struct gateway *g)
{
	struct worker_conf conf = g->settings->worker;
	const char *why = "worker";
	int err;

	conf.id = GATEWAY_WORKER_ID;
	conf.bus = g->bus;
	err = worker_new(&g->worker, &conf, &why);
	return err ? gateway_fail(err, "worker", why) : 0;
}

static int start_service(struct gateway *g, bool control)
{
	struct service_conf conf = {.bus = g->bus,
				    .worker = GATEWAY_WORKER_ID,
				    .storage = GATEWAY_STORAGE_ID};
	int err = service_new(&g->service, &conf);

	if (!err && control) {
		err = ctl_server_new(&g->control, g->settings->control,
				     g->service);
		if (err)
			return gateway_fail(err, "control socket",
					    g->settings->control);
	}
	return err;
}

int gateway_new(struct gateway **gp, const struct settings *s, unsigned parts)
{
	struct gateway *g = calloc(1, sizeof(*g));
	int err;

	if (!g)
		return -ENOMEM;
	g->settings = s;
	g->parts = parts;
	g->lock = -1;
	tmr_init(&g->stop_limit);
	tmr_init(&g->worker_limit);
	err = open_store(g);
	if (!err)
		err = bus_local_new(&g->bus);
	/* The control socket first: it is what keeps two processes apart. */
	if (!err)
		err = start_service(g, parts & GATEWAY_CONTROL);
	if (!err)
		err = gateway_roles_subscribe(g);
	if (!err)
		err = gateway_start_manager(g, false);
	if (!err && parts & GATEWAY_WORKER)
		err = gateway_start_worker(g);
	if (!err)
		err = gateway_start_storage(g);
	if (err) {
		gateway_free(&g);
		return err;
	}
	*gp = g;
	return 0;
}

static void stop_done(void *arg)
{
	struct gateway *g = arg;
	void (*stopped)(void *arg) = g->stopped;

	tmr_cancel(&g->stop_limit);
	g->stopped = NULL;
	if (stopped)
		stopped(g->stopped_arg);
}

static void stop_linger(void *arg)
{
	struct gateway *g = arg;

	tmr_start(&g->stop_limit, GATEWAY_LINGER_MS, stop_done, g);
}

static void stop_late(void *arg)
{
	log_warn("gateway", NULL, "calls did not end in time");
	stop_done(arg);
}

void gateway_stop(struct gateway *g, void (*done)(void *arg), void *arg)
{
	g->stopped = done;
	g->stopped_arg = arg;
	gateway_roles_leave(g);
	if (g->manager)
		manager_stopping(g->manager);
	if (!g->worker) {
		stop_done(g);
		return;
	}
	tmr_start(&g->stop_limit, GATEWAY_STOP_LIMIT_MS, stop_late, g);
	worker_stop(g->worker, stop_linger, g);
}

void gateway_free(struct gateway **gp)
{
	struct gateway *g = *gp;

	if (!g)
		return;
	*gp = NULL;
	tmr_cancel(&g->stop_limit);
	gateway_roles_leave(g);
	if (g->manager)
		manager_stopping(g->manager);
	while (g->subs_n)
		bus_unsubscribe(&g->subs[--g->subs_n]);
	ctl_server_free(&g->control);
	worker_free(&g->worker);
	storage_free(&g->storage);
	manager_free(&g->manager);
	bus_free(&g->bus);
	service_free(&g->service);
	store_close(&g->store);
	secret_key_free(&g->key);
	settings_free(&g->reread);
	if (g->lock >= 0)
		close(g->lock);
	free(g);
}

struct service *gateway_service(struct gateway *g)
{
	return g->service;
}
