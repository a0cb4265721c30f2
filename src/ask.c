#include "ask.h"

#include <stdio.h>
#include <string.h>

#include "base/re.h"
#include "bus/text.h"
#include "ctl/ctl.h"
#include "gateway.h"

#define CONNECT_LIMIT_MS 60000

size_t ask_session(const struct settings *s, const char *session)
{
	size_t i = 0;

	while (i < s->sessions_n && strcmp(s->sessions[i], session) != 0)
		i++;
	if (i == s->sessions_n)
		fprintf(stderr,
			"gramline: there is no [session %s] in the "
			"configuration\n",
			session);
	return i;
}

int ask_open(struct ask *a, const struct settings *s, unsigned limit_s)
{
	json_t *answer = NULL;
	int err = 0;

	*a = (struct ask){.settings = s, .limit_s = limit_s};
	if (ctl_ask(&answer, s->control,
		    json_pack("{ss}", "command", "show version"), 5))
		err = gateway_new(&a->gateway, s, GATEWAY_CONTROL);
	json_decref(answer);
	return err;
}

void ask_close(struct ask *a)
{
	gateway_free(&a->gateway);
}

static void on_answer(json_t *answer, void *arg)
{
	struct ask *a = arg;

	a->answer = json_incref(answer);
	re_cancel();
}

json_t *ask_run(struct ask *a, json_t *request)
{
	json_t *answer = NULL;

	if (!a->gateway) {
		if (ctl_ask(&answer, a->settings->control, request, a->limit_s))
			return NULL;
		return answer;
	}
	a->answer = NULL;
	if (!service_run(gateway_service(a->gateway), request, on_answer, a))
		re_main(NULL);
	json_decref(request);
	return a->answer;
}

static void give_up(void *arg)
{
	re_cancel();
}

/* The Storage connects on its own; asks until it has, or the limit passes. */
json_t *ask_connected(struct ask *a, json_t *request)
{
	usec_t limit = clock_now() + CONNECT_LIMIT_MS * USEC_MS;
	struct tmr pause;
	json_t *answer;

	tmr_init(&pause);
	for (;;) {
		answer = ask_run(a, json_incref(request));
		if (!answer || clock_now() > limit || !a->gateway ||
		    strcmp(text_of(answer, "error"), "NOT_CONNECTED") != 0)
			break;
		json_decref(answer);
		tmr_start(&pause, 200, give_up, NULL);
		re_main(NULL);
	}
	json_decref(request);
	return answer;
}

bool ask_is_ok(json_t *answer)
{
	return json_is_true(json_object_get(answer, "ok"));
}

bool ask_is_error(json_t *answer, const char *text)
{
	return answer && !strcmp(text_of(answer, "error"), text);
}

/* -- what errors mean ------------------------------------------------------ */

static const struct {
	const char *error, *meaning;
} meanings[] = {
	{"PHONE_CODE_INVALID", "the code is wrong"},
	{"PHONE_CODE_EMPTY", "the code is missing"},
	{"PHONE_CODE_EXPIRED", "the code has expired: log in again"},
	{"CODE_INVALID", "the code is wrong"},
	{"EMAIL_VERIFY_EXPIRED", "the code has expired: log in again"},
	{"SEND_CODE_UNAVAILABLE",
	 "Telegram sends no other code now, or not yet"},
	{"PHONE_NUMBER_UNOCCUPIED",
	 "this number has no Telegram account; make one with an app"},
	{"PHONE_NUMBER_INVALID", "this is not a phone number"},
	{"PHONE_NUMBER_BANNED", "Telegram has banned this number"},
	{"PHONE_NUMBER_FLOOD", "too many log-ins of this number: wait"},
	{"PHONE_PASSWORD_FLOOD", "too many log-ins of this number: wait"},
	{"API_ID_INVALID", "api_id or api_hash is wrong"},
	{"UPDATE_APP_TO_LOGIN", "Telegram wants a newer gramline"},
	{"PASSWORD_HASH_INVALID", "the password is wrong"},
	{"PASSWORD_TERMS_REFUSED",
	 "the data centre sent numbers that are not safe; nothing was sent"},
	{"PASSWORD_RECOVERY_NA", "this account has no recovery e-mail"},
	{"PASSWORD_RECOVERY_EXPIRED", "the recovery code has expired"},
	{"ACCESS_TOKEN_INVALID", "the bot token is wrong"},
	{"ACCESS_TOKEN_EXPIRED", "the bot token has been revoked"},
	{"ALREADY_LOGGED_IN", "this session is logged in; log it out first"},
	{"ARGUMENT_INVALID", "empty or too long"},
	{"NOT_CONNECTED", "no connection to Telegram"},
	{"SESSION_UNKNOWN", "there is no such session"},
	{"PEER_ID_INVALID", "this user is not known to the account"},
	{"USERNAME_NOT_OCCUPIED", "nobody has this username"},
	{"PHONE_NOT_OCCUPIED", "no user can be found by this number"},
	{"MESSAGE_TOO_LONG", "more than 4096 characters, a caption 1024"},
	{"FORMAT_INVALID", "the text is not well formed"},
	{"MESSAGE_ID_INVALID", "there is no such message"},
	{"MESSAGE_NOT_MODIFIED", "this is what it says already"},
	{"MESSAGE_AUTHOR_REQUIRED", "somebody else wrote it"},
	{"FILE_UNKNOWN", "there is no file in this message"},
	{"VOICE_MESSAGES_FORBIDDEN", "this user takes no voice messages"},
	{"ENOENT", "no such file"},
	{"EACCES", "the gateway may not open this file"},
	{"EEXIST", "the file is there already"},
	{"VOICE_FORMAT_INVALID", "not a voice message: Opus in Ogg"},
	{"FRESH_RESET_AUTHORISATION_FORBIDDEN",
	 "Telegram lets a log-in change others only after its first 24 hours: "
	 "try again then"},
	{"FEATURE_OFF", "the session's features do not permit it"},
	{"SETTING_UNKNOWN",
	 "a setting is other-devices, calls, p2p, groups or all"},
	{"SETTING_NOT_TAKEN", "Telegram answered with another setting"},
	{"FROZEN_METHOD_INVALID", "Telegram has frozen the account"},
};

void ask_complain(json_t *answer)
{
	const char *error = answer ? text_of(answer, "error") : "no answer";
	int seconds;

	if (sscanf(error, "FLOOD_WAIT_%d", &seconds) == 1) {
		fprintf(stderr,
			"gramline: too many attempts, Telegram asks to wait "
			"%d s (%s)\n",
			seconds, error);
		return;
	}
	for (size_t i = 0; i < sizeof(meanings) / sizeof(*meanings); i++) {
		if (strcmp(meanings[i].error, error) != 0)
			continue;
		fprintf(stderr, "gramline: %s (%s)\n", meanings[i].meaning,
			error);
		return;
	}
	fprintf(stderr, "gramline: %s\n", error);
}
