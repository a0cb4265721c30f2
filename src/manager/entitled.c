/* Who may do what, in the order of behaviour 3.4. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bus/text.h"
#include "manager/internal.h"

bool manager_serves(const struct manager *m, const struct manager_worker *w,
		    const struct trunk *t)
{
	return t->enabled && manager_is_on(m, "worker", w->id) &&
	       (!*t->worker || strcmp(t->worker, w->id) == 0);
}

/* The Storage is switched on, and has told of this session. */
static json_t *session_held(const struct manager *m, const char *session)
{
	return manager_is_on(m, "storage", m->conf.storage)
		       ? json_object_get(m->sessions, session)
		       : NULL;
}

/* False once Telegram has said so; not merely while there is no connection. */
static bool session_authorised(const struct manager *m, const char *name)
{
	return !json_is_false(json_object_get(
		json_object_get(m->sessions, name), "logged_in"));
}

bool manager_session_ready(const struct manager *m, const char *session)
{
	return strcmp(text_of(json_object_get(m->sessions, session), "state"),
		      "ready") == 0;
}

/* Row 6: "requester still entitled to the session". What is nobody's is
 * everybody's. */
static bool is_permitted(const struct manager *m, const struct trunk *t)
{
	const char *owner = text_of(m->owners, t->session);

	return !*owner || !*t->owner || strcmp(owner, t->owner) == 0;
}

static enum cause_row limit(char text[64], const char *what)
{
	snprintf(text, 64, "%s", what);
	return CAUSE_LIMIT;
}

/* Behaviour 6.3: what is used up holds for all that needs it. */
static enum cause_row subscription_over(struct manager *m,
					const struct trunk *t,
					struct store_subscription *v,
					char text[64])
{
	int err = store_subscription_get(m->conf.store, t->subscription, v);

	if (err == -ENOENT || (!err && v->until && v->until <= manager_now()))
		return limit(text, "Subscription is required");
	if (err)
		return CAUSE_DATABASE_ERROR;
	return CAUSE_ROWS;
}

static enum cause_row seconds_over(const struct store_subscription *v,
				   char text[64])
{
	return v->seconds && v->seconds_used >= v->seconds
		       ? limit(text, "Total calls duration is exceeded")
		       : CAUSE_ROWS;
}

static enum cause_row fails_over(struct manager *m, const struct trunk *t,
				 const struct store_subscription *v,
				 char text[64])
{
	int64_t n = 0;

	if (!v->fails)
		return CAUSE_ROWS;
	if (store_fails(m->conf.store, t->subscription, manager_now() - 3600,
			&n))
		return CAUSE_DATABASE_ERROR;
	return n >= v->fails ? limit(text, "Amount of fail calls is exceeded")
			     : CAUSE_ROWS;
}

/* "limits (lines, durations, failed calls)". */
static enum cause_row call_over(struct manager *m, const struct trunk *t,
				char text[64])
{
	struct store_subscription v = {0};
	enum cause_row row = CAUSE_ROWS;

	if (*t->subscription)
		row = subscription_over(m, t, &v, text);
	if (row != CAUSE_ROWS)
		return row;
	if ((t->lines &&
	     manager_calls(m, CALLS_OF_TRUNK, t->name) >= t->lines) ||
	    (v.lines && manager_calls(m, CALLS_OF_SUBSCRIPTION,
				      t->subscription) >= v.lines))
		return limit(text, "Amount of lines is exceeded");
	row = seconds_over(&v, text);
	return row != CAUSE_ROWS ? row : fails_over(m, t, &v, text);
}

/* Behaviour D7: what the owner of the gateway allows, paid or not. */
static enum cause_row calls_over(struct manager *m, const struct trunk *t)
{
	json_int_t most =
		json_integer_value(json_object_get(m->max_calls, t->session));

	if ((t->max_calls &&
	     manager_calls(m, CALLS_OF_TRUNK, t->name) >= t->max_calls) ||
	    (most && manager_calls(m, CALLS_OF_SESSION, t->session) >= most))
		return CAUSE_MAX_CALLS;
	return CAUSE_ROWS;
}

/* "database errors anywhere" */
static enum cause_row store_over(const struct manager *m)
{
	return store_status(m->conf.store) ? CAUSE_DATABASE_ERROR : CAUSE_ROWS;
}

enum cause_row manager_may_register(struct manager *m, const struct trunk *t,
				    const struct manager_worker *w,
				    char text[64])
{
	struct store_subscription v = {0};
	enum cause_row row = CAUSE_ROWS;

	if (!t->enabled)
		return CAUSE_ACCOUNT_NOT_RUNNING;
	if (!is_permitted(m, t))
		return CAUSE_NOT_PERMITTED;
	if (!manager_serves(m, w, t))
		return CAUSE_WORKER_INACTIVE;
	if (!w->registrar)
		return CAUSE_WORKER_NO_ADDRESS;
	if (!session_held(m, t->session))
		return CAUSE_STORAGE_INACTIVE;
	if (!session_authorised(m, t->session))
		return CAUSE_SESSION_INACTIVE;
	/* Calls under way and failed ones do not end a registration. */
	if (*t->subscription)
		row = subscription_over(m, t, &v, text);
	if (row == CAUSE_ROWS)
		row = seconds_over(&v, text);
	return row != CAUSE_ROWS ? row : store_over(m);
}

enum cause_row manager_may_call(struct manager *m, const struct trunk *t,
				char text[64])
{
	enum cause_row row;

	/* D5: a trunk of the store, whose session the configuration lost. */
	if (!json_object_get(m->owners, t->session))
		return CAUSE_NOTHING_ATTACHED;
	if (!session_held(m, t->session))
		return CAUSE_STORAGE_UNAVAILABLE;
	if (!session_authorised(m, t->session))
		return CAUSE_SESSION_NOT_RUNNING;
	row = call_over(m, t, text);
	if (row == CAUSE_ROWS)
		row = calls_over(m, t);
	/* The Storage knows best whether it can call; but what comes behind
	 * that question is not told before it. */
	if (row != CAUSE_ROWS && !manager_session_ready(m, t->session))
		return CAUSE_SESSION_NOT_RUNNING;
	return row != CAUSE_ROWS ? row : store_over(m);
}

enum cause_row manager_may_ring(struct manager *m, const struct trunk *t,
				char text[64])
{
	enum cause_row row = call_over(m, t, text);

	if (row == CAUSE_ROWS)
		row = calls_over(m, t);
	return row != CAUSE_ROWS ? row : store_over(m);
}
