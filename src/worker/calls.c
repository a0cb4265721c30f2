/* The calls of a Worker: made, given media, ended, released. */
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/random.h"
#include "bus/manager_worker.h"
#include "bus/text.h"
#include "bus/worker_storage.h"
#include "worker/internal.h"

/* Behaviour 2.3: 10 s without RTP end the call. */
#define RTP_SILENCE_MS 10000
#define TRIM_AFTER_MS 1000
/* RFC 3261 timers H and J: finished transactions linger for 64 * T1. */
#define TRIM_AGAIN_MS 36000

bool worker_is_full(const struct worker *w)
{
	unsigned n = 0;
	struct le *le;

	LIST_FOREACH(&w->calls, le)
	n += !((const struct worker_call *)le->data)->call_over;
	return w->conf.max_calls && n > w->conf.max_calls;
}

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

void worker_stop_when_empty(struct worker *w)
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
	worker_record_send(w, wc->id, worker_record(wc));
	worker_capture_end(wc);
	list_unlink(&wc->le);
	json_decref(wc->tried);
	free(wc);
	if (list_isempty(&w->calls)) {
		w->trimmed_once = false;
		tmr_start(&w->trim, TRIM_AFTER_MS, memory_return, w);
	}
	worker_stop_when_empty(w);
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

void worker_call_discard(struct worker_call *wc)
{
	wc->call_over = true;
	if (wc->media)
		media_call_close(&wc->media);
	if (wc->media_open)
		return;
	worker_capture_end(wc);
	list_unlink(&wc->le);
	json_decref(wc->tried);
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

void worker_call_digit(struct worker_call *wc, enum dtmf_method method,
		       char digit)
{
	size_t n = strlen(wc->digits_masked);

	if (wc->sip_leg && !sip_leg_takes_digits(wc->sip_leg, method))
		return;
	if (!dtmf_press(&wc->presses, method, digit, clock_now()))
		return;
	wc->digits++;
	/* Values only behind a setting, and masked: PINs are dialled here. */
	if (!wc->worker->conf.log_digits || n + 1 >= sizeof(wc->digits_masked))
		return;
	if (n > 0)
		wc->digits_masked[n - 1] = '*';
	wc->digits_masked[n] = digit;
}

static void on_media_digit(enum dtmf_method method, char digit, void *arg)
{
	worker_call_digit(arg, method, digit);
}

static const char *digits_fault(int err)
{
	switch (err) {
	case -EINVAL:
		return "digits are 0-9 * # A-D";
	case -ENOSPC:
		return "too many digits wait";
	case -ENOTSUP:
		return "the far end takes none of the trunk's DTMF methods";
	default:
		return "the call is not answered";
	}
}

void worker_on_digits(const struct bus_message *m, void *arg)
{
	struct worker *w = arg;
	struct worker_call *wc = worker_call_find(w, text_of(m->body, "call"));
	const char *method = NULL;
	int err = -ENOTCONN;

	if (wc && wc->sip_leg)
		method = sip_leg_press(wc->sip_leg, text_of(m->body, "digits"),
				       &err);
	bus_reply(w->bus, m->inbox,
		  method ? json_pack("{sb ss}", "ok", 1, "method", method)
			 : json_pack("{sb ss}", "ok", 0, "text",
				     wc ? digits_fault(err)
					: "there is no such call"));
}

static void on_media_silent(void *arg)
{
	struct worker_call *wc = arg;
	struct call_cause cause;

	if (wc->call_over)
		return;
	call_cause_set(&cause, CAUSE_REQUEST_TIMEOUT, NULL);
	cause.unanswered = true;
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
		worker_call_discard(wc);
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
	worker_capture_media(wc);
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
	if (!wc->to_telegram && leg && !wc->transfers_n)
		sip_leg_name(leg);
	if (state == CALL_UP)
		worker_call_keep(wc);
	if (state == CALL_ENDED && !wc->to_telegram)
		worker_record_tried(wc);
}

int worker_call_begin(struct worker_call *wc, struct call_leg *calling)
{
	struct call_conf conf = {
		.device_timeout_ms =
			wc->to_telegram ? wc->worker->conf.device_timeout_ms
					: 60000,
		.ring_timeout_ms = wc->worker->conf.ring_timeout_ms,
		.handlers = {.state = on_call_state,
			     .replacing = worker_on_replacing,
			     .ended = on_call_ended},
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

void worker_call_end(struct worker_call *wc, enum cause_row row)
{
	struct call_cause cause;

	call_cause_set(&cause, row, NULL);
	call_end(wc->call, &cause);
}
