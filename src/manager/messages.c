/* Texts to a session's account: the number that the writer's next call dials
 * (behaviour 3.13). Never logged, and not kept longer than needed. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "bus/text.h"
#include "manager/internal.h"
#include "manager/said.h"
#include "route/dial_rules.h"

/* Empty: the text names none for this trunk, or the trunk is not for it. */
static void number_of(char number[128], const struct trunk *t, const char *text)
{
	struct dial_rules_fault fault;
	struct dial_rules *rules = NULL;

	*number = '\0';
	if (!t->enabled || dial_rules_new(&rules, t->dial_rules, &fault))
		return;
	if (dial_rules_apply(number, 128, rules, text))
		*number = '\0';
	dial_rules_free(&rules);
}

static json_t *numbers_of(const struct manager *m, const char *session,
			  const char *text)
{
	json_t *numbers = json_object();
	char number[128];
	struct le *le;

	LIST_FOREACH(&m->trunks, le)
	{
		const struct trunk *t =
			&((const struct manager_trunk *)le->data)->set;

		if (strcmp(t->session, session) != 0)
			continue;
		number_of(number, t, text);
		if (*number)
			json_object_set_new(numbers, t->name,
					    json_string(number));
	}
	return numbers;
}

void manager_message(struct manager *m, const struct bus_message *msg)
{
	const char *session = text_of(msg->body, "session");
	const char *user = text_of(json_object_get(msg->body, "from"), "id");
	json_t *numbers = numbers_of(m, session, text_of(msg->body, "text"));

	/* One that names nothing leaves what an earlier one named. */
	if (json_object_size(numbers)) {
		said_put(&m->said, session, user, numbers, clock_now());
		log_info("manager", session,
			 "a text of user %s names a number for %zu trunks",
			 user, json_object_size(numbers));
	}
	json_decref(numbers);
}

json_t *manager_said_take(struct manager *m, const char *session,
			  const char *user)
{
	return said_take(&m->said, session, user, clock_now());
}
