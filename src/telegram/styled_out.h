/* What the readers of formats share. */
#ifndef TELEGRAM_STYLED_OUT_H
#define TELEGRAM_STYLED_OUT_H

#include "telegram/styled.h"

void styled_put(struct tg_styled *s, struct bytes text);
/* NULL: there are too many; styled_close() and styled_link() take it. */
struct tg_entity *styled_open(struct tg_styled *s, enum tg_style style);
void styled_close(struct tg_styled *s, struct tg_entity *e);
/* It is a link to there, or a mention. */
void styled_link(struct tg_styled *s, struct tg_entity *e,
		 struct bytes address);

/* styled_html.c: -EBADMSG. */
int styled_html_read(struct tg_styled *s, struct bytes source);

#endif
