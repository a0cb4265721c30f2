/* [sip]: what strangers may do, and how much at once. */
#include <string.h>

#include "base/text.h"
#include "settings_internal.h"

static int read_never_ban(struct worker_conf *w, struct config_section *sip,
			  struct config_error *err)
{
	const char *list = config_value(sip, "never_ban", 0);
	char item[48];

	if (!list)
		list = "127.0.0.0/8, ::1";
	while (text_item(&list, item, sizeof(item))) {
		if (w->never_ban_n ==
		    sizeof(w->never_ban) / sizeof(*w->never_ban))
			return config_fail(sip, "never_ban", 0, err,
					   "too many networks");
		if (network_read(&w->never_ban[w->never_ban_n], item))
			return config_fail(sip, "never_ban", 0, err,
					   "%s is no address and no network",
					   item);
		w->never_ban_n++;
	}
	return 0;
}

static int read_agents(struct worker_conf *w, struct config_section *sip,
		       struct config_error *err)
{
	char text[512] = "", *at = text, *name;
	int fail =
		config_text(sip, "drop_user_agents", text, sizeof(text), err);

	while (!fail && (name = strsep(&at, ","))) {
		struct bytes word = bytes_str(name);

		while (word.n && *word.p == ' ')
			word = bytes_of(word.p + 1, word.n - 1);
		while (word.n && word.p[word.n - 1] == ' ')
			word.n--;
		if (!word.n)
			continue;
		if (w->drop_agents_n == GUARD_AGENTS ||
		    word.n >= GUARD_AGENT_MAX)
			return config_fail(sip, "drop_user_agents", 0, err,
					   "more than %d names, or one longer "
					   "than %d",
					   GUARD_AGENTS, GUARD_AGENT_MAX - 1);
		text_cut(w->drop_agents[w->drop_agents_n++], GUARD_AGENT_MAX,
			 word);
	}
	return fail;
}

int settings_guard_read(struct worker_conf *w, struct config_section *sip,
			struct config_error *err)
{
	uint64_t rate = 200, calls = 0;
	int fail = read_never_ban(w, sip, err);

	if (!fail)
		fail = config_uint(sip, "rate_limit", 0, 1000000, &rate, err);
	if (!fail)
		fail = config_uint(sip, "max_calls", 0, 1000000, &calls, err);
	if (!fail)
		fail = read_agents(w, sip, err);
	w->rate_limit = (unsigned)rate;
	w->max_calls = (unsigned)calls;
	return fail;
}
