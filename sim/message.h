/* Messages as they lie in one account's box, and the steps of pts that made
 * them so. A text between two users lies in both boxes under ids of their own;
 * `twin` leads from one to the other. Kept in the store. One thread.
 */
#ifndef SIM_MESSAGE_H
#define SIM_MESSAGE_H

#include <jansson.h>

#include "base/bytes.h"

struct sim_account;

struct sim_message {
	int32_t id;
	int64_t peer;
	bool outgoing;
	int32_t date, edited; /* 0: never edited */
	int32_t pts;
	int64_t random_id;
	int32_t twin; /* id in the peer's box; 0: none (any more) */
	int32_t reply_to;
	int64_t via_bot;
	char *text;          /* NULL: a service message about a call */
	struct buf entities; /* boxed textWithEntities without text, or empty */
	struct buf markup;   /* boxed replyInlineMarkup, or empty */
	int64_t document;    /* sim/document.h; 0: none */
	int64_t call_id;
	int call_reason; /* enum sim_reason */
	int32_t call_duration_s;
};

enum sim_event_kind {
	SIM_EVENT_NEW,
	SIM_EVENT_READ, /* a read mark moved */
	SIM_EVENT_EDIT,
	SIM_EVENT_DELETE,
};

/* One step of pts. */
struct sim_event {
	int32_t pts;
	enum sim_event_kind kind;
	int32_t message_id; /* not of READ */
	int64_t peer;
	bool outbox;    /* READ: which mark moved, */
	int32_t max_id; /* and where to */
};

struct sim_message *sim_account_message(const struct sim_account *a,
					int32_t id);
/* Takes the next id and the next pts; text and buffers are copied. NULL: no
 * memory. The result is valid until the next message of this account. */
struct sim_message *sim_account_message_add(struct sim_account *a,
					    const struct sim_message *m);
/* The message was changed: a step of pts. -ENOMEM. */
int sim_account_message_edited(struct sim_account *a, struct sim_message *m);
/* Removes it: a step of pts. -ENOMEM. */
int sim_account_message_drop(struct sim_account *a, struct sim_message *m);
/* Kept as it is, no step of pts. */
void sim_account_message_save(const struct sim_account *a,
			      const struct sim_message *m);
/* The step of a moved read mark. -ENOMEM. */
int sim_account_event_read(struct sim_account *a, int64_t peer, bool outbox,
			   int32_t max_id);
/* dst becomes a copy of src. -ENOMEM. */
int sim_buf_set(struct buf *dst, struct bytes src);
void sim_account_messages_free(struct sim_account *a);

/* Records of the store. */
void sim_account_message_load(const char *id, const json_t *o, void *world);
void sim_account_event_load(const char *id, const json_t *o, void *world);

#endif
