#include "sim/order.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIM_DELAY_MS 1000

static const char *const sim_order_names[SIM_ORDER_COUNT] = {
	[SIM_ORDER_NONE] = "none",
	[SIM_ORDER_ERROR] = "error",
	[SIM_ORDER_HANG] = "hang",
	[SIM_ORDER_SLOW] = "slow",
	[SIM_ORDER_DROP_BEFORE] = "drop-before",
	[SIM_ORDER_DROP_ANSWER] = "drop-answer",
	[SIM_ORDER_DROP_AFTER] = "drop-after",
	[SIM_ORDER_BEHIND] = "difference-too-long",
	[SIM_ORDER_LOSE] = "lose",
	[SIM_ORDER_REPEAT] = "repeat",
	[SIM_ORDER_DELAY] = "delay",
	[SIM_ORDER_SWAP] = "swap",
	[SIM_ORDER_TOO_LONG] = "too-long",
	[SIM_ORDER_UNKNOWN] = "unknown",
};

static bool sim_order_of_query(enum sim_order_kind kind)
{
	return kind < SIM_ORDER_LOSE;
}

static enum sim_order_kind sim_order_kind(const char *name)
{
	int kind = SIM_ORDER_COUNT;

	while (--kind > SIM_ORDER_NONE)
		if (!strcmp(sim_order_names[kind], name))
			break;
	return (enum sim_order_kind)kind;
}

/* -- reading -----------------------------------------------------------------
 */

static int sim_order_wrong(char why[256], const char *what)
{
	snprintf(why, 256, "fault: %s", what);
	return -EINVAL;
}

static int sim_order_user(struct sim_order *d, struct sim_world *w,
			  const json_t *user)
{
	const struct sim_account *a = NULL;

	if (!user)
		return 0;
	if (json_is_integer(user))
		a = sim_world_account(w, json_integer_value(user));
	else if (json_is_string(user))
		a = sim_world_find(w, json_string_value(user));
	d->user = a ? a->id : 0;
	return a ? 0 : -EINVAL;
}

static int sim_order_parse(struct sim_order *d, struct sim_world *w,
			   const json_t *o, char why[256])
{
	const char *what;
	json_int_t times = sim_json_int(o, "times", 1);
	json_int_t skip = sim_json_int(o, "skip", 0);
	json_int_t ms = sim_json_int(o, "ms", SIM_DELAY_MS);

	d->kind = sim_order_kind(sim_json_text(o, "fault", ""));
	if (d->kind == SIM_ORDER_NONE)
		return sim_order_wrong(why, "no such fault");
	what = sim_order_of_query(d->kind) ? "method" : "update";
	snprintf(d->what, sizeof(d->what), "%s", sim_json_text(o, what, ""));
	if (d->kind == SIM_ORDER_BEHIND)
		snprintf(d->what, sizeof(d->what), "updates.getDifference");
	snprintf(d->text, sizeof(d->text), "%s", sim_json_text(o, "text", ""));
	d->code = (int)sim_json_int(o, "code", 400);
	if (d->kind == SIM_ORDER_ERROR && (!d->text[0] || !d->code))
		return sim_order_wrong(why, "an error has a code and a text");
	if (times < 0 || times > 1000000 || skip < 0 || skip > 1000000 ||
	    ms < 0 || ms > 3600 * 1000)
		return sim_order_wrong(why, "times, skip or ms");
	if (sim_order_user(d, w, json_object_get(o, "user")))
		return sim_order_wrong(why, "user: no such account");
	d->times = (int)times;
	d->skip = (int)skip;
	d->delay = (usec_t)ms * USEC_MS;
	return 0;
}

int sim_order_add(struct sim_world *w, const json_t *o, int *idp, char why[256])
{
	struct sim_order **last = &w->orders;
	struct sim_order *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	if (sim_order_parse(d, w, o, why)) {
		free(d);
		return -EINVAL;
	}
	while (*last)
		last = &(*last)->next;
	*last = d;
	d->id = ++w->orders_made;
	if (idp)
		*idp = d->id;
	return 0;
}

int sim_orders_add(struct sim_world *w, const json_t *list, char why[256])
{
	json_t *o;
	size_t i;
	int err = 0;

	json_array_foreach(list, i, o)
	{
		err = sim_order_add(w, o, NULL, why);
		if (err)
			break;
	}
	return err;
}

int sim_orders_cancel(struct sim_world *w, int id)
{
	struct sim_order **dp = &w->orders;
	int n = 0;

	while (*dp) {
		struct sim_order *d = *dp;

		if (id && d->id != id) {
			dp = &d->next;
			continue;
		}
		*dp = d->next;
		free(d);
		n++;
	}
	return n;
}

json_t *sim_orders_describe(const struct sim_world *w)
{
	json_t *list = json_array();

	for (const struct sim_order *d = w->orders; d; d = d->next)
		json_array_append_new(
			list, json_pack("{si ss ss sI si si sI}", "id", d->id,
					"fault", sim_order_names[d->kind], "of",
					d->what, "user", (json_int_t)d->user,
					"skip", d->skip, "times", d->times,
					"struck", (json_int_t)d->struck));
	return list;
}

/* -- striking ----------------------------------------------------------------
 */

static bool sim_order_meets(struct sim_order *d, bool query, const char *what,
			    int64_t user)
{
	if (sim_order_of_query(d->kind) != query ||
	    (d->what[0] && strcmp(d->what, what)) ||
	    (d->user && d->user != user))
		return false;
	if (!d->skip)
		return true;
	d->skip--;
	return false;
}

static bool sim_order_strike(struct sim_order *order, struct sim_world *w,
			     bool query, const char *what, int64_t user)
{
	struct sim_order *d = w->orders;

	memset(order, 0, sizeof(*order));
	while (d && !sim_order_meets(d, query, what, user))
		d = d->next;
	if (!d)
		return false;
	d->struck++;
	*order = *d;
	if (d->times && !--d->times)
		sim_orders_cancel(w, d->id);
	sim_world_event(w, json_pack("{ss si ss ss sI}", "event", "fault", "id",
				     order->id, "fault",
				     sim_order_names[order->kind], "of", what,
				     "user", (json_int_t)user));
	return true;
}

bool sim_order_query(struct sim_order *order, struct sim_world *w,
		     const char *method, int64_t user)
{
	return sim_order_strike(order, w, true, method, user);
}

bool sim_order_update(struct sim_order *order, struct sim_world *w,
		      const char *update, int64_t user)
{
	return sim_order_strike(order, w, false, update, user);
}
