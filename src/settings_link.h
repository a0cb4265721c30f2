/* How Telegram is reached: transport, IP version and proxy, from the sections
 * [telegram] and [proxy]. A part of settings.h. */
#ifndef SETTINGS_LINK_H
#define SETTINGS_LINK_H

#include "base/config.h"
#include "telegram/link.h"

/* -EINVAL with err->text. */
int settings_read_link(struct tg_link *link, struct config *c,
		       struct config_error *err);

#endif
