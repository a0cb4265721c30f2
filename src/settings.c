#include "settings_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "settings_link.h"
#include "tgcall/signaling.h"

/* telegram-wire A.1: where to begin; the server migrates us from there. */
static const struct tg_dc production_dcs[] = {
	{2, "149.154.167.51", 443, .fixed = true},
	{2, "95.161.76.100", 443, .fixed = true},
	{2, "2001:67c:4e8:f002::a", 443, .fixed = true},
	{1, "149.154.175.50", 443, .fixed = true},
	{1, "2001:b28:f23d:f001::a", 443, .fixed = true},
	{3, "149.154.175.100", 443, .fixed = true},
	{3, "2001:b28:f23d:f003::a", 443, .fixed = true},
	{4, "149.154.167.91", 443, .fixed = true},
	{4, "2001:67c:4e8:f004::a", 443, .fixed = true},
	{5, "149.154.171.5", 443, .fixed = true},
	{5, "2001:b28:f23f:f005::a", 443, .fixed = true},
};
static const struct tg_dc test_dcs[] = {
	{2, "149.154.167.40", 443, .test = true},
	{2, "2001:67c:4e8:f002::e", 443, .test = true},
	{1, "149.154.175.10", 443, .test = true},
	{1, "2001:b28:f23d:f001::e", 443, .test = true},
	{3, "149.154.175.117", 443, .test = true},
	{3, "2001:b28:f23d:f003::e", 443, .test = true},
};

static int read_general(struct settings *s, struct config *c,
			struct config_error *err)
{
	struct config_section *g = config_section(c, "gramline", 0);
	char level[16] = "info";
	uint64_t days = 7;
	int fail;

	snprintf(s->data, sizeof(s->data), "/var/lib/gramline");
	snprintf(s->control, sizeof(s->control), "/run/gramline/control.sock");
	fail = config_text(g, "data", s->data, sizeof(s->data), err);
	snprintf(s->store, sizeof(s->store), "%s/gramline.db", s->data);
	snprintf(s->records, sizeof(s->records), "%s/calls.jsonl", s->data);
	if (!fail)
		fail = config_text(g, "records", s->records, sizeof(s->records),
				   err);
	if (!fail)
		fail = config_text(g, "control", s->control, sizeof(s->control),
				   err);
	if (!fail)
		fail = config_text(g, "key_file", s->key_file,
				   sizeof(s->key_file), err);
	if (!fail)
		fail = config_text(g, "log", level, sizeof(level), err);
	if (!fail)
		fail = config_uint(g, "capture_days", 0, 3650, &days, err);
	s->worker.capture_days = (unsigned)days;
	snprintf(s->captures, sizeof(s->captures), "%s/captures", s->data);
	s->worker.captures = s->captures;
	if (!fail && log_level_parse(&s->log, level))
		fail = config_fail(g, "log", 0, err,
				   "log is one of error, warn, info, debug");
	return fail;
}

/* "2 149.154.167.51:443" or "2 [2001:db8::1]:443" */
static int read_dc(struct tg_dc *dc, const char *text, bool test)
{
	struct sa sa;
	char *rest;
	long id = strtol(text, &rest, 10);

	while (*rest == ' ')
		rest++;
	if (id < 1 || id > 1000 || rest == text ||
	    sa_decode(&sa, rest, strlen(rest)) || !sa_port(&sa))
		return -EINVAL;
	*dc = (struct tg_dc){.id = (int)id, .port = sa_port(&sa), .test = test};
	re_snprintf(dc->host, sizeof(dc->host), "%j", &sa);
	return 0;
}

static int read_dcs(struct settings *s, struct config_section *t,
		    struct config_error *err)
{
	bool test = false;
	const char *text;
	int fail = config_bool(t, "test", &test, err);

	for (size_t i = 0; !fail && (text = config_value(t, "dc", i)); i++) {
		if (s->dcs_n == SETTINGS_DCS_MAX ||
		    read_dc(&s->dcs[s->dcs_n], text, test))
			return config_fail(t, "dc", i, err,
					   "dc is ID ADDRESS:PORT");
		s->dcs_n++;
	}
	if (s->dcs_n || fail)
		return fail;
	s->dcs_n = test ? sizeof(test_dcs) / sizeof(*test_dcs)
			: sizeof(production_dcs) / sizeof(*production_dcs);
	memcpy(s->dcs, test ? test_dcs : production_dcs,
	       s->dcs_n * sizeof(*s->dcs));
	return 0;
}

