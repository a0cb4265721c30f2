/* The Worker: SIP stack, trunks as the Manager announced them, calls. */
#include "worker/worker.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/random.h"
#include "bus/manager_worker.h"
#include "bus/text.h"
#include "bus/worker_storage.h"
#include "worker/internal.h"

#define ROUTE_TIMEOUT_MS 5000
/* Behaviour 2.3: 10 s without RTP end the call. */
#define RTP_SILENCE_MS 10000
#define TRIM_AFTER_MS 1000
/* RFC 3261 timers H and J: finished transactions linger for 64 * T1. */
#define TRIM_AGAIN_MS 36000

#define COPY(dst, o, key) text_copy(dst, sizeof(dst), o, key)

void worker_publish(struct worker *w, const char *subject, json_t *body)
{
	if (bus_publish(w->bus, subject, body))
		log_error("worker", NULL, "no memory for %s", subject);
}

/* -- calls ------------------------------------------------------------------
 */

struct worker_call *worker_call_find(struct worker *w, const char *id)
{
	struct le *le;

	LIST_FOREACH(&w->calls, le)
	{
		struct worker_call *wc = le->data;

		if (strcmp(wc->id, id) == 0)
			return wc;
	}
	return NULL;
}

static void stop_when_empty(struct worker *w)
{
	if (!w->stopping || !list_isempty(&w->calls) || !w->stopped)
		return;
	void (*stopped)(void *arg) = w->stopped;

	w->stopped = NULL;
	stopped(w->stopped_arg);
}

/* What the busiest hour took goes back to the system when it is over: the
 * heaps of many threads would keep it, in pieces, and more after each hour. */
static void memory_return(void *arg)
{
	struct worker *w = arg;

	if (!list_isempty(&w->calls))
		return;
	malloc_trim(0);
	if (w->trimmed_once) {
		log_info("worker", NULL, "idle: unused memory is given back");
		return;
	}
	w->trimmed_once = true;
	tmr_start(&w->trim, TRIM_AGAIN_MS, memory_return, w);
}

/* Gone when both the state machine and the media are. */
static void release_when_over(struct worker_call *wc)
{
	struct worker *w = wc->worker;

	if (!wc->call_over || wc->media_open)
		return;
	worker_publish(w, BUS_MANAGER_CALL_RECORD,
		       json_pack("{ss so}", "call", wc->id, "record",
				 worker_record(wc)));
	list_unlink(&wc->le);
	free(wc);
	if (list_isempty(&w->calls)) {
		w->trimmed_once = false;
		tmr_start(&w->trim, TRIM_AFTER_MS, memory_return, w);
	}
	stop_when_empty(w);
}

struct worker_call *worker_call_new(struct worker *w, bool to_telegram,
				    const char *id)
{
	struct worker_call *wc = calloc(1, sizeof(*wc));

	if (!wc)
		return NULL;
	wc->worker = w;
	wc->to_telegram = to_telegram;
	if (id)
		snprintf(wc->id, sizeof(wc->id), "%s", id);
	else
		random_text(wc->id, 16);
	list_append(&w->calls, &wc->le, wc);
	return wc;
}

static void call_discard(struct worker_call *wc)
{
	wc->call_over = true;
	if (wc->media)
		media_call_close(&wc->media);
	if (wc->media_open)
		return;
	list_unlink(&wc->le);
	free(wc);
}

static void on_media_signal(struct bytes blob, void *arg)
{
	struct worker_call *wc = arg;

	if (wc->telegram_leg)
		telegram_leg_signal(wc->telegram_leg, blob);
}

static void on_media_state(enum tgcall_state state, void *arg)
{
	struct worker_call *wc = arg;

	if (wc->telegram_leg)
		telegram_leg_media(wc->telegram_leg, state);
}

void worker_call_digit(struct worker_call *wc, char digit)
{
	size_t n = strlen(wc->digits_masked);

	wc->digits++;
	/* Values only behind a setting, and masked: PINs are dialled here. */
	if (!wc->worker->conf.log_digits || n + 1 >= sizeof(wc->digits_masked))
		return;
	if (n > 0)
		wc->digits_masked[n - 1] = '*';
	wc->digits_masked[n] = digit;
}

static void on_media_digit(char digit, unsigned duration_ms, void *arg)
{
	worker_call_digit(arg, digit);
}

static void on_media_silent(void *arg)
{
	struct worker_call *wc = arg;
	struct call_cause cause;

	if (wc->call_over)
		return;
	call_cause_set(&cause, CAUSE_REQUEST_TIMEOUT, NULL);
	log_info("worker", wc->id, "no RTP from SIP for %d s",
		 RTP_SILENCE_MS / 1000);
	call_end(wc->call, &cause);
}

