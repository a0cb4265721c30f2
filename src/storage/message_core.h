/* What the files of message requests share: a request, and messages as JSON.
 * Numbers of 64 bits are text: they do not survive every JSON reader. */
#ifndef STORAGE_MESSAGE_CORE_H
#define STORAGE_MESSAGE_CORE_H

#include <jansson.h>

#include "storage/internal.h"
#include "telegram/files.h"
#include "telegram/inline.h"

/* One request; answered once, which frees it. */
struct message_request {
	struct storage *storage;
	struct session *session;
	char *inbox;
	json_t *q;
	struct tg_user to, bot;
	int (*run)(struct message_request *r); /* when the peers are known */
};

void message_reply(struct message_request *r, json_t *body); /* takes body */
void message_failed(struct message_request *r, int code, const char *text);
/* A function of telegram/ did not begin. */
void message_refused(struct message_request *r, int err);
/* Handlers of telegram/. */
void message_on_sent(const struct mtp_error *err, const struct tg_message *sent,
		     void *arg);
void message_on_done(const struct mtp_error *err, void *arg);

/* message_json.c */
json_t *message_json(const struct tg_message *m);
json_t *event_json(const struct tg_event *e);
int64_t id_of(json_t *o, const char *key);
int int_of(json_t *o, const char *key, int otherwise);
/* "dc/owner/id/hash" */
bool inline_id_of(struct tg_inline_id *id, const char *text);
/* A keyboard as JSON: [[{text, data | url}, ..], ..]. Owned. */
struct draft_json {
	struct tg_draft draft;
	struct tg_keyboard keyboard;
	struct tg_row *rows;
	struct tg_button *buttons;
	uint8_t (*data)[TG_BUTTON_DATA_MAX]; /* of buttons, undone from hex */
};
/* {text, format, keyboard, reply_to, silent, preview, random}; text_key: where
 * the text stands. -EINVAL; the caller clears d in any case. */
int draft_of(struct draft_json *d, json_t *o, const char *text_key);
void draft_clear(struct draft_json *d);
/* A button's bytes: text, or "hex:" and digits for what is none. */
struct bytes button_data_of(json_t *o, uint8_t room[TG_BUTTON_DATA_MAX]);

/* files.c */
int file_send_run(struct message_request *r);
int file_receive_run(struct message_request *r);
/* events.c */
int events_run(struct message_request *r);

#endif
