/* A Telegram call as a leg: signalling through the Storage, media through the
 * call's media_call. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "bus/blob.h"
#include "bus/text.h"
#include "bus/worker_storage.h"
#include "worker/internal.h"

#define START_TIMEOUT_MS 30000

struct telegram_leg {
	struct call_leg leg;
	struct worker_call *wc;
	bool outgoing;
	bool over;    /* the Storage said ended, or was told to */
	bool active;  /* key known, media started */
	bool waiting; /* a start request is under way: it refers to us */
	bool released;
	char peer_kind[16], peer_value[128];
};

static struct telegram_leg *self(struct call_leg *leg)
{
	return (struct telegram_leg *)leg;
}

static void publish(struct telegram_leg *t, const char *format, json_t *body)
{
	char subject[96];

	snprintf(subject, sizeof(subject), format, t->wc->storage);
	if (bus_publish(t->wc->worker->bus, subject, body))
		log_error("telegram", t->wc->id, "no memory for %s", subject);
}

static void leg_failed(struct telegram_leg *t, const struct call_cause *cause)
{
	t->over = true;
	call_leg_ended(&t->leg, cause);
}

static void on_started(int err, json_t *answer, void *arg)
{
	struct telegram_leg *t = arg;
	struct call_cause cause;

	t->waiting = false;
	if (t->released) {
		free(t);
		return;
	}
	if (t->over)
		return;
	if (err) {
		call_cause_set(&cause, CAUSE_STORAGE_UNAVAILABLE, NULL);
		leg_failed(t, &cause);
	} else if (!json_is_true(json_object_get(answer, "ok"))) {
		const char *text =
			json_string_value(json_object_get(answer, "text"));
		int code = (int)json_integer_value(
			json_object_get(answer, "code"));

		call_cause_telegram_error(&cause, code, text ? text : "");
		leg_failed(t, &cause);
	}
}

static int leg_start(struct call_leg *leg, struct call_cause *cause)
{
	struct telegram_leg *t = self(leg);
	struct worker *w = t->wc->worker;
	json_t *versions = json_array();
	char subject[96];
	int err;

	for (size_t i = 0; i < w->conf.versions_n; i++)
		json_array_append_new(versions,
				      json_string(w->conf.versions[i]));
	snprintf(subject, sizeof(subject), BUS_STORAGE_CALL_START,
		 t->wc->storage);
	err = bus_request(w->bus, subject,
			  json_pack("{ss ss ss s{ss ss} so}", "call", t->wc->id,
				    "worker", w->id, "session", t->wc->session,
				    "peer", "kind", t->peer_kind, "value",
				    t->peer_value, "versions", versions),
			  START_TIMEOUT_MS, on_started, t);
	t->waiting = !err;
	return err;
}

static void leg_ring(struct call_leg *leg)
{
	/* The Storage confirmed receipt already: the caller hears ringing. */
}

static void leg_answer(struct call_leg *leg)
{
	struct telegram_leg *t = self(leg);

	publish(t, BUS_STORAGE_CALL_ACCEPT,
		json_pack("{ss}", "call", t->wc->id));
}

/* Behaviour 8.4 and telegram-wire D.6: what a cause is called on Telegram. */
static const char *discard_reason(const struct telegram_leg *t,
				  const struct call_cause *cause)
{
	if (t->active)
		return cause->code == 200 || cause->code == 487 ? "hangup"
								: "disconnect";
	if (t->outgoing)
		return "missed";
	if (cause->code == 486 || cause->code == 600 || cause->code == 603)
		return "busy";
	return "disconnect";
}

static void leg_end(struct call_leg *leg, const struct call_cause *cause,
		    bool elsewhere)
{
	struct telegram_leg *t = self(leg);
	const struct call_times *times = call_times(leg->call);
	int64_t seconds = 0;

	if (t->over)
		return;
	t->over = true;
	if (times->up_at)
		seconds = (int64_t)((clock_now() - times->up_at) / USEC_S);
	publish(t, BUS_STORAGE_CALL_DISCARD,
		json_pack("{ss ss sI}", "call", t->wc->id, "reason",
			  discard_reason(t, cause), "duration_s",
			  (json_int_t)seconds));
}