static void on_media_closed(const struct media_call_report *report, void *arg)
{
	struct worker_call *wc = arg;

	wc->report = *report;
	wc->media_open = false;
	if (wc->call)
		release_when_over(wc);
	else
		call_discard(wc);
}

/* A tick of few threads with many calls each costs less than one of many
 * (caches, wake-ups): a thread is filled before the next is used. */
static size_t thread_choose(const struct worker *w)
{
	unsigned calls[WORKER_THREADS_MAX] = {0};
	size_t best = 0;

	for (struct le *le = list_head(&w->calls); le; le = le->next) {
		const struct worker_call *wc = le->data;

		if (wc->media_open)
			calls[wc->thread]++;
	}
	for (size_t i = 1; i < w->threads_n; i++)
		if (calls[best] >= WORKER_THREAD_FULL && calls[i] < calls[best])
			best = i;
	return best;
}

int worker_call_open_media(struct worker_call *wc, const struct sa *peer)
{
	struct worker *w = wc->worker;
	size_t thread = thread_choose(w);
	struct media_call_conf conf = {
		.thread = w->threads[thread],
		.control = w->mailbox,
		.ports = w->ports,
		.silence_limit_ms = RTP_SILENCE_MS,
		.events = {.signal = on_media_signal,
			   .telegram = on_media_state,
			   .digit = on_media_digit,
			   .silent = on_media_silent,
			   .closed = on_media_closed},
		.arg = wc,
	};
	int err;

	/* Bound to the family the peer uses; the wildcard, so that answers
	 * leave by whatever way leads to the peer. */
	err = -sa_set_str(&conf.address,
			  sa_af(peer) == AF_INET6 ? "::" : "0.0.0.0", 0);
	if (!err)
		err = media_call_new(&wc->media, &conf);
	if (err)
		return err;
	wc->thread = thread;
	wc->media_open = true;
	return 0;
}

static void on_call_ended(struct call *c, void *arg)
{
	struct worker_call *wc = arg;

	wc->times = *call_times(c);
	wc->cause = *call_cause(c);
	snprintf(wc->ended_by, sizeof(wc->ended_by), "%s", call_ended_by(c));
	wc->call_over = true;
	if (wc->media)
		media_call_close(&wc->media);
	release_when_over(wc);
}

static void on_call_state(struct call *c, enum call_state state, void *arg)
{
	struct worker_call *wc = arg;
	struct call_leg *leg = call_deciding_leg(c);

	/* Of several phones, the one that answered or told why not. */
	if (!wc->to_telegram && leg)
		sip_leg_name(leg);
	if (state == CALL_UP)
		worker_call_keep(wc);
}

int worker_call_begin(struct worker_call *wc, struct call_leg *calling)
{
	struct call_conf conf = {
		.device_timeout_ms =
			wc->to_telegram ? wc->worker->conf.device_timeout_ms
					: 60000,
		.ring_timeout_ms = wc->worker->conf.ring_timeout_ms,
		.handlers = {.state = on_call_state, .ended = on_call_ended},
		.arg = wc,
	};

	snprintf(conf.id, sizeof(conf.id), "%s", wc->id);
	return call_new(&wc->call, &conf, calling);
}

void worker_call_keep(struct worker_call *wc)
{
	char when[32];

	if (!wc->call)
		return;
	worker_publish(
		wc->worker, BUS_MANAGER_CALL_OPEN,
		json_pack("{ss ss s{ss ss ss ss ss ss ss ss ss ss}}", "call",
			  wc->id, "worker", wc->worker->id, "keep", "direction",
			  wc->to_telegram ? "sip-to-telegram"
					  : "telegram-to-sip",
			  "trunk", wc->trunk, "session", wc->session, "storage",
			  wc->storage, "from", wc->from, "to", wc->to,
			  "telegram_id", wc->telegram_id, "access_hash",
			  wc->access_hash, "dialog", wc->dialog, "invite",
			  wall_iso8601(when, call_times(wc->call)->created)));
}

static void end_call(struct worker_call *wc, enum cause_row row)
{
	struct call_cause cause;

	call_cause_set(&cause, row, NULL);
	call_end(wc->call, &cause);
}

/* -- SIP -> Telegram --------------------------------------------------------
 */

/* The call may be over when the Manager answers: it is looked up again. */
struct route_request {
	struct worker *worker;
	char id[33];
};

