/* Bans outlive the Worker that placed them (behaviour 3.15). */
#include <stdio.h>

#include "base/log.h"
#include "bus/manager_worker.h"
#include "bus/text.h"
#include "manager/internal.h"

void manager_ban_keep(struct manager *m, json_t *body)
{
	struct store_ban ban = {
		.until = manager_now() +
			 json_integer_value(json_object_get(body, "seconds")),
		.times = json_integer_value(json_object_get(body, "times")),
	};

	text_copy(ban.address, sizeof(ban.address), body, "address");
	text_copy(ban.reason, sizeof(ban.reason), body, "reason");
	if (store_ban_put(m->conf.store, &ban))
		log_error("manager", NULL, "ban of %s not kept", ban.address);
}

void manager_ban_forget(struct manager *m, json_t *body)
{
	(void)store_ban_remove(m->conf.store, text_of(body, "address"));
}

struct listener {
	struct manager *m;
	const char *worker;
	int64_t now;
};

static void send_each(const struct store_ban *ban, void *arg)
{
	const struct listener *l = arg;
	char subject[96];

	snprintf(subject, sizeof(subject), BUS_WORKER_BAN, l->worker);
	manager_publish(l->m, subject,
			json_pack("{ss sI sI ss}", "address", ban->address,
				  "seconds", (json_int_t)(ban->until - l->now),
				  "times", (json_int_t)ban->times, "reason",
				  ban->reason));
}

void manager_bans_send(struct manager *m, const char *worker)
{
	struct listener l = {m, worker, manager_now()};

	(void)store_ban_each(m->conf.store, l.now, send_each, &l);
}
