/* The world of an account's calls: struct phone_io over queries, clock and
 * timer of the account, and the entries of phone.h that need an account. */
#include "telegram/account_core.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

/* A.6: every 20-30 s; while a call is being signalled every 5-10 s. */
#define PING_INTERVAL (25 * USEC_S)
#define PING_INTERVAL_CALL (7 * USEC_S)

static int io_query(const struct tl_obj *query, tg_answer_h *done,
		    void *done_arg, void *arg)
{
	return tg_account_query(arg, query, 0, done, done_arg);
}

static usec_t io_now(void *arg)
{
	return clock_now();
}

static int32_t io_server_time(void *arg)
{
	struct tg_account *a = arg;
	int32_t diff =
		a->connection ? connection_auth(a->connection)->time_diff : 0;

	return (int32_t)(clock_wall().us / 1000000) + diff;
}

static void io_wake(void *arg)
{
	account_wake(arg);
}

static void io_busy(bool busy, void *arg)
{
	struct tg_account *a = arg;

	if (a->connection && !a->closing)
		connection_ping_interval(a->connection,
					 busy ? PING_INTERVAL_CALL
					      : PING_INTERVAL);
}

static void io_incoming(struct tg_call *call, int64_t user_id, void *arg)
{
	struct tg_account *a = arg;
	struct tg_user from = {.id = user_id};

	tg_peer_met(a, user_id);
	(void)peers_find(a, user_id, &from);
	if (a->handlers.incoming)
		a->handlers.incoming(call, &from, a->arg);
}

bool tg_call_permitted(struct tg_account *a, const struct tg_user *to,
		       char why[32])
{
	usec_t now = clock_now();
	unsigned s = flood_wait_s(&a->flood, FLOOD_CALLS, NULL, now);
	const char *word = "";

	if (!(a->use.features & TG_FEATURE_CALLS)) {
		count_add("telegram", "request-refused", 1);
		snprintf(why, 32, "FEATURE_OFF");
		return false;
	}
	if (!s && to && !to->met)
		s = flood_wait_s(&a->flood, FLOOD_STRANGERS, &word, now);
	if (!s)
		return true;
	count_add("telegram", "gated", 1);
	if (strcmp(word, "PEER_FLOOD") == 0)
		snprintf(why, 32, "PEER_FLOOD");
	else
		snprintf(why, 32, "FLOOD_WAIT_%u", s);
	return false;
}

int tg_call_request(struct tg_call **cp, struct tg_account *a,
		    const struct tg_user *to, const char *const *versions,
		    const struct tg_call_handlers *handlers, void *arg)
{
	int err;

	if (!(a->use.features & TG_FEATURE_CALLS))
		return -EPERM;
	if (a->state != TG_STATE_READY)
		return -ENOTCONN;
	err = phone_request(cp, &a->phone, to->id, to->access_hash, versions,
			    handlers, arg);
	if (!err && !to->met)
		flood_spent(&a->flood, FLOOD_STRANGERS, clock_now());
	return err;
}

int tg_call_discard_stale(struct tg_account *a, int64_t id, int64_t access_hash,
			  tg_answer_h *done, void *arg)
{
	struct tl_arena arena;
	struct tl_obj *peer, *q;
	int err;

	tl_arena_init(&arena);
	peer = tl_new(&arena, TL_inputPhoneCall);
	tl_set_long(peer, TL_inputPhoneCall_id, id);
	tl_set_long(peer, TL_inputPhoneCall_access_hash, access_hash);
	err = call_discard_query(&q, &arena, peer, TG_DISCARD_DISCONNECT, 0);
	if (!err)
		err = tg_account_query(a, q, 0, done, arg);
	tl_arena_clear(&arena);
	return err;
}

void account_phone_init(struct tg_account *a)
{
	struct phone_io io = {
		.query = io_query,
		.now = io_now,
		.server_time = io_server_time,
		.wake = io_wake,
		.busy = io_busy,
		.incoming = io_incoming,
		.arg = a,
	};

	phone_init(&a->phone, &io);
}
