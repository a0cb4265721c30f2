#include "service/words.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/text.h"

/* Takes one word off the text: 1, 0 at its end, -EINVAL for an open quote. */
static int word_next(const char **at, struct buf *word)
{
	bool quoted = false;

	buf_reset(word);
	while (**at == ' ')
		(*at)++;
	if (!**at)
		return 0;
	for (; **at && (quoted || **at != ' '); (*at)++) {
		char e = **at == '\\' ? text_unescaped((*at)[1], quoted) : 0;

		if (e) {
			buf_u8(word, (uint8_t)e);
			(*at)++;
		} else if (**at == '"') {
			quoted = !quoted;
		} else {
			buf_u8(word, (uint8_t) * *at);
		}
	}
	return quoted ? -EINVAL : 1;
}

static int setting_put(json_t *settings, const char *word,
		       char why[SERVICE_WHY])
{
	const char *equal = strchr(word, '=');
	char key[64];

	if (!equal || equal == word || (size_t)(equal - word) >= sizeof(key)) {
		snprintf(why, SERVICE_WHY, "KEY=VALUE is expected, not %.64s",
			 word);
		return -EINVAL;
	}
	snprintf(key, sizeof(key), "%.*s", (int)(equal - word), word);
	if (json_object_get(settings, key)) {
		snprintf(why, SERVICE_WHY, "%s is given twice", key);
		return -EINVAL;
	}
	if (json_object_set_new(settings, key, json_string(equal + 1))) {
		snprintf(why, SERVICE_WHY, "%s: not UTF-8", key);
		return -EINVAL;
	}
	return 0;
}

int words_take(json_t *o, const char *const needs[2], bool settings,
	       const char *text, char why[SERVICE_WHY])
{
	json_t *given = json_object();
	struct buf word;
	int more, err = 0;

	buf_init(&word);
	*why = '\0';
	for (size_t i = 0; !err && (more = word_next(&text, &word)); i++) {
		if (more < 0) {
			snprintf(why, SERVICE_WHY, "the quote is not closed");
			err = more;
		} else if (i < 2 && needs[i]) {
			(void)json_object_set_new(o, needs[i],
						  json_string(buf_cstr(&word)));
		} else {
			if (!settings)
				err = -EINVAL;
			else
				err = setting_put(given, buf_cstr(&word), why);
			i = 2;
		}
	}
	if (!err && json_object_size(given))
		err = json_object_set(o, "settings", given) ? -EINVAL : 0;
	json_decref(given);
	buf_clear(&word);
	return err;
}
