/* What the server asks for when a call is over (D.6, E.12): a rating, and the
 * media engine's log. Both are answered once; what comes back is of no use. */
#include "telegram/call.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"

#define RATING_BEST 5

static void answered(const struct mtp_error *err, const struct tl_obj *answer,
		     void *arg)
{
	struct tg_call *c = arg;

	(void)answer;
	if (err)
		log_debug("call", NULL, "telegram call %lld: %d %s",
			  (long long)c->id, err->code, err->text);
	call_unref(c);
}

/* D.6: "call phone.setCallRating(5, "") or skip": a call that broke down is no
 * good one, and nobody can be asked. */
static void rating_send(struct tg_call *c, enum tg_discard reason)
{
	struct tl_arena a;
	struct tl_obj *q;

	if (c->state != TG_CALL_ACTIVE || reason == TG_DISCARD_DISCONNECT)
		return;
	tl_arena_init(&a);
	q = tl_new(&a, TL_phone_setCallRating);
	tl_set_child(q, TL_phone_setCallRating_peer, call_peer(&a, c));
	tl_set_int(q, TL_phone_setCallRating_rating, RATING_BEST);
	tl_set_bytes(q, TL_phone_setCallRating_comment, "", 0);
	(void)call_query(c, q, answered);
	tl_arena_clear(&a);
}

/* E.12: "a JSON object with `network`, an array of state changes [...] and
 * `bitrate`". The media are another process's: both stay empty. */
static void debug_send(struct tg_call *c)
{
	struct tl_obj *q, *data;
	struct tl_arena a;
	char text[96];

	tl_arena_init(&a);
	snprintf(text, sizeof(text),
		 "{\"network\":[],\"bitrate\":[],\"version\":\"%s\"}",
		 c->media.version);
	q = tl_new(&a, TL_phone_saveCallDebug);
	data = tl_new(&a, TL_dataJSON);
	tl_set_bytes(data, TL_dataJSON_data, text, strlen(text));
	tl_set_child(q, TL_phone_saveCallDebug_peer, call_peer(&a, c));
	tl_set_child(q, TL_phone_saveCallDebug_debug, data);
	(void)call_query(c, q, answered);
	tl_arena_clear(&a);
}

void call_closing(struct tg_call *c, const struct tl_obj *discarded,
		  enum tg_discard reason)
{
	if (tl_has(discarded, TL_phoneCallDiscarded_need_rating))
		rating_send(c, reason);
	if (tl_has(discarded, TL_phoneCallDiscarded_need_debug))
		debug_send(c);
}

void call_closing_updates(struct tg_call *c, const struct tl_obj *updates,
			  enum tg_discard reason)
{
	uint32_t n = tl_is(updates, TL_updates)
			     ? tl_count(updates, TL_updates_updates)
			     : 0;

	for (uint32_t i = 0; i < n; i++) {
		const struct tl_obj *u =
			tl_item(updates, TL_updates_updates, i);
		const struct tl_obj *call =
			tl_is(u, TL_updatePhoneCall)
				? tl_child(u, TL_updatePhoneCall_phone_call)
				: NULL;

		if (tl_is(call, TL_phoneCallDiscarded) &&
		    tl_long(call, TL_phoneCallDiscarded_id) == c->id)
			call_closing(c, call, reason);
	}
}