static int add_key_file(struct mtp_rsa *rsa, const char *path)
{
	char pem[16384];
	FILE *f = fopen(path, "r");
	size_t n;

	if (!f)
		return -errno;
	n = fread(pem, 1, sizeof(pem), f);
	fclose(f);
	return mtp_rsa_add_pem(rsa, pem, n);
}

static int read_keys(struct settings *s, struct config_section *t,
		     struct config_error *err)
{
	const char *path;
	size_t i;
	int fail = mtp_rsa_new(&s->rsa);

	for (i = 0; !fail && (path = config_value(t, "rsa_key", i)); i++)
		if (add_key_file(s->rsa, path))
			return config_fail(t, "rsa_key", i, err,
					   "no usable RSA key in %s", path);
	if (!fail && i == 0)
		fail = s->dcs[0].test ? mtp_rsa_add_test(s->rsa)
				      : mtp_rsa_add_production(s->rsa);
	if (fail)
		snprintf(err->text, sizeof(err->text), "RSA keys: %s",
			 strerror(-fail));
	return fail;
}

int settings_require_text(struct config_section *s, const char *key,
			  struct config_error *err)
{
	int fail = config_require(s, key, err);

	if (!fail && !*config_value(s, key, 0))
		fail = config_fail(s, key, 0, err, "a value is expected");
	return fail;
}

static int read_versions(struct settings *s, struct config_section *t,
			 struct config_error *err)
{
	const char *list = config_value(t, "versions", 0);
	enum tgcall_framing framing;
	char item[16];

	if (!list)
		list = "13.0.0,12.0.0,9.0.0,8.0.0,7.0.0";
	while (text_item(&list, item, sizeof(item))) {
		if (s->versions_n == 16 || tgcall_framing_of(&framing, item))
			return config_fail(t, "versions", 0, err,
					   "unknown library version %s", item);
		memcpy(s->versions[s->versions_n], item, sizeof(item));
		s->version_list[s->versions_n] = s->versions[s->versions_n];
		s->versions_n++;
	}
	if (!s->versions_n)
		return config_fail(t, "versions", 0, err, "no version given");
	return 0;
}

static int read_telegram(struct settings *s, struct config *c, const char *path,
			 struct config_error *err)
{
	struct config_section *t = config_section(c, "telegram", 0);
	uint64_t api_id = 0;
	int fail;

	if (!t) {
		snprintf(err->text, sizeof(err->text),
			 "%s: section [telegram] is missing", path);
		return -EINVAL;
	}
	fail = config_require(t, "api_id", err);
	if (!fail)
		fail = config_uint(t, "api_id", 1, INT32_MAX, &api_id, err);
	if (!fail)
		fail = settings_require_text(t, "api_hash", err);
	if (!fail)
		fail = config_text(t, "api_hash", s->api_hash,
				   sizeof(s->api_hash), err);
	s->api_id = (int32_t)api_id;
	if (!fail)
		fail = settings_read_link(&s->link, c, err);
	if (!fail)
		fail = read_dcs(s, t, err);
	if (!fail)
		fail = read_keys(s, t, err);
	if (!fail)
		fail = read_versions(s, t, err);
	return fail;
}

/* -- SIP ---------------------------------------------------------------------
 */

/* RFC 7118 10: the ports of HTTP and HTTPS. */
#define WS_PORT 80
#define WSS_PORT 443

struct address_list {
	struct sa *list;
	size_t max, *n;
	uint16_t port; /* when none is given */
};

static int read_addresses(const struct address_list *a,
			  struct config_section *sip, const char *key,
			  struct config_error *err)
{
	struct sa *list = a->list;
	const char *text;
	size_t *n = a->n;

	for (size_t i = 0; (text = config_value(sip, key, i)); i++) {
		if (*n == a->max || sa_decode(&list[*n], text, strlen(text)))
			return config_fail(sip, key, i, err,
					   "%s is ADDRESS:PORT, with a "
					   "literal address",
					   key);
		if (!sa_port(&list[*n]))
			sa_set_port(&list[*n], a->port);
		++*n;
	}
	return 0;
}

/* Our own certificate stands in the data folder. */
static int read_tls(struct settings *s, struct config_section *sip,
		    struct config_error *err)
{
	struct worker_conf *w = &s->worker;
	const struct address_list tls = {w->tls, WORKER_LISTEN_MAX, &w->tls_n,
					 SIP_PORT_TLS};
	const struct address_list ws = {w->ws, WORKER_LISTEN_MAX, &w->ws_n,
					WS_PORT};
	const struct address_list wss = {w->wss, WORKER_LISTEN_MAX, &w->wss_n,
					 WSS_PORT};
	int fail = read_addresses(&tls, sip, "tls", err);