static void route_answered(struct worker_call *wc, int err, json_t *answer)
{
	struct call_leg *telegram = NULL;
	struct call_cause cause;
	json_t *peer;

	if (err) {
		end_call(wc, CAUSE_NO_MANAGER);
		return;
	}
	if (!json_is_true(json_object_get(answer, "ok"))) {
		call_cause_remote(&cause,
				  (int)json_integer_value(
					  json_object_get(answer, "code")),
				  text_of(answer, "reason"));
		cause.remote = false;
		cause.hop = CAUSE_HOP_GATEWAY;
		call_end(wc->call, &cause);
		return;
	}
	COPY(wc->session, answer, "session");
	COPY(wc->storage, answer, "storage");
	peer = json_object_get(answer, "peer");
	if (telegram_leg_new_outgoing(&telegram, wc, text_of(peer, "kind"),
				      text_of(peer, "value"))) {
		end_call(wc, CAUSE_WORKER_UNAVAILABLE);
		return;
	}
	worker_call_keep(wc);
	call_add(wc->call, telegram);
	call_added_all(wc->call);
}

static void on_route(int err, json_t *answer, void *arg)
{
	struct route_request *r = arg;
	struct worker_call *wc =
		err == -ECANCELED ? NULL : worker_call_find(r->worker, r->id);

	free(r);
	if (wc && !wc->call_over && call_state(wc->call) != CALL_ENDED)
		route_answered(wc, err, answer);
}

/* codec: the offer has one in common with the trunk; the Manager refuses in
 * its turn (behaviour 3.4). */
static int ask_route(struct worker_call *wc, const char *identifier, bool codec)
{
	struct route_request *r = calloc(1, sizeof(*r));
	char clean[256];
	int err;

	if (!r)
		return -ENOMEM;
	text_clean(clean, sizeof(clean), bytes_str(identifier));
	r->worker = wc->worker;
	memcpy(r->id, wc->id, sizeof(r->id));
	err = bus_request(wc->worker->bus, BUS_MANAGER_ROUTE,
			  json_pack("{ss ss ss ss sb}", "call", wc->id,
				    "worker", wc->worker->id, "trunk",
				    wc->trunk, "identifier", clean, "codec",
				    codec),
			  ROUTE_TIMEOUT_MS, on_route, r);
	if (err)
		free(r);
	return err;
}

static void reject(struct sip_session *s, enum cause_row row)
{
	struct call_cause cause;

	call_cause_set(&cause, row, NULL);
	sip_session_reject(s, cause.code, cause.reason, NULL, 0);
}

/* Whom the PBX calls. One we registered with sends to our contact, so the
 * number may stand in To only. */
static const char *called_at(const struct worker_trunk *t,
			     const struct sip_session_info *info)
{
	if (t->kind == TRUNK_GATEWAY_TO_PBX &&
	    strcmp(info->request_user, t->login) == 0)
		return info->to_user;
	return info->request_user;
}

static void on_invite(struct sip_session *s, const char *user, void *arg)
{
	struct worker *w = arg;
	struct worker_trunk *trunk;
	struct sip_session_info info;
	struct worker_call *wc;
	struct call_leg *leg = NULL;
	char masked[32];
	bool codec;

	sip_session_info(s, &info);
	trunk = user ? worker_trunk_by_login(w, user)
		     : worker_trunk_by_name(w, info.peer);
	if (!trunk) {
		reject(s, CAUSE_ACCOUNT_NOT_RUNNING);
		return;
	}
	wc = worker_call_new(w, true, NULL);
	if (!wc) {
		reject(s, CAUSE_WORKER_UNAVAILABLE);
		return;
	}
	snprintf(wc->trunk, sizeof(wc->trunk), "%s", trunk->name);
	snprintf(wc->session, sizeof(wc->session), "%s", trunk->session);
	text_clean(wc->from, sizeof(wc->from), bytes_str(info.from_user));
	text_clean(wc->to, sizeof(wc->to), bytes_str(called_at(trunk, &info)));
	log_info("worker", wc->id, "INVITE %s from trunk %s, SIP call %s",
		 log_mask_number(masked, wc->to), trunk->name, info.call_id);
	if (sip_leg_new_incoming(&leg, wc, s, trunk)) {
		reject(s, CAUSE_WORKER_UNAVAILABLE);
		call_discard(wc);
		return;
	}
	if (worker_call_begin(wc, leg)) {
		leg->ops->release(leg);
		reject(s, CAUSE_WORKER_UNAVAILABLE);
		call_discard(wc);
		return;
	}
	codec = sip_leg_has_codec(leg);
	if (codec && sip_leg_open_media(leg))
		end_call(wc, CAUSE_NO_RESOURCES);
	else if (ask_route(wc, called_at(trunk, &info), codec))
		end_call(wc, CAUSE_NO_MANAGER);
}

/* -- Telegram -> SIP --------------------------------------------------------
 */

