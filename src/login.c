#include "login.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "base/qr.h"
#include "bus/text.h"
#include "ctl/ctl.h"
#include "terminal.h"

#define ATTEMPTS 3
#define LOGIN_LIMIT_S 70

/* -- the last step -------------------------------------------------------- */

/* Asks with a secret in the request and wipes the copies. */
static json_t *ask_secret(struct ask *l, const char *session,
			  const char *command, const char *key, char *secret,
			  size_t room)
{
	json_t *answer =
		ask_connected(l, json_pack("{ss ss ss}", "command", command,
					   "session", session, key, secret));

	bytes_wipe(secret, room);
	return answer;
}

static int greet(json_t *answer)
{
	json_t *user = json_object_get(answer, "user");

	printf("Logged in as %s (id %s).\n", text_of(user, "first_name"),
	       text_of(user, "id"));
	return 0;
}

static int finish(struct ask *l, const char *session, json_t *answer);

/* Telegram sends a code to the recovery address. */
static int recover(struct ask *l, const char *session)
{
	char code[64], password[256];
	json_t *answer =
		ask_run(l, json_pack("{ss ss}", "command", "login recover",
				     "session", session));
	int status = 1;

	if (!ask_is_ok(answer)) {
		ask_complain(answer);
		goto out;
	}
	printf("Telegram sent a code to %s.\n", text_of(answer, "email"));
	json_decref(answer);
	answer = NULL;
	if (terminal_ask("Recovery code", code, sizeof(code), false))
		return 1;
	if (terminal_ask("New password (empty: the account has none from now "
			 "on)",
			 password, sizeof(password), true))
		return 1;
	answer = ask_run(l, json_pack("{ss ss ss ss}", "command",
				      "login recover", "session", session,
				      "code", code, "password", password));
	bytes_wipe(password, sizeof(password));
	bytes_wipe(code, sizeof(code));
	status = finish(l, session, answer);
out:
	json_decref(answer);
	return status;
}

static int enter_password(struct ask *l, const char *session, json_t *owed)
{
	bool recovery = json_is_true(json_object_get(owed, "recovery"));
	const char *hint = text_of(owed, "hint");
	char password[256];
	json_t *answer;
	int status;

	printf("The account has a password%s%s%s.\n", *hint ? ", hint: " : "",
	       hint, recovery ? " (empty: recover it by e-mail)" : "");
	for (int i = 0; i < ATTEMPTS; i++) {
		if (terminal_ask("Password", password, sizeof(password), true))
			return 1;
		if (!*password && recovery)
			return recover(l, session);
		answer = ask_secret(l, session, "login password", "password",
				    password, sizeof(password));
		if (!ask_is_error(answer, "PASSWORD_HASH_INVALID")) {
			status = finish(l, session, answer);
			json_decref(answer);
			return status;
		}
		ask_complain(answer);
		json_decref(answer);
	}
	return 1;
}

/* An answer that says who is logged in, or what is still owed. */
static int finish(struct ask *l, const char *session, json_t *answer)
{
	json_t *owed = json_object_get(answer, "password");

	if (ask_is_ok(answer) && owed)
		return enter_password(l, session, owed);
	if (ask_is_ok(answer))
		return greet(answer);
	ask_complain(answer);
	return 1;
}

/* -- by phone code -------------------------------------------------------- */

static const struct {
	const char *how, *where;
} places[] = {
	{"app", "as a message in the account's other apps"},
	{"sms", "by SMS"},
	{"call", "by a voice call"},
	{"flash-call", "as the last digits of the number that calls"},
	{"missed-call", "as the last digits of the number that calls"},
	{"email", "by e-mail"},
	{"email-required",
	 "not at all: set an e-mail address for log-ins in an app first"},
	{"fragment", "on the site of the anonymous number"},
	{"firebase", "to phones only: have it sent another way"},
	{"sms-word", "as a word in an SMS"},
	{"sms-phrase", "as a phrase in an SMS"},
};

static const char *place(const char *how)
{
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
		if (!strcmp(places[i].how, how))
			return places[i].where;
	return "in a way this version does not know";
}

static void tell_sent(json_t *answer)
{
	json_int_t length =
		json_integer_value(json_object_get(answer, "length"));
	json_int_t wait =
		json_integer_value(json_object_get(answer, "timeout_s"));
	const char *next = text_of(answer, "next");
	const char *pattern = text_of(answer, "pattern");

	printf("Telegram sent a code");
	if (length)
		printf(" of %lld digits", (long long)length);
	printf(" (%s): %s%s%s.\n", text_of(answer, "how"),
	       place(text_of(answer, "how")), *pattern ? ", " : "", pattern);
	if (*next && wait)
		printf("Type r to have it sent again (%s), after %lld s; q to "
		       "give up.\n",
		       next, (long long)wait);
	else if (*next)
		printf("Type r to have it sent again (%s), q to give up.\n",
		       next);
}

/* "r" and "q" instead of a code. */
static bool typed_order(struct ask *l, const char *session, const char *typed,
			bool *over)
{
	bool again = !strcmp(typed, "r");
	json_t *answer;

	if (!again && strcmp(typed, "q") != 0)
		return false;
	answer = ask_run(l, json_pack("{ss ss}", "command",
				      again ? "login resend" : "login cancel",
				      "session", session));
	if (!ask_is_ok(answer))
		ask_complain(answer);
	else if (again)
		tell_sent(answer);
	*over = !again;
	json_decref(answer);
	return true;
}

