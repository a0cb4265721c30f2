/* Addresses the SIP stack does not listen to: told to the Manager, shown,
 * placed and lifted by hand (behaviour 3.15, D6). */
#include <string.h>

#include "base/log.h"
#include "bus/manager_worker.h"
#include "bus/text.h"
#include "worker/internal.h"

#define BY_HAND (1800 * USEC_S)

static json_t *ban_json(const struct worker *w, const struct sip_ban *ban)
{
	usec_t now = clock_now();
	char address[64];

	re_snprintf(address, sizeof(address), "%j", &ban->source);
	return json_pack("{ss ss sI si ss}", "worker", w->id, "address",
			 address, "seconds",
			 (json_int_t)(ban->until > now
					      ? (ban->until - now) / USEC_S
					      : 0),
			 "times", (int)ban->times, "reason", ban->reason);
}

void worker_banned(const struct sip_ban *ban, void *arg)
{
	struct worker *w = arg;
	json_t *body = ban_json(w, ban);

	log_warn("worker", NULL, "%s is banned for %u s, time %u in a row: %s",
		 text_of(body, "address"),
		 (unsigned)((ban->until - ban->from) / USEC_S), ban->times,
		 ban->reason);
	count_add("worker", "bans", 1);
	worker_publish(w, BUS_MANAGER_BAN, body);
}

void worker_ban_take(struct worker *w, json_t *body)
{
	json_int_t seconds =
		json_integer_value(json_object_get(body, "seconds"));
	struct sip_ban ban = {
		.from = clock_now(),
		.times = (unsigned)json_integer_value(
			json_object_get(body, "times")),
	};

	if (seconds <= 0 ||
	    sa_set_str(&ban.source, text_of(body, "address"), 0))
		return;
	ban.until = ban.from + (usec_t)seconds * USEC_S;
	text_copy(ban.reason, sizeof(ban.reason), body, "reason");
	(void)sip_stack_ban(w->sip, &ban);
}

static void answer(struct worker *w, const struct bus_message *m,
		   const char *fault)
{
	bus_reply(w->bus, m->inbox,
		  fault ? json_pack("{sb ss}", "ok", 0, "text", fault)
			: json_pack("{sb}", "ok", 1));
}

void worker_on_ban_add(const struct bus_message *m, void *arg)
{
	struct worker *w = arg;
	struct sip_ban ban = {
		.from = clock_now(), .times = 1, .reason = "by hand"};

	ban.until = ban.from + BY_HAND;
	if (sa_set_str(&ban.source, text_of(m->body, "address"), 0)) {
		answer(w, m, "not an address");
	} else if (sip_stack_ban(w->sip, &ban)) {
		answer(w, m, "this address is never banned");
	} else {
		worker_banned(&ban, w);
		answer(w, m, NULL);
	}
}

void worker_on_ban_lift(const struct bus_message *m, void *arg)
{
	struct worker *w = arg;
	char address[64];
	struct sa sa;

	if (sa_set_str(&sa, text_of(m->body, "address"), 0)) {
		answer(w, m, "not an address");
		return;
	}
	if (sip_stack_ban_lift(w->sip, &sa)) {
		answer(w, m, "this address is not banned");
		return;
	}
	re_snprintf(address, sizeof(address), "%j", &sa);
	log_info("worker", NULL, "ban of %s is lifted", address);
	worker_publish(w, BUS_MANAGER_BAN_LIFTED,
		       json_pack("{ss}", "address", address));
	answer(w, m, NULL);
}

struct listing {
	const struct worker *w;
	json_t *rows;
};

static void row_add(const struct sip_ban *ban, void *arg)
{
	struct listing *l = arg;

	json_array_append_new(l->rows, ban_json(l->w, ban));
}

json_t *worker_show_bans(const struct worker *w)
{
	struct listing l = {w, json_array()};

	sip_stack_bans(w->sip, row_add, &l);
	return l.rows;
}

/* Behaviour D6. "ban add ADDRESS" is the next command. */
static void refused_add(const struct refused *r, void *arg)
{
	const struct listing *l = arg;
	usec_t now = clock_now();
	char address[64];

	re_snprintf(address, sizeof(address), "%j", &r->source);
	json_array_append_new(
		l->rows,
		json_pack("{ss ss si si si si si si si si sI ss sb}", "worker",
			  l->w->id, "address", address, "401",
			  (int)r->counts[REFUSED_401], "403",
			  (int)r->counts[REFUSED_403], "404",
			  (int)r->counts[REFUSED_404], "405",
			  (int)r->counts[REFUSED_405], "other",
			  (int)r->counts[REFUSED_OTHER], "unparsable",
			  (int)r->counts[REFUSED_UNPARSABLE], "scanner",
			  (int)r->counts[REFUSED_SCANNER], "rate",
			  (int)r->counts[REFUSED_RATE], "seconds_ago",
			  (json_int_t)((now - r->last) / USEC_S), "reason",
			  r->reason, "banned",
			  sip_stack_is_banned(l->w->sip, &r->source)));
}

json_t *worker_show_refused(const struct worker *w)
{
	struct listing l = {w, json_array()};

	sip_stack_refused(w->sip, refused_add, &l);
	return l.rows;
}