static void leg_release(struct call_leg *leg)
{
	struct telegram_leg *t = self(leg);

	t->wc->telegram_leg = NULL;
	t->released = true;
	if (!t->waiting)
		free(t);
}

static const struct call_leg_ops telegram_leg_ops = {
	.kind = "telegram",
	.answer_brings_media = true,
	.start = leg_start,
	.ring = leg_ring,
	.answer = leg_answer,
	.end = leg_end,
	.release = leg_release,
};

static int leg_new(struct call_leg **lp, struct worker_call *wc, bool outgoing)
{
	struct telegram_leg *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->leg.ops = &telegram_leg_ops;
	t->wc = wc;
	t->outgoing = outgoing;
	wc->telegram_leg = &t->leg;
	*lp = &t->leg;
	return 0;
}

int telegram_leg_new_outgoing(struct call_leg **lp, struct worker_call *wc,
			      const char *peer_kind, const char *peer_value)
{
	int err = leg_new(lp, wc, true);

	if (err)
		return err;
	snprintf(self(*lp)->peer_kind, sizeof(self(*lp)->peer_kind), "%s",
		 peer_kind);
	snprintf(self(*lp)->peer_value, sizeof(self(*lp)->peer_value), "%s",
		 peer_value);
	return 0;
}

int telegram_leg_new_incoming(struct call_leg **lp, struct worker_call *wc)
{
	return leg_new(lp, wc, false);
}

/* -- events of the Storage --------------------------------------------------
 */

static bool read_server(struct tgcall_server *s, json_t *o)
{
	const char *tag = text_of(o, "peer_tag");

	*s = (struct tgcall_server){
		.id = (int)json_integer_value(json_object_get(o, "id")),
		.port = (uint16_t)json_integer_value(
			json_object_get(o, "port")),
		.turn = json_is_true(json_object_get(o, "turn")),
		.tcp = json_is_true(json_object_get(o, "tcp")),
		.reflector = json_is_true(json_object_get(o, "reflector")),
	};
	text_copy(s->host, sizeof(s->host), o, "host");
	text_copy(s->username, sizeof(s->username), o, "username");
	text_copy(s->password, sizeof(s->password), o, "password");
	return !*tag || !hex_decode(s->peer_tag, 16, tag, strlen(tag));
}

static void on_active(struct telegram_leg *t, json_t *event)
{
	struct worker_call *wc = t->wc;
	struct worker *w = wc->worker;
	json_t *list = json_object_get(event, "servers");
	const char *key = text_of(event, "key");
	struct tgcall_server servers[16];
	struct tgcall_conf conf = {
		.version = text_of(event, "version"),
		.outgoing = json_is_true(json_object_get(event, "outgoing")),
		.p2p_allowed =
			json_is_true(json_object_get(event, "p2p_allowed")),
		.custom_parameters = json_string_value(
			json_object_get(event, "custom_parameters")),
		.servers = servers,
		.bind_address = w->telegram_bind[0] ? w->telegram_bind : NULL,
		.allow_loopback = w->conf.telegram_loopback,
	};
	struct call_cause cause;

	if (t->active || !wc->media)
		return;
	for (size_t i = 0; i < json_array_size(list) && conf.servers_n < 16;
	     i++)
		if (read_server(&servers[conf.servers_n],
				json_array_get(list, i)))
			conf.servers_n++;
	text_copy(wc->version, sizeof(wc->version), event, "version");
	text_copy(wc->emoji, sizeof(wc->emoji), event, "emoji");
	if (hex_decode(conf.key, sizeof(conf.key), key, strlen(key)) ||
	    media_call_telegram(wc->media, &conf)) {
		call_cause_set(&cause, CAUSE_WORKER_UNAVAILABLE, NULL);
		call_end(t->leg.call, &cause);
	} else {
		t->active = true;
		log_info("telegram", wc->id, "media starts, version %s",
			 wc->version);
		if (t->outgoing)
			call_leg_answered(&t->leg);
	}
	bytes_wipe(conf.key, sizeof(conf.key));
}

