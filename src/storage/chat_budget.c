#include "storage/chat_budget.h"

#include <errno.h>
#include <stdlib.h>

#include "base/re.h"

struct chat_budget {
	struct list users; /* struct chat_user */
};

struct chat_user {
	struct le le;
	int64_t id;
	usec_t sent[CHAT_BUDGET_TEXTS]; /* a ring; 0: free */
	size_t next;                    /* the oldest */
	usec_t last;
};

static void user_destroy(void *arg)
{
	struct chat_user *u = arg;

	list_unlink(&u->le);
}

int chat_budget_new(struct chat_budget **bp)
{
	*bp = calloc(1, sizeof(**bp));
	return *bp ? 0 : -ENOMEM;
}

void chat_budget_free(struct chat_budget **bp)
{
	if (*bp)
		list_flush(&(*bp)->users);
	free(*bp);
	*bp = NULL;
}

static bool is_old(usec_t sent, usec_t now)
{
	return !sent || now - sent >= CHAT_BUDGET_WINDOW;
}

/* Whoever had nothing for an hour is forgotten. */
static void forget_old(struct chat_budget *b, usec_t now)
{
	struct le *le = list_head(&b->users);

	while (le) {
		struct chat_user *u = le->data;

		le = le->next;
		if (is_old(u->last, now))
			mem_deref(u);
	}
}

static struct chat_user *user_find(struct chat_budget *b, int64_t id)
{
	struct le *le;

	LIST_FOREACH(&b->users, le)
	{
		struct chat_user *u = le->data;

		if (u->id == id)
			return u;
	}
	return NULL;
}

bool chat_budget_take(struct chat_budget *b, int64_t id, usec_t now)
{
	struct chat_user *u;

	forget_old(b, now);
	u = user_find(b, id);
	if (!u) {
		u = mem_zalloc(sizeof(*u), user_destroy);
		if (!u)
			return false;
		u->id = id;
		list_append(&b->users, &u->le, u);
	}
	if (!is_old(u->sent[u->next], now))
		return false;
	u->sent[u->next] = u->last = now;
	u->next = (u->next + 1) % CHAT_BUDGET_TEXTS;
	return true;
}

size_t chat_budget_users(struct chat_budget *b, usec_t now)
{
	forget_old(b, now);
	return list_count(&b->users);
}