	if (!fail)
		fail = read_addresses(&ws, sip, "ws", err);
	if (!fail)
		fail = read_addresses(&wss, sip, "wss", err);
	if (!fail)
		fail = config_text(sip, "certificate", s->certificate,
				   sizeof(s->certificate), err);
	if (!fail)
		fail = config_text(sip, "private_key", s->private_key,
				   sizeof(s->private_key), err);
	if (!fail)
		fail = config_text(sip, "ca_file", s->ca_file,
				   sizeof(s->ca_file), err);
	if (!fail && s->private_key[0] && !s->certificate[0])
		fail = config_fail(sip, "private_key", 0, err,
				   "private_key needs a certificate");
	snprintf(s->own_certificate, sizeof(s->own_certificate),
		 "%s/certificate.pem", s->data);
	w->certificate = s->certificate;
	w->private_key = s->private_key;
	w->ca_file = s->ca_file;
	w->own_certificate = s->own_certificate;
	return fail;
}

static int read_listen(struct settings *s, struct config_section *sip,
		       struct config_error *err)
{
	struct worker_conf *w = &s->worker;
	const struct address_list udp = {w->listen, WORKER_LISTEN_MAX,
					 &w->listen_n, SIP_PORT};
	const struct address_list dns = {w->dns, WORKER_DNS_MAX, &w->dns_n, 53};
	int fail = read_addresses(&udp, sip, "listen", err);

	if (!fail)
		fail = read_addresses(&dns, sip, "dns", err);
	if (!fail && !w->listen_n) {
		sa_set_str(&w->listen[0], "0.0.0.0", SIP_PORT);
		w->listen_n = 1;
	}
	return fail ? fail : read_tls(s, sip, err);
}

static int read_rtp_range(struct settings *s, struct config_section *sip,
			  struct config_error *err)
{
	const char *text = config_value(sip, "rtp", 0);
	unsigned first = 16384, last = 32768;
	char tail;

	if (text && (sscanf(text, "%u-%u%c", &first, &last, &tail) != 2 ||
		     first < 1024 || last > 65535 || last <= first))
		return config_fail(sip, "rtp", 0, err,
				   "rtp is FIRST-LAST, ports from 1024");
	s->worker.rtp_first = (uint16_t)first;
	s->worker.rtp_last = (uint16_t)last;
	return 0;
}

static int read_address(struct config_section *c, const char *key, char *dst,
			size_t room, struct config_error *err)
{
	struct sa sa;
	int fail = config_text(c, key, dst, room, err);

	if (!fail && *dst && sa_set_str(&sa, dst, 0))
		fail = config_fail(c, key, 0, err, "%s is a literal address",
				   key);
	return fail;
}

static int read_sip(struct settings *s, struct config *c,
		    struct config_error *err)
{
	struct config_section *sip = config_section(c, "sip", 0);
	struct worker_conf *w = &s->worker;
	uint64_t threads = 0, device_s = 15, ring_s = 180;
	bool registrar = true;
	int fail = read_listen(s, sip, err);

	w->tcp = true;
	snprintf(s->realm, sizeof(s->realm), "gramline");
	if (!fail)
		fail = read_rtp_range(s, sip, err);
	if (!fail)
		fail = config_bool(sip, "tcp", &w->tcp, err);
	if (!fail)
		fail = config_text(sip, "realm", s->realm, sizeof(s->realm),
				   err);
	if (!fail)
		fail = read_address(sip, "public_address", s->public_address,
				    sizeof(s->public_address), err);
	if (!fail)
		fail = config_uint(sip, "media_threads", 0, 32, &threads, err);
	if (!fail)
		fail = config_uint(sip, "device_timeout", 1, 300, &device_s,
				   err);
	if (!fail)
		fail = config_uint(sip, "ring_timeout", 1, 3600, &ring_s, err);
	if (!fail)
		fail = config_bool(sip, "log_digits", &w->log_digits, err);
	if (!fail)
		fail = config_bool(sip, "registrar", &registrar, err);
	w->no_registrar = !registrar;
	if (!fail)
		fail = settings_guard_read(w, sip, err);
	if (!fail)
		fail = read_address(config_section(c, "telegram", 0),
				    "media_address", s->telegram_bind,
				    sizeof(s->telegram_bind), err);
	if (!fail)
		fail = config_bool(config_section(c, "telegram", 0),
				   "media_loopback", &w->telegram_loopback,
				   err);
	w->media_threads = (unsigned)threads;
	w->device_timeout_ms = (unsigned)device_s * 1000;
	w->ring_timeout_ms = (unsigned)ring_s * 1000;
	w->realm = s->realm;
	w->public_address = s->public_address[0] ? s->public_address : NULL;
	w->telegram_bind = s->telegram_bind[0] ? s->telegram_bind : NULL;
	memcpy(w->versions, s->versions, sizeof(w->versions));
	w->versions_n = s->versions_n;
	return fail;
}

