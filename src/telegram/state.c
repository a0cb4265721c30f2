/* The table of state.h. */
#include "telegram/state.h"

#include <stddef.h>
#include <string.h>

enum kind { TRYING, READY, LIMITED, WAITING, STOPPED, DEAD };

static const struct {
	const char *name, *text;
	enum kind kind;
} states[TG_STATES] = {
	[TG_STATE_OFFLINE] = {"offline",
			      "no connection to Telegram; it tries again",
			      TRYING},
	[TG_STATE_CONNECTING] = {"connecting", "the connection is being made",
				 TRYING},
	[TG_STATE_PROXY_REFUSED] =
		{"proxy_refused",
		 "the proxy did not let us through; it tries again: check its "
		 "address and password",
		 TRYING},
	[TG_STATE_NO_ADDRESS] =
		{"no_address",
		 "the account lives in a data centre without an address in "
		 "[telegram]: add it",
		 TRYING},
	[TG_STATE_UPDATING] = {"updating",
			       "connected; learning what was missed", TRYING},
	[TG_STATE_READY] = {"ready", "calls pass", READY},
	[TG_STATE_WAITING_FOR_LOGIN] = {"waiting_for_login",
					"nobody is logged in: gramline login",
					WAITING},
	[TG_STATE_FROZEN] =
		{"frozen",
		 "Telegram has frozen the account: it can call nobody; appeal "
		 "in an app of the account",
		 LIMITED},
	[TG_STATE_UPDATE_APP] =
		{"update_app_to_login",
		 "Telegram wants a newer gramline; the log-in is kept",
		 STOPPED},
	[TG_STATE_API_ID] =
		{"api_id_invalid",
		 "Telegram does not accept api_id and api_hash: correct them "
		 "and start again",
		 STOPPED},
	[TG_STATE_KEY_FILE] =
		{"key_file_wrong",
		 "the kept log-in does not open with this key file: put the "
		 "right one back and start again, or log in anew",
		 STOPPED},
	[TG_STATE_LOGGED_OUT] = {"logged_out",
				 "logged out by gramline: gramline login",
				 DEAD},
	[TG_STATE_UNREGISTERED] = {"key_unregistered",
				   "Telegram does not know the log-in any "
				   "more: gramline login",
				   DEAD},
	[TG_STATE_KEY_UNKNOWN] = {"key_unknown",
				  "the data centre has lost the key of the "
				  "log-in: gramline login",
				  DEAD},
	[TG_STATE_REVOKED] = {"revoked",
			      "the log-in was ended in another app of the "
			      "account: gramline login",
			      DEAD},
	[TG_STATE_EXPIRED] = {"expired",
			      "the log-in was unused for too long: gramline "
			      "login",
			      DEAD},
	[TG_STATE_DUPLICATED] =
		{"duplicated",
		 "the log-in was used from two places at once and is void: "
		 "stop the other one, then gramline login",
		 DEAD},
	[TG_STATE_DEACTIVATED] = {"deactivated",
				  "the account was deleted: connect another "
				  "one",
				  DEAD},
	[TG_STATE_BANNED] = {"banned",
			     "Telegram has banned the account: appeal to "
			     "Telegram, or connect another one",
			     DEAD},
};

/* Code 0: as a kept reason only. */
static const struct {
	int code, other_code;
	const char *text;
	enum tg_state state;
} errors[] = {
	{401, 406, "AUTH_KEY_UNREGISTERED", TG_STATE_UNREGISTERED},
	{401, 406, "AUTH_KEY_INVALID", TG_STATE_UNREGISTERED},
	{401, 406, "AUTH_KEY_PERM_EMPTY", TG_STATE_UNREGISTERED},
	{406, 401, "AUTH_KEY_DUPLICATED", TG_STATE_DUPLICATED},
	{401, 406, "SESSION_REVOKED", TG_STATE_REVOKED},
	{401, 406, "SESSION_EXPIRED", TG_STATE_EXPIRED},
	{401, 406, "USER_DEACTIVATED", TG_STATE_DEACTIVATED},
	{401, 406, "USER_DEACTIVATED_BAN", TG_STATE_BANNED},
	{420, 406, "FROZEN_METHOD_INVALID", TG_STATE_FROZEN},
	{406, 400, "UPDATE_APP_TO_LOGIN", TG_STATE_UPDATE_APP},
	{400, 400, "API_ID_INVALID", TG_STATE_API_ID},
	{400, 400, "API_ID_PUBLISHED_FLOOD", TG_STATE_API_ID},
	{0, 0, "AUTH_KEY_UNKNOWN", TG_STATE_KEY_UNKNOWN},
	{0, 0, "LOGGED_OUT", TG_STATE_LOGGED_OUT},
};

const char *tg_state_name(enum tg_state state)
{
	return states[state].name;
}

const char *tg_state_text(enum tg_state state)
{
	return states[state].text;
}

bool tg_state_is_over(enum tg_state state)
{
	return states[state].kind == STOPPED || states[state].kind == DEAD;
}

bool tg_state_is_dead(enum tg_state state)
{
	return states[state].kind == DEAD;
}

bool tg_state_is_logged_in(enum tg_state state)
{
	return states[state].kind != DEAD && states[state].kind != WAITING;
}

bool tg_state_of_error(enum tg_state *state, int code, const char *text)
{
	for (size_t i = 0; code && i < sizeof(errors) / sizeof(*errors); i++) {
		if (strcmp(errors[i].text, text) != 0)
			continue;
		if (errors[i].code != code && errors[i].other_code != code)
			continue;
		*state = errors[i].state;
		return true;
	}
	return false;
}

bool tg_state_of_reason(enum tg_state *state, const char *reason)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		if (strcmp(errors[i].text, reason) != 0)
			continue;
		*state = errors[i].state;
		return true;
	}
	return false;
}
