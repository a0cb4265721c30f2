/* The record of a call, and a running call as a row of `show calls`. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "worker/internal.h"

static json_t *time_json(struct wall t)
{
	char text[32];

	return t.us ? json_string(wall_iso8601(text, t)) : json_null();
}

static json_t *address_json(const struct sa *sa)
{
	char text[64];

	if (!sa_isset(sa, SA_ALL))
		return json_null();
	re_snprintf(text, sizeof(text), "%J", sa);
	return json_string(text);
}

static json_t *integer(uint64_t v)
{
	return json_integer((json_int_t)v);
}

static json_t *jitter_json(const struct bridge_leg_stats *s)
{
	return json_pack("{so so so so so so so}", "received",
			 integer(s->jitter.received), "late",
			 integer(s->jitter.late), "lost",
			 integer(s->jitter.lost), "concealed",
			 integer(s->jitter.concealed), "delay_ms",
			 integer(s->jitter.delay_ms), "jitter_ms",
			 integer(s->jitter.jitter_ms), "undecodable",
			 integer(s->undecodable));
}

static json_t *sip_media_json(const struct media_call_report *r)
{
	return json_pack(
		"{so so so so so so so so so}", "remote",
		address_json(&r->rtp.remote), "rx_packets",
		integer(r->rtp.rx_packets), "rx_lost", integer(r->rtp.rx_lost),
		"tx_packets", integer(r->rtp.tx_packets), "jitter_us",
		integer(r->rtp.jitter_us), "rtt_us", integer(r->rtp.rtt_us),
		"foreign", integer(r->rtp.rx_foreign), "rx_unsafe",
		integer(r->rtp.rx_unsafe), "buffer", jitter_json(&r->sip_leg));
}

static json_t *telegram_media_json(const struct media_call_report *r)
{
	return json_pack("{ss ss so so so so so so so so}", "local",
			 r->telegram.local, "remote", r->telegram.remote,
			 "rx_packets", integer(r->telegram.rx_packets),
			 "rx_lost", integer(r->telegram.rx_lost), "rx_padding",
			 integer(r->telegram.rx_padding), "tx_packets",
			 integer(r->telegram.tx_packets), "rtt_us",
			 integer(r->telegram.rtt_us), "connect_us",
			 integer(r->telegram.connect_us), "passthrough",
			 json_boolean(r->passthrough), "buffer",
			 jitter_json(&r->telegram_leg));
}

static int64_t seconds_up(const struct call_times *t)
{
	return t->up.us ? (t->ended.us - t->up.us) / 1000000 : 0;
}

/* The row of the table, whose code it is, which hop did not do its share, and
 * of one that said nothing how often it was asked again (D1, D10, D11). */
static void cause_put(json_t *o, const struct call_cause *cause)
{
	bool known = cause->row < CAUSE_ROWS;

	json_object_set_new(o, "sip_status", json_integer(cause->code));
	json_object_set_new(o, "reason", json_string(cause->reason));
	json_object_set_new(o, "sip_status_source",
			    json_string(cause->remote ? "remote" : "local"));
	json_object_set_new(o, "hop", json_string(cause_hop_name(cause->hop)));
	json_object_set_new(
		o, "cause",
		json_string(known ? cause_facts(cause->row)->name : ""));
	json_object_set_new(
		o, "row", integer(known ? cause_facts(cause->row)->number : 0));
	if (cause->unanswered)
		json_object_set_new(o, "retransmissions",
				    integer(cause->repeats));
}

static void tried_add(const struct call_leg *leg, void *arg)
{
	struct worker_call *wc = arg;
	struct call_cause cause = leg->cause;
	json_t *o = json_pack("{ss si}", "trunk", sip_leg_trunk(leg),
			      "priority", (int)leg->priority);

	/* Of those that rang in vain the cause is the CANCEL. */
	if (!leg->ended)
		cause = *call_cause(wc->call);
	else if (cause.row == CAUSE_NORMAL && !leg->answered)
		call_cause_set(&cause, CAUSE_CANCELLED, NULL);
	cause_put(o, &cause);
	json_array_append_new(wc->tried, o);
}

void worker_record_tried(struct worker_call *wc)
{
	if (!wc->tried)
		wc->tried = json_array();
	call_tried(wc->call, tried_add, wc);
}