static int enter_code(struct ask *l, const char *session)
{
	char code[64];
	bool over = false;
	json_t *answer;
	int status;

	for (int i = 0; i < ATTEMPTS && !over;) {
		if (terminal_ask("Code", code, sizeof(code), false))
			return 1;
		if (typed_order(l, session, code, &over))
			continue;
		i++;
		answer = ask_secret(l, session, "login code", "code", code,
				    sizeof(code));
		if (!ask_is_error(answer, "PHONE_CODE_INVALID") &&
		    !ask_is_error(answer, "CODE_INVALID")) {
			status = finish(l, session, answer);
			json_decref(answer);
			return status;
		}
		ask_complain(answer);
		json_decref(answer);
	}
	return 1;
}

static int by_phone(struct ask *l, const char *session, const char *phone)
{
	char typed[32];
	json_t *answer;
	int status = 1;

	if (!phone || !*phone) {
		if (terminal_ask("Phone number", typed, sizeof(typed), false))
			return 1;
		phone = typed;
	}
	answer = ask_connected(l,
			       json_pack("{ss ss ss}", "command", "login start",
					 "session", session, "phone", phone));
	if (ask_is_ok(answer)) {
		tell_sent(answer);
		status = enter_code(l, session);
	} else {
		ask_complain(answer);
	}
	json_decref(answer);
	return status;
}

/* -- by QR code ----------------------------------------------------------- */

static json_t *ask_qr(struct ask *l, const char *session, bool shown)
{
	return ask_connected(l, json_pack("{ss ss sb}", "command", "login qr",
					  "session", session, "shown", shown));
}

/* A new code replaces the one above it on a terminal. */
static int draw(const char *url, bool again)
{
	struct buf lines;
	struct qr qr;

	if (qr_encode(&qr, bytes_str(url)))
		return -EMSGSIZE;
	buf_init(&lines);
	if (again && isatty(STDOUT_FILENO))
		buf_printf(&lines, "\033[%dA", (qr.side + 8 + 1) / 2 + 1);
	qr_draw(&lines, &qr);
	fwrite(lines.p, 1, lines.n, stdout);
	buf_clear(&lines);
	printf("%s\n", url);
	fflush(stdout);
	return 0;
}

static int by_qr(struct ask *l, const char *session)
{
	json_t *answer = ask_qr(l, session, false);
	bool again = false;
	int status;

	if (ask_is_ok(answer) && *text_of(answer, "url"))
		printf("In the account's app: Settings, Devices, Link Desktop "
		       "Device; scan this:\n");
	while (ask_is_ok(answer) && *text_of(answer, "url")) {
		if (draw(text_of(answer, "url"), again)) {
			fprintf(stderr, "gramline: the code is too long\n");
			json_decref(answer);
			return 1;
		}
		again = true;
		json_decref(answer);
		answer = ask_qr(l, session, true);
	}
	status = finish(l, session, answer);
	json_decref(answer);
	return status;
}

/* -- bots, log-out, log-ins ----------------------------------------------- */

static int by_token(struct ask *l, const char *session)
{
	char token[128];
	json_t *answer;
	int status;

	if (terminal_ask("Bot token", token, sizeof(token), true))
		return 1;
	answer = ask_secret(l, session, "login bot", "token", token,
			    sizeof(token));
	status = finish(l, session, answer);
	json_decref(answer);
	return status;
}

static int out(struct ask *l, const char *session)
{
	json_t *answer =
		ask_connected(l, json_pack("{ss ss}", "command", "logout",
					   "session", session));
	bool ok = ask_is_ok(answer);

	if (ok)
		printf("Logged out.\n");
	else
		ask_complain(answer);
	json_decref(answer);
	return ok ? 0 : 1;
}

static int show(struct ask *l, const char *what, const char *session)
{
	json_t *answer = ask_connected(
		l, json_pack("{ss ss}", "command", what, "session", session));
	int status = 1;

	if (ask_is_ok(answer))
		status = ctl_print(answer, false);
	else
		ask_complain(answer);
	json_decref(answer);
	return status;
}

/* -- settings of the account ---------------------------------------------- */

static int setting_apply(struct ask *l, const char *session,
			 const char *setting)
{
	json_t *answer = ask_connected(
		l, json_pack("{ss ss ss}", "command", "account", "session",
			     session, "setting", setting));
	bool ok = ask_is_ok(answer);

	if (ok) {
		printf("%s: set.\n", setting);
	} else {
		fprintf(stderr, "%s: not set. ", setting);
		ask_complain(answer);
	}
	json_decref(answer);
	return ok ? 0 : 1;
}

static int settings_apply(struct ask *l, const char *session,
			  const char *setting)
{
	static const char *const all[] = {"other-devices", "calls", "p2p",
					  "groups"};
	int status = 0;

	if (strcmp(setting, "all") != 0)
		return setting_apply(l, session, setting);
	/* One refused is no reason to leave out the others. */
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		status |= setting_apply(l, session, all[i]);
	return status;
}

static int run(struct ask *l, enum login_verb verb, const char *session,
	       const char *detail)
{
	switch (verb) {
	case LOGIN_BY_PHONE:
		return by_phone(l, session, detail);
	case LOGIN_BY_QR:
		return by_qr(l, session);
	case LOGIN_BY_TOKEN:
		return by_token(l, session);
	case LOGIN_OUT:
		return out(l, session);
	case LOGIN_LIST:
		return show(l, "show logins", session);
	case LOGIN_ACCOUNT:
		return detail ? settings_apply(l, session, detail)
			      : show(l, "show account", session);
	}
	return 1;
}

int login_run(const struct settings *s, enum login_verb verb,
	      const char *session, const char *detail)
{
	size_t i = ask_session(s, session);
	struct ask l;
	int status;

	if (i == s->sessions_n)
		return 1;
	if (!detail && verb == LOGIN_BY_PHONE)
		detail = s->phones[i];
	if (ask_open(&l, s, LOGIN_LIMIT_S))
		return 1;
	status = run(&l, verb, session, detail);
	ask_close(&l);
	return status;
}
