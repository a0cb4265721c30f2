/* What an administrator is shown of an account, and what an earlier process
 * knew of its gates. */
#include "telegram/account_core.h"

static int64_t unix_now(void)
{
	return clock_wall().us / (1000 * 1000);
}

static int64_t gate_opens(const struct tg_account *a, enum flood_line line,
			  const char **why)
{
	unsigned s = flood_wait_s(&a->flood, line, why, clock_now());

	if (a->state != TG_STATE_READY) {
		*why = "";
		return -1;
	}
	return s ? unix_now() + s : 0;
}

static void status_gates(const struct tg_account *a, struct tg_status *t)
{
	t->next_call = gate_opens(a, FLOOD_CALLS, &t->next_call_why);
	t->next_new_peer =
		gate_opens(a, FLOOD_STRANGERS, &t->next_new_peer_why);
	if (t->next_call > t->next_new_peer) {
		t->next_new_peer = t->next_call;
		t->next_new_peer_why = t->next_call_why;
	}
}

void tg_account_flood(struct tg_account *a, const char *name, const char *why,
		      int64_t until)
{
	enum flood_line line = flood_line_of(name);
	int64_t left = until - unix_now();

	if (line != FLOOD_NONE && left > 0)
		flood_close(&a->flood, line, why,
			    clock_now() + (usec_t)left * USEC_S);
}

void tg_account_status(const struct tg_account *a, struct tg_status *status)
{
	*status = (struct tg_status){
		.state = a->state,
		.reason = a->reason,
		.since = a->state_since,
		.logged_in = a->logged_in,
		.frozen_since = a->frozen.since,
		.frozen_until = a->frozen.until,
		.appeal_url = a->frozen.appeal_url,
	};
	status_gates(a, status);
}
