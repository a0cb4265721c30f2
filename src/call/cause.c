#include "call/cause.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static const struct {
	int code;
	const char *reason; /* NULL: taken from the text */
	enum cause_hop hop;
} rows[CAUSE_ROWS] = {
	[CAUSE_NORMAL] = {200, "OK", CAUSE_HOP_GATEWAY},
	[CAUSE_UNAUTHORIZED] = {401, "Unauthorized", CAUSE_HOP_GATEWAY},
	[CAUSE_WRONG_PASSWORD] = {403, "Wrong password", CAUSE_HOP_GATEWAY},
	[CAUSE_SESSION_INACTIVE] = {403, "Telegram session is inactive",
				    CAUSE_HOP_GATEWAY},
	[CAUSE_PRIVACY_RESTRICTED] = {403, "USER_PRIVACY_RESTRICTED",
				      CAUSE_HOP_TELEGRAM},
	[CAUSE_PRIVACY_PREMIUM] = {403, "PRIVACY_PREMIUM_REQUIRED",
				   CAUSE_HOP_TELEGRAM},
	[CAUSE_ROUTE_NOT_FOUND] = {404, "Route not found", CAUSE_HOP_GATEWAY},
	[CAUSE_NOT_FOUND] = {404, "Not Found", CAUSE_HOP_TELEGRAM},
	[CAUSE_CHAT_NOT_FOUND] = {404, "Chat not found", CAUSE_HOP_TELEGRAM},
	[CAUSE_USERNAME_NOT_OCCUPIED] = {404, "USERNAME_NOT_OCCUPIED",
					 CAUSE_HOP_TELEGRAM},
	[CAUSE_REGISTER_FIRST] = {405, "REGISTER is required first",
				  CAUSE_HOP_GATEWAY},
	[CAUSE_REQUEST_TIMEOUT] = {408, "Request Timeout", CAUSE_HOP_SIP},
	[CAUSE_RPC_TIMEOUT] = {408, "Timeout of waiting RPC result",
			       CAUSE_HOP_TELEGRAM},
	[CAUSE_ANONYMOUS_USER] = {470, "Anonymous user", CAUSE_HOP_TELEGRAM},
	[CAUSE_UNAVAILABLE] = {480, "Temporarily Unavailable",
			       CAUSE_HOP_TELEGRAM},
	[CAUSE_NO_RESOURCES] = {480, "Temporarily Unavailable",
				CAUSE_HOP_GATEWAY},
	[CAUSE_CALLER_IS_GATEWAY] = {482, "Caller has active gateway accounts",
				     CAUSE_HOP_GATEWAY},
	[CAUSE_BUSY] = {486, "Busy Here", CAUSE_HOP_TELEGRAM},
	[CAUSE_DECLINED] = {486, "User declined the call", CAUSE_HOP_TELEGRAM},
	[CAUSE_TELEGRAM_ERROR] = {500, NULL, CAUSE_HOP_TELEGRAM},
	[CAUSE_NO_MANAGER] = {503, "No response from Manager",
			      CAUSE_HOP_GATEWAY},
	[CAUSE_ACCOUNT_NOT_RUNNING] = {503, "Account is not running",
				       CAUSE_HOP_GATEWAY},
	[CAUSE_SESSION_NOT_RUNNING] = {503, "Session is not running",
				       CAUSE_HOP_TELEGRAM},
	[CAUSE_STORAGE_UNAVAILABLE] = {503, "Telegram storage is unavailable",
				       CAUSE_HOP_GATEWAY},
	[CAUSE_FLOOD_WAIT] = {503, NULL, CAUSE_HOP_TELEGRAM},
	[CAUSE_PEER_FLOOD] = {503, "PEER_FLOOD", CAUSE_HOP_TELEGRAM},
	[CAUSE_WORKER_NOT_READY] = {503, "Worker is not ready",
				    CAUSE_HOP_GATEWAY},
	[CAUSE_SIP_UNAVAILABLE] = {503, "SIP account is unavailable",
				   CAUSE_HOP_SIP},
	[CAUSE_WORKER_UNAVAILABLE] = {503, "Worker is unavailable",
				      CAUSE_HOP_GATEWAY},
	[CAUSE_NOT_ACCEPTABLE] = {488, "Not Acceptable Here",
				  CAUSE_HOP_GATEWAY},
	[CAUSE_CANCELLED] = {487, "Request Terminated", CAUSE_HOP_SIP},
};

/* Header injection (behaviour 8.3): foreign text loses control characters and
 * is cut at 128 bytes. */
