/* What the readers of the configuration share. */
#ifndef SETTINGS_INTERNAL_H
#define SETTINGS_INTERNAL_H

#include "settings.h"

/* The key is there and not empty. */
int settings_require_text(struct config_section *s, const char *key,
			  struct config_error *err);
/* settings_guard.c */
int settings_guard_read(struct worker_conf *w, struct config_section *sip,
			struct config_error *err);
/* settings_trunk.c: every [trunk NAME]; the sessions are read already. */
int settings_trunks_read(struct settings *s, struct config *c,
			 struct config_error *err);

#endif
