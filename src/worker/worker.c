/* The Worker: SIP stack, trunks as the Manager announced them, calls. */
#include "worker/worker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "bus/manager_worker.h"
#include "bus/text.h"
#include "bus/worker_storage.h"
#include "sip/certificate.h"
#include "worker/internal.h"

void worker_publish(struct worker *w, const char *subject, json_t *body)
{
	if (bus_publish(w->bus, subject, body))
		log_error("worker", NULL, "no memory for %s", subject);
}

/* -- the role ---------------------------------------------------------------
 */

static void on_trunks(const struct bus_message *m, void *arg)
{
	struct worker *w = arg;

	if (json_is_true(json_object_get(m->body, "gone"))) {
		w->trunks_at = 0;
		return;
	}
	worker_trunks_read(w, json_object_get(m->body, "trunks"));
	worker_records_again(w);
}

static json_t *calls_json(const struct worker *w)
{
	json_t *ids = json_array();
	struct le *le;

	LIST_FOREACH(&w->calls, le)
	{
		const struct worker_call *wc = le->data;

		json_array_append_new(ids, json_string(wc->id));
	}
	return ids;
}

/* Where PBXs find us, for people to read. */
static void address_write(const struct worker *w, char text[128])
{
	const struct sa *sa = &w->conf.listen[0];

	if (w->public_address[0])
		re_snprintf(text, 128, "%s:%u", w->public_address, sa_port(sa));
	else if (!sa_is_any(sa) || gethostname(text, 100))
		re_snprintf(text, 128, "%J", sa);
	else
		re_snprintf(text + strlen(text), 28, ":%u", sa_port(sa));
}

/* Records that it missed come before the calls that are left. */
static json_t *certificates_json(const struct worker *w)
{
	json_t *certificates = json_object();
	int64_t end;

	if ((w->conf.tls_n || w->conf.wss_n) && w->conf.certificate &&
	    !sip_certificate_end(&end, w->conf.certificate))
		json_object_set_new(certificates, w->conf.certificate,
				    json_integer(end));
	return certificates;
}

static void greet(struct worker *w)
{
	char address[128];

	address_write(w, address);
	worker_records_again(w);
	worker_publish(w, BUS_MANAGER_HELLO,
		       json_pack("{ss ss sb so so}", "worker", w->id, "address",
				 address, "registrar", !w->conf.no_registrar,
				 "calls", calls_json(w), "certificates",
				 certificates_json(w)));
}

static void on_manager_up(const struct bus_message *m, void *arg)
{
	greet(arg);
	worker_trunks_tell(arg);
}

static void on_show(const struct bus_message *m, void *arg)
{
	struct worker *w = arg;
	const char *what = text_of(m->body, "what");
	json_t *rows;

	if (strcmp(what, "status") == 0)
		rows = worker_show_status(w);
	else if (strcmp(what, "bans") == 0)
		rows = worker_show_bans(w);
	else if (strcmp(what, "refused") == 0)
		rows = worker_show_refused(w);
	else
		rows = worker_show_calls(w);
	bus_reply(w->bus, m->inbox, json_pack("{so}", "rows", rows));
}

static void on_bye(const struct bus_message *m, void *arg)
{
	struct worker *w = arg;
	int err = sip_stack_bye_kept(w->sip, text_of(m->body, "dialog"));

	if (err)
		log_warn("worker", NULL, "BYE for an earlier dialog: %s",
			 strerror(-err));
}

static void on_ban(const struct bus_message *m, void *arg)
{
	worker_ban_take(arg, m->body);
}

static int subscribe(struct worker *w, const char *format, bus_h *handler)
{
	char subject[96];
	int err;

	re_snprintf(subject, sizeof(subject), format, w->id);
	err = bus_subscribe(&w->subs[w->subs_n], w->bus, subject, handler, w);
	if (!err)
		w->subs_n++;
	return err;
}

static int subscribe_all(struct worker *w)
{
	static const struct {
		const char *subject;
		bus_h *handler;
	} table[] = {
		{BUS_WORKER_TRUNKS, on_trunks},
		{BUS_MANAGER_UP, on_manager_up},
		{BUS_WORKER_CALL_OFFER, worker_on_offer},
		{BUS_WORKER_CALL_EVENT, worker_on_call_event},
		{BUS_WORKER_SHOW, on_show},
		{BUS_WORKER_EXPLAIN, worker_on_explain},
		{BUS_WORKER_BYE, on_bye},
		{BUS_WORKER_BAN, on_ban},
		{BUS_WORKER_BAN_ADD, worker_on_ban_add},
		{BUS_WORKER_BAN_LIFT, worker_on_ban_lift},
		{BUS_WORKER_DIGITS, worker_on_digits},
		{BUS_WORKER_CAPTURE, worker_on_capture},
	};
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(table) && !err; i++)
		err = subscribe(w, table[i].subject, table[i].handler);
	return err;
}