static void reason_set(struct call_cause *c, const char *text)
{
	text_strip(c->reason, sizeof(c->reason), bytes_str(text ? text : ""));
}

void call_cause_set(struct call_cause *c, enum cause_row row, const char *text)
{
	*c = (struct call_cause){.code = rows[row].code, .hop = rows[row].hop};
	if (row == CAUSE_FLOOD_WAIT) {
		c->retry_after_s =
			(unsigned)strtoul(text ? text : "", NULL, 10);
		snprintf(c->reason, sizeof(c->reason),
			 "Too Many Requests: retry after %u", c->retry_after_s);
	} else {
		reason_set(c, rows[row].reason ? rows[row].reason : text);
	}
}

void call_cause_remote(struct call_cause *c, int code, const char *reason)
{
	*c = (struct call_cause){
		.code = code, .remote = true, .hop = CAUSE_HOP_SIP};
	reason_set(c, reason);
}

/* Texts that decide by themselves, whatever code they come with. */
static const struct {
	const char *text;
	enum cause_row row;
} telegram_texts[] = {
	{"USER_PRIVACY_RESTRICTED", CAUSE_PRIVACY_RESTRICTED},
	{"PRIVACY_PREMIUM_REQUIRED", CAUSE_PRIVACY_PREMIUM},
	{"USERNAME_NOT_OCCUPIED", CAUSE_USERNAME_NOT_OCCUPIED},
	{"USERNAME_INVALID", CAUSE_USERNAME_NOT_OCCUPIED},
	{"PHONE_NOT_OCCUPIED", CAUSE_NOT_FOUND},
	{"Chat not found", CAUSE_CHAT_NOT_FOUND},
	{"User not found", CAUSE_CHAT_NOT_FOUND},
	{"PEER_ID_INVALID", CAUSE_ANONYMOUS_USER},
	{"USER_ID_INVALID", CAUSE_CHAT_NOT_FOUND},
	{"PEER_FLOOD", CAUSE_PEER_FLOOD},
};

void call_cause_telegram_error(struct call_cause *c, int code, const char *text)
{
	/* Row 46; a slow chat refuses no calls. */
	static const char *const floods[] = {
		"FLOOD_WAIT_", "FLOOD_PREMIUM_WAIT_",
		"Too Many Requests: retry after "};

	for (size_t i = 0; i < sizeof(telegram_texts) / sizeof(*telegram_texts);
	     i++) {
		if (strcmp(telegram_texts[i].text, text) == 0) {
			call_cause_set(c, telegram_texts[i].row, NULL);
			c->remote = true;
			return;
		}
	}
	for (size_t i = 0; i < sizeof(floods) / sizeof(*floods); i++) {
		size_t n = strlen(floods[i]);

		if (strncmp(text, floods[i], n) != 0)
			continue;
		call_cause_set(c, CAUSE_FLOOD_WAIT, text + n);
		c->remote = code > 0;
		return;
	}
	if (code == 408)
		call_cause_set(c, CAUSE_RPC_TIMEOUT, NULL);
	else if (code == 401)
		call_cause_set(c, CAUSE_SESSION_NOT_RUNNING, NULL);
	else
		call_cause_set(c, CAUSE_TELEGRAM_ERROR, text);
	c->remote = code != 408 && code > 0;
}

void call_cause_telegram_discard(struct call_cause *c, const char *reason,
				 bool was_ringing, bool was_active)
{
	enum cause_row row;

	if (was_active && strcmp(reason, "disconnect") != 0)
		row = CAUSE_NORMAL;
	else if (strcmp(reason, "busy") == 0)
		row = was_ringing ? CAUSE_DECLINED : CAUSE_BUSY;
	else if (strcmp(reason, "hangup") == 0)
		row = CAUSE_DECLINED;
	else if (strcmp(reason, "disconnect") == 0)
		row = CAUSE_TELEGRAM_ERROR;
	else
		row = CAUSE_UNAVAILABLE;
	/* behaviour 8.1 row 39: "500 with Telegram's own text". Before the
	 * key exchange there was no media that could fail. */
	call_cause_set(c, row,
		       was_active ? "Telegram media connection failed"
				  : "Disconnect");
	c->remote = true;
	if (row == CAUSE_NORMAL)
		c->hop = CAUSE_HOP_TELEGRAM;
}

const char *call_cause_hop_name(enum cause_hop hop)
{
	static const char *const names[] = {"gateway", "sip", "telegram"};

	return names[hop];
}
