#include "login.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus/text.h"
#include "ctl/ctl.h"
#include "gateway.h"

#define CODE_ATTEMPTS 3
#define CONNECT_LIMIT_MS 60000

/* Where commands go: a running gateway, or one made for the log-in. */
struct login {
	const struct settings *settings;
	struct gateway *gateway; /* NULL: the control socket */
	json_t *answer;
};

static void on_answer(json_t *answer, void *arg)
{
	struct login *l = arg;

	l->answer = json_incref(answer);
	re_cancel();
}

static json_t *ask(struct login *l, json_t *request)
{
	json_t *answer = NULL;

	if (!l->gateway) {
		if (ctl_ask(&answer, l->settings->control, request, 70))
			return NULL;
		return answer;
	}
	l->answer = NULL;
	if (!service_run(gateway_service(l->gateway), request, on_answer, l))
		re_main(NULL);
	json_decref(request);
	return l->answer;
}

static int read_answer(const char *prompt, char *dst, size_t room)
{
	printf("%s: ", prompt);
	fflush(stdout);
	if (!fgets(dst, (int)room, stdin))
		return -EIO;
	dst[strcspn(dst, "\r\n")] = '\0';
	return *dst ? 0 : -EINVAL;
}

static void give_up(void *arg)
{
	re_cancel();
}

/* The Storage connects on its own; asks until it has, or the limit passes. */
static json_t *send_code(struct login *l, const char *session,
			 const char *phone)
{
	usec_t limit = clock_now() + CONNECT_LIMIT_MS * USEC_MS;
	struct tmr pause;
	json_t *answer;

	tmr_init(&pause);
	for (;;) {
		answer = ask(l, json_pack("{ss ss ss}", "command",
					  "login start", "session", session,
					  "phone", phone));
		if (!answer || clock_now() > limit || !l->gateway ||
		    strcmp(text_of(answer, "error"), "NOT_CONNECTED") != 0)
			return answer;
		json_decref(answer);
		tmr_start(&pause, 200, give_up, NULL);
		re_main(NULL);
	}
}

static int sign_in(struct login *l, const char *session)
{
	char code[32];

	for (int i = 0; i < CODE_ATTEMPTS; i++) {
		json_t *answer;
		bool ok;

		if (read_answer("Code", code, sizeof(code)))
			return 1;
		answer = ask(l, json_pack("{ss ss ss}", "command", "login code",
					  "session", session, "code", code));
		bytes_wipe(code, sizeof(code));
		ok = json_is_true(json_object_get(answer, "ok"));
		if (ok)
			printf("Logged in as %s (id %s).\n",
			       text_of(json_object_get(answer, "user"),
				       "first_name"),
			       text_of(json_object_get(answer, "user"), "id"));
		else
			fprintf(stderr, "gramline: %s\n",
				answer ? text_of(answer, "error")
				       : "no answer");
		if (ok || strcmp(text_of(answer, "error"),
				 "PHONE_CODE_INVALID") != 0) {
			json_decref(answer);
			return ok ? 0 : 1;
		}
		json_decref(answer);
	}
	return 1;
}

static int run(struct login *l, const char *session, const char *phone)
{
	char typed[32];
	json_t *answer;
	int status = 1;

	if (!phone || !*phone) {
		if (read_answer("Phone number", typed, sizeof(typed)))
			return 1;
		phone = typed;
	}
	answer = send_code(l, session, phone);
	if (json_is_true(json_object_get(answer, "ok"))) {
		printf("Telegram sent a code of %lld digits (%s).\n",
		       (long long)json_integer_value(
			       json_object_get(answer, "length")),
		       text_of(answer, "how"));
		status = sign_in(l, session);
	} else {
		fprintf(stderr, "gramline: %s\n",
			answer ? text_of(answer, "error") : "no answer");
	}
	json_decref(answer);
	return status;
}

int login_run(const struct settings *s, const char *session, const char *phone)
{
	struct login l = {.settings = s};
	json_t *answer = NULL;
	size_t i = 0;
	int status;

	while (i < s->sessions_n && strcmp(s->sessions[i], session) != 0)
		i++;
	if (i == s->sessions_n) {
		fprintf(stderr,
			"gramline: there is no [session %s] in the "
			"configuration\n",
			session);
		return 1;
	}
	if (!phone)
		phone = s->phones[i];
	if (ctl_ask(&answer, s->control,
		    json_pack("{ss}", "command", "show version"), 5)) {
		if (gateway_new(&l.gateway, s, GATEWAY_CONTROL))
			return 1;
	}
	json_decref(answer);
	status = run(&l, session, phone);
	gateway_free(&l.gateway);
	return status;
}