static int start_sip(struct worker *w)
{
	struct sip_stack_conf conf = {
		.listen_n = w->conf.listen_n,
		.tcp = w->conf.tcp,
		.realm = w->realm,
		.user_agent = "Gramline/" GRAMLINE_VERSION,
		.public_address =
			w->public_address[0] ? w->public_address : NULL,
		.tls = w->tls,
		.tls_listen_n = w->conf.tls_n,
		.ws_listen_n = w->conf.ws_n,
		.wss_listen_n = w->conf.wss_n,
		.dns_n = w->conf.dns_n,
		.expires_min_s = 60,
		.expires_max_s = 3600,
		.expires_default_s = 300,
		.never_ban = w->conf.never_ban,
		.never_ban_n = w->conf.never_ban_n,
		.rate_limit = w->conf.rate_limit,
		.drop_agents_n = w->conf.drop_agents_n,
		.handlers = {.admit = worker_trunk_admit,
			     .peer = worker_trunk_peer,
			     .known = worker_trunk_known,
			     .banned = worker_banned,
			     .credentials = worker_trunk_credentials,
			     .calling = worker_trunk_calling,
			     .registering = worker_trunk_registering,
			     .unregistered = worker_trunk_unregistered,
			     .traced = worker_sip_traced,
			     .incoming = worker_on_invite},
		.arg = w,
	};

	memcpy(conf.drop_agents, w->conf.drop_agents, sizeof(conf.drop_agents));
	memcpy(conf.listen, w->conf.listen, sizeof(conf.listen));
	memcpy(conf.tls_listen, w->conf.tls, sizeof(conf.tls_listen));
	memcpy(conf.ws_listen, w->conf.ws, sizeof(conf.ws_listen));
	memcpy(conf.wss_listen, w->conf.wss, sizeof(conf.wss_listen));
	memcpy(conf.dns, w->conf.dns, sizeof(conf.dns));
	return sip_stack_new(&w->sip, &conf);
}

static int start_tls(struct worker *w, const char **why)
{
	const struct sip_tls_conf conf = {
		.certificate = w->conf.certificate,
		.private_key = w->conf.private_key,
		.ca_file = w->conf.ca_file,
		.own = w->conf.own_certificate,
		.host = w->public_address[0] ? w->public_address : w->realm,
	};

	return w->conf.tls_n || w->conf.wss_n ? sip_tls_new(&w->tls, &conf, why)
					      : 0;
}

static int start_threads(struct worker *w)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	size_t n = w->conf.media_threads
			   ? w->conf.media_threads
			   : (size_t)(processors > 0 ? processors : 1);

	if (n > sizeof(w->threads) / sizeof(*w->threads))
		n = sizeof(w->threads) / sizeof(*w->threads);
	while (w->threads_n < n) {
		int err = media_thread_new(&w->threads[w->threads_n]);

		if (err)
			return err;
		w->threads_n++;
	}
	return 0;
}

static void copy_conf(struct worker *w, const struct worker_conf *conf)
{
	w->conf = *conf;
	w->bus = conf->bus;
	snprintf(w->id, sizeof(w->id), "%s", conf->id);
	snprintf(w->realm, sizeof(w->realm), "%s",
		 conf->realm ? conf->realm : "gramline");
	snprintf(w->public_address, sizeof(w->public_address), "%s",
		 conf->public_address ? conf->public_address : "");
	snprintf(w->telegram_bind, sizeof(w->telegram_bind), "%s",
		 conf->telegram_bind ? conf->telegram_bind : "");
}

int worker_new(struct worker **wp, const struct worker_conf *conf,
	       const char **why)
{
	struct worker *w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return -ENOMEM;
	copy_conf(w, conf);
	tmr_init(&w->trim);
	w->started_at = clock_now();
	*why = "media threads";
	err = mailbox_new(&w->mailbox);
	if (!err)
		err = start_threads(w);
	if (!err)
		err = worker_captures_new(&w->captures);
	if (!err) {
		*why = "RTP port range";
		err = rtp_ports_new(&w->ports, conf->rtp_first, conf->rtp_last);
	}
	if (!err)
		err = start_tls(w, why);
	if (!err) {
		*why = "SIP listening address";
		err = start_sip(w);
	}
	if (!err) {
		*why = "bus";
		err = subscribe_all(w);
	}
	if (err) {
		worker_free(&w);
		return err;
	}
	greet(w);
	*wp = w;
	return 0;
}

static void stop_now(void *arg)
{
	worker_stop_when_empty(arg);
}

void worker_stop(struct worker *w, void (*done)(void *arg), void *arg)
{
	struct le *le;

	w->stopping = true;
	w->stopped = done;
	w->stopped_arg = arg;
	for (le = list_head(&w->calls); le; le = le->next) {
		struct worker_call *wc = le->data;

		if (wc->call && !wc->call_over)
			worker_call_end(wc, call_state(wc->call) == CALL_UP
						    ? CAUSE_NORMAL
						    : CAUSE_WORKER_UNAVAILABLE);
	}
	mailbox_post(w->mailbox, stop_now, w);
}

/* Calls that had no time to end. Those with media are freed when the mailbox
 * hands out that it has closed. */
static void drop_calls(struct worker *w)
{
	struct le *le = list_head(&w->calls);

	while (le) {
		struct worker_call *wc = le->data;

		le = le->next;
		if (wc->call_over)
			continue;
		call_free(&wc->call);
		worker_call_discard(wc);
	}
}

void worker_free(struct worker **wp)
{
	struct worker *w = *wp;

	if (!w)
		return;
	*wp = NULL;
	tmr_cancel(&w->trim);
	while (w->subs_n)
		bus_unsubscribe(&w->subs[--w->subs_n]);
	w->stopped = NULL;
	drop_calls(w);
	worker_records_drop(w);
	worker_publish(w, BUS_MANAGER_BYE, json_pack("{ss}", "worker", w->id));
	list_flush(&w->trunks); /* registrations are given up over SIP */
	sip_stack_free(&w->sip);
	sip_tls_free(&w->tls);
	while (w->threads_n)
		media_thread_free(&w->threads[--w->threads_n]);
	mailbox_free(&w->mailbox);
	worker_captures_free(&w->captures);
	rtp_ports_free(&w->ports);
	free(w);
}
