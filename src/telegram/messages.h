/* Messages of private chats: what comes in, sending, editing, deleting
 * (telegram-wire C.3). Keyboards: markup.h; bots' queries: inline.h; files:
 * files.h.
 *
 * The account's loop. Functions copy what they are given before they return;
 * their handler runs exactly once, never inside the call. Errors of all:
 * -ENOTCONN, -ENOMEM, -EINVAL, -EPERM (not a feature of this account); the
 * handler does not run then. Telegram's own errors go to the handler untouched:
 * 420 FLOOD_WAIT_n is for the caller to wait or to tell. Texts are never
 * logged.
 */
#ifndef TELEGRAM_MESSAGES_H
#define TELEGRAM_MESSAGES_H

#include "telegram/account.h"
#include "telegram/markup.h"
#include "telegram/styled.h"

#define TG_TEXT_UNITS 4096
#define TG_CAPTION_UNITS 1024

/* -- what is read ---------------------------------------------------------- */

struct tg_document {
	int64_t id, access_hash;
	int dc_id; /* where it lies */
	int64_t size;
	struct bytes mime, name; /* name: as the sender says; may be empty */
	struct bytes reference;  /* expires; a new one comes with the message */
	bool voice;
	int duration_s;        /* of audio; 0: unknown */
	struct bytes waveform; /* packed, see voice.h */
};

/* Borrowed for the handler. */
struct tg_message {
	int32_t id;
	struct tg_user chat;  /* the other side; ourselves: saved messages */
	bool out;             /* sent by this account, here or elsewhere */
	int32_t date, edited; /* unix time; edited 0: never */
	int32_t reply_to;     /* id; 0: to none */
	int64_t via_bot;      /* whose inline result it is; 0: none */
	struct bytes text;    /* UTF-8; of a file its caption; may be empty */
	const struct tg_entity *entities;
	size_t entities_n;
	const struct tg_keyboard *keyboard; /* NULL: none */
	const struct tg_document *document; /* NULL: none */
	bool other_media; /* a photo, a place, ...: we do not read it */
};

/* A message that a user sent from a bot's inline results, as its bot names it.
 */
struct tg_inline_id {
	int dc_id;        /* the only one where it can be edited */
	int64_t owner_id; /* 0: of the older kind */
	int64_t id, access_hash;
};

enum tg_event_kind {
	TG_EVENT_MESSAGE, /* new, also our own */
	TG_EVENT_EDITED,
	TG_EVENT_DELETED,
	/* To bots only: */
	TG_EVENT_PRESSED,       /* answer with tg_press_answer() */
	TG_EVENT_INLINE_QUERY,  /* answer with tg_inline_answer() */
	TG_EVENT_INLINE_CHOSEN, /* a result of ours was sent */
};

/* Borrowed for the handler. Groups and channels, calls and other service
 * messages are left out. */
struct tg_event {
	enum tg_event_kind kind;
	struct tg_message message; /* MESSAGE, EDITED */
	const int32_t *ids;        /* DELETED; of any private chat */
	size_t ids_n;
	/* The bots' three: */
	int64_t query_id;    /* not of CHOSEN */
	struct tg_user from; /* who pressed, asks, sent */
	struct bytes data;   /* PRESSED: of the button */
	int32_t message_id;  /* PRESSED: in our chat with from; 0: see below */
	struct bytes text;   /* INLINE_*: the query */
	struct bytes offset; /* INLINE_QUERY: of the page wanted; or empty */
	struct bytes result; /* INLINE_CHOSEN: its id */
	bool has_inline_id;  /* PRESSED, CHOSEN: */
	struct tg_inline_id inline_id;
};

/* -- what is sent ---------------------------------------------------------- */

struct tg_draft {
	const char *text;      /* NULL in an edit: it stays */
	enum tg_format format; /* of text; Markdown unless said otherwise */
	const struct tg_keyboard *keyboard; /* of bots only; NULL: none */
	int32_t reply_to;
	bool silent, preview; /* preview: of the first address in the text */
	/* 0: drawn. One number is one message, however often it is sent. */
	int64_t random_id;
};

/* sent: id, date, chat; and what the answer holds of the rest. */
typedef void(tg_sent_h)(const struct mtp_error *err,
			const struct tg_message *sent, void *arg);
typedef void(tg_done_h)(const struct mtp_error *err, void *arg);
typedef void(tg_messages_h)(const struct mtp_error *err,
			    const struct tg_message *list, size_t n, void *arg);

/* A text. Repeated after a lost connection it is still one message: the answer
 * RANDOM_ID_DUPLICATE is turned into the message that is already there, and
 * is passed on only when that is not found. Also: -EMSGSIZE over 4096 UTF-16
 * units, for nothing is split; -EBADMSG, -EILSEQ as tg_styled_read(). Telegram:
 * 400 PEER_ID_INVALID, USER_IS_BLOCKED, 403 .. , 420. */
int tg_message_send(struct tg_account *a, const struct tg_user *to,
		    const struct tg_draft *draft, tg_sent_h *done, void *arg);
/* Changes one of ours. Without a keyboard in the draft a bot's message loses
 * the one it has. Telegram: 400 MESSAGE_NOT_MODIFIED, MESSAGE_ID_INVALID,
 * MESSAGE_EDIT_TIME_EXPIRED, 403 MESSAGE_AUTHOR_REQUIRED. */
int tg_message_edit(struct tg_account *a, const struct tg_user *chat,
		    int32_t id, const struct tg_draft *draft, tg_sent_h *done,
		    void *arg);
/* At most 100; those unknown are left out. for_all: at the other side, too. */
int tg_messages_delete(struct tg_account *a, const int32_t *ids, size_t n,
		       bool for_all, tg_done_h *done, void *arg);
/* By their ids, at most 100; those that are gone are left out. */
int tg_messages_get(struct tg_account *a, const int32_t *ids, size_t n,
		    tg_messages_h *done, void *arg);
/* Newest first, older than `before` (0: all), at most 100. Users only. */
int tg_messages_history(struct tg_account *a, const struct tg_user *chat,
			int32_t before, int limit, tg_messages_h *done,
			void *arg);
/* Marks as read up to max_id. Users only. */
int tg_messages_read(struct tg_account *a, const struct tg_user *chat,
		     int32_t max_id, tg_done_h *done, void *arg);

#endif