static void on_signal(struct telegram_leg *t, json_t *event)
{
	struct buf data;

	buf_init(&data);
	if (blob_read(&data, event, "data"))
		count_bad("worker", "signal", "not base64");
	else if (t->wc->media)
		media_call_signal(t->wc->media, buf_bytes(&data));
	buf_clear(&data);
}

static void on_ended(struct telegram_leg *t, json_t *event)
{
	int code = (int)json_integer_value(json_object_get(event, "code"));
	struct call_cause cause;

	t->over = true;
	if (*text_of(event, "text"))
		call_cause_telegram_error(&cause, code, text_of(event, "text"));
	else
		call_cause_telegram_discard(
			&cause, text_of(event, "reason"),
			json_is_true(json_object_get(event, "was_ringing")),
			t->active);
	/* The caller gave up. A busy is a device of ours that declined. */
	if (!t->outgoing && !t->active &&
	    (cause.row == CAUSE_UNAVAILABLE ||
	     strcmp(text_of(event, "reason"), "hangup") == 0))
		call_cause_set(&cause, CAUSE_CANCELLED, NULL);
	/* telegram-wire D.5: to the devices that did not take it, Telegram
	 * says that the call is over, and no reason. */
	cause.elsewhere =
		!t->outgoing && !t->active &&
		(strcmp(text_of(event, "reason"), "none") == 0 ||
		 strcmp(text_of(event, "text"), "CALL_ALREADY_ACCEPTED") == 0);
	call_leg_ended(&t->leg, &cause);
}

void telegram_leg_event(struct call_leg *leg, json_t *event)
{
	struct telegram_leg *t = self(leg);
	const char *what = text_of(event, "event");

	if (t->over)
		return;
	if (strcmp(what, "resolved") == 0) {
		text_copy(t->wc->telegram_user, sizeof(t->wc->telegram_user),
			  json_object_get(event, "user"), "id");
	} else if (strcmp(what, "waiting") == 0) {
		text_copy(t->wc->telegram_id, sizeof(t->wc->telegram_id), event,
			  "telegram_id");
		text_copy(t->wc->access_hash, sizeof(t->wc->access_hash), event,
			  "access_hash");
		worker_call_keep(t->wc);
		call_leg_placed(leg);
	} else if (strcmp(what, "ringing") == 0) {
		call_leg_ringing(leg);
	} else if (strcmp(what, "active") == 0) {
		on_active(t, event);
	} else if (strcmp(what, "signal") == 0) {
		on_signal(t, event);
	} else if (strcmp(what, "ended") == 0) {
		on_ended(t, event);
	}
}

/* -- events of the media ----------------------------------------------------
 */

void telegram_leg_media(struct call_leg *leg, enum tgcall_state state)
{
	struct telegram_leg *t = self(leg);
	struct call_cause cause;

	if (t->over)
		return;
	log_info("telegram", t->wc->id, "media %s",
		 state == TGCALL_STATE_ESTABLISHED    ? "established"
		 : state == TGCALL_STATE_RECONNECTING ? "reconnecting"
		 : state == TGCALL_STATE_FAILED       ? "failed"
						      : "connecting");
	if (state == TGCALL_STATE_ESTABLISHED) {
		media_call_up(t->wc->media);
		call_leg_up(leg);
	} else if (state == TGCALL_STATE_FAILED) {
		call_cause_set(&cause, CAUSE_TELEGRAM_ERROR,
			       "Telegram media connection failed");
		call_end(leg->call, &cause);
	}
}

void telegram_leg_signal(struct call_leg *leg, struct bytes blob)
{
	struct telegram_leg *t = self(leg);

	if (!t->over)
		publish(t, BUS_STORAGE_CALL_SIGNAL,
			json_pack("{ss so}", "call", t->wc->id, "data",
				  blob_json(blob)));
}
