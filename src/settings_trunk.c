/* [trunk NAME]: every key is a setting of the table in route/trunk_table.c. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "media/codec.h"
#include "settings_internal.h"

static bool session_known(const struct settings *s, const char *name)
{
	for (size_t i = 0; i < s->sessions_n; i++)
		if (strcmp(s->sessions[i], name) == 0)
			return true;
	return false;
}

bool settings_codec_built(const char *name)
{
	return media_codec_by_setting(name) != NULL;
}

/* At the line of the key, or of the section when that does not have it. */
static int fail_at(struct config_section *x, const struct trunk_fault *f,
		   struct config_error *err)
{
	return config_fail(x, f->key, 0, err, "%s", f->why);
}

/* Unknown keys are left to config_unused(). */
static int read_settings(struct trunk *t, struct config_section *x,
			 struct config_error *err)
{
	const struct trunk_setting *row;
	struct trunk_fault f;

	for (size_t i = 0; (row = trunk_setting(i)); i++) {
		const char *value = config_value(x, row->key, 0);

		if (config_value(x, row->key, 1))
			return config_fail(x, row->key, 1, err,
					   "given already");
		if (value && trunk_set(t, row->key, value, &f))
			return fail_at(x, &f, err);
	}
	return 0;
}

static int read_trunk(const struct settings *s, struct trunk *t,
		      struct config_section *x, struct config_error *err)
{
	struct trunk_fault f;
	int fail;

	if (trunk_init(t, x->name, &f))
		return fail_at(x, &f, err);
	fail = read_settings(t, x, err);
	if (fail)
		return fail;
	if (trunk_check(t, settings_codec_built, &f))
		return fail_at(x, &f, err);
	if (trunk_doubtful(t, &f))
		log_warn("settings", t->name, "%s", f.why);
	if (!session_known(s, t->session))
		return config_fail(x, "session", 0, err,
				   "there is no [session %s]", t->session);
	for (size_t i = 0; i < s->trunks_n; i++)
		if (trunk_clash(t, &s->trunks[i], &f))
			return fail_at(x, &f, err);
	return 0;
}

int settings_trunks_read(struct settings *s, struct config *c,
			 struct config_error *err)
{
	struct config_section *x;
	size_t n = 0;

	while (config_section(c, "trunk", n))
		n++;
	s->trunks = calloc(n + 1, sizeof(*s->trunks));
	if (!s->trunks)
		return -ENOMEM;
	for (size_t i = 0; (x = config_section(c, "trunk", i)); i++) {
		int fail = read_trunk(s, &s->trunks[s->trunks_n], x, err);

		if (fail)
			return fail;
		s->trunks_n++;
	}
	return 0;
}
