#include "call/cause.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* Header injection (behaviour 8.3): foreign text loses control characters and
 * is cut at 128 bytes. */
static void reason_set(struct call_cause *c, const char *text)
{
	text_strip(c->reason, sizeof(c->reason), bytes_str(text ? text : ""));
}

void call_cause_set(struct call_cause *c, enum cause_row row, const char *text)
{
	const struct cause_facts *f = cause_facts(row);

	*c = (struct call_cause){.row = row, .code = f->code, .hop = f->hop};
	if (row == CAUSE_FLOOD_WAIT) {
		c->retry_after_s =
			(unsigned)strtoul(text ? text : "", NULL, 10);
		snprintf(c->reason, sizeof(c->reason),
			 "Too Many Requests: retry after %u", c->retry_after_s);
	} else {
		reason_set(c, f->reason ? f->reason : text);
	}
}

void call_cause_remote(struct call_cause *c, int code, const char *reason)
{
	*c = (struct call_cause){
		.code = code, .remote = true, .hop = CAUSE_HOP_SIP};
	reason_set(c, reason);
	c->row = cause_passed(code, c->reason);
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
	static const char *const floods[] = {"FLOOD_WAIT_",
					     "FLOOD_PREMIUM_WAIT_",
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
	if (code == 408) {
		call_cause_set(c, CAUSE_RPC_TIMEOUT, NULL);
		c->unanswered = true;
	} else if (code == 401)
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
