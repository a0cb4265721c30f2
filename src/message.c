#include "message.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "bus/text.h"
#include "ctl/ctl.h"

#define MESSAGE_LIMIT_S 40
#define FILE_LIMIT_S (3600 + 60)

/* One order in words: which they are, and how they are asked for. */
struct verb {
	const char *name, *command;
	size_t least, most; /* words behind the name */
	const char *keys[4];
};

static const struct verb message_verbs[] = {
	{"send", "message send", 3, 3, {"session", "to", "text"}},
	{"edit", "message edit", 4, 4, {"session", "to", "id", "text"}},
	{"delete", "message delete", 2, 2, {"session", "id"}},
	{"list", "message list", 2, 2, {"session", "to"}},
};

static const struct verb file_verbs[] = {
	{"send", "file send", 3, 4, {"session", "to", "path", "caption"}},
	{"receive", "file receive", 3, 3, {"session", "id", "path"}},
};

/* The gateway's working directory is another one. */
static int absolute(char path[PATH_MAX], const char *given)
{
	char here[PATH_MAX];
	int n;

	if (*given == '/')
		n = snprintf(path, PATH_MAX, "%s", given);
	else if (!getcwd(here, sizeof(here)))
		return -errno;
	else
		n = snprintf(path, PATH_MAX, "%s/%s", here, given);
	return n < PATH_MAX ? 0 : -ENAMETOOLONG;
}

static int request_make(json_t **request, const struct verb *v,
			const struct message_order *o)
{
	json_t *q = json_pack("{ss}", "command", v->command);
	char path[PATH_MAX];

	for (size_t i = 0; i + 1 < o->words_n; i++) {
		const char *word = o->words[i + 1];

		if (!strcmp(v->keys[i], "path")) {
			if (absolute(path, word))
				break;
			word = path;
		}
		json_object_set_new(q, v->keys[i], json_string(word));
	}
	if (o->format)
		json_object_set_new(q, "format", json_string(o->format));
	if (o->voice)
		json_object_set_new(q, "voice", json_true());
	if (json_object_size(q) < o->words_n) {
		json_decref(q);
		return -EINVAL; /* not UTF-8, or a path too long */
	}
	*request = q;
	return 0;
}

static int show(json_t *answer, bool json)
{
	if (!ask_is_ok(answer)) {
		ask_complain(answer);
		return 1;
	}
	if (json || json_object_get(answer, "rows"))
		return ctl_print(answer, json);
	if (json_object_get(answer, "id"))
		printf("%lld\n", (long long)json_integer_value(
					 json_object_get(answer, "id")));
	return 0;
}

static int run(const struct settings *s, const struct verb *verbs, size_t n,
	       unsigned limit_s, const struct message_order *o)
{
	const struct verb *v = verbs;
	json_t *request = NULL, *answer;
	struct ask a;
	int status;

	while (o->words_n && v < verbs + n && strcmp(v->name, o->words[0]) != 0)
		v++;
	if (!o->words_n || v == verbs + n || o->words_n - 1 < v->least ||
	    o->words_n - 1 > v->most)
		return 2;
	if (ask_session(s, o->words[1]) == s->sessions_n)
		return 1;
	if (request_make(&request, v, o)) {
		fputs("gramline: text is not UTF-8\n", stderr);
		return 1;
	}
	if (ask_open(&a, s, limit_s)) {
		json_decref(request);
		return 1;
	}
	answer = ask_connected(&a, request);
	status = show(answer, o->json);
	json_decref(answer);
	ask_close(&a);
	return status;
}

int message_run(const struct settings *s, const struct message_order *o)
{
	return run(s, message_verbs,
		   sizeof(message_verbs) / sizeof(*message_verbs),
		   MESSAGE_LIMIT_S, o);
}

int file_run(const struct settings *s, const struct message_order *o)
{
	return run(s, file_verbs, sizeof(file_verbs) / sizeof(*file_verbs),
		   FILE_LIMIT_S, o);
}