json_t *worker_record(const struct worker_call *wc)
{
	const struct call_times *t = &wc->times;
	const struct call_cause *cause = &wc->cause;
	json_t *o = json_pack(
		"{ss ss ss ss ss ss ss ss}", "call", wc->id, "direction",
		wc->to_telegram ? "sip-to-telegram" : "telegram-to-sip",
		"trunk", wc->trunk, "session", wc->session, "from", wc->from,
		"to", wc->to, "telegram_user", wc->telegram_user, "sip_call_id",
		wc->sip_call_id);

	json_object_set_new(o, "event", json_string(wc->id));
	if (wc->from_name[0])
		json_object_set_new(o, "from_name", json_string(wc->from_name));
	if (wc->anonymous)
		json_object_set_new(o, "anonymous", json_true());
	if (wc->diverted_from[0])
		json_object_set_new(o, "diverted_from",
				    json_string(wc->diverted_from));
	json_object_set_new(o, "invite", time_json(t->created));
	json_object_set_new(o, "ringing", time_json(t->ringing));
	json_object_set_new(o, "answer", time_json(t->answered));
	json_object_set_new(o, "connected", time_json(t->up));
	json_object_set_new(o, "end", time_json(t->ended));
	json_object_set_new(o, "duration_s", json_integer(seconds_up(t)));
	json_object_set_new(o, "codec", json_string(wc->codec));
	json_object_set_new(o, "srtp", json_string(wc->srtp ? wc->srtp : ""));
	json_object_set_new(o, "version", json_string(wc->version));
	json_object_set_new(o, "emoji", json_string(wc->emoji));
	cause_put(o, cause);
	json_object_set_new(o, "ended_by", json_string(wc->ended_by));
	json_object_set_new(o, "digits", json_integer(wc->digits));
	if (wc->capture.file)
		json_object_set_new(o, "capture", worker_capture_json(wc));
	if (wc->transfers_n)
		json_object_set_new(o, "transfers", worker_transfers_json(wc));
	if (wc->digits_masked[0])
		json_object_set_new(o, "digit_values",
				    json_string(wc->digits_masked));
	if (wc->tried)
		json_object_set(o, "tried", wc->tried);
	if (t->up.us) {
		json_object_set_new(o, "sip_media",
				    sip_media_json(&wc->report));
		json_object_set_new(o, "telegram_media",
				    telegram_media_json(&wc->report));
	}
	return o;
}

static json_t *call_row(const struct worker_call *wc)
{
	struct media_call_report r;
	struct call_times times = *call_times(wc->call);
	usec_t now = clock_now();
	json_t *o;

	memset(&r, 0, sizeof(r));
	if (wc->media)
		media_call_report(wc->media, &r);
	o = json_pack("{ss ss ss ss ss ss ss ss ss ss}", "call", wc->id,
		      "direction",
		      wc->to_telegram ? "sip-to-telegram" : "telegram-to-sip",
		      "state", call_state_name(call_state(wc->call)), "trunk",
		      wc->trunk, "session", wc->session, "from", wc->from, "to",
		      wc->to, "codec", wc->codec, "version", wc->version,
		      "emoji", wc->emoji);
	json_object_set_new(
		o, "seconds",
		json_integer((json_int_t)((now - times.created_at) / USEC_S)));
	json_object_set_new(
		o, "rtp_port",
		json_integer(wc->media ? media_call_port(wc->media) : 0));
	json_object_set_new(o, "sip_rx", integer(r.rtp.rx_packets));
	json_object_set_new(o, "sip_tx", integer(r.rtp.tx_packets));
	json_object_set_new(o, "telegram_rx", integer(r.telegram.rx_packets));
	json_object_set_new(o, "telegram_tx", integer(r.telegram.tx_packets));
	return o;
}

json_t *worker_show_calls(const struct worker *w)
{
	json_t *rows = json_array();
	struct le *le;

	LIST_FOREACH(&w->calls, le)
	{
		const struct worker_call *wc = le->data;

		if (!wc->call_over)
			json_array_append_new(rows, call_row(wc));
	}
	return rows;
}

static int descriptors_open(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n - 3; /* ".", ".." and the folder itself */
}

static long rss_kib(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	long pages = 0, resident = 0;

	if (f) {
		if (fscanf(f, "%ld %ld", &pages, &resident) != 2)
			resident = 0;
		fclose(f);
	}
	return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

json_t *worker_show_status(const struct worker *w)
{
	return json_pack("[{ss si si si si si}]", "worker", w->id, "calls",
			 (int)list_count(&w->calls), "rtp_ports",
			 (int)rtp_ports_in_use(w->ports), "media_threads",
			 (int)w->threads_n, "descriptors", descriptors_open(),
			 "rss_kib", (int)rss_kib());
}
