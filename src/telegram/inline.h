/* Bots: buttons that users press, inline queries, and results that a user
 * sends into a chat, which its bot can edit (telegram-wire C.3; for a keypad in
 * a chat: behaviour 3.11).
 *
 *   user: tg_inline_ask() -> results -> tg_inline_send()       tg_press()
 *   bot:  EVENT_INLINE_QUERY -> tg_inline_answer()      EVENT_PRESSED
 *         EVENT_INLINE_CHOSEN -> tg_inline_edit()       -> tg_press_answer()
 *
 * A bot has a few seconds for each answer. Rules of messages.h.
 */
#ifndef TELEGRAM_INLINE_H
#define TELEGRAM_INLINE_H

#include "telegram/messages.h"

#define TG_RESULTS_MAX 50
#define TG_RESULT_ID_MAX 64

/* -- as a bot -------------------------------------------------------------- */

/* text: shown to who pressed, at most 200 characters; NULL: nothing. alert: in
 * a box that must be closed. cache_s: for so long the user's app asks no more.
 * Telegram: 400 QUERY_ID_INVALID, too late. */
int tg_press_answer(struct tg_account *a, int64_t query_id, const char *text,
		    bool alert, int cache_s, tg_done_h *done, void *arg);

/* One offered text. id: 1..64 bytes, unlike the others'. */
struct tg_result {
	const char *id, *title, *description; /* description: NULL, none */
	struct tg_draft draft; /* its text, format, keyboard, preview */
};

/* At most 50; cache_s: how long Telegram may give the same to others, or with
 * personal to the same user only. -EMSGSIZE, -EBADMSG, -EILSEQ: a draft, as
 * tg_message_send(). Telegram: QUERY_ID_INVALID. */
int tg_inline_answer(struct tg_account *a, int64_t query_id,
		     const struct tg_result *results, size_t n, int cache_s,
		     bool personal, tg_done_h *done, void *arg);
/* Runs on the message's data centre. As tg_message_edit(). */
int tg_inline_edit(struct tg_account *a, const struct tg_inline_id *id,
		   const struct tg_draft *draft, tg_done_h *done, void *arg);

struct tg_command {
	const char *name, *description; /* name: without the slash */
};
/* What the bot's menu shows, at most 100. */
int tg_bot_commands(struct tg_account *a, const struct tg_command *list,
		    size_t n, tg_done_h *done, void *arg);

/* -- as a user ------------------------------------------------------------- */

struct tg_alert {
	struct bytes text, url; /* may be empty */
	bool alert;
};
typedef void(tg_alert_h)(const struct mtp_error *err,
			 const struct tg_alert *alert, void *arg);
/* Telegram: 400 BOT_RESPONSE_TIMEOUT, DATA_INVALID, MESSAGE_ID_INVALID. */
int tg_press(struct tg_account *a, const struct tg_user *chat,
	     int32_t message_id, struct bytes data, tg_alert_h *done,
	     void *arg);

/* Borrowed for the handler. */
struct tg_offer {
	struct bytes id, type, title, description;
};
struct tg_offers {
	int64_t query_id; /* good for a few minutes */
	struct bytes next_offset;
	const struct tg_offer *list;
	size_t n;
};
typedef void(tg_offers_h)(const struct mtp_error *err,
			  const struct tg_offers *offers, void *arg);
/* chat: where a result will be sent. offset: "" or next_offset. Telegram: 400
 * BOT_INLINE_DISABLED, BOT_RESPONSE_TIMEOUT. */
int tg_inline_ask(struct tg_account *a, const struct tg_user *bot,
		  const struct tg_user *chat, const char *query,
		  const char *offset, tg_offers_h *done, void *arg);
/* random_id: as in a draft. -EMSGSIZE: the result's id is too long. Telegram:
 * 400 QUERY_ID_INVALID, RESULT_ID_INVALID. */
int tg_inline_send(struct tg_account *a, const struct tg_user *bot,
		   const struct tg_user *chat, int64_t query_id,
		   struct bytes result, int64_t random_id, tg_sent_h *done,
		   void *arg);

#endif