/* -- sessions ----------------------------------------------------------------
 */

/* "calls,keypad": a list; nothing: all of them. */
static int read_features(struct config_section *x, unsigned *features,
			 struct config_error *err)
{
	char text[64] = "", *at = text, *name;
	int fail = config_text(x, "features", text, sizeof(text), err);

	while (!fail && (name = strsep(&at, ",")) && (*name || *features)) {
		unsigned one;

		while (*name == ' ')
			name++;
		one = tg_feature_of(name);
		if (!one)
			return config_fail(x, "features", 0, err,
					   "a feature is calls, keypad, "
					   "messages or bot");
		*features |= one;
	}
	return fail;
}

/* Budgets are guesses at what Telegram bears (telegram-wire C.1, F 23). */
static int read_use(struct config_section *x, struct tg_use *use,
		    struct config_error *err)
{
	uint64_t peers = 200, lookups = 300;
	bool messages = true;
	int fail = read_features(x, &use->features, err);

	if (!fail)
		fail = config_uint(x, "new_peers_per_day", 0, 100000, &peers,
				   err);
	if (!fail)
		fail = config_uint(x, "lookups_per_day", 0, 100000, &lookups,
				   err);
	if (!fail)
		fail = config_bool(x, "import_contacts", &use->import_contacts,
				   err);
	if (!fail)
		fail = config_bool(x, "messages", &messages, err);
	use->silent = !messages;
	use->new_peers_per_day = (unsigned)peers;
	use->lookups_per_day = (unsigned)lookups;
	return fail;
}

static int read_sessions(struct settings *s, struct config *c,
			 struct config_error *err)
{
	struct config_section *x;

	for (size_t i = 0; (x = config_section(c, "session", i)); i++) {
		size_t n = s->sessions_n;
		uint64_t max_calls = 0;
		int fail;

		if (n == SETTINGS_SESSIONS_MAX || !*x->name ||
		    strlen(x->name) >= sizeof(s->sessions[0]))
			return config_fail(x, NULL, 0, err,
					   "a session needs a name of at most "
					   "63 characters");
		memcpy(s->sessions[n], x->name, strlen(x->name) + 1);
		s->session_list[n] = s->sessions[n];
		fail = config_text(x, "phone", s->phones[n],
				   sizeof(s->phones[n]), err);
		if (!fail)
			fail = read_use(x, &s->uses[n], err);
		memcpy(s->members[n].name, x->name, strlen(x->name) + 1);
		if (!fail)
			fail = config_text(x, "owner", s->members[n].owner,
					   sizeof(s->members[n].owner), err);
		if (!fail)
			fail = config_uint(x, "max_calls", 0, 10000, &max_calls,
					   err);
		s->members[n].max_calls = (unsigned)max_calls;
		if (fail)
			return fail;
		s->sessions_n++;
	}
	return 0;
}

int settings_read(struct settings **sp, const char *path,
		  struct config_error *err)
{
	struct settings *s = calloc(1, sizeof(*s));
	struct config *c = NULL;
	int fail;

	if (!s)
		return -ENOMEM;
	s->log = LOG_LEVEL_INFO;
	if (strlen(path) < sizeof(s->path))
		memcpy(s->path, path, strlen(path) + 1);
	fail = config_read_file(&c, path, err);
	if (!fail)
		fail = read_general(s, c, err);
	if (!fail)
		fail = read_telegram(s, c, path, err);
	if (!fail)
		fail = read_sip(s, c, err);
	if (!fail)
		fail = read_sessions(s, c, err);
	if (!fail)
		fail = settings_trunks_read(s, c, err);
	if (!fail)
		fail = config_unused(c, err);
	config_free(&c);
	if (fail) {
		settings_free(&s);
		return fail;
	}
	*sp = s;
	return 0;
}

struct manager_declared settings_declared(const struct settings *s)
{
	return (struct manager_declared){s->trunks, s->trunks_n, s->members,
					 s->sessions_n};
}

void settings_free(struct settings **sp)
{
	struct settings *s = *sp;

	if (!s)
		return;
	*sp = NULL;
	mtp_rsa_free(&s->rsa);
	if (s->trunks)
		bytes_wipe(s->trunks, s->trunks_n * sizeof(*s->trunks));
	free(s->trunks);
	bytes_wipe(s, sizeof(*s));
	free(s);
}
