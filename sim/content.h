/* What a message may hold: text with its length in UTF-16 units, entities
 * within it, and the inline keyboards of bots. Strict: refused with Telegram's
 * own errors. A value with one owner; one thread.
 */
#ifndef SIM_CONTENT_H
#define SIM_CONTENT_H

#include "sim/fault.h"
#include "sim/message.h"
#include "tl/tl.h"

enum {
	SIM_TEXT_UNITS = 4096,
	SIM_CAPTION_UNITS = 1024,
};

struct sim_content {
	char *text;
	struct buf entities, markup; /* as in struct sim_message */
};

/* Where a constructor keeps these; -1: it has none. */
struct sim_content_fields {
	int message, entities, markup;
};

void sim_content_clear(struct sim_content *c);
/* From o; units: the longest text. The caller clears c in any case. */
const struct sim_fault *sim_content_read(struct sim_content *c,
					 const struct sim_account *author,
					 const struct tl_obj *o,
					 const struct sim_content_fields *f,
					 int units);
/* What o does not name stays as m has it, but for the keyboard. */
void sim_content_keep(struct sim_content *c, const struct sim_message *m);
bool sim_content_is(const struct sim_content *c, const struct sim_message *m);
/* m takes the content over. */
void sim_content_move(struct sim_message *m, struct sim_content *c);

/* Entities and keyboard as TL; NULL when there are none. */
void sim_content_put_entities(struct tl_arena *a, struct tl_obj *o, int field,
			      const struct buf *entities);
struct tl_obj *sim_content_markup(struct tl_arena *a, const struct buf *markup);
/* A callback button with this data stands on the keyboard. */
bool sim_content_has_button(const struct buf *markup, struct bytes data);

#endif