static void add_target(struct worker_call *wc, json_t *t, json_t *caller)
{
	struct sip_leg_target target = {
		.trunk = worker_trunk_by_name(wc->worker, text_of(t, "trunk")),
		.from_user = text_of(t, "from_user"),
		.from_name = text_of(t, "from_name"),
		.caller = caller,
	};
	struct call_leg *leg = NULL;

	if (!target.trunk || sip_leg_new_outgoing(&leg, wc, &target))
		return;
	if (!wc->trunk[0])
		sip_leg_name(leg);
	leg->priority =
		(unsigned)json_integer_value(json_object_get(t, "priority"));
	call_add(wc->call, leg);
}

static void on_offer(const struct bus_message *m, void *arg)
{
	struct worker *w = arg;
	json_t *caller = json_object_get(m->body, "caller");
	json_t *targets = json_object_get(m->body, "targets");
	struct call_leg *leg = NULL;
	struct worker_call *wc;
	bool loop;

	if (worker_call_find(w, text_of(m->body, "call")))
		return;
	wc = worker_call_new(w, false, text_of(m->body, "call"));
	if (!wc)
		return;
	COPY(wc->session, m->body, "session");
	COPY(wc->storage, m->body, "storage");
	COPY(wc->telegram_id, m->body, "telegram_id");
	COPY(wc->access_hash, m->body, "access_hash");
	COPY(wc->telegram_user, caller, "id");
	loop = json_is_true(json_object_get(m->body, "caller_is_gateway"));
	if (telegram_leg_new_incoming(&leg, wc)) {
		call_discard(wc);
		return;
	}
	if (worker_call_begin(wc, leg)) {
		leg->ops->release(leg);
		call_discard(wc);
		return;
	}
	log_info("worker", wc->id, "Telegram user %s calls session %s",
		 wc->telegram_user, wc->session);
	if (loop) {
		end_call(wc, CAUSE_CALLER_IS_GATEWAY);
		return;
	}
	if (!w->stopping)
		for (size_t i = 0; i < json_array_size(targets); i++)
			add_target(wc, json_array_get(targets, i), caller);
	worker_call_keep(wc);
	call_added_all(wc->call);
}

static void on_call_event(const struct bus_message *m, void *arg)
{
	struct worker_call *wc =
		worker_call_find(arg, text_of(m->body, "call"));

	if (wc && wc->telegram_leg)
		telegram_leg_event(wc->telegram_leg, m->body);
}

/* -- the role ---------------------------------------------------------------
 */

static void on_trunks(const struct bus_message *m, void *arg)
{
	worker_trunks_read(arg, json_object_get(m->body, "trunks"));
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
	int err = subscribe(w, BUS_WORKER_TRUNKS, on_trunks);

	if (!err)
		err = subscribe(w, BUS_WORKER_CALL_OFFER, on_offer);
	if (!err)
		err = subscribe(w, BUS_WORKER_CALL_EVENT, on_call_event);
	if (!err)
		err = subscribe(w, BUS_WORKER_SHOW, on_show);
	if (!err)
		err = subscribe(w, BUS_WORKER_BYE, on_bye);
	if (!err)
		err = subscribe(w, BUS_WORKER_BAN, on_ban);
	if (!err)
		err = subscribe(w, BUS_WORKER_BAN_ADD, worker_on_ban_add);
	if (!err)
		err = subscribe(w, BUS_WORKER_BAN_LIFT, worker_on_ban_lift);
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
		.expires_min_s = 60,
		.expires_max_s = 3600,
		.expires_default_s = 300,
		.never_ban = w->conf.never_ban,
		.never_ban_n = w->conf.never_ban_n,
		.handlers = {.admit = worker_trunk_admit,
			     .peer = worker_trunk_peer,
			     .known = worker_trunk_known,
			     .banned = worker_banned,
			     .credentials = worker_trunk_credentials,
			     .registering = worker_trunk_registering,
			     .unregistered = worker_trunk_unregistered,
			     .incoming = on_invite},
		.arg = w,
	};

	memcpy(conf.listen, w->conf.listen, sizeof(conf.listen));
	return sip_stack_new(&w->sip, &conf);
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
	*why = "media threads";
	err = mailbox_new(&w->mailbox);
	if (!err)
		err = start_threads(w);
	if (!err) {
		*why = "RTP port range";
		err = rtp_ports_new(&w->ports, conf->rtp_first, conf->rtp_last);
	}
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
	worker_publish(w, BUS_MANAGER_HELLO,
		       json_pack("{ss}", "worker", w->id));
	*wp = w;
	return 0;
}

static void stop_now(void *arg)
{
	stop_when_empty(arg);
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
			end_call(wc, call_state(wc->call) == CALL_UP
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
		call_discard(wc);
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
	list_flush(&w->trunks); /* registrations are given up over SIP */
	sip_stack_free(&w->sip);
	while (w->threads_n)
		media_thread_free(&w->threads[--w->threads_n]);
	mailbox_free(&w->mailbox);
	rtp_ports_free(&w->ports);
	free(w);
}
