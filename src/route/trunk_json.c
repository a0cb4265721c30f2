#include "route/trunk_json.h"

#include <errno.h>
#include <stdio.h>

#include "base/bytes.h"

json_t *trunk_json(const struct trunk *t, enum trunk_json_part part)
{
	const struct trunk_setting *row;
	json_t *o = json_object();
	char text[1024];

	for (size_t i = 0; o && (row = trunk_setting(i)); i++) {
		unsigned of =
			row->secret ? TRUNK_JSON_SECRETS : TRUNK_JSON_PLAIN;

		if (!(part & of) || !trunk_is_given(t, row->key) ||
		    trunk_get(t, row->key, text, sizeof(text)))
			continue;
		if (json_object_set_new(o, row->key, json_string(text))) {
			json_decref(o);
			o = NULL;
		}
	}
	bytes_wipe(text, sizeof(text));
	return o;
}

int trunk_json_read(struct trunk *t, json_t *o, struct trunk_fault *f)
{
	struct trunk_fault one;
	const char *key;
	json_t *value;
	int first = 0;

	json_object_foreach(o, key, value)
	{
		const char *text = json_string_value(value);
		int err;

		if (text) {
			err = trunk_set(t, key, text, &one);
		} else {
			const struct trunk_setting *row =
				trunk_setting_find(key);

			err = -EINVAL;
			one.key = row ? row->key : NULL;
			snprintf(one.why, sizeof(one.why),
				 "the value of %.64s is no text", key);
		}
		if (err && !first) {
			first = err;
			*f = one;
		}
	}
	return first;
}
